"""Keeps the largest of many values by name, so that a response has a bounded number of names. No I/O."""

from __future__ import annotations

from collections import Counter
from typing import Final

OTHER: Final = "other"
"""The name of the sum of all values that are not among the largest."""

MOST_REASONS: Final = 50
"""Largest number of reasons that are counted by name.

Slurm has about 200 reasons, of which a cluster shows a few. Plug-ins may write texts of their own.
"""

_LONGEST_REASON: Final = 80


def reason_label(state_reason: str | None) -> str:
    """Returns the reason of a pending job as a name to count by: of `ReqNodeNotAvail,_…` the part before the comma."""
    return (state_reason or "None").partition(",")[0][:_LONGEST_REASON]


def bounded(values: Counter[str], most: int) -> Counter[str]:
    """Returns the `most` largest values, and the sum of all others as "other"."""
    named = largest(values, most)
    sums: Counter[str] = Counter()
    for name, value in values.items():
        sums[name if name in named else OTHER] += value
    return sums


def largest(values: Counter[str], most: int) -> set[str]:
    """Returns the names of the `most` largest values. Of equal values, the first in alphabetical order."""
    # Sorted, so that equal values do not change places from load to load.
    return {name for name, _value in sorted(values.items(), key=lambda item: (-item[1], item[0]))[:most]}
