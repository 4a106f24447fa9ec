"""Reads the cluster's name (ClusterName of slurm.conf) from the snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import orjson

from slurm_rest_api.errors import ApiError, StoreError
from slurm_rest_api.slurmapi.store.reader import StoreReader

_KEEP_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 5.0


class ClusterName:
    """The name of the cluster in `reader`. It is read once a minute at most."""

    def __init__(self, reader: StoreReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._known = ""
        self._read_again = clock()

    def current(self) -> str:
        """Returns the name, "" if it is not known yet. The last name stays while the store cannot be read."""
        if self._clock() >= self._read_again:
            try:
                self._known = self._read() or self._known
            except (ApiError, StoreError):
                # The routes report that the store cannot be read.
                self._read_again = self._clock() + _RETRY_SECONDS
                return self._known
            self._read_again = self._clock() + (_KEEP_SECONDS if self._known else _RETRY_SECONDS)
        return self._known

    def _read(self) -> str:
        with self._reader.view() as view:
            if view is None or view.collection("partitions") is None:
                return ""
            batch = next(view.batches("partitions"), [])
            names = (orjson.loads(body).get("cluster") for _, body in batch)
            return next((str(name) for name in names if name), "")
