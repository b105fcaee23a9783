"""The settings that editors/README.md shows: what the tests run is what a reader copies."""

import re

from terminal import REPOSITORY, Failure


def settings(language, first_line):
    """Returns the block in this language that begins with this line, with the clone's place put in."""
    text = (REPOSITORY / "editors" / "README.md").read_text(encoding="utf-8")
    for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if block.startswith(first_line):
            return block.replace("/path/to/infill-ls", str(REPOSITORY))
    raise Failure(f"editors/README.md has no {language} settings that begin with {first_line!r}")
