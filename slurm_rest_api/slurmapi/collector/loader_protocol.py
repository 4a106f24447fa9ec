"""Messages between the collector and the loader process: JSON lines on the loader's standard input and output.

The first line to the loader has its options. Each further line asks for one cycle, and gets one result line. Lines of
`PROGRESS` may come before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.sources.base import Kind

PROGRESS: Final = '{"progress": true}'
"""The line with which the loader reports that the running cycle made progress."""


@dataclass(frozen=True)
class LoaderOptions:
    """Settings of the loader. `hidden` has names of partitions, `store` is the path of the snapshot store.

    `slurm_bin_dir` is the directory of Slurm's commands, None for PATH. `cycle_seconds` is the longest time without
    progress in a cycle. `intervals` has the seconds between two readings of each optional kind that is on.
    `paces_first` is that of `LoadCosts`.
    """

    source: str
    hidden: tuple[str, ...]
    refresh_seconds: float
    store: str
    slurm_bin_dir: str | None = None
    cycle_seconds: float = 120.0
    intervals: Mapping[Kind, float] = field(default_factory=dict)
    paces_first: bool = False

    def to_json(self) -> str:
        """Returns one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Parses a line of `to_json()`."""
        fields: dict[str, Any] = json.loads(line)
        return cls(**{**fields, "hidden": tuple(fields["hidden"])})


@dataclass(frozen=True)
class CycleResult:
    """Result of one cycle: a report with the loader's memory (RSS, bytes), or the message of an error.

    `is_stored` is True if the loader has written the error into the store.
    """

    report: CycleReport | None = None
    rss_bytes: int = 0
    error: str | None = None
    is_stored: bool = False

    def to_json(self) -> str:
        """Returns one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: bytes) -> Self:
        """Parses a line of `to_json()`."""
        fields: dict[str, Any] = json.loads(line)
        report = fields["report"]
        return cls(
            None if report is None else CycleReport(**report), fields["rss_bytes"], fields["error"], fields["is_stored"]
        )
