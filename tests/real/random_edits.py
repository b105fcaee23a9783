"""The long test in Neovim: random typing, deleting, accepting and undoing, and after each step the buffer must be, to the byte,
the text that the server has. VS Code has the same one in vscode/rope.ts."""

import os
import random

from neovim import Session, set_up
from terminal import Failure, wait_for
from texts import PYTHON_STACK

STEPS = 200
LEAST_ACCEPTED = 20

START = PYTHON_STACK + "    def pop(self):\n        return self.items.pop()\n"

# The beginnings of lines that somebody would write in that class, and some that nobody would.
BEGINNINGS = ["def is_", "return self", "self.items", "if self", "for item in ", "print(", "# ", "é = ", "🙂", "x = [", '"']

# What the model writes is of no account here, so all of it is shown.
SETTINGS = """\
require('infill').setup({
  settings = {
    completion = { min_probability = 0, min_mean_probability = 0 },
    automatic = { after_deletion = true },
  },
})
"""

BUFFER = """
local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n') .. '\\n'
return { vim.uri_from_bufnr(0), #text, vim.fn.sha256(text) }
"""


def expect_same(session, when):
    """Fails unless the server has the text of the buffer. The request goes behind all changes."""
    uri, length, checksum = session.rpc.lua(BUFFER)
    (known,) = [document for document in session.doctor()["documents"] if document["uri"] == uri]
    if (known["bytes"], known["sha256"]) != (length, checksum):
        raise Failure(f"{when}: the server has {known}, not the {length} bytes of\n" + "\n".join(session.lines()))


class Typist:
    def __init__(self, session, numbers):
        self.session = session
        self.terminal = session.terminal
        self.numbers = numbers
        self.accepted = 0

    def step(self):
        """Does something, and says what."""
        steps = (self.new_line, self.type, self.type, self.accept, self.accept, self.accept_at_once, self.word, self.delete, self.undo)
        return self.numbers.choice(steps)()

    def new_line(self):
        row = self.numbers.randint(1, len(self.session.lines()))
        self.session.rpc.request("nvim_win_set_cursor", 0, [row, 0])
        self.terminal.keys("End", "Enter")
        return f"a new line below {row}"

    def type(self):
        text = self.numbers.choice(BEGINNINGS)
        if self.session.line().strip():
            self.terminal.keys("End", "Enter")
        self.terminal.type(text)
        return f"typed {text!r}"

    def is_shown(self, seconds):
        try:
            return wait_for("ghost text", self.session.ghost_text, seconds)
        except Failure:
            return ""

    def press(self, key):
        before = self.session.lines()
        self.terminal.keys(key)
        try:
            wait_for(f"what {key} inserts", lambda: self.session.lines() != before, 2)
        except Failure:
            return f"{key} where the ghost text went just then"
        self.accepted += 1
        return key

    def accept(self):
        return self.press("Tab") if self.is_shown(1) else "nothing to accept"

    def word(self):
        return self.press("M-Right") if self.is_shown(1) else "no word to accept"

    def accept_at_once(self):
        """What is on the screen may be older than the key."""
        before = self.session.lines()
        was_shown = bool(self.session.ghost_text())
        self.terminal.type("s\t")
        wait_for("the keys", lambda: self.session.lines() != before, 10)
        self.accepted += was_shown
        return "typed 's' and Tab"

    def delete(self):
        self.terminal.keys("BSpace", "BSpace")
        return "two characters deleted"

    def undo(self):
        self.terminal.keys("C-o")
        self.terminal.type("u")
        return "undone"


def neovim_random_edits(terminal):
    """Two hundred random steps, accepting quickly after typing among them: no character too many, none lost."""
    seed = int(os.environ.get("INFILL_LS_TEST_SEED") or 1)
    path = set_up().splitlines()[0] + "\n"
    session = Session(terminal, "stack.py", START, path + SETTINGS)
    session.insert_at_end_of(9, "")
    typist = Typist(session, random.Random(seed))
    done = []
    for step in range(STEPS):
        done.append(typist.step())
        session.settle()
        expect_same(session, f"seed {seed}, step {step}, after {', '.join(done[-5:])}")
    terminal.picture("after-all")
    print(f"  {STEPS} steps with seed {seed}, {typist.accepted} times ghost text was accepted")
    if typist.accepted < LEAST_ACCEPTED:
        raise Failure("too little was accepted for this to say anything")
    session.save()
    on_disk = session.path.read_text(encoding="utf-8").splitlines()
    if on_disk != session.lines():
        raise Failure(f"on the disk is {on_disk}")


TESTS = [neovim_random_edits]
for test in TESTS:
    test.limit = 400
