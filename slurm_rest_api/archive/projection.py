"""Selects the fields and partitions of a sample to show. Hidden partitions are always left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.archive.sample import CLUSTER_FIELDS, JOB_COUNTS, PARTITION_FIELDS, Sample
from slurm_rest_api.web.name_lists import chosen_fields

_PREFIX: Final = "partitions."
_BOUNDS: Final = ("", "_min", "_max")
KNOWN_FIELDS: Final = (*CLUSTER_FIELDS, *(f"{_PREFIX}{field}" for field in PARTITION_FIELDS))
_NOT_OF_JOBS: Final = tuple(field for field in PARTITION_FIELDS if field not in JOB_COUNTS)


@dataclass(frozen=True)
class Projection:
    """The `fields` of a sample and the `partition_fields` of the partitions in `only`. None selects all."""

    hidden: frozenset[str]
    only: frozenset[str] | None = None
    fields: tuple[str, ...] | None = None
    partition_fields: tuple[str, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Returns True if samples are shown whole, except for hidden partitions."""
        return self.only is None and self.fields is None

    def may_hide(self, body: bytes) -> bool:
        """Returns True if a sample's JSON may contain a hidden partition."""
        return any(f'"{name}"'.encode() in body for name in self.hidden)


def projection_of(
    fields: Sequence[str] | None, partitions: Sequence[str] | None, hidden: frozenset[str], *, jobs: bool = True
) -> Projection:
    """Returns the projection for the parameters `fields` and `partition`.

    Without `jobs`, the numbers of jobs are left out, even if they are named in `fields`. /usage does the same.

    Raises:
        BadParameter: a field is unknown.
    """
    only = None if partitions is None else frozenset(partitions)
    if fields is None and jobs:
        return Projection(hidden, only)
    # The field `partitions` alone would select all partition fields.
    known = [name for name in KNOWN_FIELDS if name != "partitions"]
    asked = known if fields is None else chosen_fields(fields, KNOWN_FIELDS)
    chosen = [name for name in asked if jobs or not _counts_jobs(name)]
    inner = tuple(field.removeprefix(_PREFIX) for field in chosen if field.startswith(_PREFIX))
    outer = tuple(dict.fromkeys("partitions" if field.startswith(_PREFIX) else field for field in chosen))
    if "partitions" in chosen or not inner:
        # The field `partitions` alone selects all partition fields.
        return Projection(hidden, only, outer, None if jobs else _NOT_OF_JOBS)
    return Projection(hidden, only, outer, inner)


def _counts_jobs(field: str) -> bool:
    return field.removeprefix(_PREFIX) in JOB_COUNTS


def project(sample: Sample, projection: Projection) -> Sample:
    """Returns the part of a sample that `projection` selects. A selected field brings its `…_min` and `…_max`."""
    shown = sample if projection.fields is None else _picked(sample, projection.fields)
    if "partitions" not in shown:
        return shown
    partitions = {
        name: figures if projection.partition_fields is None else _picked(figures, projection.partition_fields)
        for name, figures in sample["partitions"].items()
        if name not in projection.hidden and (projection.only is None or name in projection.only)
    }
    return {**shown, "partitions": partitions}


def project_for_rollup(sample: Sample, projection: Projection) -> Sample:
    """Returns the part of a sample that has to be aggregated before `project`. A smaller part is faster."""
    return {"time": sample["time"], "partitions": {}, **project(sample, projection)}


def _picked(record: Sample, fields: Sequence[str]) -> Sample:
    names = (f"{field}{bound}" for field in fields for bound in _BOUNDS)
    return {name: record[name] for name in names if name in record}
