"""Reads the commands of README.md and docs/api/, with the answers that are documented below them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = (README, *sorted((ROOT / "docs" / "api").glob("*.md")))
_BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A command, and the documented answer of it: JSON, or plain text; None if none is shown."""

    document: Path
    command: str
    answer: str | None
    is_json: bool

    @property
    def route(self) -> str:
        """The path that a `curl` command requests."""
        found = re.search(r"127\.0\.0\.1:5000(/[^\s?']*)", self.command)
        return found.group(1) if found else ""


def examples() -> Iterator[Example]:
    """Yields every ```sh block, with the ```json or ```text block that follows it before the next heading."""
    for document in DOCUMENTS:
        for section in re.split(r"^(?=#{1,6} )", document.read_text(), flags=re.MULTILINE):
            blocks = _BLOCK.findall(section)
            for place, (kind, text) in enumerate(blocks):
                if kind == "sh":
                    following, answer = blocks[place + 1] if place + 1 < len(blocks) else ("sh", "")
                    is_answered = following != "sh"
                    yield Example(document, text.strip(), answer if is_answered else None, following != "text")


def start_command() -> str:
    """Returns README's command that starts the demo."""
    (command,) = [example.command for example in examples() if "--demo" in example.command]
    return command


def curls() -> list[Example]:
    """Returns the examples that send a request to the service."""
    return [example for example in examples() if example.command.startswith("curl ")]
