"""Size and seed of the simulated cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_NODES: Final = 300
DEFAULT_JOBS: Final = 1000
FEWEST_NODES: Final = 20
MOST_NODES: Final = 100_000
MOST_JOBS: Final = 1_000_000

# Measured over 24 hours with the layouts and the daily demand. The real mean wait is shorter than the parameter: some
# jobs start at once, and no job waits longer than half a window.
_RUNNING_PER_NODE: Final = 1.5
_REAL_WAIT: Final = 0.68
_LONGEST_QUEUE: Final = 2.0
_SHORTEST_QUEUE: Final = 0.3
# Days of the past that are written, for clusters of up to _NODES_IN_FULL nodes.
MOST_DAYS: Final = 90
_RECORD_DAYS, _NODES_IN_FULL = 30, 300


@dataclass(frozen=True)
class Scale:
    """Number of `nodes`, approximate number of `jobs` in /queue, and the `seed` of the simulation.

    `days` limits the past: load samples and job records of more days before now are not written.
    """

    nodes: int = DEFAULT_NODES
    jobs: int = DEFAULT_JOBS
    seed: int = 1
    days: int = MOST_DAYS

    @property
    def queue_ratio(self) -> float:
        """Mean wait of a job as a multiple of its mean run time."""
        running = self.nodes * _RUNNING_PER_NODE
        return min(_LONGEST_QUEUE, max(_SHORTEST_QUEUE, (self.jobs - running) / running / _REAL_WAIT))

    @property
    def held_jobs(self) -> int:
        """Number of jobs that stay pending (limits, holds) until they are cancelled."""
        missing = self.jobs - self.nodes * _RUNNING_PER_NODE * (1 + self.queue_ratio * _REAL_WAIT)
        return max(self.jobs // 50, int(missing))

    @property
    def load_days(self) -> int:
        """Days of load samples before now. Larger clusters get fewer, so that writing them does not take longer."""
        return max(1, min(self.days, MOST_DAYS * _NODES_IN_FULL // self.nodes))

    @property
    def record_days(self) -> int:
        """Days of job records before now."""
        return max(1, min(self.days, _RECORD_DAYS, _RECORD_DAYS * _NODES_IN_FULL // self.nodes))

    def __str__(self) -> str:
        return f"{self.nodes} nodes, about {self.jobs} jobs, seed {self.seed}"
