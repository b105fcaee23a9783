"""Runs what an editor left behind: the honest test of completed code is what it does."""

import subprocess
import sys

from terminal import Failure


def run(command, folder):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, timeout=60)
    return result.returncode, result.stdout.strip(), result.stderr.strip()


def expect(outcome, expected, path):
    code, output, errors = outcome
    if code != 0 or output != expected:
        text = path.read_text(encoding="utf-8")
        raise Failure(f"expected the output {expected!r}, got {output!r}\n{errors}\nof this file:\n{text}")


def expect_python(path, expected):
    """Fails unless the Python file runs and prints exactly this."""
    expect(run([sys.executable, path], path.parent), expected, path)


def expect_rust(path, expected):
    """Fails unless the Rust file compiles, runs and prints exactly this."""
    program = path.parent / "program"
    code, output, errors = run(["rustc", "--edition", "2021", "-o", program, path], path.parent)
    if code == 0:
        code, output, errors = run([program], path.parent)
    expect((code, output, errors), expected, path)
