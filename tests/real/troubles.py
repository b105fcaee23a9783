"""What Neovim's user is told when all is not well: the server killed, the model not there yet or not to be had, and each
silence. Nobody is left wondering."""

import os
import re
import signal
from pathlib import Path

from hub import Hub
from neovim import Session, set_up
from terminal import Failure, REPOSITORY, wait_for
from texts import PYTHON_ADD


def servers(terminal):
    """Returns the process ids of the servers in this terminal, as they are outside."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            is_ours = str(terminal.home).encode() in (process / "environ").read_bytes()
        except OSError:
            continue
        if is_ours and command[0].endswith(b"infill-ls") and b"serve" in command:
            found.append(int(process.name))
    return found


def kill_server(terminal):
    """Kills the one server, and returns its process id when it is gone."""
    (server,) = wait_for("one server", lambda: len(found := servers(terminal)) == 1 and found, 20)
    os.kill(server, signal.SIGKILL)
    wait_for("its end", lambda: server not in servers(terminal), 20)
    return server


def neovim_server_killed(terminal):
    """A killed server is started again, the user is told, and the new one knows what was typed."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    session.insert_at_end_of(2, "    return a")
    session.suggestion()
    terminal.type(" +")
    session.settle()
    first = kill_server(terminal)
    terminal.wait_for_text("stopped by itself and is started again (1 of 4)", 20)
    terminal.picture("1-told")
    wait_for("the new server", session.is_ready, 60)
    if servers(terminal) == [first]:
        raise Failure("there is no new server")
    terminal.type(" ")
    session.suggestion()
    terminal.picture("2-goes-on")


def neovim_server_keeps_dying(terminal):
    """One that cannot stay alive is left alone, which the status line says until it is started by hand."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    for _ in range(5):
        wait_for("the server", session.is_ready, 60)
        kill_server(terminal)
    terminal.wait_for_text("infill: failed", 20)
    terminal.picture("1-left-alone")
    terminal.type(":Infill status\r")
    terminal.wait_for_text("the server stopped 5 times in 3 minutes")
    terminal.type(":Infill restart\r")
    session.settle()
    wait_for("the server", session.is_ready, 60)
    session.insert_at_end_of(2, "    return a")
    session.suggestion()


def neovim_first_start(terminal):
    """The model is not there: the status line shows how far it is, and when it is there, there is ghost text."""
    hub = Hub(seconds=6)
    environment = {"INFILL_LS_CACHE": terminal.folder / "empty", "HF_ENDPOINT": hub.endpoint}
    config = "".join(f"vim.env.{name} = '{value}'\n" for name, value in environment.items()) + set_up()
    try:
        session = Session(terminal, "add.py", PYTHON_ADD, config, waits=False)
        wait_for("the per cent", lambda: re.search(r"infill: \d+ %", terminal.screen()), 60)
        terminal.picture("1-fetching")
        session.insert_at_end_of(2, "    return a")
        terminal.type(" ")
        session.settle()
        if session.ghost_text():
            raise Failure("there is ghost text without a model")
        session.leave_insert_mode()
        terminal.type(":Infill status\r")
        terminal.wait_for_text("infill: loading", 20)
        terminal.picture("2-status")
        wait_for("the model", session.is_ready, 100)
    finally:
        hub.close()
    terminal.type("A+")
    session.suggestion()
    terminal.picture("3-ready")


def neovim_no_model(terminal):
    """A model that is not there and not to be had: the status line and the status say so."""
    config = set_up().replace(".setup()", ".setup({ settings = { model = '/nowhere/model.gguf' } })")
    session = Session(terminal, "add.py", PYTHON_ADD, config, waits=False)
    terminal.wait_for_text("infill: failed", 30)
    terminal.type(":Infill status\r")
    terminal.wait_for_text("/nowhere/model.gguf")
    terminal.picture("1-status")
    if session.ghost_text():
        raise Failure("there is ghost text without a model")


def neovim_no_program(terminal):
    """No server program: how to get it is said once, and on demand."""
    path = f"vim.opt.runtimepath:prepend('{REPOSITORY}/editors/nvim')\n"
    config = path + "require('infill').setup({ binary = '/nowhere/infill-ls' })\n"
    Session(terminal, "add.py", PYTHON_ADD, config, waits=False)
    terminal.wait_for_text("infill-ls was not found", 20)
    terminal.wait_for_text("infill: failed", 20)
    terminal.picture("1-how-to-get-it")


def neovim_model(terminal):
    """:Infill model lists the catalogue with sizes; the chosen one is in use, and there is ghost text."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    terminal.type(":Infill model\r")
    terminal.wait_for_text("Apache-2.0", 20)
    terminal.wait_for_text("1: qwen2.5-coder-0.5b-instruct, 491 MB")
    terminal.picture("1-models")
    before = servers(terminal)
    terminal.type("1\r")
    wait_for("a new server", lambda: (now := servers(terminal)) and not set(now) & set(before), 30)
    wait_for("the model", session.is_ready, 60)
    session.insert_at_end_of(2, "    return a")
    session.suggestion()


TESTS = [
    neovim_server_killed,
    neovim_server_keeps_dying,
    neovim_first_start,
    neovim_no_model,
    neovim_no_program,
    neovim_model,
]
for test in TESTS:
    test.limit = 180
