"""How large the simulated cluster is, and which of all possible ones it is; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_NODES: Final = 300
DEFAULT_JOBS: Final = 1000
FEWEST_NODES: Final = 20
MOST_NODES: Final = 100_000
MOST_JOBS: Final = 1_000_000

# Measured over a day and a night: what the layouts and the rhythm lead to, and the share of its mean that a wait
# really has, because some jobs start at once and none waits longer than half a window.
_RUNNING_PER_NODE: Final = 1.5
_REAL_WAIT: Final = 0.68
_LONGEST_QUEUE: Final = 2.0
_SHORTEST_QUEUE: Final = 0.3
# Days of which the past is told, and how many nodes it may be told of for so long.
_LOAD_DAYS, _RECORD_DAYS, _NODES_IN_FULL = 90, 30, 300


@dataclass(frozen=True)
class Scale:
    """Size of the cluster: `nodes`, about as many `jobs` in /queue, and the `seed` that everything follows from."""

    nodes: int = DEFAULT_NODES
    jobs: int = DEFAULT_JOBS
    seed: int = 1

    @property
    def queue_ratio(self) -> float:
        """Mean wait of a job as a multiple of its mean run time, so that enough jobs wait."""
        running = self.nodes * _RUNNING_PER_NODE
        return min(_LONGEST_QUEUE, max(_SHORTEST_QUEUE, (self.jobs - running) / running / _REAL_WAIT))

    @property
    def held_jobs(self) -> int:
        """Jobs that wait for something that does not come (a limit, a held dependency) and are cancelled in the end."""
        missing = self.jobs - self.nodes * _RUNNING_PER_NODE * (1 + self.queue_ratio * _REAL_WAIT)
        return max(self.jobs // 50, int(missing))

    @property
    def load_days(self) -> int:
        """Days of load samples before now; fewer of a larger cluster, so that they are soon written."""
        return max(1, min(_LOAD_DAYS, _LOAD_DAYS * _NODES_IN_FULL // self.nodes))

    @property
    def record_days(self) -> int:
        """Days of job records before now."""
        return max(1, min(_RECORD_DAYS, _RECORD_DAYS * _NODES_IN_FULL // self.nodes))

    def __str__(self) -> str:
        return f"{self.nodes} nodes, about {self.jobs} jobs, seed {self.seed}"
