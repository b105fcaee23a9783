"""The list of what a user does in Neovim once more without a terminal: `nvim --headless`, driven through its RPC alone. So a
failure says whether it is the editor's or the terminal's."""

import subprocess

import neovim
import plugin
import scenes
import troubles
from msgpack_rpc import Neovim
from terminal import COLUMNS, ROWS, Failure, Terminal, wait_for

# tmux's names of keys, and Neovim's.
KEYS = {"Escape": "<Esc>", "Enter": "<CR>", "BSpace": "<BS>"}

SCREEN = """
vim.cmd('redraw')
local rows = {}
for row = 1, vim.o.lines do
  local cells = {}
  for column = 1, vim.o.columns do
    cells[column] = vim.fn.screenstring(row, column)
  end
  rows[row] = table.concat(cells):gsub(' +$', '')
end
return table.concat(rows, '\\n')
"""


class Headless(Terminal):
    """A Neovim without a terminal. Keys are its input, and the screen is what it would draw; there are no pictures."""

    process = None
    connection = None

    def start(self, program, *arguments):
        size = ("--headless", "--cmd", f"set lines={ROWS} columns={COLUMNS}")
        line = list(map(str, self.command_line(program, *size, *arguments)))
        self.socket = arguments[arguments.index("--listen") + 1]
        with (self.folder / "neovim.log").open("w") as log:
            self.process = subprocess.Popen(line, cwd=self.project, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def rpc(self):
        if self.connection is None:
            wait_for("Neovim's socket", self.socket.exists, 30)
            self.connection = Neovim(self.socket)
        return self.connection

    def keys(self, *keys):
        for key in keys:
            self.input(KEYS.get(key) or (f"<{key}>" if len(key) > 1 else key))

    def type(self, text):
        self.input(text.replace("<", "<LT>").replace("\r", "<CR>").replace("\t", "<Tab>"))

    def input(self, keys):
        written = self.rpc.request("nvim_input", keys)
        if written < len(keys.encode()):
            raise Failure(f"of {keys!r} Neovim took {written} bytes")

    def screen(self):
        return self.rpc.lua(SCREEN)

    def picture(self, label):
        return "none, it is headless"

    def close(self):
        if self.connection is not None:
            self.connection.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        super().close()


def headless(test):
    """Returns a test of Neovim in a terminal as one without."""

    def without_terminal(stage):
        test(stage)

    without_terminal.__name__ = f"headless_{test.__name__}"
    without_terminal.stage = Headless
    without_terminal.limit = test.limit
    return without_terminal


TESTS = [
    headless(test)
    for test in (
        neovim.neovim_python_accept,
        scenes.scene_typed_through,
        neovim.neovim_accept_word,
        scenes.scene_choices,
        neovim.neovim_python_write_function,
        plugin.plugin_pause,
        plugin.plugin_every_silence,
        scenes.scene_silence,
        troubles.neovim_server_killed,
        troubles.neovim_server_keeps_dying,
        troubles.neovim_no_model,
        troubles.neovim_first_start,
    )
]
