"""Which pages there are: the name in the address, the title, and the files that each needs beside those of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Page:
    """A page. Its template is `pages/<name>.html`, its script `<name>.js`."""

    name: str
    title: str
    styles: tuple[str, ...] = ()
    in_navigation: bool = True
    needs: str | None = None
    """The part of the service without which it has nothing to show: "accounting" or "archive"."""


_PAGES: Final = (
    Page("now", "Now"),
    Page("nodes", "Nodes", ("nodes.css",)),
    Page("queue", "Queue", ("queue.css",)),
    Page("history", "History", ("history.css",), needs="accounting"),
    Page("load", "Load", ("load.css",), needs="archive"),
    Page("api", "API", ("api.css",)),
    Page("job", "Job", ("record.css",), in_navigation=False),
    Page("node", "Node", ("record.css",), in_navigation=False),
)
PAGES: Final[Mapping[str, Page]] = MappingProxyType({page.name: page for page in _PAGES})
"""Every page by its name, in the order of the navigation; "now" is at `/`."""


def navigation(parts: frozenset[str]) -> list[Page]:
    """The pages that the frame links to, where the service has these `parts`."""
    return [page for page in PAGES.values() if page.in_navigation and (page.needs is None or page.needs in parts)]
