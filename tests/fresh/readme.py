"""The commands of README.md, and the answers that stand below them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).resolve().parents[2] / "README.md"
_BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A command, and the JSON that it is documented to answer; None where none is shown."""

    section: str
    command: str
    answer: str | None


def examples() -> list[Example]:
    """Every ```sh block, with the ```json block that follows it in the same section."""
    found = []
    for section in re.split(r"^(?=#{2,} )", README.read_text(), flags=re.MULTILINE):
        title = section.partition("\n")[0].lstrip("# ")
        blocks = _BLOCK.findall(section)
        for place, (kind, text) in enumerate(blocks):
            if kind == "sh":
                following = blocks[place + 1] if place + 1 < len(blocks) else ("", "")
                found.append(Example(title, text.strip(), following[1] if following[0] == "json" else None))
    return found


def start_command() -> str:
    """The command that starts the demo."""
    (command,) = [example.command for example in examples() if "--demo" in example.command]
    return command


def curls() -> list[Example]:
    """The examples that ask the service."""
    return [example for example in examples() if example.command.startswith("curl ")]
