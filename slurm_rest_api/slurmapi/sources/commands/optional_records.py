"""Reads reservations, licenses, priority factors and fair share, each kind at a pace of its own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.sources.commands import fair_share, licenses, priority_factors, reservations
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.priority_factors import parse_priority_factors
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations

Kind = Literal["reservations", "licenses", "priority_factors", "fair_share"]

INTERVAL_SECONDS: Final = 60.0
"""Seconds from one reading of a kind to the next."""

RECORD_LIMIT: Final = 100_000
"""Records of one kind that are kept. The rest is not read."""


class Programs(Protocol):
    """Runs a command and yields the lines of its output."""

    def lines(self, program: str, *arguments: str) -> Iterator[bytes]:
        """Raises SourceError if the command fails."""
        ...


class _Reading(NamedTuple):
    program: str
    arguments: tuple[str, ...]
    parse: Callable[[Iterable[bytes]], Iterator[Any]]


_READINGS: Final[Mapping[Kind, _Reading]] = {
    "reservations": _Reading("scontrol", reservations.ARGUMENTS, parse_reservations),
    "licenses": _Reading("scontrol", licenses.ARGUMENTS, parse_licenses),
    "priority_factors": _Reading("sprio", priority_factors.ARGUMENTS, parse_priority_factors),
    "fair_share": _Reading("sshare", fair_share.ARGUMENTS, parse_fair_share),
}
"""Each command costs slurmctld one RPC."""


@dataclass(slots=True)
class OptionalKind:
    """The records of one kind, and how they were read.

    Attributes:
        records: Records of the last reading that succeeded, None before it.
        read_at: Time of that reading, epoch seconds, None before it.
        error: Why the last reading failed, None if it succeeded.
    """

    records: list[Any] | None = None
    read_at: int | None = None
    error: str | None = None


@dataclass(slots=True)
class OptionalRecords:
    """Reads the kinds that are on.

    A kind that cannot be read keeps its records and has an error. It is tried again after its interval.

    Attributes:
        programs: Runs the commands.
        intervals: Seconds between two readings, by kind. A kind that is absent is off and costs nothing.
        clock: Monotonic seconds.
        kinds: The records by kind.
        rpcs: RPCs of the last call of `refresh`.
    """

    programs: Programs
    intervals: Mapping[Kind, float]
    clock: Callable[[], float] = time.monotonic
    kinds: dict[Kind, OptionalKind] = field(init=False)
    rpcs: int = field(init=False, default=0)
    _due: dict[Kind, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = {kind: OptionalKind() for kind in self.intervals}

    def refresh(self) -> list[Kind]:
        """Reads the kinds whose interval has passed, and returns them."""
        now = self.clock()
        due = [kind for kind in self.intervals if now >= self._due.get(kind, now)]
        self.rpcs = len(due)
        for kind in due:
            self._due[kind] = now + self.intervals[kind]
            self._read(kind)
        return due

    def _read(self, kind: Kind) -> None:
        program, arguments, parse = _READINGS[kind]
        known = self.kinds[kind]
        try:
            records = list(itertools.islice(parse(self.programs.lines(program, *arguments)), RECORD_LIMIT))
        except (SourceError, ValueError) as error:
            known.error = str(error)
            return
        known.records, known.read_at, known.error = records, int(time.time()), None
