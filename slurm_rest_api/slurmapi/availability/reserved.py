"""Finds the nodes and cores that reservations keep from a job, and those of the job's own reservation.

Source: job_test_resv() of src/slurmctld/reservation.c, Slurm 26.05. A job that names no reservation uses no reserved
node, even if it may use the reservation. The exception is the flag MAGNETIC. Reservations that begin before the job
would end keep it away as active ones do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.availability.model import WHOLE, Request

Record = Mapping[str, Any]

_ELSEWHERE: Final = frozenset(("FLEX", "ANY_NODES"))
"""Flags with which jobs of a reservation may use other nodes, too."""


class HeldNodes(NamedTuple):
    """The nodes of a reservation, as a hostlist, and for nodes that it holds in part the name and the ids of cores."""

    nodes: str | None
    core_ids: tuple[tuple[str, str], ...]

    def cores(self) -> dict[str, int]:
        """Returns the number of held cores of each node, WHOLE for all of it. No nodes for a list that is cut off."""
        try:
            names = expand(self.nodes)
        except ValueError:
            return {}
        parts = dict(self.core_ids)
        return {name: _count(parts[name]) if name in parts else WHOLE for name in names}


class Reserved(NamedTuple):
    """The nodes that reservations hold. Requests to which the same reservations matter have equal ones.

    `own` are those of the reservation that the job names, None if it names none, or may use other nodes as well.
    """

    others: tuple[HeldNodes, ...] = ()
    own: HeldNodes | None = None

    def cores_of_others(self) -> dict[str, int]:
        """Returns the number of cores of each node that other reservations hold, WHOLE for all of it."""
        found: dict[str, int] = {}
        for reservation in self.others:
            for name, cores in reservation.cores().items():
                held = found.get(name, 0)
                found[name] = WHOLE if WHOLE in (held, cores) else held + cores
        return found


def overlaps(reservation: Record, now: float, seconds: float) -> bool:
    """Returns True if the reservation holds its nodes at some time of a job that runs from `now` for `seconds`."""
    start, end = reservation.get("start_time"), reservation.get("end_time")
    return (start is None or start < now + seconds) and (end is None or end > now)


def reserved_for(reservations: Iterable[Record], request: Request, now: float, seconds: float) -> Reserved:
    """Returns what the reservations hold while the job would run. `now` is an epoch second."""
    others: list[HeldNodes] = []
    own = None
    for reservation in reservations:
        if reservation["name"] == request.reservation:
            if _ELSEWHERE.isdisjoint(reservation.get("flags") or ()):
                own = _held(reservation)
        elif overlaps(reservation, now, seconds) and not _attracts(reservation, request, now):
            others.append(_held(reservation))
    return Reserved(tuple(others), own)


def begins_later(reservations: Iterable[Record], request: Request, now: float) -> bool:
    """Returns True if the reservation that the request names has not begun (job_test_resv_now() of reservation.c)."""
    return any(
        (entry.get("start_time") or 0) > now and "FLEX" not in (entry.get("flags") or ())
        for entry in reservations
        if entry["name"] == request.reservation
    )


def may_use(reservation: Record, request: Request) -> bool | None:
    """Returns True if the user and the account of the request may use the reservation, None if that is unknown."""
    answers = [
        _is_allowed(reservation.get("users"), request.user),
        _is_allowed(reservation.get("accounts"), request.account),
        _is_allowed(reservation.get("qos"), request.qos),
    ]
    if reservation.get("groups"):
        answers.append(None)
    return False if False in answers else None if None in answers else True


def _attracts(reservation: Record, request: Request, now: float) -> bool:
    """Returns True if the job may use the reservation without naming it."""
    is_active = (reservation.get("start_time") or 0) <= now
    return is_active and "MAGNETIC" in (reservation.get("flags") or ()) and may_use(reservation, request) is True


def _is_allowed(names: Sequence[str] | None, name: str | None) -> bool | None:
    if not names:
        return True
    if name is None:
        return None
    included = [entry for entry in names if not entry.startswith("-")]
    return f"-{name}" not in names and (not included or name in included)


def _held(reservation: Record) -> HeldNodes:
    return HeldNodes(reservation.get("nodes"), tuple((reservation.get("core_ids") or {}).items()))


def _count(text: str) -> int:
    """`0-3,8` → 5. A text of another form is the whole node."""
    total = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return WHOLE
        total += int(last or first) - int(first) + 1
    return total
