"""Pending tasks of an array as Slurm writes them: `2-9%4`, `1,3,10-20:2`. The number after `%` is how many may run."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

_RANGE: Final = re.compile(r"(\d{1,10})(?:-(\d{1,10})(?::(\d{1,10}))?)?", re.ASCII)


def has_task(tasks: str | None, task: int) -> bool:
    """Returns True if `task` is among the pending tasks."""
    return any(task in found for found in _ranges(tasks))


def has_any_task(tasks: str | None, wanted: Sequence[int]) -> bool:
    """Returns True if one of `wanted`, which is sorted, is among the pending tasks."""
    return next(tasks_among(tasks, wanted), None) is not None


def tasks_among(tasks: str | None, wanted: Sequence[int]) -> Iterator[int]:
    """Yields the numbers in `wanted`, which is sorted, that are among the pending tasks."""
    for found in _ranges(tasks):
        # Ranges do not overlap, so together they have to look at each number once.
        near = wanted[bisect_left(wanted, found.start) : bisect_left(wanted, found.stop)]
        yield from (number for number in near if number in found)


def count_tasks(tasks: str | None) -> int:
    """Returns the number of pending tasks: `0-9` has 10, `0-10000:100` has 101. A term of another form has none."""
    return sum((found.stop - found.start + found.step - 1) // found.step for found in _ranges(tasks))


def tasks_before(tasks: str | None, task: int) -> int:
    """Returns the number of pending tasks with a lower index than `task`."""
    return sum(len(found[: bisect_left(found, task)]) for found in _ranges(tasks))


def _ranges(tasks: str | None) -> Iterator[range]:
    for part in (tasks or "").partition("%")[0].strip("[]").split(","):
        match = _RANGE.fullmatch(part)
        if match is not None:
            yield range(int(match[1]), int(match[2] or match[1]) + 1, max(int(match[3] or 1), 1))
