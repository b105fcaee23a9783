"""How many single faults does "Mend" do away with?

Takes right functions of the benchmark kit (HumanEval-X), breaks each in one place as `mending.json` says, has the language's
own compiler or linter state the fault, and asks for the code action at each statement, at most three rounds, as an editor's
user would who looks at the new diagnostics. Mended is what the compiler accepts again.

    tests/bench/mending.py --server target/release/infill-ls --data DATA [--language rust] [--check] [--seconds 330]
    tests/bench/mending.py --data DATA --make > tests/bench/mending.json

DATA is the kit's folder with `fn_python.jsonl`, `fn_rust.jsonl` and `fn_javascript.jsonl` (whose functions are checked as
TypeScript). Needed: `python3 -m pyflakes`, `rustc`, and `tsc` (TSC names it, its default is `npx tsc`). With --check the
server is also given the check command, as the setting `actions.check`.
"""

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

from lsp import RESOLVES, Server, applied

HERE = os.path.dirname(os.path.abspath(__file__))
TSC = os.environ.get("TSC", "npx tsc")
PYTHON = os.environ.get("PYTHON", "python3")
LANGUAGES = {
    "python": ("fn_python.jsonl", "py", f"{PYTHON} -m pyflakes {{file}}"),
    "rust": ("fn_rust.jsonl", "rs", "rustc --edition 2021 --crate-type lib -A warnings --emit metadata --out-dir . {file}"),
    "typescript": ("fn_javascript.jsonl", "ts", f"{TSC} --noEmit --target es2022 --lib es2022,dom {{file}}"),
}
WANTED, ROUNDS = 20, 3


def checked(language, text):
    """Returns what the compiler says of a text, as diagnostics: (line from 0, message)."""
    _, extension, command = LANGUAGES[language]
    with tempfile.TemporaryDirectory() as folder:
        name = f"shop.{extension}"
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
        run = subprocess.run(command.replace("{file}", name), shell=True, cwd=folder, capture_output=True, text=True, timeout=120)
    lines, found = (run.stdout + run.stderr).splitlines(), []
    for index, line in enumerate(lines):
        if place := re.search(rf"{name}[:(](\d+)", line):
            # rustc says what is wrong on the line above, and how to mend it on those below.
            message = re.sub(rf"^{name}[:(\d,)]*:? ?", "", line)
            if "-->" in line:
                below = [more for more in lines[index + 1 : index + 12] if re.search(r"\^|= help|= note|help:", more)]
                message = "\n".join([lines[index - 1], *below])
            found.append((int(place.group(1)) - 1, message))
    return found if found or run.returncode == 0 else [(0, "\n".join(lines)[:500])]


def functions(data, language):
    file, _, _ = LANGUAGES[language]
    with open(os.path.join(data, file)) as lines:
        for task in map(json.loads, lines):
            yield task["id"], task["file_text_with_prefix"] + task["canonical"] + task["suffix"]


