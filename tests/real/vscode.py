"""VS Code with the extension, in a real browser. The tests themselves are in tests/real/vscode, in TypeScript, beside what
drives the browser; here they take their place among those in the other editors."""

import os
import shutil
import signal
import subprocess

from terminal import HERE, PICTURES, REAL, REPOSITORY, Failure, cache_directory

TOOLS = REAL / "vscode"
NODE = TOOLS / "node_modules" / ".bin" / "node"
CODE_SERVER = TOOLS / "node_modules" / "code-server" / "out" / "node" / "entry.js"
EXTENSIONS = TOOLS / "extensions"
# As `npm run package` leaves it, whatever the version.
PACKAGES = REPOSITORY / "editors" / "vscode"


class Window:
    """What a test has instead of a terminal: the output of its own process, which keeps its pictures by itself."""

    def __init__(self, name):
        self.name = name

    def picture(self, label):
        return PICTURES / f"{self.name}-*.png"

    def screen(self):
        return ""

    def logs(self):
        return {}

    def close(self):
        pass


def environment():
    """What VS Code and its server see. An engine that is shared would outlive them, and tests that kill it must meet no other."""
    own = {"INFILL_LS_REAL_DIR": str(REAL), "INFILL_LS_CACHE": str(cache_directory()), "INFILL_LS_NO_SHARE": "1"}
    return {**os.environ, **own}


def node(*arguments, seconds):
    """Runs Node and everything that it starts. Returns its exit code and output."""
    command = [str(NODE), *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException:
        # The browser and code-server are in its group.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, output


def vscode_install(window):
    """The package is installed by VS Code's own command line, with a program in it that can be run."""
    packages = sorted(PACKAGES.glob("infill-ls-*.vsix"))
    if len(packages) != 1:
        raise Failure(f"expected one package in {PACKAGES}, found {packages}: cd editors/vscode && npm run package")
    shutil.rmtree(EXTENSIONS, ignore_errors=True)
    folders = ("--extensions-dir", EXTENSIONS, "--user-data-dir", TOOLS / "work" / "install")
    code, output = node(CODE_SERVER, *folders, "--install-extension", packages[0], seconds=120)
    if code != 0 or "successfully installed" not in output:
        raise Failure(output)
    installed = list(EXTENSIONS.glob("infill-ls.*/server/infill-ls"))
    if len(installed) != 1 or not os.access(installed[0], os.X_OK):
        raise Failure(f"no program that can be run in {EXTENSIONS}: {installed}")
    size = packages[0].stat().st_size / 1e6
    print(f"  {packages[0].name}: {size:.1f} MB")


def in_browser(name):
    """Returns the test of this name in tests/real/vscode."""

    def test(window):
        if not EXTENSIONS.exists():
            vscode_install(window)
        code, output = node(HERE / "vscode" / "main.ts", name, seconds=test.limit - 10)
        for line in output.splitlines():
            print(f"  {line}")
        if code != 0:
            raise Failure(f"{name} failed")

    test.__name__ = name
    return test


def names():
    if not NODE.exists():
        return []
    code, output = node(HERE / "vscode" / "main.ts", "--list", seconds=60)
    if code != 0:
        raise Failure(output)
    return output.split()


TESTS = [vscode_install, *map(in_browser, names())]
for test in TESTS:
    test.limit = 400
    test.stage = Window
