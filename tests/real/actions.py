"""Each code action and command in Neovim, once, with the real model: what a user asks for, and what they get to see.

What the model writes differs from one CPU to the next, so it is its shape that is looked at: the text changes and still
parses, one undo brings the old one back, a page opens. Requests and results are kept as text in transcripts/neovim, beside
the pictures.
"""

import ast

from neovim import Session
from terminal import REAL, Failure, wait_for

TRANSCRIPTS = REAL / "transcripts" / "neovim"

PYTHON_COMMENT = """\
# count_words(text): returns how many words the text has.


print(count_words("one two three"))
"""

PYTHON_BODY = """\
def is_palindrome(text: str) -> bool:
    pass


print(is_palindrome("level"))
"""

PYTHON_FAULT = """\
def mean(numbers):
    total = sum(numbers)
    return total / len(number)


print(mean([1, 2, 3]))
"""

PYTHON_CODE = """\
def f(xs):
    result = []
    for x in xs:
        if x % 2 == 0:
            result.append(x * x)
    return result


def total(values):
    amount = 0
    for value in values:
        amount = amount + value
    return amount
"""

JAVASCRIPT_CODE = """\
function largest(numbers) {
  let found = numbers[0];
  for (const number of numbers) {
    if (number > found) {
      found = number;
    }
  }
  return found;
}
"""

CODE_ACTION = """
local title, is_menu = ...
vim.lsp.buf.code_action({
  apply = not is_menu,
  filter = not is_menu and function(action)
    return action.title == title
  end or nil,
})
"""

# A page of so many characters takes the model so long that it must be seen to grow, at least so many times.
LONG, GROWING = 400, 4

PAGE = """
for _, window in ipairs(vim.api.nvim_list_wins()) do
  local bufnr = vim.api.nvim_win_get_buf(window)
  local name = vim.api.nvim_buf_get_name(bufnr)
  local lines = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  if name:find('/infill%-ls/[^/]*$') then
    -- It is on the disk when it is whole.
    local is_whole = vim.fn.filereadable(name) == 1 and vim.deep_equal(vim.fn.readfile(name), lines)
    return { name, table.concat(lines, '\\n'), is_whole }
  end
end
return false
"""

BUFFER = """
for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
  local lines = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  if vim.endswith(vim.api.nvim_buf_get_name(bufnr), (...)) and #lines > 1 then
    return table.concat(lines, '\\n')
  end
end
return false
"""

DIAGNOSE = """
local message, row, column, last = ...
vim.diagnostic.config({ virtual_text = true })
vim.diagnostic.set(vim.api.nvim_create_namespace('linter'), 0, {
  { lnum = row, col = column, end_lnum = row, end_col = last, message = message, severity = 1, source = 'linter' },
})
"""


