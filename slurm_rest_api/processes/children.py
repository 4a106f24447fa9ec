"""What the processes of this service need of Linux: to leave nothing behind, and to give memory back."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2
_PARENT: Final = "SLURM_REST_API_PARENT"


def child_environment() -> dict[str, str]:
    """The environment for a child that is to `end_with_parent()`: it tells who that is."""
    return {**os.environ, _PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends (prctl(2)).

    A process that was started with `child_environment()` also ends when its parent went before it got here: its
    imports take seconds, and who is its parent by now may be init.
    """
    parent = int(os.environ.get(_PARENT) or os.getppid())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(number)}")
    if os.getppid() != parent:
        # The parent went before our request, so no signal will ever come.
        os.kill(os.getpid(), signal.SIGKILL)


def limit_malloc_arenas() -> None:
    """Have the threads of this process share two heaps, where the C library is glibc (mallopt(3)).

    By default each thread gets one of its own, and keeps what the largest answer that it ever rendered took.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, _ARENAS)
