"""Linux settings of this service's processes: the parent-death signal, the umask and the memory of malloc."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2
_M_MMAP_THRESHOLD: Final = -3
# The size that glibc begins with.
_RETURNED_FROM_BYTES: Final = 128 * 1024
_PARENT: Final = "SLURM_REST_API_PARENT"


def child_environment() -> dict[str, str]:
    """Returns the environment for a child that calls `die_with_parent()`. It holds the pid of this process."""
    return {**os.environ, _PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """Lets the kernel kill this process when its parent ends (prctl(2), PR_SET_PDEATHSIG).

    With `child_environment()` it also ends if the parent ended before this call: the child's imports take seconds, and
    its parent may be init by then.

    Raises:
        OSError: prctl(2) failed.
    """
    parent = int(os.environ.get(_PARENT) or os.getppid())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(number)}")
    if os.getppid() != parent:
        # The parent ended before prctl(), so the kernel will not send a signal.
        os.kill(os.getpid(), signal.SIGKILL)


def close_new_files_to_others() -> None:
    """Makes this process and its children create files that only their owner can read, whatever umask it got."""
    os.umask(0o077)


def limit_malloc() -> None:
    """Limits the freed memory that glibc keeps for the threads of this process (mallopt(3)).

    By default each thread has its own arena, which keeps the memory of the largest response that it rendered. Here two
    arenas serve all. By default glibc also raises the size from which a block is returned when it is freed, up to
    32 MiB. Here it stays.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, _ARENAS)
        libc.mallopt(_M_MMAP_THRESHOLD, _RETURNED_FROM_BYTES)


def return_free_memory() -> None:
    """Returns memory that was freed to the system (malloc_trim(3)). Takes some 20 ms for 150 MiB.

    glibc returns by itself only what is free at the end of its heap.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
