"""The published state of the live routes: what an answer says, from when it is, and its rendered bytes."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

import orjson

from slurm_rest_api.errors import NotLoaded
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.index_columns import KINDS, Kind
from slurm_rest_api.slurmapi.store.reader import Collection, Status, StoreReader, StoreView
from slurm_rest_api.web.compression import compress

logger = logging.getLogger(__name__)

Name = Literal["queue", "nodes", "partitions", "stats", "usage", "usage_compact", "usage_summary"]
_FIRST_RETRY_SECONDS: Final = 5


@dataclass(frozen=True)
class Representation:
    """One answer as it stands now. Times are epoch seconds, `interval_seconds` is from cycle to cycle.

    As long as nothing is loaded it stands so until `stale_from`, or, when it is stale, for ever.
    `tag` names its bytes: two editions with the same tag have the same body.
    """

    tag: str
    changed_at: float
    loaded_at: float
    interval_seconds: float
    stale: bool
    stale_from: float
    meta: dict[str, Any]


class SnapshotView:
    """An edition together with the view of the store that it was read from, and the version that it is."""

    def __init__(
        self,
        name: Name,
        edition: Representation,
        view: StoreView,
        run: str,
        collection: Collection,
        prepared: PreparedBodies,
    ) -> None:
        self.edition = edition
        self.view = view
        self.run = run
        self.collection = collection
        self.name = name
        self._prepared = prepared

    def open_body(self, *, gzip: bool) -> BinaryIO:
        """The rendered body, as a file; rendered now if it is the first time that somebody asks.

        Raises:
            OSError: it could not be written to the runtime directory.
        """
        return self._prepared.open(self.name, self.edition.tag, gzip=gzip, render=self.render)

    def render(self) -> Iterator[bytes]:
        """The body in pieces, straight from the store."""
        yield b'{"data":'
        if self.name in KINDS:
            yield from _render_records(self.view, self.name)
        else:
            yield self.view.document(self.name)
        yield b',"meta":' + orjson.dumps(self.edition.meta) + b"}"


class LiveState:
    """What web workers know of the cluster; it costs slurmctld nothing however often it is asked."""

    def __init__(self, reader: StoreReader, prepared: PreparedBodies, now: Callable[[], float] = time.time) -> None:
        self._reader = reader
        self._prepared = prepared
        self._now = now

    @contextmanager
    def open(self, name: Name, mark: str = "") -> Iterator[SnapshotView]:
        """The present edition of `name`, readable inside the `with` block.

        `mark` tells apart those who see different parts of it: neither tags nor versions of one mean anything to
        another.

        Raises:
            NotLoaded: nothing was ever loaded.
            StoreError: the store cannot be read.
        """
        with self._reader.view() as view:
            if view is None:
                raise NotLoaded(
                    "Nothing has been loaded from the cluster yet: the collector has not written anything."
                    " Is it running?",
                    retry_after=_FIRST_RETRY_SECONDS,
                )
            status, collection = view.status(), view.collection(name)
            if collection is None or status.loaded_at is None:
                raise NotLoaded(_why_nothing(status), retry_after=_FIRST_RETRY_SECONDS)
            run = f"{status.generation}.{mark}" if mark else status.generation
            edition = _edition(status, collection, run, self._now())
            yield SnapshotView(name, edition, view, run, collection, self._prepared)

    def status(self) -> Status | None:
        """What the collector last said of itself; None when it has not said anything yet."""
        with self._reader.view() as view:
            return None if view is None else view.status()

    def stream(self, name: Name, *, gzip: bool) -> Iterator[bytes]:
        """The body of whatever edition is present when the first piece is asked for, without any file."""
        with self.open(name) as current:
            pieces: Iterable[bytes] = current.render()
            yield from compress(pieces) if gzip else pieces


def _edition(status: Status, collection: Collection, run: str, now: float) -> Representation:
    assert status.loaded_at is not None
    assert status.interval_seconds is not None
    stale = pacing.is_stale(now, status.loaded_at, status.interval_seconds)
    error = _stale_error(status) if stale else None
    suffix = "-" + hashlib.sha256(orjson.dumps(error)).hexdigest()[:16] if error else ""
    return Representation(
        tag=f"{run}-{collection.version}{suffix}",
        changed_at=collection.changed_at,
        loaded_at=status.loaded_at,
        interval_seconds=status.interval_seconds,
        stale=stale,
        stale_from=pacing.stale_from(status.loaded_at, status.interval_seconds),
        meta={
            "source": status.source,
            "version": f"{run}-{collection.version}",
            "changed_at": int(collection.changed_at),
            "total": collection.total,
            "stale": stale,
            "error": error,
        },
    )


def _stale_error(status: Status) -> dict[str, Any]:
    """What `meta.error` says; it must not change from request to request, or no stale answer were ever a 304."""
    detail = status.error or "The collector has not reported anything since; it does not seem to run."
    since = status.failing_since or status.loaded_at or 0.0
    return {"detail": detail, "since": int(since), "loaded_at": int(status.loaded_at or 0.0)}


def _why_nothing(status: Status) -> str:
    if status.error is None:
        return "Nothing has been loaded from the cluster yet: the first cycle is still running."
    return f"Nothing has been loaded from the cluster yet: {status.error}"


def _render_records(view: StoreView, kind: Kind) -> Iterator[bytes]:
    separator = b"{"
    for batch in view.batches(kind):
        yield separator + b",".join([orjson.dumps(str(key)) + b":" + body for key, body in batch])
        separator = b","
    yield b"{}" if separator == b"{" else b"}"