class Actions:
    """A Neovim in which one action after the other is tried, each on a file of its own."""

    def __init__(self, terminal, name, text):
        self.terminal = terminal
        self.session = Session(terminal, name, text)
        self.text, self.name = text, name
        self.pictures = 0

    def open(self, name, text, row=1, column=0):
        """Opens another file, in the only window."""
        self.terminal.write(name, text)
        self.session.settle()
        self.session.rpc.lua("vim.cmd('silent! only!') vim.cmd.edit(...)", name)
        attached = "return #vim.lsp.get_clients({ bufnr = 0, name = 'infill_ls' }) > 0"
        wait_for("the server to attach", lambda: self.session.rpc.lua(attached), 20)
        self.text, self.name = text, name
        self.session.go_to(row, column)

    def choose(self, title):
        """Carries out the code action with this title."""
        self.session.rpc.lua(CODE_ACTION, title, False)

    def choose_in_menu(self, title):
        """Opens the menu of code actions as a user does, and types the number of one."""
        self.terminal.type(":lua vim.lsp.buf.code_action()\r")
        self.terminal.wait_for_text(title)
        self.picture("menu")
        line = next(line for line in self.terminal.screen().splitlines() if title in line)
        self.terminal.type(line.split(":")[0].strip() + "\r")

    def picture(self, label):
        self.pictures += 1
        self.terminal.picture(f"{self.pictures:02}-{label}")

    def keep(self, label, request, result):
        """Keeps what was asked and what came, as text."""
        TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
        text = f"{self.name}:\n{self.text}\nasked: {request}\n\n{result.rstrip()}\n"
        (TRANSCRIPTS / f"{label}.txt").write_text(text, encoding="utf-8")

    def expect_changed(self, label, request):
        """Waits for the text to change; it must parse, and one undo must bring back the old one. Returns the new one."""
        before = self.text.removesuffix("\n").split("\n")
        shown = "return vim.fn.expand('%:t')"
        wait_for(f"{self.name} in front", lambda: self.session.rpc.lua(shown) == self.name)
        after = wait_for("the text to change", lambda: (lines := self.session.lines()) != before and lines)
        self.terminal.wait_for_text(next(line for line in after if line not in before)[:60].rstrip(), 10)
        self.picture(label)
        text = "\n".join(after) + "\n"
        self.keep(label, request, text)
        expect_parses(text)
        self.session.rpc.lua("vim.cmd('silent undo')")
        if self.session.lines() != before:
            raise Failure(f"one undo left {self.session.lines()}")
        return text

    def expect_page(self, label, request, ending=".md", not_this=None):
        """Waits for a page to open beside the file, and to be whole. Returns its text."""
        lengths = set()

        def new_page():
            page = self.session.rpc.lua(PAGE)
            if page and page[1] != not_this:
                lengths.add(len(page[1]))
                if len(lengths) == GROWING and not page[2]:
                    self.picture(f"{label}-growing")
            return page and page[1] != not_this and page[2] and page

        name, text, _ = wait_for("a page", new_page)
        print(f"  {label}: seen at {len(lengths)} lengths")
        if len(text) > LONG and len(lengths) < GROWING:
            raise Failure(f"a page of {len(text)} characters did not grow before one's eyes")
        start = next(line for line in text.split("\n") if line.strip())
        # The signs of Markdown are concealed, where Neovim has its parser for that.
        concealed = start.replace("`", "").replace("*", "")[:40].rstrip()
        screen = self.terminal.screen
        wait_for(f"{concealed!r} on the screen", lambda: concealed in screen() or start[:40].rstrip() in screen(), 10)
        self.picture(label)
        self.keep(label, request, f"{name.rsplit('/', 1)[1]}:\n{text}")
        if not name.endswith(ending) or len(text.strip()) < 20:
            raise Failure(f"the page {name} is {text!r}")
        return text

    def expect_preview(self, label, request):
        """Waits for the diff of a change that is not made yet. Returns it."""
        shown = "return vim.bo.filetype == 'diff' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')"
        diff = wait_for("a diff", lambda: self.session.rpc.lua(shown))
        self.terminal.wait_for_text("@@", 10)
        self.picture(label)
        self.keep(label, request, diff)
        return diff

    def expect_text(self):
        """Fails unless the file in front is as it was opened."""
        if self.session.lines() != self.text.removesuffix("\n").split("\n"):
            raise Failure(f"the file is {self.session.lines()}")


def expect_parses(text):
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise Failure(f"{error} in\n{text}") from error


def actions_write(terminal):
    """Functions from a comment and in an empty body; another way of writing it is offered after that; a fault is mended."""
    actions = Actions(terminal, "words.py", PYTHON_COMMENT)
    actions.choose_in_menu("Write the function this comment describes")
    text = actions.expect_changed("write-from-comment", "Write the function this comment describes")
    if "def count_words(" not in text:
        raise Failure(text)

    actions.open("palindrome.py", PYTHON_BODY, row=1, column=6)
    actions.choose("Fill in this body")
    text = actions.expect_changed("fill-in-body", "Fill in this body")
    if not text.startswith("def is_palindrome(text: str) -> bool:\n    ") or "\n    pass\n" in text:
        raise Failure(text)

    actions.open("mean.py", PYTHON_FAULT, row=3, column=24)
    actions.session.rpc.lua(DIAGNOSE, "Undefined name `number`", 2, 23, 29)
    terminal.wait_for_text("Undefined name")
    actions.picture("fault")
    actions.choose("Mend: Undefined name `number`")
    actions.expect_changed("mend", "Mend: Undefined name `number`")


