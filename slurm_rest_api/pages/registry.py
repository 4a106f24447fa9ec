"""Which pages there are: the name in the address, the title, and what each needs of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Page:
    """A page at `/pages/<name>`. Its template is `pages/<file>.html`, its script `<file>.js`."""

    name: str
    title: str
    file: str
    in_navigation: bool = True
    needs: str | None = None
    """The part of the service without which it has nothing to show: "accounting" or "archive"."""


_PAGES: Final = (
    Page("now", "Now", "home"),
    Page("nodes", "Nodes", "nodes"),
    Page("queue", "Queue", "queue"),
    Page("history", "History", "history", needs="accounting"),
    Page("load", "Load", "load", needs="archive"),
    Page("api", "API", "api"),
    Page("job", "Job", "job", in_navigation=False),
    Page("node", "Node", "node", in_navigation=False),
)
PAGES: Final[Mapping[str, Page]] = MappingProxyType({page.name: page for page in _PAGES})
"""Every page by its name, in the order of the navigation; "now" is at `/`."""


def navigation(parts: frozenset[str]) -> list[Page]:
    """The pages that the frame links to, where the service has these `parts`."""
    return [page for page in PAGES.values() if page.in_navigation and (page.needs is None or page.needs in parts)]
