"""How long Neovim's user waits: from a key to ghost text on the screen, and how much of that is not the server's."""

from neovim import Session, set_up
from terminal import Failure, wait_for
from texts import PYTHON_STACK

# What Neovim and the plugin may add to the server's time, in the middle, in ms.
MOST_MS = 30
LEAST_SHOWN = 12

START = PYTHON_STACK + "    def is_empty(self):\n\n"

# Lines that are typed; after each there is something to suggest.
LINES = ["return len(", "return self.", "return not ", "if len(self", "print(self", "self.items = s", "for item in ", "if not "]
ROUNDS = 3

# Takes down when a key came, and when the screen was drawn with ghost text on it.
WATCH = """
local api = vim.api
_G.watched = {}
vim.on_key(function(_, typed)
  if typed ~= '' and _G.watched.is_on and not _G.watched.pressed then
    _G.watched.pressed = vim.uv.hrtime()
  end
end)
local function is_shown()
  local names = api.nvim_get_namespaces()
  local namespace = names['nvim.lsp.inline_completion'] or names['infill.ghost']
  return namespace and #api.nvim_buf_get_extmarks(0, namespace, 0, -1, {}) > 0
end
api.nvim_set_decoration_provider(api.nvim_create_namespace('watch'), {
  on_end = function()
    local watched = _G.watched
    if watched.pressed and not watched.shown and is_shown() then
      watched.shown = vim.uv.hrtime()
    end
  end,
})
"""

DISMISS = "require('infill').dismiss()"
SPENT = "local w = watched return w.shown and (w.shown - w.pressed) / 1e6"


def measured(session, key):
    """Types a key; returns the ms until there is ghost text and the server's part of them, or nothing where none comes."""
    session.rpc.lua("_G.watched = { is_on = true }")
    session.terminal.type(key)
    try:
        spent = wait_for("ghost text", lambda: session.rpc.lua(SPENT), 4)
    except Failure:
        return None
    record = session.doctor()["requests"]["recent"][-1]
    return (spent, record["ms"]) if record["outcome"] == "shown" else None


def neovim_latency(terminal):
    """From a key to ghost text it takes the server's time and little more."""
    session = Session(terminal, "stack.py", START, set_up() + WATCH)
    session.insert_at_end_of(9, "")
    found = []
    for line in LINES * ROUNDS:
        terminal.type("        ")
        for character in line[:-1]:
            terminal.type(character)
        before = "        " + line[:-1]
        wait_for("the line", lambda before=before: session.line() == before, 10)
        wait_for("the answer", lambda: session.rpc.lua("return require('infill').status().state") != "thinking", 20)
        # What was asked for before may come now.
        wait_for("no ghost text", lambda: session.rpc.lua(DISMISS) or not session.ghost_text(), 10)
        time = measured(session, line[-1])
        if time:
            found.append(time)
        session.rpc.lua(DISMISS)
        session.rpc.request("nvim_set_current_line", "")
    added = sorted(whole - server for whole, server in found)
    whole = sorted(whole for whole, _ in found)
    if len(found) < LEAST_SHOWN:
        raise Failure(f"only {len(found)} of {len(LINES) * ROUNDS} were shown")
    print(f"  {len(found)} suggestions; key to ghost text: {spread(whole)}; of it not the server's: {spread(added)}")
    if added[len(added) // 2] > MOST_MS:
        raise Failure(f"Neovim and the plugin add {spread(added)}")


def spread(values):
    return f"middle {values[len(values) // 2]:.1f} ms, 95 % within {values[int(len(values) * 0.95)]:.1f} ms"


TESTS = [neovim_latency]
for test in TESTS:
    test.limit = 240
