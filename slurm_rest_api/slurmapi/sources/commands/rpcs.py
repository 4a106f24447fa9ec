"""Counts the RPCs of Slurm's commands.

The numbers were read from sdiag before and after each command of Slurm 26.05. Older releases send the same or fewer.
"""

from __future__ import annotations

from typing import Final

SQUEUE: Final = 2
"""Jobs and partitions."""

SQUEUE_ONE_JOB: Final = 3
"""The job, the federation, partitions."""

SHOW_JOBS: Final = 1
SHOW_ONE_JOB: Final = 2
"""The job and the federation."""

LAYOUT: Final = 1
"""Nodes, for the threads of each core: once for each scontrol that prints a job with nodes."""

SHOW_NODES: Final = 2
"""Nodes and partitions, also for one node."""

SHOW_PARTITIONS: Final = 1
SHOW_CONFIG: Final = 2
"""The configuration, and a ping of slurmctld."""

SDIAG: Final = 1


class Rpcs:
    """The number of RPCs of one load."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, number: int) -> None:
        """Adds the RPCs of one command."""
        self.total += number
