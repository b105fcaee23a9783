"""From nothing to ghost text by the README alone, counted: what a new user types, in a home with nothing in it. The program is
built and the model is there, since waiting is no work."""

from programs import expect_python
from terminal import Failure, wait_for
from texts import PYTHON_ADD

MOST_COMMANDS = 3


def neovim_first_run(terminal):
    """`infill-ls setup nvim --write`, a yes, and Neovim: ghost text."""
    path = terminal.write("add.py", PYTHON_ADD)
    terminal.start("bash", "--norc", "--noprofile")
    terminal.wait_for_text("bash", 10)
    # The first was `cargo install --path .`.
    commands = ["infill-ls setup nvim --write", "nvim add.py"]
    terminal.type(commands[0] + "\r")
    terminal.wait_for_text("[y/N]", 20)
    terminal.type("y\r")
    terminal.wait_for_text("ghost text appears", 20)
    terminal.picture("1-set-up")
    terminal.type("clear\r" + commands[1] + "\r")
    terminal.wait_for_text("def add", 20)
    terminal.wait_for_text("infill", 20)
    # The loading of the model is not counted.
    wait_for("the model", lambda: terminal.type(":Infill status\r") or "infill: ready" in terminal.screen(), 60)
    terminal.type("jA    return a")
    terminal.wait_for_text("return a + b", 30)
    terminal.picture("2-ghost-text")
    terminal.type("\t")
    terminal.keys("Escape")
    wait_for("normal mode", lambda: "INSERT" not in terminal.screen(), 10)
    terminal.type(":wq\r")
    wait_for("the file", lambda: "a + b" in path.read_text(encoding="utf-8"), 10)
    expect_python(path, "5")
    if len(commands) + 1 > MOST_COMMANDS:
        raise Failure(f"it takes {commands}")


TESTS = [neovim_first_run]
for test in TESTS:
    test.limit = 120
