"""The report of a finished cycle, which the loader sends to the collector."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CycleReport:
    """Duration of a finished cycle, the interval that its cost demands, and the number of records it stored.

    Times are seconds. `least_interval` is that of `pacing`.
    `source_detail` is the detail of its source (`ClusterSource.detail`), `source_parts` says where its parts come from.
    """

    seconds: float
    least_interval: float
    rpcs: int
    jobs: int
    nodes: int
    partitions: int
    source_detail: str
    source_parts: str = ""
    optional_errors: dict[str, str] = field(default_factory=dict)
    """By optional kind, why it could not be read."""
