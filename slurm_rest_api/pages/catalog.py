"""Which pages there are: the name in the address, the title, and what each needs of the service."""

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
    in_navigation: bool = True
    needs: str | None = None
    """The part of the service without which it has nothing to show: "accounting" or "archive"."""


_PAGES: Final = (
    Page("now", "Now"),
    Page("nodes", "Nodes"),
    Page("queue", "Queue"),
    Page("history", "History", needs="accounting"),
    Page("load", "Load", needs="archive"),
    Page("api", "API"),
    Page("job", "Job", in_navigation=False),
    Page("node", "Node", in_navigation=False),
)
PAGES: Final[Mapping[str, Page]] = MappingProxyType({page.name: page for page in _PAGES})
"""Every page by its name, in the order of the navigation; "now" is at `/`."""


def navigation(parts: frozenset[str]) -> list[Page]:
    """The pages that the frame links to, where the service has these `parts`."""
    return [page for page in PAGES.values() if page.in_navigation and (page.needs is None or page.needs in parts)]
