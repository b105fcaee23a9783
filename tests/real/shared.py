"""Two windows and one engine, with the real model.

    cargo build --release && target/release/infill-ls model pull
    python3 tests/real/shared.py

The windows get what a server with a model of its own writes; a second window costs next to no memory; whichever of the three
processes is killed, or stopped, the others go on; and nothing is left behind.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

from lsp import Server  # noqa: E402
from terminal import server_binary  # noqa: E402

BEFORE, AFTER = (Path(__file__).resolve().parent.parent / "data/sum.py").read_text().rstrip() + "\n    ", "\n"


def until(what, found, seconds=60):
    """Waits until something is found, and returns it."""
    end = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
    return result


def is_alive(pid):
    return Path(f"/proc/{pid}/exe").exists()


def megabytes(pid):
    """Returns the proportional set size of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def start(runtime, shared=True):
    command = ["env", f"XDG_RUNTIME_DIR={runtime}", str(server_binary()), "serve"]
    server = Server(command, {"engine.linger_seconds": 0}, shared=shared)
    server.wait_until_ready()
    return server


def engine(server):
    return server.call("infill/doctor", None).get("engine")


def completed(server, name):
    return server.complete(f"file:///work/{name}.py", "python", BEFORE, AFTER)


# Knocks at a socket and prints what comes of it; "stays" where the other end waits for what is said.
KNOCK = """
import os, socket, sys
for user in map(int, sys.argv[2:]):
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
knocking = socket.socket(socket.AF_UNIX)
# Less than the engine waits for a greeting.
knocking.settimeout(2)
try:
    knocking.connect(sys.argv[1])
    print("stays" if knocking.recv(1) else "turned away")
except PermissionError:
    print("kept out")
except ConnectionError:
    print("turned away")
except TimeoutError:
    print("stays")
"""
NOBODY = 65534


def knock(path, *user):
    """Knocks as this user or, in a process that has given up being root, as another."""
    command = [sys.executable, "-c", KNOCK, str(path), *map(str, user)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def strangers(runtime, server):
    """Other users are kept out by the directory, and turned away where that lets them in."""
    if os.geteuid() != 0:
        print("not run: whether other users are turned away, which only root can try")
        return
    sockets = [path for path in Path(runtime).rglob("*") if path.is_socket()]
    assert len(sockets) == 1, sockets
    assert knock(sockets[0]) == "stays", "the engine does not wait for what its own user says"
    assert knock(sockets[0], NOBODY) == "kept out"
    modes = {path: path.stat().st_mode for path in (*sockets, *sockets[0].parents[:2])}
    for path in modes:
        path.chmod(0o777)
    try:
        assert knock(sockets[0]) == "stays"
        assert knock(sockets[0], NOBODY) == "turned away"
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert engine(server)["windows"] == 2
    print("ok     another user is kept out, and turned away where the directory lets everybody in")


def main():
    with tempfile.TemporaryDirectory() as runtime:
        with start(runtime, shared=False) as own:
            expected = completed(own, "own")
            assert "return" in expected and not engine(own)["shared"], expected
            alone = megabytes(own.process.pid)
        with start(runtime) as one, start(runtime) as two:
            first = engine(one)
            assert first["shared"] and first["pid"] == engine(two)["pid"], (first, engine(two))
            for server, name in (one, "one"), (two, "two"):
                assert completed(server, name) == expected, completed(server, name)
            print("ok     two windows write what one with its own model does")
            together = sum(map(megabytes, (one.process.pid, two.process.pid, first["pid"])))
            assert together < 1.15 * alone, f"two windows {together:.0f} MB, one {alone:.0f} MB"
            print(f"ok     two windows have {together:.0f} MB, one with its own model {alone:.0f} MB")
            strangers(runtime, one)
            third = start(runtime)
            os.kill(third.process.pid, signal.SIGKILL)
            third.process.wait(20)
            until("two windows", lambda: engine(one)["windows"] == 2)
            assert completed(two, "two") == expected
            print("ok     a window that is killed harms no other")
            os.kill(first["pid"], signal.SIGKILL)
            second = until("another engine", lambda: (found := engine(one)) and found["pid"] != first["pid"] and found)
            for server, name in (one, "one"), (two, "two"):
                assert until("a completion", lambda: completed(server, name)) == expected
            assert engine(two)["pid"] == second["pid"]
            print("ok     an engine that is killed is replaced, and the windows go on")
            os.kill(second["pid"], signal.SIGSTOP)
            began = time.monotonic()
            assert until("a completion", lambda: completed(one, "one"), 180) == expected
            assert not engine(one)["shared"], engine(one)
            print(f"ok     where the engine is stopped, the window helps itself after {time.monotonic() - began:.0f} s")
            os.kill(second["pid"], signal.SIGCONT)
            assert until("a completion", lambda: completed(two, "two")) == expected
        until("the engine's end", lambda: not is_alive(second["pid"]))
        print("ok     the engine ends with the last window")


if __name__ == "__main__":
    main()
