"""Is the anchored middle with token healing as good as the usual order of prefix and suffix?

Types half of each canonical line of HumanEval-Infilling tasks, once to the nearest word's end and once into a word, and
counts how often the exact rest of the line is suggested, with the anchored prompt and with the usual one.

    tests/bench/anchored.py --server target/release/infill-ls --tasks he_line.jsonl [--limit 60]

A task is a JSON object a line with `path`, `file_text_with_prefix`, `suffix` and `canonical` (and `split`, of which `dev`
is used).
"""

import argparse
import json

from lsp import Server


def cuts(line):
    """Returns where half of the line is typed: at a word's end, and inside a word (None where there is none)."""
    middle, word = len(line) // 2, lambda i: line[i].isalnum() or line[i] == "_"
    ends = [i for i in range(1, len(line)) if word(i - 1) and not word(i)]
    inside = [i for i in range(1, len(line)) if word(i - 1) and word(i)]
    nearest = lambda places: min(places, key=lambda i: abs(i - middle), default=None)
    return nearest(ends), nearest(inside)


def right(server, number, task, cut):
    """Returns whether accepting the suggestion gives exactly the line."""
    line = task["canonical"].rstrip("\n")
    before, after = task["file_text_with_prefix"] + line[:cut], task["suffix"]
    text = server.complete(f"file:///bench/{number}.py", "python", before, after)
    return text == task["file_text_with_prefix"] + line + after


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--limit", type=int, default=60)
    arguments = parser.parse_args()
    with open(arguments.tasks) as file:
        tasks = [task for task in map(json.loads, file) if task.get("split", "dev") == "dev"][: arguments.limit]
    print(f"{'':10} {'at a word’s end':>18} {'inside a word':>18}")
    for name, anchored in [("anchored", True), ("usual", False)]:
        # Both are given the time to read all they want: what is compared is the order, not the speed.
        settings = {"prompt": {"anchored": anchored}, "completion": {"latency_ms": 60_000, "time_ms": 60_000}}
        with Server([arguments.server, "serve"], settings) as server:
            server.wait_until_ready()
            counts = []
            for kind in (0, 1):
                places = [(number, task, cuts(task["canonical"].rstrip("\n"))[kind]) for number, task in enumerate(tasks)]
                places = [place for place in places if place[2] is not None]
                counts.append(f"{sum(right(server, *place) for place in places)} of {len(places)}")
        print(f"{name:10} {counts[0]:>18} {counts[1]:>18}")


if __name__ == "__main__":
    main()
