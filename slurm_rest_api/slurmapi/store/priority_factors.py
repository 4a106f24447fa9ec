"""Reads the priority factors of jobs, as sprio printed them last, by job id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

import orjson

from slurm_rest_api.slurmapi.store.statements import Statements

PRIORITY_FACTORS: Final = "priority_factors"
"""Name of the collection, and of the document with the reading."""


class FactorSet(TypedDict):
    """The factors of one job in one partition.

    Keys:
        partition: The partition, None before Slurm 17.11.
        priority: Priority of the job there.
        factors: Weighted factors by name, see `FACTORS` of `contract.priority_factors`. None: this release lacks it.
    """

    partition: str | None
    priority: int | None
    factors: dict[str, Any]


class Reading(TypedDict):
    """The last reading: its time in epoch seconds, and the weights, None if they were not read."""

    read_at: int
    weights: dict[str, Any] | None


class PriorityFactorQueries:
    """Reads the priority factors of one view of the store."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def priority_factors(self, job_ids: Sequence[int]) -> dict[int, list[FactorSet]]:
        """Returns the sets of these jobs, that with the highest priority first. Jobs without sets are left out."""
        query = "SELECT job_id, body FROM priority_factors WHERE job_id IN (SELECT value FROM json_each(?))"
        rows = self._statements.execute(query, (orjson.dumps(list(job_ids)).decode(),))
        return {job_id: orjson.loads(body) for job_id, body in rows}

    def factors_reading(self) -> Reading | None:
        """Returns the last reading, None if the factors are off or were never read."""
        row = self._statements.execute("SELECT body FROM document WHERE name = ?", (PRIORITY_FACTORS,)).one()
        return None if row is None else orjson.loads(row[0])
