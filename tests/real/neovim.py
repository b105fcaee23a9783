"""Neovim with the plugin in editors/nvim, in a terminal, driven by keys and watched through its RPC."""

from msgpack_rpc import Neovim
from programs import expect_python, expect_rust
from readme import settings
from terminal import Failure, wait_for
from texts import PYTHON_ADD, PYTHON_COMMENT, PYTHON_TOTAL, RUST_AREA, RUST_COMMENT

# A key that says when all keys before it were taken, in every mode; and what makes the pictures show what they should.
LOOKS = """
vim.g.settled = 0
vim.keymap.set({ 'n', 'i', 'x', 's', 'o', 'c' }, '<F12>', '<Cmd>let g:settled += 1<CR>')
-- As Neovim 0.12 does by itself.
vim.api.nvim_create_autocmd('FileType', { pattern = 'go', command = 'setlocal noexpandtab' })
vim.opt.swapfile = false
vim.opt.expandtab = true
vim.opt.laststatus = 2
vim.opt.statusline = '%f %m%=%{v:lua.require("infill").statusline()} '
"""


def set_up():
    """Returns the set-up of editors/README.md."""
    return settings("lua", "vim.opt.runtimepath")


# The longest that computing may go on after its request was cancelled. The engine looks before each layer and each token;
# the rest is room for a busy CI machine.
CANCEL_LIMIT_US = 500_000

GHOST_TEXT = """
local texts = {}
local namespaces = vim.api.nvim_get_namespaces()
local namespace = namespaces['nvim.lsp.inline_completion'] or namespaces['infill.ghost']
for _, mark in ipairs(namespace and vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true }) or {}) do
  local line = ''
  for _, chunk in ipairs(mark[4].virt_text or {}) do
    line = line .. chunk[1]
  end
  table.insert(texts, line)
  for _, virtual in ipairs(mark[4].virt_lines or {}) do
    local more = ''
    for _, chunk in ipairs(virtual) do
      more = more .. chunk[1]
    end
    table.insert(texts, more)
  end
end
return table.concat(texts, '\\n')
"""

ASK = """
local client = vim.lsp.get_clients({ name = 'infill_ls' })[1]
local self = vim.fn.has('nvim-0.11') == 1 and { client } or {}
-- With the number of the buffer: for 0 Neovim does not send what has changed first.
local arguments = vim.list_extend(self, { (...), vim.NIL, 5000, vim.api.nvim_get_current_buf() })
local answer = client and client.request_sync(unpack(arguments))
return answer and (answer.result or answer.err) or {}
"""


