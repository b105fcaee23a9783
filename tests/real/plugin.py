"""The plugin in editors/nvim against a server that answers by script: what accepting does to the buffer, to the letter.

The real server would answer differently from one model to the next; how an answer is accepted must not depend on that.
"""

import re

from neovim import Session, set_up
from readme import settings
from terminal import NEOVIM, REPOSITORY, Failure, wait_for

LINE = "return require('infill').statusline()"

# A server inside Neovim, which answers what the test says.
SCRIPTED = f"dofile('{REPOSITORY}/tests/nvim/scripted.lua')\n"


def answer(session, item):
    """Has the server answer the next inline completion where it begins with this item, and all later ones with nothing."""
    session.rpc.lua("scripted.suggest({ ... })", item)


def suggest(terminal, line, insert_text, covered=0, config=None):
    """Opens a file of one line, with the cursor in insert mode at `|`, and waits for the suggestion's ghost text."""
    column = line.index("|")
    session = Session(terminal, "text.txt", line.replace("|", "") + "\n", (config or set_up()) + SCRIPTED)
    place = [{"line": 0, "character": column}, {"line": 0, "character": column + covered}]
    item = {"insertText": insert_text, "range": {"start": place[0], "end": place[1]}}
    answer(session, item)
    if column == len(line) - 1:
        terminal.type("A")
    else:
        session.insert_in(1, column)
    wait_for("the ghost text", session.ghost_text)
    return session


def expect_buffer(session, expected):
    wait_for(f"the buffer {expected!r}", lambda: session.lines() == expected.split("\n"), 10)


def plugin_accept_whole(terminal):
    """The whole suggestion, over several lines, with the cursor behind it."""
    session = suggest(terminal, "one|", " two\nthree\nfour")
    terminal.type("\t!")
    expect_buffer(session, "one two\nthree\nfour!")


def plugin_accept_after_typing(terminal):
    """What was typed of the suggestion in the meantime is not doubled (neovim#36529)."""
    session = suggest(terminal, "one|", " two")
    terminal.type(" t\t!")
    expect_buffer(session, "one two!")


def plugin_accept_over_brackets(terminal):
    """Brackets behind the cursor that the suggestion closes itself are replaced, also after typing."""
    session = suggest(terminal, "print(max(|))", "1, 2))", covered=2)
    terminal.type("1\t;;")
    expect_buffer(session, "print(max(1, 2));;")


def plugin_accept_words(terminal):
    """Word by word, with the rest on the screen between them."""
    session = suggest(terminal, "a|", " = größer + 1")
    for accepted, rest in (("a =", " größer + 1"), ("a = größer", " + 1"), ("a = größer +", " 1"), ("a = größer + 1", "")):
        terminal.keys("M-Right")
        session.settle()
        expect_buffer(session, accepted)
        if session.ghost_text() != rest:
            raise Failure(f"after {accepted!r} the rest is {session.ghost_text()!r}, not {rest!r}")


def plugin_accept_lines(terminal):
    """Line by line."""
    session = suggest(terminal, "if a:|", "\n    b\n    c")
    for accepted in ("if a:\n    b", "if a:\n    b\n    c"):
        terminal.keys("M-End")
        expect_buffer(session, accepted)


def plugin_something_else_typed(terminal):
    """Where something else was typed, Tab is Tab again and the old suggestion is not inserted."""
    session = suggest(terminal, "one|", " two")
    terminal.type(" x\ty")
    expect_buffer(session, "one x   y")


def plugin_former_mapping(terminal):
    """Where Tab was mapped before, the mapping gets it back."""
    former = "vim.keymap.set('i', '<Tab>', function() return '<Left>former' end, { expr = true })\n"
    session = suggest(terminal, "one|", " two", config=former + set_up())
    terminal.type("\t\t")
    expect_buffer(session, "one twformero")


def plugin_former_rhs(terminal):
    """The same for a mapping in Vim's way."""
    former = "vim.cmd('inoremap <Tab> <lt>tab><Left>')\n"
    session = suggest(terminal, "one|", " two", config=former + set_up())
    terminal.type("\t\t!")
    expect_buffer(session, "one two<tab!>")


