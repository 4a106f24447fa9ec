"""Opens the current version of the live data, with the metadata of its responses."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import orjson

from slurm_rest_api.errors import NotFound, NotLoaded
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.index_columns import KINDS, Kind
from slurm_rest_api.slurmapi.store.reader import Collection, Status, StoreReader, StoreView
from slurm_rest_api.web.compression import Coding, compress

Name = Kind | Literal["stats", "usage", "usage_compact", "usage_summary"]
"""A collection or a document of the store."""

LARGE_RECORDS: Final = 1000
"""Records from which a route is large. Rendering as many takes some 20 ms."""

_RETRY_SECONDS: Final = 5


class _Setting(NamedTuple):
    """The setting of an optional kind, its value when it is off, and the kind's name in a source."""

    setting: str
    off: str
    kind: str


_SETTINGS: Final[dict[Name, _Setting]] = {
    "reservations": _Setting("system.reservations", "false", "reservations"),
    "licenses": _Setting("system.licenses", "false", "licenses"),
    "fairshare": _Setting("system.fair_share_seconds", "0", "fair_share"),
}


@dataclass(frozen=True)
class Snapshot:
    """One collection or document at its current version, and the metadata of its responses.

    `view` reads the data. `generation` identifies the store file and the rows that the user may see: versions are
    comparable only within it. Responses with the same `etag` have the same body. Times are epoch seconds. The data is
    `stale` from `stale_from` on, unless a load finishes earlier.
    """

    name: Name
    view: StoreView
    collection: Collection
    generation: str
    etag: str
    changed_at: float
    loaded_at: float
    interval_seconds: float
    cycle_seconds: float
    stale: bool
    stale_from: float
    meta: dict[str, Any]

    @property
    def is_large(self) -> bool:
        """True if rendering the whole of it takes long enough that clients get the version before meanwhile."""
        return self.name in KINDS and self.collection.total >= LARGE_RECORDS


class LiveState:
    """Reads the live data of the cluster from the store. This never costs slurmctld a request."""

    def __init__(self, reader: StoreReader, prepared: PreparedBodies, now: Callable[[], float] = time.time) -> None:
        self._reader = reader
        self._prepared = prepared
        self._now = now

    @contextmanager
    def open(
        self, name: Name, scope_key: str = "", has_client_gone: Callable[[], bool] | None = None
    ) -> Iterator[Snapshot]:
        """Opens the current snapshot of `name`, which is readable inside the `with` block.

        `scope_key` identifies the rows that a user may see. Snapshots with different keys share no etag or version.
        Statements end once `has_client_gone` returns True.

        Raises:
            NotLoaded: no load has finished yet.
            NotFound: it is an optional kind, and its setting is off.
            StoreError: the store cannot be read.
            StoreTooSlow: a statement exceeds its time limit, now or while the rows are read.
        """
        with self._reader.view(has_client_gone) as view:
            if view is None:
                raise NotLoaded(
                    "Nothing has been loaded from the cluster yet: the collector has not written anything."
                    " Is it running?",
                    retry_after=_RETRY_SECONDS,
                )
            status, collection = view.status(), view.collection(name)
            read = _reading_of(name, status)
            if collection is None or status.loaded_at is None:
                raise _missing(name, status, read)
            failed = read is not None and read["error"] is not None
            status = _with_reading(status, read)
            yield _snapshot(name, view, status, collection, scope_key, self._now(), failed=failed)

    def status(self) -> Status | None:
        """Returns the collector's last status, or None if it has not written any yet."""
        with self._reader.view() as view:
            return None if view is None else view.status()

    def open_body(self, snapshot: Snapshot, coding: Coding) -> BinaryIO:
        """Opens the file with the whole body of `snapshot`. Writes it first if this is its first request.

        Raises:
            OSError: the file cannot be written to the runtime directory.
        """
        return self._prepared.open(snapshot.name, snapshot.etag, coding, render=lambda: whole_body(snapshot))

    def stream_body(self, name: Name, coding: Coding) -> Iterator[bytes]:
        """Yields the whole body of `name` at the version that is current when the first piece is read."""
        with self.open(name) as snapshot:
            yield from compress(whole_body(snapshot), coding)


def shown_nodes(live: LiveState) -> frozenset[str]:
    """Returns the names of all nodes that are not hidden.

    Raises:
        NotLoaded: no load has finished yet.
    """
    with live.open("nodes") as snapshot:
        return frozenset(str(name) for batch in snapshot.view.batches("nodes") for name, _ in batch)


