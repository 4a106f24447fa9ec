"""Job ids and record keys that follow from a job's times alone; pure.

Ids grow with time and wrap around as Slurm's do at MaxJobId. Each block has numbers of its own, and so has every
second window, so ids are unique without anybody counting all jobs.
"""

from __future__ import annotations

from typing import Final

_QUANTUM_SECONDS: Final = 60
_WRAP: Final = 60_000_000
_FIRST: Final = 1000
_PER_QUANTUM: Final = 4
"""Two windows that may overlap, and two components of a heterogeneous job."""

_CLUSTER: Final = 1
_KEY_SHIFT: Final = 52
_SEQUENCE_BITS: Final = 10


class JobIds:
    """Gives out the ids of one window."""

    def __init__(self, block: int, blocks: int, window: int) -> None:
        self._blocks = blocks
        self._block = block
        self._parity = window % 2
        self._taken: set[int] = set()

    def take(self, moment: int) -> int:
        """An id for what is recorded at an epoch second; the one above it is free, too."""
        quantum = moment // _QUANTUM_SECONDS
        while quantum in self._taken:
            quantum -= 1
        self._taken.add(quantum)
        return ((quantum * self._blocks + self._block) * _PER_QUANTUM + self._parity * 2) % _WRAP + _FIRST


def record_key(moment: int, job_id: int, attempt: int) -> int:
    """The primary key of a job's record, made at an epoch second: a SLUID, as slurmdbd has them since 24.11."""
    spread = job_id * 7919 + attempt
    milliseconds = moment * 1000 + spread % 1000
    return _CLUSTER << _KEY_SHIFT | milliseconds << _SEQUENCE_BITS | spread // 1000 % (1 << _SEQUENCE_BITS)
