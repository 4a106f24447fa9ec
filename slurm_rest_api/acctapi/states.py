"""States of job records: the numbers of slurmdbd's `job_table.state` and their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slurm_rest_api.slurm.states import JOBS, STORED_JOB_STATES
from slurm_rest_api.web.error_texts import nearest, shown

PENDING: Final = JOBS["PENDING"].number
SUSPENDED: Final = JOBS["SUSPENDED"].number
REQUEUED: Final = JOBS["REQUEUED"].number
RESIZED: Final = JOBS["RESIZING"].number
REVOKED: Final = JOBS["REVOKED"].number
ACTIVE: Final = frozenset((PENDING, JOBS["RUNNING"].number, SUSPENDED))
"""States of jobs that have not ended: `time_end` is 0 in their records."""

_BY_NUMBER: Final = {state.number: state for state in STORED_JOB_STATES}
_BY_NAME: Final = {
    name: state.number
    for state in STORED_JOB_STATES
    for name in (
        state.symbol,
        state.symbol.removeprefix("JOB_"),
        state.name,
        f"JOB_{state.name}",
        state.short,
    )
} | {"CANCELED": JOBS["CANCELLED"].number, "JOB_CANCELED": JOBS["CANCELLED"].number}


def enum_name(number: int) -> str:
    """Returns the name in slurm.h: `3` → "JOB_COMPLETE". A number that no release stores is `JOB_STATE_…`."""
    state = _BY_NUMBER.get(number)
    return f"JOB_STATE_{number}" if state is None else state.symbol


def long_name(number: int) -> str:
    """Returns the name that sacct prints: `3` → "COMPLETED". A number that no release stores is `STATE_…`."""
    state = _BY_NUMBER.get(number)
    return f"STATE_{number}" if state is None else state.name


def parse_states(names: Iterable[str]) -> frozenset[int]:
    """Returns the numbers of states given by number, or by name in any usual spelling and case.

    Raises:
        ValueError: one is unknown. The message lists the states.
    """
    return frozenset(_parse(name) for name in names)


def _parse(name: str) -> int:
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else _BY_NAME.get(name.upper())
    if number not in _BY_NUMBER:
        known = ", ".join(f"{state.name} ({state.number}, {state.short})" for state in STORED_JOB_STATES)
        raise ValueError(f"there is no state {shown(name)};{nearest(name.upper(), _BY_NAME)} The states are {known}")
    return number
