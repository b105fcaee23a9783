"""Helix, with the settings of editors/README.md word for word, in a terminal: its completion menu and its code actions."""

import re

from programs import expect_python, expect_rust
from terminal import REPOSITORY, Failure, wait_for

from neovim import PYTHON_ADD, PYTHON_COMMENT, RUST_SQUARE

ACTION = "Write the function this comment describes"


def settings(first_line):
    """Returns the block of settings in editors/README.md that begins with this line."""
    text = (REPOSITORY / "editors" / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if block.startswith(first_line):
            return block
    raise Failure(f"editors/README.md has no settings that begin with {first_line}")


class Session:
    """A Helix in a terminal with a file open."""

    def __init__(self, terminal, name, text):
        self.terminal = terminal
        self.path = terminal.write(name, text)
        self.log = terminal.folder / "helix.log"
        config = terminal.home / ".config" / "helix"
        config.mkdir()
        (config / "languages.toml").write_text(settings("[language-server.infill-ls]"))
        (config / "config.toml").write_text(settings("[editor]"))
        terminal.start("hx", "-vv", "--log", self.log, name)
        terminal.wait_for_text(name, 30)
        wait_for("the server to be ready", self.is_ready, 120)

    def is_ready(self):
        return self.log.exists() and "infill/status" in self.log.read_text(errors="replace")

    def save(self):
        """Saves, and waits until the file is what the screen shows."""
        before = self.path.stat().st_mtime_ns
        self.terminal.keys("Escape")
        self.terminal.type(":write\r")
        wait_for("the file to be saved", lambda: self.path.stat().st_mtime_ns != before, 20)


def menu_item(terminal, typed):
    """Waits for the item in the completion menu, which repeats what was typed and goes on; returns its line."""

    def find():
        return [line for line in terminal.screen().splitlines() if typed in line]

    return wait_for("an item in the completion menu", find)


def complete(terminal, session, row, typed):
    terminal.type(f"{row}gA" if False else f"{row}g")
    terminal.type("A" + typed)
    before = terminal.screen()
    return before


TESTS = []