class Session:
    """A Neovim in a terminal, with the server attached and its model loaded."""

    def __init__(self, terminal, name, text, config=None, waits=True):
        self.terminal = terminal
        self.path = terminal.write(name, text)
        init = terminal.home / ".config" / "nvim" / "init.lua"
        init.parent.mkdir()
        init.write_text((config or set_up()) + LOOKS)
        socket = terminal.folder / "nvim"
        terminal.start("nvim", "--listen", socket, name)
        wait_for("Neovim's socket", socket.exists, 30)
        self.rpc = wait_for("Neovim to answer", lambda: self.connect(socket), 30)
        wait_for("Neovim's start", lambda: self.rpc.request("nvim_get_vvar", "vim_did_enter") == 1, 30)
        if waits:
            wait_for("the model", self.is_ready, 120)

    @staticmethod
    def connect(socket):
        try:
            return Neovim(socket)
        except OSError:
            return None

    def is_ready(self):
        state = self.rpc.lua("return require('infill').status()")
        if state["state"] == "failed":
            raise Failure(f"the server says: {state}")
        return state["state"] in ("ready", "silent")

    def lines(self):
        return self.rpc.request("nvim_buf_get_lines", 0, 0, -1, False)

    def line(self):
        return self.rpc.request("nvim_get_current_line")

    def ghost_text(self):
        return self.rpc.lua(GHOST_TEXT)

    def settle(self):
        """Waits until Neovim has taken all keys so far: they go by the terminal, and a request would overtake them."""
        expected = self.rpc.request("nvim_get_var", "settled") + 1
        self.terminal.keys("F12")
        wait_for("the keys to be taken", lambda: self.rpc.request("nvim_get_var", "settled") >= expected, 30)

    def go_to(self, row, column=0):
        """Puts the cursor into a row (from 1) and a column (from 0)."""
        self.settle()
        self.rpc.request("nvim_win_set_cursor", 0, [row, column])

    def insert_in(self, row, column):
        """Opens insert mode before a column (from 0) of a row (from 1)."""
        self.go_to(row, column)
        self.terminal.type("i")

    def insert_at_end_of(self, row, text):
        """Goes to a line (from 1), opens insert mode at its end and types, on the same line."""
        self.go_to(row)
        self.terminal.type("A")
        self.terminal.type(text)

    def suggestion(self):
        """Waits for ghost text and for the screen to show its first line."""
        self.settle()
        ghost = wait_for("ghost text", self.ghost_text)
        first = ghost.split("\n")[0].strip()
        wait_for(f"the ghost text {first!r} on the screen", lambda: first in self.terminal.screen())
        return ghost

    def expect_lines(self, row, text):
        """Waits until the lines from this one on (from 1) are exactly this text."""
        expected = text.split("\n")
        wait_for(f"the lines {expected}", lambda: self.lines()[row - 1 :][: len(expected)] == expected, 20)

    def leave_insert_mode(self):
        """Presses Escape and waits, since Escape and the next key at once would be Alt and that key."""
        self.settle()
        self.terminal.keys("Escape")
        wait_for("normal mode", lambda: self.rpc.request("nvim_get_mode")["mode"] == "n", 20)

    def save(self):
        self.leave_insert_mode()
        self.terminal.type(":write\r")
        wait_for("the file to be saved", lambda: self.rpc.lua("return not vim.bo.modified"))

    def doctor(self):
        """Returns the server's answer to `infill/doctor`."""
        return self.rpc.lua(ASK, "infill/doctor")

    def stats(self):
        """Returns the server's answer to `infill/stats`."""
        return self.rpc.lua(ASK, "infill/stats")

    def counters(self):
        """Returns the engine's counters, wherever they stand in the answer."""
        answer = self.doctor()
        for found in (answer, *answer.values()):
            if isinstance(found, dict) and "max_cancel_us" in found:
                return found
        raise Failure(f"infill/doctor has no counters: {answer}")


def neovim_python_accept(terminal):
    """Ghost text appears while a Python function is typed; Tab accepts it; the program is right."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    session.insert_at_end_of(2, "    return a")
    ghost = session.suggestion()
    terminal.picture("1-ghost-text")
    terminal.keys("Tab")
    session.expect_lines(2, "    return a" + ghost)
    terminal.picture("2-accepted")
    session.save()
    expect_python(session.path, "5")


def neovim_rust_accept(terminal):
    """The same in Rust."""
    session = Session(terminal, "area.rs", RUST_AREA)
    session.insert_at_end_of(3, "    return width")
    ghost = session.suggestion()
    terminal.picture("1-ghost-text")
    terminal.keys("Tab")
    session.expect_lines(3, "    return width" + ghost)
    session.save()
    expect_rust(session.path, "12")


def neovim_accept_word(terminal):
    """A word is accepted and the rest of the suggestion stays on the screen."""
    typed = "    total ="
    session = Session(terminal, "total.py", PYTHON_TOTAL)
    session.insert_at_end_of(4, typed)
    ghost = session.suggestion().split("\n")[0]
    terminal.keys("M-Right")
    wait_for("a word of the ghost text", lambda: session.line() != typed)
    session.settle()
    accepted = session.line()[len(typed) :]
    rest = session.ghost_text().split("\n")[0]
    terminal.picture("1-rest")
    if not accepted or accepted + rest != ghost:
        raise Failure(f"of {ghost!r} accepted {accepted!r}, and the rest on the screen is {rest!r}")


def neovim_typing_behind_accept(terminal):
    """A key right behind Tab lands after the accepted text: nothing lost, nothing doubled."""
    session = Session(terminal, "area.rs", RUST_AREA)
    session.insert_at_end_of(3, "    return width")
    ghost = session.suggestion()
    terminal.type("\t; //")
    session.expect_lines(3, "    return width" + ghost + "; //")


def neovim_tab_falls_back(terminal):
    """Without ghost text Tab is what it was."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    session.rpc.lua("require('infill').pause()")
    session.insert_at_end_of(2, "")
    terminal.keys("Tab")
    terminal.type("pass")
    wait_for("an indented line", lambda: session.line().strip(" ") == "pass" and session.line() != "pass", 10)


