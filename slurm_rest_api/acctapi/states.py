"""States of job records: the numbers of slurmdbd's tables, and every name that people have for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from slurm_rest_api.web.name_lists import nearest


class State(NamedTuple):
    """One state: its number in `job_table.state`, its name in slurm.h, and sacct's long and short names."""

    number: int
    enum_name: str
    long_name: str
    short_name: str


# enum job_states and the JOB_* flags of slurm.h; job_state_string() and job_state_string_compact() have the names.
# Only these are ever stored: a base state, or one flag alone.
_STATES: Final = tuple(
    State(*row)
    for row in (
        (0, "JOB_PENDING", "PENDING", "PD"),
        (1, "JOB_RUNNING", "RUNNING", "R"),
        (2, "JOB_SUSPENDED", "SUSPENDED", "S"),
        (3, "JOB_COMPLETE", "COMPLETED", "CD"),
        (4, "JOB_CANCELLED", "CANCELLED", "CA"),
        (5, "JOB_FAILED", "FAILED", "F"),
        (6, "JOB_TIMEOUT", "TIMEOUT", "TO"),
        (7, "JOB_NODE_FAIL", "NODE_FAIL", "NF"),
        (8, "JOB_PREEMPTED", "PREEMPTED", "PR"),
        (9, "JOB_BOOT_FAIL", "BOOT_FAIL", "BF"),
        (10, "JOB_DEADLINE", "DEADLINE", "DL"),
        (11, "JOB_OOM", "OUT_OF_MEMORY", "OOM"),
        (0x400, "JOB_REQUEUE", "REQUEUED", "RQ"),
        (0x2000, "JOB_RESIZING", "RESIZING", "RS"),
        (0x80000, "JOB_REVOKED", "REVOKED", "RV"),
    )
)
PENDING: Final = 0
SUSPENDED: Final = 2
REQUEUED: Final = 0x400
RESIZED: Final = 0x2000
REVOKED: Final = 0x80000
ACTIVE: Final = frozenset((0, 1, 2))
"""States of jobs that have not ended: `time_end` is 0 in their records."""

_BY_NUMBER: Final = {state.number: state for state in _STATES}
_BY_NAME: Final = {
    name: state.number
    for state in _STATES
    for name in (
        state.enum_name,
        state.enum_name.removeprefix("JOB_"),
        state.long_name,
        f"JOB_{state.long_name}",
        state.short_name,
    )
} | {"CANCELED": 4, "JOB_CANCELED": 4}


def enum_name(number: int) -> str:
    """`3` → "JOB_COMPLETE"; a number that no release is known to store is told as `JOB_STATE_…`."""
    state = _BY_NUMBER.get(number)
    return f"JOB_STATE_{number}" if state is None else state.enum_name


def long_name(number: int) -> str:
    """`3` → "COMPLETED", as sacct prints it."""
    state = _BY_NUMBER.get(number)
    return f"STATE_{number}" if state is None else state.long_name


def parse_states(names: Iterable[str]) -> frozenset[int]:
    """The numbers of states given by number or by name in any usual spelling and case.

    Raises:
        ValueError: one is unknown; the message names those that there are.
    """
    return frozenset(_parse(name) for name in names)


def _parse(name: str) -> int:
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else _BY_NAME.get(name.upper())
    if number not in _BY_NUMBER:
        known = ", ".join(f"{state.long_name} ({state.number}, {state.short_name})" for state in _STATES)
        raise ValueError(f"there is no state {name!r};{nearest(name.upper(), _BY_NAME)} The states are {known}")
    return number
