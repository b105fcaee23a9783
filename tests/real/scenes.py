"""Ten scenes of a day's work in Neovim, typed in, each with a picture: what is suggested in which situation, and what the
buffer holds afterwards. What the model writes may change; how it fits into the file must not."""

from neovim import Session
from programs import expect_python
from terminal import Failure, wait_for

GO_AREA = """\
package main

import "fmt"

func area(width int, height int) int {

}

func main() {
\tfmt.Println(area(3, 4))
}
"""

PYTHON_BLOCK = '''\
def count_vowels(text):
    """Returns the number of vowels in text."""


print(count_vowels("education"), count_vowels("rhythm"))
'''

JAVASCRIPT_CALL = """\
function add(a, b) {
  return a + b;
}

const first = 2;
const second = 3;
console.log(add());
"""

RUST_STRUCT = """\
struct Point {
    x: f64,
    y: f64,
}

impl Point {
    fn distance(&self, other: &Point) -> f64 {
        let dx = self.x - other.x;
        let dy =
    }
}
"""

TYPESCRIPT_NAMES = """\
interface User {
  firstName: string;
  lastName: string;
}

function fullName(user: User): string {

}
"""

PYTHON_CHOICE = """\
def greet(name):
    print("Welcome, " + name)


first_name = "
"""

PYTHON_COMMENT = """\
numbers = [4, 8, 15, 16, 23, 42]

# print the largest number

"""

C_CRLF = "int sum(int *values, int count)\r\n{\r\n\tint total = 0;\r\n\t\r\n}\r\n"

LUA_MENU = """\
local shopping_list = { "milk", "bread" }
local shopping_count = #shopping_list

for number, item in ipairs()
"""


def last_request(session):
    """Returns the record of the last request."""
    return session.doctor()["requests"]["recent"][-1]


def expect_known(session):
    """Fails unless the last suggestion came without the model."""
    record = wait_for("a suggestion without the model", lambda: without_model(last_request(session)), 10)
    print(f"  the rest came after {record['ms']} ms")


def without_model(record):
    return record["outcome"] == "shown" and record["tokens"] == 0 and record


def scene_rest_of_line(terminal):
    """Go: the rest of a line that was begun."""
    session = Session(terminal, "area.go", GO_AREA)
    session.insert_at_end_of(6, "\treturn width")
    ghost = session.suggestion()
    terminal.picture("1")
    terminal.keys("Tab")
    session.expect_lines(6, "\treturn width" + ghost)
    if "height" not in session.line():
        raise Failure(f"the area of a rectangle is {session.line()!r}")


def scene_block(terminal):
    """Python: the empty body of a function is written as a block, and the program is right."""
    session = Session(terminal, "vowels.py", PYTHON_BLOCK)
    session.insert_at_end_of(3, "    ")
    ghost = session.suggestion()
    terminal.picture("1")
    terminal.keys("Tab")
    session.expect_lines(3, "    " + ghost)
    terminal.picture("2")
    session.save()
    expect_python(session.path, "5 0")


def scene_inside_brackets(terminal):
    """JavaScript: between brackets that are closed already; none is doubled."""
    session = Session(terminal, "call.js", JAVASCRIPT_CALL)
    session.insert_in(7, len("console.log(add("))
    ghost = session.suggestion()
    terminal.picture("1")
    terminal.keys("Tab")
    line = wait_for("the line", lambda: session.line() != "console.log(add());" and session.line(), 10)
    if line.count("(") != line.count(")") or "first" not in line or not line.startswith("console.log(add("):
        raise Failure(f"of {ghost!r} came {line!r}")


def scene_accept_words(terminal):
    """Rust: two words, then the rest, which comes without the model."""
    typed = "        let dy ="
    session = Session(terminal, "point.rs", RUST_STRUCT)
    session.insert_at_end_of(9, "")
    ghost = session.suggestion().split("\n")[0]
    for _ in range(2):
        before = session.line()
        terminal.keys("M-Right")
        wait_for("a word", lambda before=before: session.line() != before, 10)
    session.settle()
    accepted = session.line()[len(typed) :]
    terminal.picture("1")
    if not ghost.startswith(accepted):
        raise Failure(f"of {ghost!r} came {accepted!r}")
    expect_known(session)
    terminal.keys("Tab")
    session.expect_lines(9, typed + ghost)


def scene_typed_through(terminal):
    """TypeScript: who types what is suggested keeps the suggestion, without the model."""
    session = Session(terminal, "names.ts", TYPESCRIPT_NAMES)
    session.insert_at_end_of(7, "  return ")
    ghost = session.suggestion().split("\n")[0]
    terminal.type(ghost[:4])
    wait_for("the rest", lambda: session.ghost_text().split("\n")[0] == ghost[4:], 20)
    expect_known(session)
    terminal.picture("1")
    terminal.keys("Tab")
    session.expect_lines(7, "  return " + ghost)


