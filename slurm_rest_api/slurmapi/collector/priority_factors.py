"""Stores the priority factors of one reading of sprio: the sets of each job, one for each of its partitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from slurm_rest_api.slurmapi.collector.valid_text import Renderer
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.store.priority_factors import PRIORITY_FACTORS, Reading
from slurm_rest_api.slurmapi.store.record_writer import StoreCycle

_FACTORS: Final = {
    "age": "age",
    "fairshare": "fair_share",
    "job_size": "job_size",
    "partition": "partition_factor",
    "qos": "qos_factor",
    "tres": "tres",
    "site": "site",
    "assoc": "assoc",
    "nice": "nice",
}
"""Published names of the factors, with their keys in a source's record."""


def store_priority_factors(cycle: StoreCycle, snapshot: Snapshot, loaded_at: float, renderer: Renderer) -> None:
    """Stores a new reading. Removes the factors if they are off. Keeps them if they were not read yet."""
    records, kind = snapshot.priority_factors, snapshot.optional_kinds.get(PRIORITY_FACTORS)
    if records is None:
        if kind is None:
            cycle.drop_priority_factors()
        return
    read_at = loaded_at if kind is None or kind.read_at is None else kind.read_at
    reading = Reading(read_at=int(read_at), weights=snapshot.priority_weights)
    cycle.replace_priority_factors(orjson.dumps(reading), lambda: factor_rows(records, renderer), loaded_at)


def factor_rows(records: Iterable[Record], renderer: Renderer) -> Iterator[tuple[int, bytes]]:
    """Yields the rendered sets of each job by its id, those with the highest priority first."""
    sets: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        factors = {name: record.get(key) for name, key in _FACTORS.items()}
        factors["tres"] = _tres(record.get("tres"))
        found = {"partition": record.get("partition"), "priority": record.get("priority"), "factors": factors}
        # Text in it may be no valid Unicode.
        sets[record["job_id"]].append(renderer.render(found)[0])
    for job_id, of_job in sets.items():
        yield job_id, orjson.dumps(sorted(of_job, key=lambda one: -(one["priority"] or 0)))


def _tres(text: str | None) -> dict[str, int] | None:
    """Parses `cpu=100,gres/gpu=20`. None for no text: without PriorityWeightTRES."""
    if not text:
        return None
    pairs = (item.rpartition("=") for item in text.split(","))
    return {name: int(number) for name, _, number in pairs if name and number.isascii() and number.isdigit()}
