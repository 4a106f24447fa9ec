"""Keeps sums of past days in the memory of a worker, up to a number of bytes."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from slurm_rest_api.acctapi.sum_days import Span
from slurm_rest_api.acctapi.sum_totals import PackedTotals, size_of_keys

_ENTRY_BYTES: Final = 4096
"""Memory of a question and of the objects around its sums."""


class Version(NamedTuple):
    """Number of records, the latest time of a change, and the sum of these times: equal if no record changed."""

    records: int = 0
    latest: int = 0
    changes: int = 0

    def plus(self, other: Version) -> Version:
        """Returns the version of these and further records."""
        return Version(self.records + other.records, max(self.latest, other.latest), self.changes + other.changes)

    def is_still(self, records: int, changes: int) -> bool:
        """Returns True if no record changed: a change increases the sum of the times, or the number differs."""
        return (records, changes) == (self.records, self.changes)


@dataclass(frozen=True)
class KeptTotals:
    """Totals of the records that had this version. `has_suspended`: some depend on the current time."""

    version: Version
    totals: PackedTotals
    has_suspended: bool = False


@dataclass(frozen=True)
class KeptDays:
    """Sums of days for one question. `whole` are those of the whole `window`.

    They are of jobs that ended before the epoch second `ended_before`. None: all jobs. `too_large`: the sums of these
    days are not kept, because they take too much memory. `at_once` is the most days that a statement reads in time.
    """

    ended_before: int | None = None
    days: Mapping[Span, KeptTotals] = field(default_factory=dict)
    window: Span = (0, 0)
    whole: KeptTotals | None = None
    too_large: bool = False
    at_once: int = 8

    def size(self) -> int:
        """Returns the bytes of memory that it takes."""
        kept = [*self.days.values(), *([] if self.whole is None else [self.whole])]
        keys = itertools.chain.from_iterable(one.totals.keys for one in kept)
        return _ENTRY_BYTES + sum(one.totals.size for one in kept) + size_of_keys(keys)


class KeptSums:
    """The kept days by question. The question that was asked least recently makes room. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[KeptDays, int]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of memory of all that is kept."""
        return self._size

    def get(self, question: Hashable) -> KeptDays:
        """Returns what is kept for a question, which may be nothing."""
        with self._lock:
            found = self._kept.get(question)
            if found is None:
                return KeptDays()
            self._kept.move_to_end(question)
            return found[0]

    def put(self, question: Hashable, kept: KeptDays) -> bool:
        """Keeps the days in place of those before. If they take more than half of the room, it keeps that they do.

        Returns False in that case.
        """
        size = kept.size()
        if size > self._most // 2:
            kept, size = KeptDays(too_large=True), _ENTRY_BYTES
        with self._lock:
            self._size -= self._kept.pop(question, (None, 0))[1]
            self._kept[question] = kept, size
            self._size += size
            while self._size > self._most:
                self._size -= self._kept.popitem(last=False)[1][1]
        return not kept.too_large