def plugin_undo(terminal):
    """One undo takes the suggestion back and leaves what was typed."""
    session = suggest(terminal, "one|", " two\nthree")
    terminal.type(" t\t")
    expect_buffer(session, "one two\nthree")
    session.leave_insert_mode()
    terminal.type("u")
    expect_buffer(session, "one t")


def plugin_dismiss(terminal):
    """Dismissed, the suggestion is gone from the screen and Tab is Tab."""
    session = suggest(terminal, "one|", " two")
    terminal.keys("C-]")
    wait_for("no ghost text", lambda: not session.ghost_text(), 10)
    terminal.type("\tx")
    expect_buffer(session, "one     x")


def plugin_pause(terminal):
    """Paused, nothing is asked and the status says so; resumed, suggestions come again."""
    session = suggest(terminal, "one|", " two")
    session.rpc.lua("require('infill').pause()")
    wait_for("no ghost text", lambda: not session.ghost_text(), 10)
    terminal.wait_for_text("infill: paused", 10)
    session.rpc.lua("require('infill').resume()")
    terminal.type(" thre")
    session.settle()
    item = {"insertText": " four", "range": {"start": {"line": 0, "character": 9}, "end": {"line": 0, "character": 9}}}
    answer(session, item)
    terminal.type("e")
    wait_for("ghost text again", session.ghost_text, 10)
    terminal.type("\t")
    expect_buffer(session, "one three four")


def plugin_wrong_option(terminal):
    """A misspelt option is named, with those that there are."""
    session = suggest(terminal, "one|", " two")
    answer = session.rpc.lua("return { pcall(require('infill').setup, { keymaps = {} }) }")
    if answer[0] or "there is no option 'keymaps'" not in answer[1] or "log_level" not in answer[1]:
        raise Failure(f"setup said {answer}")


def silences():
    """Returns the reasons for silence that the server knows, with their sentences, from where they are written."""
    source = (REPOSITORY / "src" / "complete" / "reason.rs").read_text(encoding="utf-8")
    found = re.findall(r'\(\s*"([a-z-]+)",\s*"([^"]+)",?\s*\)', source)
    if len(found) != int(re.search(r"ALL: \[Self; (\d+)\]", source)[1]):
        raise Failure(f"not all reasons were found in the source, but {found}")
    return found


def plugin_every_silence(terminal):
    """Every reason for a silence: the status line says its word, and `:Infill status` its sentence."""
    session = suggest(terminal, "one|", " two")
    session.leave_insert_mode()
    say = "scripted.notify('infill/status', { state = 'silent', reason = ..., message = select(2, ...) })"
    for reason, sentence in silences():
        session.rpc.lua(say, reason, sentence)
        word = "infill" if reason in ("cancelled", "overtaken") else f"infill: {reason}"
        wait_for(f"{word!r} in the status line", lambda word=word: session.rpc.lua(LINE) == word, 10)
        terminal.type(":Infill status\r")
        told = lambda sentence=sentence: "".join(sentence.split()) in "".join(re.split(r"[\s│|]+", terminal.screen()))
        wait_for(f"the sentence {sentence!r}", told, 10)
        terminal.type("0")
        session.settle()
    print(f"  {len(silences())} reasons")
    terminal.type(":Infill status\r")
    terminal.wait_for_text(silences()[-1][0])
    terminal.picture("1-last")


def plugin_without_set_up(terminal):
    """Neovim's own two lines do too, with a key of the user's."""
    path = set_up().splitlines()[0]
    config = f"{path}\nvim.cmd('imap <C-l> <Plug>(infill-accept)')\n" + settings("lua", "vim.lsp.enable")
    session = suggest(terminal, "one|", " two", config=config)
    terminal.keys("C-l")
    expect_buffer(session, "one two")


TESTS = [
    plugin_accept_whole,
    plugin_accept_after_typing,
    plugin_accept_over_brackets,
    plugin_accept_words,
    plugin_accept_lines,
    plugin_something_else_typed,
    plugin_former_mapping,
    plugin_former_rhs,
    plugin_undo,
    plugin_dismiss,
    plugin_pause,
    plugin_wrong_option,
    plugin_every_silence,
]
if NEOVIM == "0.12":  # the first that has those lines
    TESTS.append(plugin_without_set_up)
for test in TESTS:
    test.limit = 60
