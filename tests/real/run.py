"""Drives real editors with the built server and the real model, and looks at what a user would see.

    tests/real/setup                    # once, as root: installs the editors
    cargo build --release && target/release/infill-ls model pull
    python3 tests/real/run.py [WORD …]  # only the tests with one of these words in their name

With --retry a test that failed is told in full and run once more, in a fresh terminal; the last line names those that passed
only then. With INFILL_LS_NEOVIM=0.11, or 0.10, that Neovim is driven, and those code actions that only edit the text, and
Helix, are left out. VS Code has its own: .ci/vscode installs and packages what it needs and runs

    python3 tests/real/run.py --vscode [--retry] [WORD …]

The pictures of the terminals are kept in target/real/pictures ($INFILL_LS_REAL_DIR/pictures).
"""

import signal
import sys
import time
import traceback

import actions
import first_run
import headless
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


def outcome(test, is_retried):
    """Runs a test, and where it fails and is to be retried, once more. Returns "passed", "failed" or "flaky"."""
    if run(test):
        return "passed"
    if not is_retried:
        return "failed"
    print(f"once more: {test.__name__}")
    return "flaky" if run(test) else "failed"


def closing_line(outcomes):
    """Returns the last line for the outcomes by name, in which those are named that did not simply pass."""
    kinds = {kind: [name for name, found in outcomes.items() if found == kind] for kind in ("passed", "failed", "flaky")}
    line = f"{len(kinds['passed']) + len(kinds['flaky'])} passed, {len(kinds['failed'])} failed"
    if kinds["failed"]:
        line += f": {' '.join(kinds['failed'])}"
    if kinds["flaky"]:
        line += f", {len(kinds['flaky'])} only at the second try: {' '.join(kinds['flaky'])}"
    return line


def main():
    flags = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    words = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if unknown := set(flags) - {"--vscode", "--retry"}:
        sys.exit(f"run.py: there is no {' '.join(sorted(unknown))}; see the head of this file")
    in_vscode = "--vscode" in flags
    for needed in (server_binary(), cache_directory(), vscode.NODE if in_vscode else REAL / "root" / ".recipe"):
        if not needed.exists():
            sys.exit(f"run.py: {needed} is missing; see the head of this file")
    in_neovim = [*plugin.TESTS, *neovim.TESTS, *scenes.TESTS, *troubles.TESTS]
    in_neovim += [*random_edits.TESTS, *first_run.TESTS, *headless.TESTS]
    # What is the server's own is driven in one Neovim; the older ones show the same in their own way.
    in_terminal = in_neovim + ([*actions.TESTS, *helix.TESTS] if NEOVIM == "0.12" else actions.SHOWN)
    tests = vscode.TESTS if in_vscode else in_terminal
    if words:
        # What measures runs only by name: a busy machine says nothing about the editor.
        tests = [test for test in [*tests, *([] if in_vscode else latency.TESTS)] if any(word in test.__name__ for word in words)]
    for old in [picture for test in tests for picture in PICTURES.glob(f"{test.__name__}-*.png")]:
        old.unlink()
    signal.signal(signal.SIGALRM, on_alarm)
    outcomes = {test.__name__: outcome(test, "--retry" in flags) for test in tests}
    print(f"pictures: {PICTURES}")
    print(closing_line(outcomes))
    return 0 if outcomes and "failed" not in outcomes.values() else 1


if __name__ == "__main__":
    sys.exit(main())
