"""Aggregates samples into one: means, minima and maxima."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.archive.sample import Sample

_DIGITS: Final = 4
_MIN, _MAX = "_min", "_max"
_NUMBERS: Final = frozenset((int, float))


class Weighted(NamedTuple):
    """A sample, and how many of the collector's samples it represents."""

    sample: Sample
    weight: int


def aggregate(slot: int, samples: Sequence[Weighted]) -> Weighted:
    """Aggregates samples, oldest first, to the sample of the slot that begins at `slot`.

    At least one sample is needed. A number becomes its weighted mean, with `<field>_min` and `<field>_max`. Counts by
    name, such as `nodes_by_state`, become means only. Other values are those of the newest sample. A partition is
    averaged over the samples that have it.
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
    """Returns True if the field is the minimum or maximum of another field."""
    return field.endswith((_MIN, _MAX)) and field[: -len(_MIN)] in record


def _is_number(value: object) -> bool:
    # type() is faster than isinstance() and enough: JSON has no other number types. This runs for every field.
    return type(value) in _NUMBERS


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    mean = round(sum(map(operator.mul, values, weights)) / sum(weights), _DIGITS)
    return int(mean) if float(mean).is_integer() else mean


def _mean_counts(parts: Sequence[tuple[dict[str, float], int]]) -> dict[str, float]:
    """Returns the means of counts by name. A count that a sample lacks is 0."""
    names = sorted({name for counts, _ in parts for name in counts})
    weights = [weight for _, weight in parts]
    return {name: _mean([counts.get(name, 0) for counts, _ in parts], weights) for name in names}