def write_function(terminal, session):
    session.go_to(1, 5)
    before = session.lines()
    terminal.type(":Infill write-function\r")
    wait_for("a function", lambda: session.lines() != before)
    terminal.picture("1-written")
    session.save()


def neovim_python_write_function(terminal):
    """The code action writes a Python function from its comment, and the function passes the calls in the file."""
    session = Session(terminal, "even.py", PYTHON_COMMENT)
    write_function(terminal, session)
    expect_python(session.path, "True False")


def neovim_rust_write_function(terminal):
    """The code action writes a Rust function from its comment, and the function passes the calls in the file."""
    session = Session(terminal, "max.rs", RUST_COMMENT)
    write_function(terminal, session)
    expect_rust(session.path, "8 9")


def long_file():
    """A file whose prompt takes a while to compute."""
    functions = [f"def step_{n}(state):\n    state['step_{n}'] = {n} * {n + 1}\n    return state\n" for n in range(120)]
    return "\n\n".join(functions) + "\n\ndef last(state):\n\n"


def neovim_cancel_by_typing(terminal):
    """Typing on cancels the request that computes, soon; leaving insert mode stops what is still computing."""
    text = long_file()
    session = Session(terminal, "long.py", text)
    row = text[: text.index("def last")].count("\n") + 2
    before = session.counters()
    session.insert_at_end_of(row, "    return st")
    wait_for("a request to compute", lambda: session.counters()["busy"])
    # What the model is writing goes on for one who types along, so something else is typed.
    terminal.type("zq")
    wait_for("the request to be cancelled", lambda: session.counters()["cancelled"] > before["cancelled"])
    terminal.keys("Escape")
    wait_for("computing to stop", lambda: not session.counters()["busy"])
    after = session.counters()
    print(f"  cancelled {after['cancelled']}, longest time until compute stopped: {after['max_cancel_us']} us")
    if not 0 < after["max_cancel_us"] <= CANCEL_LIMIT_US:
        raise Failure(f"the time from a cancel to the end of computing: {after}")


def neovim_health(terminal):
    """:checkhealth finds the server, and the :Infill commands answer."""
    session = Session(terminal, "add.py", PYTHON_ADD)
    terminal.type(":Infill status\r")
    terminal.wait_for_text("infill: ")
    terminal.type(":checkhealth infill\r")
    terminal.wait_for_text("Client 1")
    terminal.picture("1-health")
    report = "\n".join(session.lines())
    for sign in ("ERROR", "WARNING"):
        if sign in report:
            raise Failure(report)
    terminal.type(":bdelete\r:Infill doctor\r")
    terminal.wait_for_text("max_cancel_us")
    terminal.picture("2-doctor")


TESTS = [
    neovim_python_accept,
    neovim_rust_accept,
    neovim_accept_word,
    neovim_typing_behind_accept,
    neovim_tab_falls_back,
    neovim_python_write_function,
    neovim_rust_write_function,
    neovim_cancel_by_typing,
    neovim_health,
]
for test in TESTS:
    test.limit = 180
