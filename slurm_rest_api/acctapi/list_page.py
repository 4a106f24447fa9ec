"""Pages of a list that is in memory, sorted by a key that cursors have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Key = TypeVar("Key", bound=tuple[Any, ...])


@dataclass(frozen=True)
class ListPage(Generic[Item, Key]):
    """Items of one page. `next` is the key of the last one, None on the last page.

    `truncated` is True if a limit of the service, and not that of the request, ended the page.
    """

    items: Sequence[Item]
    next: Key | None
    truncated: bool


def page_of(
    ordered: Sequence[Item], key_of: Callable[[Item], Key], after: Key | None, limit: int | None, most: int
) -> ListPage[Item, Key]:
    """Returns the items after the key `after`, at most `limit` and at most `most` of them."""
    wanted = ordered if after is None else [item for item in ordered if key_of(item) > after]
    size = most if limit is None else min(limit, most)
    more = len(wanted) > size
    return ListPage(wanted[:size], key_of(wanted[size - 1]) if more else None, truncated=more and size != limit)
