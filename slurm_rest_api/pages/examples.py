"""What people ask most, as the API page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Example:
    """A question in words, and as a path with its query. `needs` as for a page."""

    meaning: str
    query: str
    needs: str | None = None


EXAMPLES: Final = (
    Example("Why are jobs waiting?", "queue?state=PENDING&group_by=reason&format=table"),
    Example("The ten jobs that have waited longest", "queue?state=PENDING&sort=submit_time&limit=10"),
    Example("Which nodes are down or drained, and why?", "nodes?state=DOWN,DRAIN&fields=name,state,reason"),
    Example("How full is each partition?", "usage?compact=true"),
    Example("What failed since yesterday?", "history?state=FAILED&endafter=now-1day&limit=50", "accounting"),
    Example("The load of the last day, as CSV", "load?time=86400&step=3600&format=csv", "archive"),
)


def examples(parts: frozenset[str]) -> list[Example]:
    """The examples that a service with these `parts` answers."""
    return [example for example in EXAMPLES if example.needs is None or example.needs in parts]
