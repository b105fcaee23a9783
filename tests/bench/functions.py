"""Functions from comments, through the code action, as an editor asks for them.

Opens each task of a suite, puts the cursor where the body belongs, chooses "Write the function this comment describes" or
"Fill in this body", and writes what the file holds then, as predictions for the benchmark kit's score.py.

    tests/bench/functions.py --server target/release/infill-ls --tasks fn_python.jsonl --out predictions.jsonl
        [--limit 40] [--settings '{"actions": {"run_examples": true}}'] [--seconds 330]

A task is a JSON object a line with `id`, `path`, `language`, `file_text_with_prefix` and `suffix` (and `split`, of which
`dev` is used). With a limit, always the same tasks are taken, whatever order the file is in: those that the kit takes.
"""

import argparse
import hashlib
import json
import time

from lsp import RESOLVES, Server, applied

TITLES = ("Write the function this comment describes", "Fill in this body")


def chosen(tasks, limit):
    order = lambda task: hashlib.sha256(("order" + task["id"]).encode()).hexdigest()
    return sorted(tasks, key=order)[:limit] if limit else tasks


def prediction(server, number, task):
    before, after = task["file_text_with_prefix"], task["suffix"]
    uri = f"file:///bench/{number}/{task['path']}"
    text = before + after
    document = {"uri": uri, "languageId": task["language"], "version": 1, "text": text}
    server.notify("textDocument/didOpen", {"textDocument": document})
    place = before.count("\n"), len(before.rsplit("\n", 1)[-1])
    row = {"id": task["id"], "form": "editor", "completion": ""}
    begun = time.perf_counter()
    try:
        edits = next(filter(None, (server.act(uri, place, title) for title in TITLES)), None)
        if edits is None:
            row["error"] = "the action is not offered"
        else:
            row |= {"new_text": applied(text, edits), "completion": "".join(edit["newText"] for edit in edits)}
    except RuntimeError as error:
        row["error"] = str(error)
    row["latency_ms"] = (time.perf_counter() - begun) * 1000
    server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--skip", type=int, default=0, help="leave out the first tasks, which an earlier run has done")
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no task after this time")
    arguments = parser.parse_args()
    with open(arguments.tasks) as file:
        tasks = chosen([task for task in map(json.loads, file) if task.get("split", "dev") == "dev"], arguments.limit)
    begun, done, errors = time.monotonic(), 0, []
    with Server([arguments.server, "serve"], arguments.settings, RESOLVES) as server, open(arguments.out, "w") as out:
        server.wait_until_ready()
        for number, task in enumerate(tasks[arguments.skip :]):
            if arguments.seconds < time.monotonic() - begun:
                break
            row = prediction(server, number, task)
            errors += [f"{task['id']}: {row['error']}"] if "error" in row else []
            print(json.dumps(row), file=out)
            done += 1
    print(f"{done} of {len(tasks)} tasks in {time.monotonic() - begun:.0f} s", *errors, sep="\n")


if __name__ == "__main__":
    main()
