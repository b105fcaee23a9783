#!/usr/bin/env python3
"""What each rule of the completion logic is worth: each left out in turn, over the same recorded texts.

  ablation.py places --kit KIT --suite he_line:40 he_multiline:40 --out places.jsonl
  cargo run --release --example rules -- record 300 < places.jsonl > recorded.jsonl      (the model; 1 to 5 s a place)
  cargo build --example rules                                  (a debug build, in which a rule can be left out)
  ablation.py rules --kit KIT --recorded recorded.jsonl --replay target/debug/examples/rules [--without errors fence]

KIT is the folder of the completion benchmark kit (its common.py and score.py are used). A row of the table: suggestions that
pass (tests, or the exact line where a suite has none), how many are shown, and the tokens that had to be written.
"""
import argparse, collections, concurrent.futures, json, os, subprocess, sys

RULES = """go-on function-end reach-rest suffix fence unclosed column echo loop stray-closers rest-of-line lines-below
indentation errors repeats promise""".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["places", "rules"])
    parser.add_argument("--kit", required=True)
    parser.add_argument("--suite", nargs="+", default=[], metavar="NAME:LIMIT")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--out", default="places.jsonl")
    parser.add_argument("--recorded", nargs="+", default=[])
    parser.add_argument("--replay")
    parser.add_argument("--without", nargs="+", default=RULES)
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.kit)
    if arguments.what == "places":
        places(arguments)
    else:
        rules(arguments)


def places(arguments):
    from common import load_tasks
    with open(arguments.out, "w") as out:
        for suite in arguments.suite:
            name, _, limit = suite.partition(":")
            for task in load_tasks([name], arguments.split, int(limit or 0)):
                before, after = task["file_text_with_prefix"], task["suffix"]
                place = {"id": task["id"], "suite": name, "language": task["language"], "before": before, "after": after}
                out.write(json.dumps(place) + "\n")


def rules(arguments):
    from common import load_tasks
    rows = [json.loads(line) for path in arguments.recorded for line in open(path)]
    tasks = {task["id"]: task for suite in {row["suite"] for row in rows} for task in load_tasks([suite], None, 0)}
    known, base = {}, None
    for left_out in [None, *arguments.without]:
        result = replay(rows, tasks, arguments.replay, left_out, known)
        base = base or result
        changed = sum(a != b for a, b in zip(result["texts"], base["texts"]))
        suites = "  ".join(f"{suite} {sum(passed)}/{len(passed)}" for suite, passed in sorted(result["passed"].items()))
        shown = sum(bool(text) for text in result["texts"])
        print(f"{left_out or '(all rules)':14} {suites}  shown {shown}  tokens {result['used']}  changed {changed}", flush=True)


def replay(rows, tasks, command, left_out, known):
    environment = {**os.environ, "INFILL_LS_WITHOUT": left_out or ""}
    lines = "\n".join(json.dumps(row) for row in rows)
    run = subprocess.run([command, "replay"], input=lines.encode(), capture_output=True, env=environment, check=True)
    answers = [json.loads(line) for line in run.stdout.decode().splitlines()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda answer: passes(tasks[answer["id"]], answer, known), answers))
    passed = collections.defaultdict(list)
    for row, verdict in zip(rows, verdicts):
        passed[row["suite"]].append(verdict)
    return {"passed": passed, "texts": [a["completion"] for a in answers], "used": sum(a["used"] for a in answers)}


def passes(task, answer, known):
    import score
    if not answer.get("new_text"):
        return False
    if task["suite"].startswith(("sfim", "repo")) or not task.get("test"):
        return answer["completion"].strip() == task["canonical"].strip()
    key = (task["id"], answer["new_text"])
    if key not in known:
        limits = {"tools": score.find_tools(), "timeout": 5, "compile_timeout": 60, "mem": 2048, "nice": 5}
        known[key] = score.run_tests(task, answer["new_text"], limits)[0] == "pass"
    return known[key]


if __name__ == "__main__":
    main()
