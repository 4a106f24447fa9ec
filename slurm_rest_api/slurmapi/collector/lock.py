"""Ensures one collector per host by an exclusive lock on a file of the runtime directory."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


@contextmanager
def only_collector(path: Path) -> Iterator[int]:
    """Holds the lock at `path`. While another process holds it, waits as standby.

    Yields the lock's descriptor. A child that inherits it keeps the lock until the child has ended. If a collector is
    killed during a cycle, a standby therefore waits for the end of its loader.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            logger.warning("Another collector (pid %s) holds the lock; waiting as standby.", holder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            logger.info("The other collector has ended; taking over.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield descriptor
    finally:
        os.close(descriptor)
