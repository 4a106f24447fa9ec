"""The parts of the service, each with what it last said about itself. No secret, no host and no path is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.archive.sampler import ArchiveStatus
from slurm_rest_api.errors import ApiError, StoreError
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.reader import StoreReader


class Part(BaseModel):
    """One part: `ok`, or `broken` with the reason in words."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["ok", "broken"]
    detail: str | None = Field(default=None, description="What is wrong, in words; null when nothing is.")
    facts: dict[str, Any] = Field(default={}, description="What the part says about itself; times are epoch seconds.")


Check = Callable[[], Part]


def snapshot_check(reader: StoreReader, now: Callable[[], float] = time.time) -> Check:
    """The collector and the snapshot that it writes."""

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
            "loaded_at": int(status.loaded_at),
            "age_seconds": max(0, int(now() - status.loaded_at)),
            "interval_seconds": status.interval_seconds,
            "cycle_seconds": status.cycle_seconds,
            "cycles": status.cycles,
            "failures": status.failures,
        }
        if not pacing.is_stale(now(), status.loaded_at, status.interval_seconds):
            return Part(state="ok", detail=None, facts=facts)
        return Part(
            state="broken", detail=status.error or "The collector has not reported anything since.", facts=facts
        )

    return check


def archive_check(read: Callable[[], ArchiveStatus | None]) -> Check:
    """The load archive, as its sampler in the collector sees it."""

    def check() -> Part:
        status = read()
        if status is None:
            return Part(state="broken", detail="No collector has said anything about the load archive yet.")
        facts = {
            "stored_at": status.stored_at,
            "waiting": status.waiting,
            "failing_since": status.failing_since,
            "lost": status.lost,
        }
        return Part(state="ok" if status.error is None else "broken", detail=status.error, facts=facts)

    return check


def accounting_check(database: Database) -> Check:
    """The accounting database: whether it can be connected to and has its tables."""

    def check() -> Part:
        try:
            database.run(lambda _connection, _schema: None)
        except ApiError as error:
            return Part(state="broken", detail=error.detail)
        return Part(state="ok", detail=None)

    return check
