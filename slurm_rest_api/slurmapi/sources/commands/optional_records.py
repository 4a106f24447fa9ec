"""Reads reservations, licenses, priority factors and fair share, each kind at a pace of its own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Protocol

from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.sources.base import Kind, OptionalKind, Record, Snapshot
from slurm_rest_api.slurmapi.sources.commands import fair_share, licenses, priority_factors, reservations
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.priority_factors import parse_priority_factors, parse_priority_weights
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_CONFIG

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
_CONFIGURATION: Final = ("scontrol", "show", "config")
"""The command with the weights of the priority factors, read with them. `sprio -w` requests all factors once more."""


@dataclass(slots=True)
class OptionalRecords:
    """Reads the kinds that are on.

    A kind that cannot be read keeps its records and has an error. It is tried again after its interval.

    Attributes:
        programs: Runs the commands.
        intervals: Seconds between two readings, by kind. 0 reads with each load. A kind that is absent is off and costs
            nothing.
        clock: Monotonic seconds.
        kinds: How each kind was read.
        records: The records by kind, without the kinds that were never read.
        weights: Weights of the priority factors, None before they were read.
        rpcs: RPCs of the last call of `refresh`.
    """

    programs: Programs
    intervals: Mapping[Kind, float]
    clock: Callable[[], float] = time.monotonic
    kinds: dict[Kind, OptionalKind] = field(init=False)
    records: dict[Kind, list[Record]] = field(init=False, default_factory=dict)
    weights: Record | None = field(init=False, default=None)
    rpcs: int = field(init=False, default=0)
    _due: dict[Kind, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = {kind: OptionalKind() for kind in self.intervals}

    def refresh(self) -> list[Kind]:
        """Reads the kinds whose interval has passed, and returns them."""
        now = self.clock()
        due = [kind for kind in self.intervals if now >= self._due.get(kind, now)]
        self.rpcs = len(due) + SHOW_CONFIG * due.count("priority_factors")
        for kind in due:
            self._due[kind] = now + self.intervals[kind]
            self._read(kind)
        return due

    def added_to(self, snapshot: Snapshot) -> Snapshot:
        """Returns the snapshot with the records of the last readings."""
        return replace(
            snapshot,
            reservations=self.records.get("reservations"),
            licenses=self.records.get("licenses"),
            fair_share=self.records.get("fair_share"),
            priority_factors=self.records.get("priority_factors"),
            priority_weights=self.weights,
            optional_kinds={str(kind): read for kind, read in self.kinds.items()},
        )

    def _read(self, kind: Kind) -> None:
        program, arguments, parse = _READINGS[kind]
        known, now = self.kinds[kind], int(time.time())
        try:
            found = list(itertools.islice(parse(self.programs.lines(program, *arguments)), RECORD_LIMIT))
            if kind == "priority_factors":
                text = b"\n".join(self.programs.lines(*_CONFIGURATION)).decode(errors="replace")
                self.weights = parse_priority_weights(text)
        except (SourceError, ValueError) as error:
            self.kinds[kind] = replace(known, error=str(error), failing_since=known.failing_since or now)
            return
        self.kinds[kind] = OptionalKind(now)
        self.records[kind] = found
