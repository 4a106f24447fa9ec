"""Several samples as one: means, minima and maxima. Pure."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.archive.sample import Sample

_DIGITS: Final = 4
_MIN, _MAX = "_min", "_max"
_NUMBERS: Final = frozenset((int, float))


class Weighted(NamedTuple):
    """A sample, and how many of the collector's samples it stands for."""

    sample: Sample
    weight: int


def aggregate(slot: int, samples: Sequence[Weighted]) -> Weighted:
    """One sample for the slot that begins at `slot`, of at least one; the oldest comes first.

    Numbers become means, with `<field>_min` and `<field>_max` beside them; means of means are weighted. Numbers of
    `nodes_by_state` are means alone. Anything else is as in the newest sample. A partition is averaged over the samples
    that have it.
    """
    merged = _merged([(part.sample, part.weight) for part in samples], skip=("time", "partitions"))
    names = dict.fromkeys(name for part in samples for name in part.sample["partitions"])
    partitions = {
        name: _merged(
            [(part.sample["partitions"][name], part.weight) for part in samples if name in part.sample["partitions"]]
        )
        for name in names
    }
    return Weighted({"time": slot, **merged, "partitions": partitions}, sum(part.weight for part in samples))


def _merged(parts: Sequence[tuple[dict[str, Any], int]], skip: Sequence[str] = ()) -> dict[str, Any]:
    newest = parts[-1][0]
    merged: dict[str, Any] = {}
    for field, value in newest.items():
        if field in skip or _is_bound(field, newest):
            continue
        if isinstance(value, dict):
            merged[field] = _mean_counts([(part[field], weight) for part, weight in parts if field in part])
        elif _is_number(value):
            numbers = [pair for pair in parts if _is_number(pair[0].get(field))]
            values = [part[field] for part, _ in numbers]
            low, high = field + _MIN, field + _MAX
            merged[field] = _mean(values, [weight for _, weight in numbers])
            merged[low] = min([part.get(low, part[field]) for part, _ in numbers])
            merged[high] = max([part.get(high, part[field]) for part, _ in numbers])
        else:
            merged[field] = value
    return merged


def _is_bound(field: str, record: dict[str, Any]) -> bool:
    """Whether the field is the minimum or maximum that stands beside another."""
    return field.endswith((_MIN, _MAX)) and field[: -len(_MIN)] in record


def _is_number(value: object) -> bool:
    # By type and not isinstance(): JSON has no others, and this is asked hundreds of thousands of times.
    return type(value) in _NUMBERS


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    mean = round(sum(map(operator.mul, values, weights)) / sum(weights), _DIGITS)
    return int(mean) if float(mean).is_integer() else mean


def _mean_counts(parts: Sequence[tuple[dict[str, float], int]]) -> dict[str, float]:
    """Means of counts by name; one that a sample lacks is 0 there."""
    names = sorted({name for counts, _ in parts for name in counts})
    weights = [weight for _, weight in parts]
    return {name: _mean([counts.get(name, 0) for counts, _ in parts], weights) for name in names}
