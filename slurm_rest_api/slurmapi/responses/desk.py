"""Where requests for live data come in: has the cluster loaded anew for who wants that, and lets who waits wait."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from slurm_rest_api.slurmapi.query.list_query import ListQuery
from slurm_rest_api.slurmapi.responses.changes import comparable
from slurm_rest_api.slurmapi.responses.long_poll import WaitingRoom
from slurm_rest_api.slurmapi.responses.snapshot import LiveState
from slurm_rest_api.slurmapi.shared.refresh_pipe import knock
from slurm_rest_api.web.memory import CachedBody, ResponseLRU
from slurm_rest_api.web.server import client_disconnected_check

FRESH_PATIENCE_SECONDS: Final = 15.0
"""Longest wait for a load that a client has asked for; then it gets what there is."""


class Desk:
    """The live state, answers made from it, the places for those who wait, and the collector's door."""

    def __init__(self, live: LiveState, room: WaitingRoom, door: Path) -> None:
        self.live = live
        self.memory = ResponseLRU[CachedBody]()
        self._room = room
        self._door = door

    def freshen(self) -> None:
        """Have the cluster loaded anew and wait for it: some seconds at most.

        Not where no collector listens, nor once a load has failed: the next comes after the back-off, whoever asks.
        """
        asked_at = time.time()
        if knock(self._door):
            self._room.wait_if_free(
                lambda: self._is_served(asked_at), FRESH_PATIENCE_SECONDS, client_disconnected_check()
            )

    def await_change(self, question: ListQuery) -> None:
        """Return once something has changed since `question.since`, or its time is over, or its client has gone.

        Raises:
            TooManyWaiting: every place for waiting requests is taken.
            NotLoaded, StoreError: as `LiveState.open`.
        """
        if question.wait_seconds:
            self._room.wait(lambda: self._has_changed(question), question.wait_seconds, client_disconnected_check())

    def _is_served(self, asked_at: float) -> bool:
        status = self.live.status()
        return status is not None and (status.failures > 0 or (status.loaded_at or 0.0) >= asked_at)

    def _has_changed(self, question: ListQuery) -> bool:
        with self.live.open(question.kind, question.seen.cache_key) as current:
            since = comparable(question.since or "", current.run, current.collection)
            if since is None:
                return True
            return since < current.collection.version and (
                question.clock or current.view.anything_since(question.kind, question.seen.where, since)
            )