def actions_change(terminal):
    """Document, name better, simplify and write tests."""
    actions = Actions(terminal, "squares.py", PYTHON_CODE)
    actions.session.go_to(1, 4)
    actions.choose("Document `f`")
    text = actions.expect_changed("document", "Document `f`")
    if '"""' not in text or text.split('"""', 2)[2].strip() != PYTHON_CODE.split("\n", 1)[1].strip():
        raise Failure(f"only a docstring was asked for:\n{text}")

    actions.choose("Name `f` better")
    text = actions.expect_changed("name-better", "Name `f` better")
    if "def f(" in text:
        raise Failure(text)

    actions.session.go_to(9, 4)
    actions.choose("Simplify `total`")
    actions.expect_preview("simplify", "Simplify `total`")
    terminal.type("y")
    actions.expect_changed("simplified", "Simplify `total`, then y")

    actions.session.go_to(1, 4)
    actions.choose("Write tests for `f`")
    text = wait_for("a file of tests", lambda: actions.session.rpc.lua(BUFFER, "/test_squares.py"))
    # The editor makes the file, and opens it so that one sees it.
    in_front = "return vim.api.nvim_buf_get_name(0)"
    wait_for("the tests to open", lambda: actions.session.rpc.lua(in_front).endswith("/test_squares.py"), 10)
    terminal.wait_for_text("def test_", 10)
    actions.picture("write-tests")
    actions.keep("write-tests", "Write tests for `f`", f"test_squares.py:\n{text}")
    expect_parses(text)
    if "def test_" not in text:
        raise Failure(text)


def actions_read(terminal):
    """Explanations, a translation and an answer open beside the file, which stays as it is."""
    actions = Actions(terminal, "squares.py", PYTHON_CODE)
    actions.session.go_to(1, 4)
    actions.choose("Explain `f`")
    first = actions.expect_page("explain", "Explain `f`")
    actions.choose("Explain `f` to a beginner")
    second = actions.expect_page("explain-to-beginner", "Explain `f` to a beginner", not_this=first)
    actions.expect_text()

    terminal.type(":only\r:Infill ask What does f return for an empty list?\r")
    actions.expect_page("ask", ":Infill ask What does f return for an empty list?", not_this=second)
    actions.expect_text()

    actions.open("largest.js", JAVASCRIPT_CODE, row=1, column=10)
    actions.choose("Translate `largest` to Python")
    text = actions.expect_page("translate", "Translate `largest` to Python", ending=".py")
    expect_parses(text)
    actions.expect_text()


def actions_told(terminal):
    """An edit as told is shown as a diff; nothing changes before it is taken, and one undo takes it back."""
    actions = Actions(terminal, "squares.py", PYTHON_CODE)
    before = actions.session.lines()
    terminal.type(":Inf\t ed\t")
    terminal.wait_for_text(":Infill edit")
    terminal.keys("C-c")
    # It throws away what is typed before it is handled.
    wait_for("the command line to go", lambda: actions.session.rpc.lua("return vim.fn.mode()") == "n")
    terminal.type(":9,13Infill edit use the built-in function sum\r")
    diff = actions.expect_preview("edit-as-told", ":9,13Infill edit use the built-in function sum")
    for sign in "+-":
        if not any(line.startswith(sign) for line in diff.split("\n")):
            raise Failure(diff)
    terminal.type("q")
    wait_for("the diff to go", lambda: actions.session.rpc.lua("return vim.bo.filetype") == "python", 10)
    actions.expect_text()

    # Asked for, and with a hunk that is left out and taken all the same.
    actions.session.go_to(9, 4)
    terminal.type(":Infill edit\r")
    terminal.wait_for_text("Edit as told:")
    terminal.type("use the built-in function sum\r")
    wait_for("the diff", lambda: actions.session.rpc.lua("return vim.bo.filetype") == "diff")
    terminal.type("x")
    terminal.wait_for_text("left out")
    actions.picture("left-out")
    terminal.type("xy")
    wait_for("the change", lambda: actions.session.lines() != before)
    actions.expect_changed("edited", ":Infill edit, then y")


TESTS = [actions_write, actions_change, actions_read, actions_told]
# Those in which it is not Neovim alone that shows what came.
SHOWN = [actions_read, actions_told]
for test in TESTS:
    test.limit = 180
