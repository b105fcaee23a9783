"""Draws a terminal's screen, as `tmux capture-pane -e -p` gives it, into a PNG.

    picture.py CAPTURE PICTURE [CURSOR_COLUMN CURSOR_ROW]

A program of its own, since it needs Pillow, which Debian's Python has and another one may not.
"""

import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
SIZE = 16
MARGIN = 10
FOREGROUND, BACKGROUND = (0xD8, 0xD8, 0xD8), (0x18, 0x1A, 0x1F)
BASE = [
    (0x18, 0x1A, 0x1F), (0xE0, 0x6C, 0x75), (0x98, 0xC3, 0x79), (0xE5, 0xC0, 0x7B),
    (0x61, 0xAF, 0xEF), (0xC6, 0x78, 0xDD), (0x56, 0xB6, 0xC2), (0xC8, 0xCC, 0xD4),
    (0x6B, 0x70, 0x7B), (0xFF, 0x85, 0x8E), (0xB5, 0xE0, 0x90), (0xFF, 0xD9, 0x8E),
    (0x80, 0xC4, 0xFF), (0xE0, 0x90, 0xF5), (0x70, 0xD5, 0xE0), (0xFF, 0xFF, 0xFF),
]


def indexed(number):
    """Returns a colour of the 256."""
    if number < 16:
        return BASE[number]
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return levels[number // 36], levels[number // 6 % 6], levels[number % 6]


# Signs that the font lacks, and what stands for them.
STAND_INS = {"\u2705": "\u2714", "\u274c": "\u2718", "\u26a0\ufe0f": "\u26a0", "\ufe0f": ""}


class Style:
    """The attributes that one SGR sequence after another leaves in force."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.foreground = self.background = None
        self.bold = self.dim = self.italic = self.underline = self.reverse = False

    def apply(self, parameters):
        codes = [int(code or 0) for code in re.split("[;:]", parameters)]
        while codes:
            self.step(codes.pop(0), codes)

    def step(self, code, rest):
        if code == 0:
            self.reset()
        elif code in (38, 48, 58):
            self.extended(code, rest)
        elif code in (39, 49):
            self.set_colour(code == 39, None)
        elif 30 <= code <= 37 or 40 <= code <= 47:
            self.set_colour(code < 40, BASE[code % 10])
        elif 90 <= code <= 97 or 100 <= code <= 107:
            self.set_colour(code < 100, BASE[8 + code % 10])
        else:
            self.attribute(code)

    def set_colour(self, is_foreground, colour):
        if is_foreground:
            self.foreground = colour
        else:
            self.background = colour

    def extended(self, code, rest):
        colour = None
        if rest and rest.pop(0) == 2:
            colour, rest[:3] = tuple(rest[:3]), []
        elif rest:
            colour = indexed(rest.pop(0))
        if code != 58:  # the colour of underlines
            self.set_colour(code == 38, colour)

    def attribute(self, code):
        if code in (1, 2, 3, 4, 7):
            name = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}[code]
            setattr(self, name, True)
        elif code == 22:
            self.bold = self.dim = False
        elif code in (23, 24, 27):
            setattr(self, {23: "italic", 24: "underline", 27: "reverse"}[code], False)

    def colours(self):
        front, back = self.foreground or FOREGROUND, self.background or BACKGROUND
        if self.dim:
            front = tuple((a + b) // 2 for a, b in zip(front, back))
        return (back, front) if self.reverse else (front, back)

    def font(self):
        return ("Bold" if self.bold else "") + ("Oblique" if self.italic else "")


def cells(line, style):
    """Yields the characters of a line with the columns they take and their look."""
    for escape, character in re.findall(r"\x1b\[([0-9;:]*)m|(?:\x1b[^\[]|[\x0e\x0f])|(.)", line):
        if not character:
            style.apply(escape)
            continue
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        yield character, wide, style.colours(), style.font(), style.underline


def fonts():
    return {
        name: ImageFont.truetype(FONTS.format(f"-{name}" if name else ""), SIZE)
        for name in ("", "Bold", "Oblique", "BoldOblique")
    }


def draw(text, cursor=None):
    """Returns the picture of a screen, with its cursor."""
    faces = fonts()
    width, height = round(faces[""].getlength("M")), SIZE + 5
    lines = text.rstrip("\n").split("\n")
    plain = [re.sub(r"\x1b\[[0-9;:]*m", "", line) for line in lines]
    size = (max(map(len, plain)) * width + 2 * MARGIN, len(lines) * height + 2 * MARGIN)
    image = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(image)
    style = Style()
    for row, line in enumerate(lines):
        column = 0
        for character, wide, (front, back), face, underline in cells(line, style):
            if cursor == (column, row):
                front, back = back, FOREGROUND
            x, y = MARGIN + column * width, MARGIN + row * height
            pen.rectangle((x, y, x + wide * width - 1, y + height - 1), fill=back)
            pen.text((x, y + 1), STAND_INS.get(character, character), fill=front, font=faces[face])
            if underline:
                pen.line((x, y + height - 2, x + wide * width - 1, y + height - 2), fill=front)
            column += wide
        if cursor and cursor[1] == row and cursor[0] >= column:
            x, y = MARGIN + cursor[0] * width, MARGIN + row * height
            pen.rectangle((x, y, x + width - 1, y + height - 1), fill=FOREGROUND)
    return image


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    cursor = tuple(map(int, sys.argv[3:5])) if len(sys.argv) > 4 else None
    draw(text, cursor).save(sys.argv[2], optimize=True)


if __name__ == "__main__":
    main()
