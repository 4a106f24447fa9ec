"""Ensures one collector per host by an exclusive lock on a file of the runtime directory."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectorLock:
    """The lock that this process holds: the open file `descriptor`, which is at `path` unless it was deleted."""

    path: Path
    descriptor: int

    def is_at_path(self) -> bool:
        """Returns False once the file was deleted or replaced. Another collector could then take the new one."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except FileNotFoundError:
            return False


@contextmanager
def only_collector(path: Path) -> Iterator[CollectorLock]:
    """Holds the lock at `path`. While another process holds it, waits as standby.

    A child that inherits the lock's descriptor keeps the lock until the child has ended. If a collector is killed
    during a cycle, a standby therefore waits for the end of its loader.
    """
    lock = _lock(path)
    while not lock.is_at_path():
        # The file was deleted while this process waited for it.
        os.close(lock.descriptor)
        lock = _lock(path)
    try:
        os.ftruncate(lock.descriptor, 0)
        os.pwrite(lock.descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield lock
    finally:
        os.close(lock.descriptor)


def _lock(path: Path) -> CollectorLock:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            logger.warning("Another collector (pid %s) holds the lock; waiting as standby.", holder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            logger.info("The other collector has ended; taking over.")
    except BaseException:
        os.close(descriptor)
        raise
    return CollectorLock(path, descriptor)