def with_query_etag(snapshot: Snapshot, query_hash: str) -> Snapshot:
    """Returns the snapshot with the etag of the response to one query."""
    return replace(snapshot, etag=f"{snapshot.etag}-{query_hash}")


def _snapshot(
    name: Name,
    view: StoreView,
    status: Status,
    collection: Collection,
    scope_key: str,
    now: float,
    *,
    failed: bool,
) -> Snapshot:
    assert status.loaded_at is not None
    assert status.interval_seconds is not None
    generation = f"{status.generation}.{scope_key}" if scope_key else status.generation
    version = f"{generation}-{collection.version}"
    stale_from = pacing.stale_from(status.loaded_at, status.interval_seconds)
    stale = now > stale_from or failed
    error = _stale_error(status) if stale else None
    return Snapshot(
        name=name,
        view=view,
        collection=collection,
        generation=generation,
        etag=f"{version}-{_hash(status.source_detail, error)}",
        changed_at=collection.changed_at,
        loaded_at=status.loaded_at,
        interval_seconds=status.interval_seconds,
        cycle_seconds=status.cycle_seconds or 0.0,
        stale=stale,
        stale_from=stale_from,
        meta={
            "source": status.source,
            "source_detail": status.source_detail,
            "version": version,
            "changed_at": int(collection.changed_at),
            "total": collection.total,
            "stale": stale,
            "error": error,
        },
    )


def _hash(source_detail: str | None, error: dict[str, Any] | None) -> str:
    """Returns a hash of the metadata that can change while the data does not."""
    return hashlib.sha256(orjson.dumps((source_detail, error))).hexdigest()[:16]


def _stale_error(status: Status) -> dict[str, Any]:
    """Returns `meta.error`. It has to stay the same from request to request, or stale responses were never a 304."""
    detail = status.error or "The collector has not reported anything since. Is it running?"
    since = status.failing_since or status.loaded_at or 0.0
    return {"detail": detail, "since": int(since), "loaded_at": int(status.loaded_at or 0.0)}


def _reading_of(name: Name, status: Status) -> dict[str, Any] | None:
    """Returns how an optional kind was read. None for other names, and for a kind that is off."""
    kinds: dict[str, dict[str, Any]] = orjson.loads(status.optional_kinds) if name in _SETTINGS else {}
    return kinds.get(_SETTINGS[name].kind) if name in _SETTINGS else None


def _with_reading(status: Status, read: dict[str, Any] | None) -> Status:
    """Returns the status of a kind with its own error, if it could not be read."""
    if read is None or read["error"] is None:
        return status
    return replace(
        status, error=read["error"], failing_since=read["failing_since"], loaded_at=read["read_at"] or status.loaded_at
    )


def _missing(name: Name, status: Status, read: dict[str, Any] | None) -> NotLoaded | NotFound:
    if name in _SETTINGS and status.loaded_at is not None:
        if read is None:
            setting = _SETTINGS[name]
            return NotFound(
                f"/{name} is turned off: `{setting.setting}` is {setting.off}. An administrator can set it."
            )
        if read["error"] is not None:
            return NotLoaded(f"Nothing has been loaded for /{name} yet: {read['error']}", retry_after=_RETRY_SECONDS)
    return NotLoaded(_not_loaded(status), retry_after=_RETRY_SECONDS)


def _not_loaded(status: Status) -> str:
    if status.error is None:
        return "Nothing has been loaded from the cluster yet: the first cycle is still running."
    return f"Nothing has been loaded from the cluster yet: {status.error}"


def whole_body(snapshot: Snapshot) -> Iterator[bytes]:
    """Renders the response to a request without parameters."""
    yield b'{"data":'
    if snapshot.name in KINDS:
        yield from _whole_collection(snapshot.view, snapshot.name)
    else:
        yield snapshot.view.document(snapshot.name)
    yield b',"meta":' + orjson.dumps(snapshot.meta) + b"}"


def _whole_collection(view: StoreView, kind: Kind) -> Iterator[bytes]:
    separator = b"{"
    for batch in view.batches(kind):
        yield separator + b",".join([orjson.dumps(str(key)) + b":" + body for key, body in batch])
        separator = b","
    yield b"{}" if separator == b"{" else b"}"
