"""Checks the parts of the service. Their results hold no secrets, host names or paths."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.archive.status import ArchiveStatus
from slurm_rest_api.databases.circuit import Circuit
from slurm_rest_api.errors import ApiError, StoreError
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.reader import StoreReader


class Part(BaseModel):
    """The state of one part: `ok`, or `broken` with the reason in `detail`."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["ok", "broken"]
    detail: str | None = Field(default=None, description="The reason if the part is broken, else null.")
    facts: dict[str, Any] = Field(default={}, description="Measurements of the part. Times are epoch seconds.")


Check = Callable[[], Part]


def snapshot_check(reader: StoreReader, now: Callable[[], float] = time.time) -> Check:
    """Returns a check of the collector and its snapshot."""

    def check() -> Part:
        try:
            with reader.view() as view:
                status = None if view is None else view.status()
        except StoreError as error:
            return Part(state="broken", detail=str(error))
        if status is None or status.loaded_at is None or status.interval_seconds is None:
            error_text = None if status is None else status.error
            return Part(state="broken", detail=error_text or "Nothing has been loaded from the cluster yet.")
        facts = {
            "source": status.source,
            "source_detail": status.source_detail,
            "source_parts": orjson.loads(status.source_parts),
            "loaded_at": int(status.loaded_at),
            "age_seconds": max(0, int(now() - status.loaded_at)),
            "interval_seconds": status.interval_seconds,
            "cycle_seconds": status.cycle_seconds,
            "cycles": status.cycles,
            "failures": status.failures,
            "replaced_texts": status.replaced_texts,
            "optional_kinds": orjson.loads(status.optional_kinds),
        }
        if not pacing.is_stale(now(), status.loaded_at, status.interval_seconds):
            return Part(state="ok", detail=None, facts=facts)
        return Part(
            state="broken", detail=status.error or "The collector has stopped reporting. See its log.", facts=facts
        )

    return check


def archive_check(read: Callable[[], ArchiveStatus | None], circuit: Circuit) -> Check:
    """Returns a check of the load archive, from the status of the collector and the `circuit` of this worker."""

    def check() -> Part:
        status = read()
        if status is None:
            return Part(state="broken", detail="The collector has not reported on the load archive yet.")
        facts = {
            "stored_at": status.stored_at,
            "waiting": status.waiting,
            "failing_since": status.failing_since,
            "lost": status.lost,
            "missed": status.missed,
            **_facts_of(circuit),
        }
        detail = status.error
        if detail is None and facts["unreachable_since"] is not None:
            detail = "The database of the load archive does not answer this worker."
        return Part(state="ok" if detail is None else "broken", detail=detail, facts=facts)

    return check


def accounting_check(database: Database) -> Check:
    """Returns a check that the accounting database can be reached and has its tables.

    A database that as many requests use as may is ok.
    """

    def check() -> Part:
        try:
            database.check()
        except ApiError as error:
            return Part(state="broken", detail=error.detail, facts=_facts_of(database.circuit))
        return Part(state="ok", detail=None, facts=_facts_of(database.circuit))

    return check


def authentication_check(fault: Callable[[], str | None]) -> Check:
    """Returns a check of the files that authentication reads. `fault` returns a sentence if one cannot be used."""

    def check() -> Part:
        detail = fault()
        return Part(state="ok" if detail is None else "broken", detail=detail)

    return check


def _facts_of(circuit: Circuit) -> dict[str, Any]:
    """Returns the state of the circuit in this worker. The others have their own."""
    state = circuit.state()
    return {"unreachable_since": state.open_since, "requests": state.in_use, "max_requests": state.limit}
