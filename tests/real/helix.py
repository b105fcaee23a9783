"""Helix, with the settings of editors/README.md word for word, in a terminal: its completion menu and its code actions."""

import re

from programs import expect_python, expect_rust
from readme import settings
from terminal import wait_for
from texts import PYTHON_ADD, PYTHON_COMMENT, RUST_AREA

ACTION = "Write the function this comment describes"


class Session:
    """A Helix in a terminal with a file open."""

    def __init__(self, terminal, name, text):
        self.terminal = terminal
        self.path = terminal.write(name, text)
        self.log = terminal.folder / "helix.log"
        config = terminal.home / ".config" / "helix"
        config.mkdir()
        (config / "languages.toml").write_text(settings("toml", "[language-server.infill-ls]"))
        (config / "config.toml").write_text(settings("toml", "[editor]"))
        terminal.start("hx", "-vv", "--log", self.log, name)
        terminal.wait_for_text(name, 30)
        wait_for("the server to be ready", self.is_ready, 120)

    def is_ready(self):
        """Returns whether the server has told Helix, which logs it, that the model is there."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return re.search(r'infill/status.*?"state":\s*"ready"', text)

    def saves(self):
        """Returns how often Helix has told the server that the file was saved: it does so when all of it is written."""
        return self.log.read_text(errors="replace").count('"method":"textDocument/didSave"')

    def save(self):
        """Saves, and waits until Helix says so: meanwhile the file is moved away, then empty, then part of it."""
        before = self.saves()
        if " INS " in self.terminal.screen():
            # Typed at once, Escape and the next key would be Alt and that key.
            self.terminal.keys("Escape")
            self.terminal.wait_for_text(" NOR ", 20)
        self.terminal.type(":write\r")
        wait_for("the file to be saved", lambda: self.saves() > before, 20)


def rows_below(terminal, row):
    """Returns the screen below a line of the file (from 1), without the status line and the message line."""
    return terminal.screen().splitlines()[row:-2]


def accept_item(terminal, row, typed, ask=()):
    """Types at the end of a line, waits for the completion menu and accepts its first item, taking a picture."""
    terminal.type(f"{row}ggA")
    terminal.wait_for_text(" INS ", 20)
    before = rows_below(terminal, row)
    terminal.type(typed)
    if ask:
        terminal.keys(*ask)
    wait_for("the completion menu", lambda: rows_below(terminal, row) != before)
    terminal.keys("C-n")
    wait_for("the item in the text", lambda: not terminal.screen().splitlines()[row - 1].rstrip().endswith(typed))
    terminal.picture("1-menu")
    terminal.keys("Enter")


def helix_python_item(terminal):
    """The completion item is offered while a Python function is typed, and accepted; the program is right."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    accept_item(terminal, 2, "    return a")
    session.save()
    expect_python(session.path, "5")


def helix_rust_item(terminal):
    """The same in Rust, with the menu asked for where Helix would not open it by itself."""
    session = Session(terminal, "area.rs", RUST_AREA)
    accept_item(terminal, 3, "    return width", ask=["C-x"])
    session.save()
    expect_rust(session.path, "12")


def helix_python_write_function(terminal):
    """The code action writes a function from its comment, and the function passes the calls in the file."""
    session = Session(terminal, "even.py", PYTHON_COMMENT)
    terminal.type("gg")
    terminal.type(" a")
    terminal.wait_for_text(ACTION)
    terminal.picture("1-menu")
    terminal.keys("Enter")
    terminal.wait_for_text("def ")
    terminal.picture("2-written")
    session.save()
    expect_python(session.path, "True False")


TESTS = [helix_python_item, helix_rust_item, helix_python_write_function]
for test in TESTS:
    test.limit = 180