def mutations(line, language):
    """Returns ways to break a line, each with a name."""
    found = []
    for match in re.finditer(r"[)\]}]", line):
        found.append(("bracket", line[: match.start()] + line[match.end() :]))
    for match in re.finditer(r"\b[a-z_]{4,}\b", line):
        word, at = match.group(), random.randrange(1, len(match.group()) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        found += [("letters", line[: match.start()] + swapped + line[match.end() :])] if swapped != word else []
    for mark, name in [(":", "colon"), (";", "semicolon"), (",", "comma"), ("=>", "arrow"), ("->", "arrow"), ('"', "quote"), ("'", "quote")]:
        if mark in line:
            at = line.rindex(mark)
            found.append((name, line[:at] + line[at + len(mark) :]))
    for right, wrong in [("mut ", ""), ("&", ""), (" as usize", ""), (" as i32", ""), (".len()", ""), (".to_string()", ""), ("==", "="), (".push(", ".append("), (".append(", ".push("), ("len(", "length("), (" = ", " "), (" + ", " + + ) ")]:
        if right in line:
            found.append((f"`{right.strip()}`", line.replace(right, wrong, 1)))
    return found


def make(data):
    faults = []
    for language in LANGUAGES:
        kinds, taken = {}, 0
        tasks = sorted(functions(data, language), key=lambda task: hashlib.sha256(task[0].encode()).hexdigest())
        for number, text in tasks:
            if taken == WANTED:
                break
            random.seed(number)
            lines = text.split("\n")
            start = next((i for i, line in enumerate(lines) if re.search(r"^\s*(def|fn|const .*=>|function|pub fn)\b", line)), 0)
            ways = [(i, name, new) for i in range(start, len(lines)) for name, new in mutations(lines[i], language)]
            random.shuffle(ways)
            # The kinds that are rare so far first, so that all of them are there.
            ways.sort(key=lambda way: kinds.get(way[1], 0))
            if checked(language, text):
                continue
            for i, name, new in ways[:12]:
                if checked(language, "\n".join([*lines[:i], new, *lines[i + 1 :]])):
                    faults.append({"language": language, "task": number, "kind": name, "line": i, "right": lines[i], "wrong": new})
                    kinds[name] = kinds.get(name, 0) + 1
                    taken += 1
                    break
        print(language, taken, kinds, file=sys.stderr)
    print("[\n" + ",\n".join(json.dumps(fault, ensure_ascii=False) for fault in faults) + "\n]")


def mended(server, uri, language, text):
    """Returns the rounds that it took, or None."""
    for turn in range(ROUNDS + 1):
        faults = checked(language, text)
        if not faults:
            return turn
        if turn == ROUNDS:
            return None
        line, message = faults[0]
        line = min(line, text.count("\n"))
        diagnostic = {
            "range": {"start": {"line": line, "character": 0}, "end": {"line": line, "character": len(text.split("\n")[line])}},
            "message": message,
        }
        document = {"uri": uri, "languageId": language, "version": turn + 1, "text": text}
        server.notify("textDocument/didOpen", {"textDocument": document})
        try:
            edits = server.act(uri, (line, 0), "Mend", [diagnostic])
        except RuntimeError:
            edits = None
        server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        if not edits:
            return None
        text = applied(text, edits)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server")
    parser.add_argument("--data", required=True)
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--language", nargs="+", default=list(LANGUAGES))
    parser.add_argument("--limit", type=int, default=WANTED)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no file after this time")
    arguments = parser.parse_args()
    if arguments.make:
        return make(arguments.data)
    with open(os.path.join(HERE, "mending.json")) as file:
        faults = json.load(file)
    begun = time.monotonic()
    for language in arguments.language:
        texts, rounds, missed = dict(functions(arguments.data, language)), [], []
        settings = {"actions": {"check": LANGUAGES[language][2]}} if arguments.check else {}
        with Server([arguments.server, "serve"], settings, RESOLVES) as server:
            server.wait_until_ready()
            for number, fault in enumerate([fault for fault in faults if fault["language"] == language][: arguments.limit]):
                if arguments.seconds < time.monotonic() - begun:
                    break
                lines = texts[fault["task"]].split("\n")
                assert lines[fault["line"]] == fault["right"], fault["task"]
                text = "\n".join([*lines[: fault["line"]], fault["wrong"], *lines[fault["line"] + 1 :]])
                took = mended(server, f"file:///bench/{number}/shop.{LANGUAGES[language][1]}", language, text)
                rounds += [took] if took is not None else []
                missed += [] if took is not None else [f"{fault['task']} ({fault['kind']})"]
        total = len(rounds) + len(missed)
        print(f"{language}: {len(rounds)} of {total} mended, {rounds.count(1)} in one round; {time.monotonic() - begun:.0f} s")
        print("  missed:", ", ".join(missed))


if __name__ == "__main__":
    main()