def scene_choices(terminal):
    """Python: who asks for another suggestion may choose, forwards and backwards."""
    session = Session(terminal, "greet.py", PYTHON_CHOICE)
    session.insert_at_end_of(5, "")
    first = session.suggestion()
    terminal.keys("M-]")
    other = wait_for("another suggestion", lambda: "/" in session.ghost_text() and session.ghost_text(), 30)
    terminal.picture("1")
    text, _, hint = other.rpartition(" (")
    if text == first or not hint.startswith("2/"):
        raise Failure(f"after {first!r} came {other!r}")
    terminal.keys("M-[")
    wait_for("the first suggestion", lambda: session.ghost_text().startswith(first + " (1/"), 10)
    terminal.keys("M-]")
    wait_for("the other suggestion", lambda: session.ghost_text() == other, 10)
    terminal.keys("Tab")
    session.expect_lines(5, 'first_name = "' + text)


def scene_silence(terminal):
    """Python: nothing is suggested inside a word, and the status says why."""
    session = Session(terminal, "word.py", "total_sum = 0\nprint(tosum)\n")
    session.insert_in(2, len("print(to"))
    terminal.type("t")
    terminal.wait_for_text("infill: mid-word")
    if session.ghost_text():
        raise Failure(f"inside a word there is {session.ghost_text()!r}")
    session.leave_insert_mode()
    terminal.type(":Infill status\r")
    terminal.wait_for_text("the cursor stands inside a word")
    terminal.picture("1")
    if "Press ENTER" in terminal.screen():
        raise Failure("the explanation asks for Enter")
    session.expect_lines(2, "print(totsum)")


def scene_below_comment(terminal):
    """Python: a comment asks for code, and the line below it is the code."""
    session = Session(terminal, "largest.py", PYTHON_COMMENT)
    session.insert_at_end_of(4, "")
    ghost = session.suggestion()
    terminal.picture("1")
    terminal.keys("Tab")
    session.expect_lines(4, ghost)
    session.save()
    expect_python(session.path, "42")


def scene_crlf_and_tabs(terminal):
    """C: a file of another system keeps its line endings and its tabs."""
    session = Session(terminal, "sum.c", "")
    session.path.write_bytes(C_CRLF.encode())
    terminal.type(":edit!\r")
    wait_for("the file", lambda: session.lines()[0] == "int sum(int *values, int count)", 10)
    session.insert_at_end_of(4, "")
    ghost = session.suggestion()
    terminal.picture("1")
    terminal.keys("Tab")
    first = ghost.split("\n")[0].strip()
    wait_for("the text", lambda: session.lines()[3].strip() == first, 10)
    session.save()
    written = session.path.read_bytes()
    if written.count(b"\n") != written.count(b"\r\n") or b"\r\r" in written:
        raise Failure(f"mixed line endings: {written!r}")
    inner = [line for line in written.decode().split("\r\n")[2:] if line.strip() not in ("", "}")]
    if not all(line.startswith("\t") for line in inner):
        raise Failure(f"not indented by tabs: {written!r}")


def scene_with_menu(terminal):
    """Lua: with the completion menu open there is ghost text too, and both can be accepted."""
    session = Session(terminal, "shopping.lua", LUA_MENU)
    session.insert_in(4, len("for number, item in ipairs("))
    terminal.type("shopping_")
    terminal.keys("C-n")
    wait_for("the menu", lambda: session.rpc.lua("return vim.fn.pumvisible()") == 1, 10)
    wait_for("ghost text", session.ghost_text)
    terminal.picture("1")
    menu = session.line()
    ghost = session.ghost_text()
    terminal.keys("Tab")
    line = wait_for("the line", lambda: session.line() != menu and session.line(), 10)
    terminal.picture("2")
    if line.count("(") != line.count(")") or ghost.split("\n")[0] not in line:
        raise Failure(f"of {ghost!r} beside {menu!r} came {line!r}")


def scene_statistics(terminal):
    """What was accepted is in the statistics when the file is closed."""
    session = Session(terminal, "area.go", GO_AREA)
    before = accepted_so_far(session)
    session.insert_at_end_of(6, "\treturn width")
    session.suggestion()
    terminal.keys("Tab")
    wait_for("the text", lambda: session.line() != "\treturn width", 10)
    session.save()
    terminal.type(":edit other.go\r:bdelete area.go\r")
    told = wait_for("the outcome", lambda: accepted_so_far(session) > before and accepted_so_far(session), 20)
    print(f"  accepted: {told}")
    terminal.type(":Infill stats\r")
    terminal.wait_for_text("keys saved")
    terminal.picture("1")


def accepted_so_far(session):
    answer = session.stats()
    return answer["all"]["accepted"] - answer["all"]["inferred"]


TESTS = [
    scene_rest_of_line,
    scene_block,
    scene_inside_brackets,
    scene_accept_words,
    scene_typed_through,
    scene_choices,
    scene_silence,
    scene_below_comment,
    scene_crlf_and_tabs,
    scene_with_menu,
    scene_statistics,
]
for test in TESTS:
    test.limit = 120
