"""Sends the newest rendered version of a large route, and renders the next version in the background.

One worker of the host renders a version, for all workers. A lock that ends with the worker sees to that. Requests get
the version before meanwhile, where `stand_in` allows that. Others wait, as many as there are slots.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from slurm_rest_api.errors import BeingRendered, ClientDisconnected, NotLoaded, ServiceError
from slurm_rest_api.slurmapi.responses.body_files import try_lock
from slurm_rest_api.slurmapi.responses.snapshot import LiveState, Name, Snapshot, whole_body
from slurm_rest_api.slurmapi.responses.stand_in import Demand, may_stand_in
from slurm_rest_api.slurmapi.responses.version_files import RenderedVersion, VersionFile, VersionFiles
from slurm_rest_api.web.compression import Coding

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS: Final = 15.0
"""Longest wait for the first rendering of a route."""

WANTED_INTERVALS: Final = 3
"""Intervals after the last request for a route in which its new versions are rendered before anyone asks."""

FIRST_LOAD_SECONDS: Final = 120.0
"""Longest wait for the first load after a request for a large route. A later request starts another."""

_POLL_SECONDS: Final = 0.05
_FOLLOW_SECONDS: Final = 0.25
_RETRY_SECONDS: Final = 2
_NOT_IN_ADVANCE: Final = "The first version of /%s is not rendered in advance: %s"


@dataclass(frozen=True)
class WholeBody:
    """A body that is open for reading, and its version. `is_current`: it is not the version before.

    The version before is the one to send while `is_newest` returns True. None if that is unknown.
    """

    file: BinaryIO
    version: RenderedVersion
    is_current: bool
    is_newest: Callable[[], bool] | None = None


class WholeBodies:
    """The rendered versions of large routes in `folder`. At most `slots` requests wait for one at a time."""

    def __init__(self, live: LiveState, folder: Path, slots: int, now: Callable[[], float] = time.time) -> None:
        self._live = live
        self._folder = folder
        self._files = VersionFiles(folder)
        self._slots = threading.BoundedSemaphore(slots)
        self._now = now

    def open(
        self, snapshot: Snapshot, demand: Demand, has_client_gone: Callable[[], bool], coding: Coding
    ) -> WholeBody:
        """Opens the body of `snapshot`, or the version before while it is rendered.

        Raises:
            OSError: it cannot be written to the runtime directory. No older version is sent from then on.
            BeingRendered: there is no version to send meanwhile, and no slot is free, or the rendering takes too long.
            ClientDisconnected: the client has gone while it waited.
            ServiceError: the store cannot be read.
        """
        current = _version_of(snapshot)
        if (body := self._open_current(snapshot.name, current, coding)) is not None:
            return body
        rendering = self._start(snapshot.name, coding)
        if (body := self._open_stand_in(snapshot.name, current, demand, coding)) is not None:
            return body
        return self._wait(snapshot.name, current, rendering, has_client_gone, coding)

    def note_request(self, snapshot: Snapshot, coding: Coding) -> None:
        """Notes that a client has the current version, so that the next one is rendered for it."""
        for file in self._files.of_route(snapshot.name):
            if file.coding == coding and file.version.etag == snapshot.etag:
                self._files.note_request(file, snapshot.loaded_at, self._now())

    def render_after_first_load(self, name: Name, coding: Coding) -> None:
        """Starts a thread that renders `name` once the first load is stored. One thread of the host does it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = try_lock(self._folder / f"{name}.follow.lock")
            if lock is not None:
                _start_thread(name, lock, self._run_after_first_load, name, coding, lock)
        except OSError as error:
            # The request has its answer without it.
            logger.warning(_NOT_IN_ADVANCE, name, error)

    def _open_current(self, name: Name, current: RenderedVersion, coding: Coding) -> WholeBody | None:
        """Opens the body of the current version, or of one that another worker has rendered since."""
        for file in self._files.of_route(name):
            if file.coding != coding or not _is_at_least(file.version, current):
                continue
            if (opened := _opened(file)) is not None:
                is_same = file.version.etag == current.etag
                self._files.note_request(file, current.loaded_at if is_same else 0.0, self._now())
                return WholeBody(opened, current if is_same else file.version, is_current=True)
        return None

    def _open_stand_in(self, name: Name, current: RenderedVersion, demand: Demand, coding: Coding) -> WholeBody | None:
        is_newest = self._files.unchanged_check()
        files = self._files.of_route(name)
        # A client may have got the newest version with another coding.
        newest = [file for file in files if file.version.etag == files[0].version.etag and file.coding == coding]
        for file in newest:
            if _is_at_least(file.version, current) or may_stand_in(file.version, current, demand, self._now()):
                opened = _opened(file)
                if opened is not None:
                    return WholeBody(opened, file.version, _is_at_least(file.version, current), is_newest)
        return None

    def _wait(
        self,
        name: Name,
        current: RenderedVersion,
        rendering: Future[RenderedVersion] | None,
        has_client_gone: Callable[[], bool],
        coding: Coding,
    ) -> WholeBody:
        # A waiting request occupies a server thread, so slots are limited.
        if not self._slots.acquire(blocking=False):
            raise _being_rendered(name, "As many requests wait for it as may")
        try:
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while time.monotonic() < deadline:
                if has_client_gone():
                    raise ClientDisconnected(f"The client did not wait for /{name}.")
                rendering = rendering or self._start(name, coding)
                if rendering is None:
                    # Another worker renders.
                    time.sleep(_POLL_SECONDS)
                elif wait_for_futures([rendering], _POLL_SECONDS).done:
                    # Later than `current`, if a load has ended in the meantime.
                    current, rendering = rendering.result(), None
                if (body := self._open_current(name, current, coding)) is not None:
                    return body
        finally:
            self._slots.release()
        raise _being_rendered(name, f"It is not finished after {MAX_WAIT_SECONDS:g} seconds")

    def _start(self, name: Name, coding: Coding) -> Future[RenderedVersion] | None:
        """Starts a thread that renders `name`. Returns its result, or None if another thread of the host renders."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = try_lock(self._folder / f"{name}.render.lock")
        if lock is None:
            return None
        result = Future[RenderedVersion]()
        _start_thread(name, lock, self._run, name, coding, lock, result)
        return result

    def _run(self, name: Name, coding: Coding, lock: int, result: Future[RenderedVersion]) -> None:
        """Renders the current version and ends the lock. Then renders the next ones for as long as clients ask."""
        try:
            try:
                version = self._render(name, {**self._wanted(name), coding: self._now()})
            finally:
                os.close(lock)
        except (OSError, ServiceError) as error:
            logger.error("The next version of /%s cannot be rendered: %s", name, error)
            result.set_exception(error)
            return
        except BaseException as error:
            result.set_exception(error)
            raise
        result.set_result(version)
        try:
            self._follow(name, version)
        except (OSError, ServiceError) as error:
            # The next request for the route renders it.
            logger.warning("The next version of /%s is not rendered in advance: %s", name, error)

    def _run_after_first_load(self, name: Name, coding: Coding, lock: int) -> None:
        """Waits for the first load and ends the lock. Then renders it, if it is large and no other thread does."""
        try:
            try:
                is_large = self._is_large_after_first_load(name)
            finally:
                os.close(lock)
            rendering = try_lock(self._folder / f"{name}.render.lock") if is_large else None
        except (OSError, ServiceError) as error:
            # The next request for the route renders it.
            logger.warning(_NOT_IN_ADVANCE, name, error)
            return
        if rendering is not None:
            self._run(name, coding, rendering, Future())

    def _is_large_after_first_load(self, name: Name) -> bool:
        deadline = time.monotonic() + FIRST_LOAD_SECONDS
        while time.monotonic() < deadline:
            try:
                with self._live.open(name) as snapshot:
                    return snapshot.is_large
            except NotLoaded:
                time.sleep(_FOLLOW_SECONDS)
        return False

    def _render(self, name: Name, wanted: Mapping[Coding, float]) -> RenderedVersion:
        """Renders the store's current version with the wanted codings that do not exist. Call it with the lock."""
        with self._live.open(name) as snapshot:
            version = _version_of(snapshot)
            files = [file for file in self._files.of_route(name) if _is_at_least(file.version, version)]
            if files and files[0].version.etag != version.etag:
                # The store was replaced while it was opened, so this is an older version than the files'.
                return files[0].version
            missing = wanted.keys() - {file.coding for file in files}
            if missing:
                asked_at = {coding: wanted[coding] for coding in missing}
                try:
                    self._files.write(name, version, whole_body(snapshot), asked_at)
                except OSError:
                    # The version is streamed to clients from now on. They must not get an older one afterwards.
                    self._files.remove(name)
                    raise
        return version

    def _follow(self, name: Name, version: RenderedVersion) -> None:
        """Renders each new version of `name` after its load, for as long as clients ask for the route."""
        lock = try_lock(self._folder / f"{name}.follow.lock")
        if lock is None:
            return
        try:
            while self._wanted(name):
                time.sleep(_FOLLOW_SECONDS)
                with self._live.open(name) as snapshot:
                    current = _version_of(snapshot)
                if _is_at_least(version, current):
                    continue
                rendering = try_lock(self._folder / f"{name}.render.lock")
                if rendering is None:
                    continue
                try:
                    # A client may have asked for another coding meanwhile.
                    version = self._render(name, self._wanted(name))
                finally:
                    os.close(rendering)
        finally:
            os.close(lock)

    def _wanted(self, name: Name) -> dict[Coding, float]:
        """Returns the content codings that clients have asked for within the last intervals, and when."""
        now = self._now()
        return {
            file.coding: file.asked_at
            # The newest last: a client may have asked for the version before, too.
            for file in reversed(self._files.of_route(name))
            if 0.0 <= now - file.asked_at <= WANTED_INTERVALS * file.version.pace_seconds
        }


