"""Lists the pages, and the example requests of the API page, with what each needs of the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """The part of the service that it needs to have content: "accounting" or "archive"."""
    menu: str | None = None
    """The title of the menu of the navigation that has this page; None for a page of the top level."""

    @property
    def script(self) -> str:
        """The name of its script, without its suffix. A page without content has that of the frame."""
        return self.file if self.name else "frame"


@dataclass(frozen=True)
class Entry:
    """An entry of the navigation: one page, or a menu of pages. A menu has the place of its first page."""

    title: str
    pages: tuple[Page, ...]
    is_menu: bool


CLUSTER: Final = "Cluster"
"""The menu of the pages about what the cluster is made of."""

_PAGES: Final = (
    Page("now", "Now", "home"),
    Page("nodes", "Nodes", "nodes"),
    Page("queue", "Queue", "queue"),
    Page("my-jobs", "My jobs", "my-jobs"),
    Page("history", "History", "history", needs="accounting"),
    Page("usage", "Usage", "usage", needs="accounting"),
    Page("load", "Load", "load", needs="archive"),
    Page("partitions", "Partitions", "partitions", menu=CLUSTER),
    Page("accounts", "Accounts", "accounts", needs="accounting", menu=CLUSTER),
    Page("qos", "QOS", "qos", needs="accounting", menu=CLUSTER),
    Page("reservations", "Reservations", "reservations", menu=CLUSTER),
    Page("licenses", "Licenses", "licenses", menu=CLUSTER),
    Page("events", "Events", "events", needs="accounting", menu=CLUSTER),
    Page("api", "API", "api"),
    Page("job", "Job", "job", in_navigation=False),
    Page("node", "Node", "node", in_navigation=False),
)
PAGES: Final[Mapping[str, Page]] = MappingProxyType({page.name: page for page in _PAGES})
"""Every page by its name, in the order of the navigation. The page "now" is at `/`."""
MISSING: Final = Page("", "Page not found", "missing", in_navigation=False)
"""The answer to a wrong address of a page."""


def navigation(parts: frozenset[str], pages: Iterable[Page] = _PAGES) -> list[Entry]:
    """Returns the navigation of a service with these `parts`, in the order of `pages`."""
    shown = [page for page in pages if page.in_navigation and (page.needs is None or page.needs in parts)]
    entries: dict[tuple[str, bool], list[Page]] = {}
    for page in shown:
        entries.setdefault((page.menu or page.title, page.menu is not None), []).append(page)
    return [Entry(title, tuple(found), is_menu) for (title, is_menu), found in entries.items()]


@dataclass(frozen=True)
class Example:
    """An example request: its meaning in words, and its path and query. `needs` is as for a page."""

    meaning: str
    query: str
    needs: str | None = None


EXAMPLES: Final = (
    Example("Why are jobs pending?", "queue?state=PENDING&group_by=reason&format=table"),
    Example("The ten jobs that have waited longest", "queue?state=PENDING&sort=submit_time&limit=10"),
    Example("Which nodes are down or drained, and why?", "nodes?state=DOWN,DRAIN&fields=name,state,reason"),
    Example("How full is each partition?", "usage?compact=true"),
    Example("What failed since yesterday?", "history?state=FAILED&endafter=now-1day&limit=50", "accounting"),
    Example("The load of the last day, as CSV", "load?time=86400&step=3600&format=csv", "archive"),
)


def examples(parts: frozenset[str]) -> list[Example]:
    """Returns the examples for a service with these `parts`."""
    return [example for example in EXAMPLES if example.needs is None or example.needs in parts]
