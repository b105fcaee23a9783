"""Drives real editors with the built server and the real model, and looks at what a user would see.

    tests/real/setup                    # once, as root: installs the editors
    cargo build --release && target/release/infill-ls model pull
    python3 tests/real/run.py [WORD …]  # only the tests with one of these words in their name

With INFILL_LS_NEOVIM=0.11, or 0.10, that Neovim is driven, and the code actions and Helix are left out. VS Code has its own: .ci/vscode installs and
packages what it needs and runs

    python3 tests/real/run.py --vscode [WORD …]

The pictures of the terminals are kept in target/real/pictures ($INFILL_LS_REAL_DIR/pictures).
"""

import signal
import sys
import time
import traceback

import actions
import first_run
import helix
import latency
import neovim
import plugin
import random_edits
import scenes
import troubles
import vscode
from terminal import NEOVIM, PICTURES, REAL, Failure, Terminal, cache_directory, server_binary


class TimeLimit(Failure):
    """A test that took too long as a whole."""


def on_alarm(*_):
    raise TimeLimit("the test's time limit")


def describe(error):
    if isinstance(error, Failure) and not isinstance(error, TimeLimit):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def report(terminal, error):
    """Prints everything that helps to find out why a test failed."""
    print(f"  {describe(error)}")
    try:
        print(f"  picture: {terminal.picture('failed')}")
        print("  screen:\n" + terminal.screen().rstrip())
    except Exception as further:  # the terminal itself may be what is broken
        print(f"  no screen: {further}")
    for name, lines in terminal.logs().items():
        print(f"  {name}:\n" + "\n".join(f"    {line[:300]}" for line in lines))


def run(test):
    """Runs one test in a terminal, or another stage, of its own. Returns whether it passed."""
    terminal = getattr(test, "stage", Terminal)(test.__name__)
    started = time.monotonic()
    signal.alarm(test.limit)
    try:
        test(terminal)
        error = None
    except Exception as caught:
        error = caught
    finally:
        signal.alarm(0)
    print(f"{'FAILED' if error else 'ok    '} {test.__name__} ({time.monotonic() - started:.1f} s)")
    if error:
        report(terminal, error)
    terminal.close()
    sys.stdout.flush()
    return error is None


def main():
    in_vscode = sys.argv[1:2] == ["--vscode"]
    words = sys.argv[2:] if in_vscode else sys.argv[1:]
    for needed in (server_binary(), cache_directory(), vscode.NODE if in_vscode else REAL / "root" / ".recipe"):
        if not needed.exists():
            sys.exit(f"run.py: {needed} is missing; see the head of this file")
    in_neovim = [*plugin.TESTS, *neovim.TESTS, *scenes.TESTS, *troubles.TESTS]
    in_neovim += [*random_edits.TESTS, *first_run.TESTS]
    # What is the server's own is driven in one Neovim; the older ones show the same in their own way.
    in_terminal = in_neovim + ([*actions.TESTS, *helix.TESTS] if NEOVIM == "0.12" else [])
    tests = vscode.TESTS if in_vscode else in_terminal
    if words:
        # What measures runs only by name: a busy machine says nothing about the editor.
        tests = [test for test in [*tests, *([] if in_vscode else latency.TESTS)] if any(word in test.__name__ for word in words)]
    for old in [picture for test in tests for picture in PICTURES.glob(f"{test.__name__}-*.png")]:
        old.unlink()
    signal.signal(signal.SIGALRM, on_alarm)
    outcomes = [run(test) for test in tests]
    print(f"pictures: {PICTURES}")
    print(f"{sum(outcomes)} passed, {len(outcomes) - sum(outcomes)} failed")
    return 0 if outcomes and all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