def _start_thread(name: Name, lock: int, target: Callable[..., None], *arguments: object) -> None:
    """Starts a thread that ends `lock`. If none can be started, ends it and raises an OSError."""
    thread = threading.Thread(target=target, args=arguments, name=f"render {name}", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        os.close(lock)
        raise OSError(errno.EAGAIN, str(error)) from error


def _version_of(snapshot: Snapshot) -> RenderedVersion:
    return RenderedVersion(
        snapshot.etag,
        snapshot.changed_at,
        snapshot.loaded_at,
        float(snapshot.interval_seconds),
        float(snapshot.cycle_seconds),
        snapshot.stale,
    )


def _is_at_least(version: RenderedVersion, other: RenderedVersion) -> bool:
    """Returns True if `version` is `other` or a later one."""
    return version.etag == other.etag or (version.generation == other.generation and version.number > other.number)


def _opened(file: VersionFile) -> BinaryIO | None:
    """Opens a file, or returns None if a later version has replaced it in the meantime."""
    try:
        return file.path.open("rb")
    except FileNotFoundError:
        return None


def _being_rendered(name: Name, reason: str) -> BeingRendered:
    return BeingRendered(
        f"/{name} is being rendered. {reason}. Ask again in {_RETRY_SECONDS} seconds, or for fewer records.",
        retry_after=_RETRY_SECONDS,
    )
