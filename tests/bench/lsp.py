"""A language client as small as the benchmarks need: one server, whole documents, one request at a time."""

import json
import os
import subprocess
import threading


class Server:
    """A running server; leaving the `with` block shuts it down. Its model is in its own process, if not said otherwise."""

    def __init__(self, command, settings, capabilities=None, shared=False):
        environment = {**os.environ, "INFILL_LS_NO_SHARE": "false" if shared else "true"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.answers, self.changed, self.ready = {}, threading.Condition(), False
        threading.Thread(target=self.read, daemon=True).start()
        self.number = 0
        # One candidate, though every request is as if a person asked.
        settings = {**(settings or {}), "inline.candidates": 1}
        self.call("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities or {}, "initializationOptions": settings})
        self.notify("initialized", {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("shutdown", None)
        self.notify("exit", None)
        self.process.wait(20)

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def call(self, method, params, timeout=120):
        self.number += 1
        self.send({"id": self.number, "method": method} | ({} if params is None else {"params": params}))
        with self.changed:
            if not self.changed.wait_for(lambda: self.number in self.answers, timeout):
                raise TimeoutError(f"no answer to {method}")
            answer = self.answers.pop(self.number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self):
        stream = self.process.stdout
        while True:
            length = None
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if length is None:
                return
            body = stream.read(length)
            if len(body) < length:
                # It was killed.
                return
            message = json.loads(body)
            with self.changed:
                if "id" in message and "method" not in message:
                    self.answers[message["id"]] = message
                elif message.get("method") == "infill/status":
                    self.ready = self.ready or message["params"]["state"] == "ready"
                elif "id" in message:
                    self.send({"id": message["id"], "result": None})
                self.changed.notify_all()

    def wait_until_ready(self, timeout=120):
        with self.changed:
            if not self.changed.wait_for(lambda: self.ready, timeout):
                raise TimeoutError("the model is not ready")

    def complete(self, uri, language, before, after):
        """Opens a text with the cursor between `before` and `after`; returns the text after accepting, or None."""
        document = {"uri": uri, "languageId": language, "version": 1, "text": before + after}
        self.notify("textDocument/didOpen", {"textDocument": document})
        line, column = before.count("\n"), len(before.rsplit("\n", 1)[-1].encode("utf-16-le")) // 2
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": column},
            "context": {"triggerKind": 1},
        }
        result = self.call("textDocument/inlineCompletion", params)
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        items = (result or {}).get("items") or []
        if not items:
            return None
        # The range lies on the cursor's line and ends at the cursor or behind it.
        covered = items[0]["range"]["end"]["character"] - column
        return before + items[0]["insertText"] + after[covered:]

    def act(self, uri, place, title, diagnostics=()):
        """Chooses the action at a place whose title begins like that; returns its edits, or None where there is none."""
        line, character = place
        position = {"line": line, "character": character}
        context = {"diagnostics": list(diagnostics)}
        params = {"textDocument": {"uri": uri}, "range": {"start": position, "end": position}, "context": context}
        actions = self.call("textDocument/codeAction", params) or []
        chosen = next((action for action in actions if action["title"].startswith(title)), None)
        if chosen is None:
            return None
        edit = self.call("codeAction/resolve", chosen, 600)["edit"]
        return [change for document in edit["documentChanges"] for change in document["edits"]]


# An editor that takes edits later, as the code actions need it.
RESOLVES = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
    "general": {"positionEncodings": ["utf-32"]},
}


def applied(text, edits):
    """Returns the text with edits made; columns count characters."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    at = lambda position: starts[position["line"]] + position["character"]
    for edit in sorted(edits, key=lambda edit: at(edit["range"]["start"]), reverse=True):
        text = text[: at(edit["range"]["start"])] + edit["newText"] + text[at(edit["range"]["end"]) :]
    return text
