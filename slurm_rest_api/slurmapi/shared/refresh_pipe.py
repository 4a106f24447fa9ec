"""How a web worker asks the collector to load at once: a byte through a named pipe in the runtime directory."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 5.0
_KNOCK: Final = b"!"


def knock(path: Path) -> bool:
    """Ask the collector that listens at `path` to load; whether there is one. Never blocks."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # Nobody listens (ENXIO), or nobody ever has (ENOENT).
        return False
    try:
        os.write(descriptor, _KNOCK)
    except BlockingIOError:
        # The pipe is full of knocks that were not heard yet; one more would say nothing new.
        return True
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    return True


class RefreshListener:
    """The collector's end: calls `on_knock` from a thread of its own, once for all knocks that came together."""

    def __init__(self, path: Path, on_knock: Callable[[], None]) -> None:
        self._path = path
        self._on_knock = on_knock
        self._closed = threading.Event()
        self._pipe = self._open()
        threading.Thread(target=self._listen, name="door", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()
        knock(self._path)

    def _open(self) -> int:
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, 0o600)
        # Opened for writing too, else the pipe would be at its end whenever no web worker has it open.
        return os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def _listen(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._pipe], [], [], _LOOK_SECONDS)
            if ready:
                os.read(self._pipe, select.PIPE_BUF)
                if not self._closed.is_set():
                    self._on_knock()
            elif not self._is_there():
                self._open_again()
        os.close(self._pipe)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._pipe))
        except FileNotFoundError:
            return False

    def _open_again(self) -> None:
        """Everything in the runtime directory may be deleted at any time."""
        try:
            pipe = self._open()
        except OSError as error:
            logger.warning("Web workers cannot ask for a load at once: %s", error)
            return
        os.close(self._pipe)
        self._pipe = pipe
