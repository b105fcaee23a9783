"""How long does the server go on computing when a request is taken back?

Asks for a completion at ever new places, takes each request back a moment later while the prompt is read or the answer
written, and prints how long the computing went on, as the server itself counts it (`infill/doctor`).

    tests/bench/cancel.py --server target/release/infill-ls [--times 60]
"""

import argparse
import random
import time

from lsp import Server

LINES = "".join(f"def value_{n}(a, b):\n    return a * {n} + b\n\n\n" for n in range(60))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--times", type=int, default=60)
    arguments = parser.parse_args()
    chance, took = random.Random(1), []
    with Server([arguments.server, "serve"], {}) as server:
        server.wait_until_ready()
        for number in range(arguments.times):
            uri = f"file:///bench/{number}.py"
            text = f"# {chance.random()}\n" + LINES + "def total(values):\n    result = "
            document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            before = server.call("infill/doctor", None)["counters"]["cancelled"]
            server.notify("textDocument/didOpen", {"textDocument": document})
            position = {"line": text.count("\n"), "character": len("    result = ")}
            server.number += 1
            params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}
            server.send({"id": server.number, "method": "textDocument/inlineCompletion", "params": params})
            time.sleep(chance.uniform(0.02, 0.4))
            server.notify("$/cancelRequest", {"id": server.number})
            server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            time.sleep(0.3)
            counters = server.call("infill/doctor", None)["counters"]
            if counters["cancelled"] > before:
                took.append(counters["last_cancel_us"] / 1000)
    took.sort()
    if not took:
        raise SystemExit("nothing was under way when it was taken back")
    share = lambda part: took[min(len(took) - 1, int(part * len(took)))]
    print(f"{len(took)} of {arguments.times} taken back while they ran; ms to stop: p50 {share(0.5):.1f}, p95 {share(0.95):.1f}, most {took[-1]:.1f}")


if __name__ == "__main__":
    main()
