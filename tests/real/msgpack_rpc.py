"""Neovim's RPC over a Unix socket: as much of msgpack as Neovim speaks, and blocking requests.

Only what the tests need: no notifications from Neovim, one request at a time.
"""

import socket
import struct


def encode(value):
    """Returns a value as msgpack, in the widest forms: simple, and never ambiguous."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">Bq", 0xD3, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        raw = value.encode()
        return struct.pack(">BI", 0xDB, len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        pairs = b"".join(encode(key) + encode(item) for key, item in value.items())
        return struct.pack(">BI", 0xDF, len(value)) + pairs
    raise TypeError(f"no msgpack for {type(value).__name__}")


# First byte -> struct format of a number.
NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}
# First byte -> struct format of the length, and what follows.
LENGTHS = {
    0xC4: (">B", "bytes"), 0xC5: (">H", "bytes"), 0xC6: (">I", "bytes"),
    0xD9: (">B", "text"), 0xDA: (">H", "text"), 0xDB: (">I", "text"),
    0xDC: (">H", "list"), 0xDD: (">I", "list"), 0xDE: (">H", "map"), 0xDF: (">I", "map"),
    0xC7: (">B", "extension"), 0xC8: (">H", "extension"), 0xC9: (">I", "extension"),
}


class Decoder:
    """Reads values from a function that gives exactly so many bytes."""

    def __init__(self, read):
        self.read = read

    def number(self, form):
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def value(self):
        first = self.read(1)[0]
        if first <= 0x7F:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first <= 0x8F:
            return self.body("map", first & 0x0F)
        if first <= 0x9F:
            return self.body("list", first & 0x0F)
        if first <= 0xBF:
            return self.body("text", first & 0x1F)
        if first in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if first in NUMBERS:
            return self.number(NUMBERS[first])
        if 0xD4 <= first <= 0xD8:
            return self.body("extension", 1 << (first - 0xD4))
        form, kind = LENGTHS[first]
        return self.body(kind, self.number(form))

    def body(self, kind, length):
        if kind == "map":
            return {self.value(): self.value() for _ in range(length)}
        if kind == "list":
            return [self.value() for _ in range(length)]
        if kind == "extension":
            self.read(1)  # buffers, windows and tab pages: their handles, as msgpack
            return self.read(length)
        raw = self.read(length)
        return raw.decode(errors="replace") if kind == "text" else raw


class RpcError(Exception):
    """Neovim answered with an error."""


class Neovim:
    """A connection to a running Neovim."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")
        self.decoder = Decoder(self.read_exactly)
        self.last_id = 0

    def read_exactly(self, count):
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError("Neovim closed its socket")
        return data

    def request(self, method, *arguments):
        self.last_id += 1
        self.socket.sendall(encode([0, self.last_id, method, list(arguments)]))
        while True:
            message = self.decoder.value()
            if message[0] == 1 and message[1] == self.last_id:
                if message[2] is not None:
                    raise RpcError(message[2])
                return message[3]

    def lua(self, code, *arguments):
        """Runs Lua and returns what it returns."""
        return self.request("nvim_exec_lua", code, list(arguments))

    def close(self):
        self.stream.close()
        self.socket.close()
