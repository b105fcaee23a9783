"""Puts frames together into one animated PNG: film.py FOLDER PICTURE. FOLDER/frames.json says when each was taken.

Frames that show nothing new are left out, and the colours are counted down to a table, so that the picture stays small.
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageChops

COLOURS = 160
# Frames that the table of colours is made of: a bracket that is red for a moment needs its red.
SAMPLES = 12
# The last frame stays, so that one can see what came of it.
LAST_MS = 2500


def main():
    folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
    images, times = [], []
    for frame in json.loads((folder / "frames.json").read_text(encoding="utf-8")):
        if not Path(frame["path"]).exists():
            continue
        image = Image.open(frame["path"]).convert("RGB")
        if not images or ImageChops.difference(image, images[-1]).getbbox():
            images.append(image)
            times.append(frame["at"])
    durations = [later - earlier for earlier, later in zip(times, times[1:])] + [LAST_MS]
    samples = images[:: max(1, len(images) // SAMPLES)]
    width, height = images[0].size
    sheet = Image.new("RGB", (width, height * len(samples)))
    for place, sample in enumerate(samples):
        sheet.paste(sample, (0, place * height))
    table = sheet.quantize(COLOURS)
    images = [image.quantize(palette=table, dither=Image.Dither.NONE) for image in images]
    images[0].save(picture, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)
    print(f"{picture}: {len(images)} frames, {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
