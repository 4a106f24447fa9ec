"""Adds the priority factors to the jobs of a response that requests them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, cast

import orjson

from slurm_rest_api.slurmapi.contract.priority_factors import FACTOR_OF_FIELD
from slurm_rest_api.slurmapi.responses.json_stream import KeyedBody
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.store.priority_factors import PRIORITY_FACTORS, FactorSet
from slurm_rest_api.slurmapi.store.reader import StoreView

_BATCH: Final = 200


def has_factors(fields: Sequence[str] | None) -> bool:
    """Returns True if one of the fields is a priority factor."""
    return fields is not None and not FACTOR_OF_FIELD.keys().isdisjoint(fields)


def with_factors_version(snapshot: Snapshot, fields: Sequence[str] | None) -> Snapshot:
    """Returns the snapshot with an etag that changes with each reading of the factors, if `fields` have factors."""
    if not has_factors(fields):
        return snapshot
    found = snapshot.view.collection(PRIORITY_FACTORS)
    if found is None:
        return replace(snapshot, etag=f"{snapshot.etag}-0")
    changed_at = max(snapshot.changed_at, found.changed_at)
    return replace(snapshot, etag=f"{snapshot.etag}-{found.version}", changed_at=changed_at)


def with_factors(view: StoreView, jobs: Iterable[KeyedBody], fields: Sequence[str]) -> Iterator[KeyedBody]:
    """Yields the jobs with only `fields`, in this order.

    A job in several partitions has the factors of that in which its priority is highest. Jobs that are not pending
    have none.
    """
    rest = iter(jobs)
    while batch := list(itertools.islice(rest, _BATCH)):
        sets = view.priority_factors([cast(int, key) for key, _ in batch])
        for key, body in batch:
            yield key, _chosen(orjson.loads(body), sets.get(cast(int, key), ()), fields)


def _chosen(job: dict[str, Any], sets: Sequence[FactorSet], fields: Sequence[str]) -> bytes:
    factors = sets[0]["factors"] if sets and job["job_state"] == "PENDING" else {}
    return orjson.dumps(
        {field: factors.get(FACTOR_OF_FIELD[field]) if field in FACTOR_OF_FIELD else job.get(field) for field in fields}
    )
