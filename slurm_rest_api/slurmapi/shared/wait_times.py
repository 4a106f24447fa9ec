"""Counts how long started jobs have waited, by partition, as the buckets of a histogram. No I/O.

The collector counts. It keeps the counts in the store, so that all workers publish the same ones, and a restart of a
collector or a worker continues them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

DOCUMENT: Final = "wait_times"
"""The name of the counts in the store."""

BOUNDS_SECONDS: Final = (10, 60, 300, 900, 3600, 14400, 43200, 86400, 259200, 604800)
"""Upper bounds of the buckets, inclusive: ten seconds to a week. One more bucket has longer waits."""


def _no_jobs() -> list[int]:
    return [0] * (len(BOUNDS_SECONDS) + 1)


@dataclass
class Waits:
    """The started jobs of one partition. `jobs` has the number of each bucket, `seconds` the sum of all waits."""

    jobs: list[int] = field(default_factory=_no_jobs)
    seconds: int = 0

    def add(self, seconds: int) -> None:
        """Counts a job that has waited `seconds`."""
        self.jobs[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self.seconds += seconds


@dataclass
class WaitTimes:
    """The waits by partition.

    `latest_start` is the epoch second of the latest start at the last load, null before the first load.
    """

    latest_start: int | None = None
    partitions: dict[str, Waits] = field(default_factory=dict)

    def keep_only(self, partitions: Iterable[str]) -> None:
        """Removes partitions that no longer exist, and adds new ones with no jobs."""
        self.partitions = {name: self.partitions.get(name) or Waits() for name in partitions}

    def to_json(self) -> bytes:
        """Returns the document for the store."""
        return orjson.dumps(self)


def from_json(document: bytes | None) -> WaitTimes:
    """Returns the counts of a document of the store. Counts with other buckets begin again at 0."""
    if document is None:
        return WaitTimes()
    stored = orjson.loads(document)
    partitions = {name: Waits(**waits) for name, waits in stored["partitions"].items()}
    if any(len(waits.jobs) != len(BOUNDS_SECONDS) + 1 for waits in partitions.values()):
        partitions = {}
    return WaitTimes(stored["latest_start"], partitions)
