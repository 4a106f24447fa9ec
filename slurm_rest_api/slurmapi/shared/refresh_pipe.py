"""Named pipe through which web workers trigger an immediate refresh in the collector."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 5.0
_REQUEST: Final = b"!"


def request_refresh(path: Path) -> bool:
    """Asks the collector that listens at `path` for a refresh. Returns False if none listens. Never blocks."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # No collector has the pipe open (ENXIO), or there is no pipe (ENOENT).
        return False
    try:
        os.write(descriptor, _REQUEST)
    except BlockingIOError:
        # The pipe is full: a refresh is already pending.
        return True
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    return True


class RefreshListener:
    """Calls `on_request` from its thread when web workers ask for a refresh, once for all pending requests."""

    def __init__(self, path: Path, on_request: Callable[[], None]) -> None:
        self._path = path
        self._on_request = on_request
        self._closed = threading.Event()
        self._pipe = self._open()
        threading.Thread(target=self._listen, name="refresh-listener", daemon=True).start()

    def close(self) -> None:
        """Ends the thread, which closes the pipe."""
        self._closed.set()
        request_refresh(self._path)

    def _open(self) -> int:
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, 0o600)
        # Also opened for writing. Otherwise reads return end of file while no web worker has it open.
        return os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def _listen(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._pipe], [], [], _POLL_SECONDS)
            if ready:
                os.read(self._pipe, select.PIPE_BUF)
                if not self._closed.is_set():
                    self._on_request()
            elif not self._is_at_path():
                self._reopen()
        os.close(self._pipe)

    def _is_at_path(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._pipe))
        except FileNotFoundError:
            return False

    def _reopen(self) -> None:
        """Recreates the pipe after a user deleted files of the runtime directory."""
        try:
            pipe = self._open()
        except OSError as error:
            logger.warning("Cannot recreate the refresh pipe, so `Cache-Control: no-cache` has no effect: %s", error)
            return
        os.close(self._pipe)
        self._pipe = pipe
