"""Measures what it costs that several windows share one engine, with the real model.

    cargo build --release && target/release/infill-ls model pull
    python3 tests/bench/windows.py [--lines 12] [--rest 75] [--json FILE]

Memory is the proportional set size (PSS) of the servers and their engine, each window with a file of its own that was worked in: at
once, and after a rest, in which the engine frees what only the next key in a file would need.
Time is from a key to the answer of the request behind it, in a file that is typed line by line: alone with the model in the
server's own process, alone through the engine, alone among four windows, in two windows at once, and while the other window
writes long texts without a pause. Linux only.
"""

import argparse
import json
import os
import random
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lsp import RESOLVES, Server  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(os.environ.get("INFILL_LS") or Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release/infill-ls")
FILES = ["src/source/fallback.rs", "src/complete/prompt.rs", "src/server/ahead.rs", "src/engine/totals.rs"]
# Seconds between two keys, about those of somebody who types well.
KEY = 0.12


def pss(pid):
    """Returns the megabytes of a process, what is shared with others divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(pid)


class Window:
    """An editor's window with one file, in which lines are typed."""

    def __init__(self, file, shared):
        command = [str(BINARY), "serve", "--set", "engine.linger_seconds=1", *([] if shared else ["--no-share"])]
        self.server = Server(command, {"inline.candidates": 1}, RESOLVES, shared=shared)
        self.server.wait_until_ready()
        self.open(file)

    def open(self, file):
        """Opens another file, in which lines are typed from now on."""
        self.uri, self.version = f"file:///bench/{Path(file).name}", 1
        self.lines = (ROOT / file).read_text().splitlines()
        text = "\n".join(self.lines) + "\n"
        document = {"uri": self.uri, "languageId": "rust", "version": 1, "text": text}
        self.server.notify("textDocument/didOpen", {"textDocument": document})

    def report(self):
        return self.server.call("infill/doctor", None)

    def engine(self):
        return self.report()["engine"]

    def settle(self, seconds=2):
        """Waits until nothing is computed any more, or ten minutes."""
        last, since = None, time.monotonic()
        end = since + 600
        while time.monotonic() < end:
            tokens = self.report()["counters"]["prepared_tokens"]
            if tokens != last:
                last, since = tokens, time.monotonic()
            elif time.monotonic() - since > seconds:
                return
            time.sleep(0.1)

    def change(self, start, end, text):
        self.version += 1
        place = lambda at: {"line": at[0], "character": at[1]}
        changes = [{"range": {"start": place(start), "end": place(end)}, "text": text}]
        document = {"uri": self.uri, "version": self.version}
        self.server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def type_line(self, line, key=KEY):
        """Takes a line's text away and types it again; returns the seconds to each answer, and whether it had a text."""
        text = self.lines[line]
        indent = len(text) - len(text.lstrip())
        self.change((line, indent), (line, len(text.encode("utf-16-le")) // 2), "")
        answers = []
        for column in range(indent, len(text)):
            began = time.monotonic()
            self.change((line, column), (line, column), text[column])
            params = {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": column + 1}, "context": {"triggerKind": 1}}
            result = self.server.call("textDocument/inlineCompletion", params)
            took = time.monotonic() - began
            answers.append((took, bool((result or {}).get("items"))))
            time.sleep(max(0, key - took))
        return answers

    def type_lines(self, count, seed):
        chosen = [n for n, line in enumerate(self.lines) if 20 <= len(line.strip()) <= 60 and line.isascii() and n > 10]
        chosen = random.Random(seed).sample(chosen, count)
        return [answer for line in chosen for answer in self.type_line(line)]

    def write_long(self, until):
        """Has function bodies written, one after the other; returns the seconds that each took."""
        took, number = [], 0
        while not until.is_set():
            number += 1
            uri = f"file:///bench/long{number}.py"
            text = f"# Merges two sorted lists into one, number {number}.\n"
            document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            self.server.notify("textDocument/didOpen", {"textDocument": document})
            began = time.monotonic()
            assert self.server.act(uri, (0, 5), "Write the function") is not None
            took.append(time.monotonic() - began)
            self.server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return took

    def close(self):
        self.server.__exit__()


def quantiles(answers):
    times = sorted(1000 * took for took, _ in answers)
    shown = sum(is_shown for _, is_shown in answers)
    at = lambda part: times[min(len(times) - 1, int(part * len(times)))]
    return {"keys": len(times), "shown": shown, "p50": at(0.5), "p95": at(0.95), "mean": statistics.fmean(times)}


def show(name, found):
    print(f"{name:<34} {found['keys']:>5} keys {found['shown']:>5} shown   p50 {found['p50']:7.1f} ms   p95 {found['p95']:7.1f} ms   mean {found['mean']:7.1f} ms", flush=True)


def together(windows, lines):
    """Types in several windows at once; returns the answers of each."""
    found = [None] * len(windows)

    def work(at):
        found[at] = windows[at].type_lines(lines, 13)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(windows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=12)
    parser.add_argument("--rest", type=float, default=75, help="seconds of rest before the second look at the memory")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = {}

    own = Window(FILES[0], shared=False)
    own.settle()
    found["own"] = quantiles(own.type_lines(arguments.lines, 7))
    own.settle()
    one = pss(own.server.process.pid)
    show("alone, model in the server", found["own"])
    for file in FILES[1:]:
        own.open(file)
        own.settle()
        own.type_lines(1, 3)
    own.settle()
    one_of_four = pss(own.server.process.pid)
    own.close()

    first = Window(FILES[0], shared=True)
    first.settle()
    found["alone"] = quantiles(first.type_lines(arguments.lines, 7))
    show("alone, through the engine", found["alone"])
    first.settle()
    engine = first.engine()["pid"]
    alone = {"window": pss(first.server.process.pid), "engine": pss(engine)}

    # New windows, for the same lines must not be answered from what was suggested before.
    first.close()
    windows = [Window(file, shared=True) for file in FILES]
    first = windows[0]
    for window in windows[1:]:
        window.settle()
        window.type_lines(1, 3)
    for window in windows:
        window.settle()
    engine = first.engine()["pid"]
    assert first.engine()["windows"] == 4, first.engine()
    found["among four"] = quantiles(first.type_lines(arguments.lines, 7))
    show("the same, among four windows", found["among four"])
    for window in windows:
        window.settle()
    memory = lambda: ([pss(window.server.process.pid) for window in windows], pss(engine))
    at_once = memory()
    time.sleep(arguments.rest)
    rested = memory()

    both = [quantiles(answers) for answers in together(windows[:2], arguments.lines)]
    for name, result in zip(("two at once, first", "two at once, second"), both):
        show(name, result)
    over, took = threading.Event(), []
    writer = threading.Thread(target=lambda: took.extend(windows[1].write_long(over)))
    writer.start()
    found["beside long texts"] = quantiles(windows[2].type_lines(arguments.lines, 7))
    over.set()
    writer.join()
    show("one beside long texts", found["beside long texts"])
    print(f"{len(took)} long texts, {statistics.fmean(took):.1f} s each")
    for window in windows:
        window.close()

    print(f"memory (PSS): one window with its own model {one:.0f} MB, with the four files {one_of_four:.0f} MB; one window {alone['window']:.0f} MB and the engine {alone['engine']:.0f} MB")
    for name, (each, whole) in (("at once", at_once), ("rested", rested)):
        total = sum(each) + whole
        print(f"              four windows, {name}: {', '.join(f'{it:.0f}' for it in each)} MB and the engine {whole:.0f} MB: {total:.0f} MB, {total / one:.2f} x one window, {total / one_of_four:.2f} x one with the same files")
    print(f"p95 of one among four: {found['among four']['p95'] / found['own']['p95']:.2f} x alone with its own model, {found['among four']['p95'] / found['alone']['p95']:.2f} x alone through the engine")
    if arguments.json:
        memory = {"own": one, "own with four files": one_of_four, "alone": alone, "four at once": at_once, "four rested": rested}
        arguments.json.write_text(json.dumps({"times": found, "two": both, "memory": memory}, indent=1))


if __name__ == "__main__":
    main()
