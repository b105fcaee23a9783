"""Proves that the program opens no network socket in its default configuration, once the model is there.

    cargo build --release && target/release/infill-ls model pull
    python3 tests/real/no_network.py        # needs strace, and root for a network namespace of its own

A language server is driven through what a person does: a file opened, completions by typing and by hand, a function written
from its comment, a question, the reports. Once under `strace -f -e trace=network`, where every system call about sockets is
looked at, and once in a network namespace without a usable interface, where it must work just the same. As a control, the
same with a remote source set must be seen to connect, or the first test would prove nothing.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

from lsp import RESOLVES, Server  # noqa: E402
from terminal import server_binary  # noqa: E402

BEFORE, AFTER = (Path(__file__).resolve().parent.parent / "data/sum.py").read_text().rstrip() + "\n    ", "\n"
COMMENT = "# Returns the larger one of two numbers.\n"

# The address families that lead to a network; AF_UNIX and AF_NETLINK stay on the machine, and are told all the same.
NETWORK = re.compile(r"\b(AF_INET6?|AF_PACKET|AF_BLUETOOTH|AF_VSOCK)\b")
CALL = re.compile(r"\b(socket|connect|bind|listen|sendto|sendmsg|accept4?)\(")


def drive(command, settings=None):
    """Does what a person does, and returns the completion of the function's body. The engine is one that is started for it, by
    the server and so under the same watch, and ends with it."""
    with tempfile.TemporaryDirectory() as runtime, Server(
        ["env", f"XDG_RUNTIME_DIR={runtime}", *command], {"engine.linger_seconds": 0, **(settings or {})}, RESOLVES, shared=True
    ) as server:
        server.wait_until_ready()
        body = server.complete("file:///work/sum.py", "python", BEFORE, AFTER)
        document = {"uri": "file:///work/max.py", "languageId": "python", "version": 1, "text": COMMENT}
        server.notify("textDocument/didOpen", {"textDocument": document})
        if settings is None:
            server.act("file:///work/max.py", (0, 3), "Write")
            question = {"command": "infill-ls.ask", "arguments": [{"question": "What is a list?"}]}
            server.call("workspace/executeCommand", question)
        report = server.call("infill/doctor", None)
        assert settings or report["engine"]["shared"], f"the engine is not shared: {report['engine']}"
        server.call("infill/stats", None)
    return body


def traced(command, settings=None):
    """Drives it under strace; returns the completion and the calls about sockets."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace")
        tracing = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
        body = drive([*tracing, *command], settings)
        return body, [line for line in trace.read_text(errors="replace").splitlines() if CALL.search(line)]


def main():
    if shutil.which("strace") is None:
        sys.exit("no_network.py: install strace")
    binary = str(server_binary())
    command = [binary, "serve"]
    body, calls = traced(command)
    assert body is not None and "return" in body, f"no completion under strace: {body!r}"
    leaving = [call for call in calls if NETWORK.search(call)]
    assert not leaving, "the default configuration opened a network socket:\n" + "\n".join(leaving)
    # The engine is a process of its own, and must have been watched too.
    listening = [call for call in calls if "bind(" in call and "AF_UNIX" in call and ".sock" in call]
    assert listening, "the engine was not seen to listen:\n" + "\n".join(calls)
    print(f"ok     strace: {len(calls)} calls about sockets, none of them of a network")
    for call in calls:
        # What is said on a connection is known; which there are is told.
        if not re.search(r"\b(sendto|sendmsg|accept4?)\(", call):
            print(f"         {call[:110]}")

    # The port is closed: to be seen is only that it is tried, and that the model inside answers then.
    remote = {"remote.kind": "llama-server", "remote.url": "http://127.0.0.1:9", "remote.folders": ["*"]}
    body, calls = traced(command, remote)
    leaving = [call for call in calls if NETWORK.search(call)]
    assert any("connect(" in call and "htons(9)" in call for call in leaving), f"the control saw nothing: {calls}"
    assert body is not None and "return" in body, f"the model inside did not answer: {body!r}"
    print(f"ok     control: with a remote source {len(leaving)} such calls are seen")

    inside = ["unshare", "--net", "--"]
    links = subprocess.run([*inside, "cat", "/proc/net/dev"], capture_output=True, text=True)
    assert links.returncode == 0, f"no network namespace could be made: {links.stderr}"
    names = re.findall(r"^\s*(\S+):", links.stdout, re.M)
    assert set(names) <= {"lo"}, f"the namespace has interfaces: {names}"
    body = drive([*inside, *command])
    assert body is not None and "return" in body, f"no completion without a network: {body!r}"
    print("ok     a network namespace of its own: everything works")


if __name__ == "__main__":
    main()
