"""What happens to single jobs: how long they run, how they end, how long they wait and why; pure."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from slurm_rest_api.demo.hardware import PARTITIONS

LIMITS_MINUTES: Final = (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 5760)
SHORTEST_SECONDS: Final = 60

_MOST_SECONDS: Final = {partition.name: partition.max_seconds for partition in PARTITIONS}
_WAIT_REASONS: Final = ("Priority", "Priority", "Priority", "Resources", "QOSMaxJobsPerUserLimit")
HELD_REASONS: Final = (
    "AssocGrpCpuLimit",
    "JobHeldUser",
    "QOSMaxCpuPerUserLimit",
    "AssocMaxJobsLimit",
    "DependencyNeverSatisfied",
    "JobHeldAdmin",
)


class Ending(NamedTuple):
    """How a job ends: seconds that it ran, the limit that it asked for, its final state and wait(2) parts."""

    seconds: int
    limit_minutes: int
    outcome: str
    exit_code: int
    signal: int


def ending(random: Random, mean_seconds: int, most_seconds: int, partition: str) -> Ending:
    """The end of a job that may run `most_seconds` at the longest."""
    most = min(most_seconds, _MOST_SECONDS[partition])
    seconds = min(most, SHORTEST_SECONDS + int(random.lognormvariate(0.0, 1.0) * mean_seconds * 0.6))
    fate = random.random()
    if fate < 0.05 and seconds >= LIMITS_MINUTES[0] * 60:
        limit = max(minutes for minutes in LIMITS_MINUTES if minutes * 60 <= seconds)
        return Ending(limit * 60, limit, "TIMEOUT", 0, 15)
    roomy = [minutes for minutes in LIMITS_MINUTES if seconds <= minutes * 60 <= _MOST_SECONDS[partition]]
    limit = random.choice(roomy[:3]) if roomy else _MOST_SECONDS[partition] // 60
    if fate < 0.13:
        return Ending(min(seconds, 1 + seconds // 3), limit, "FAILED", random.choice((1, 1, 1, 2, 127)), 0)
    if fate < 0.17:
        return Ending(1 + seconds // 2, limit, "CANCELLED", 0, 15)
    if fate < 0.18:
        return Ending(1 + seconds // 2, limit, "OUT_OF_MEMORY", 0, 9)
    return Ending(seconds, limit, "COMPLETED", 0, 0)


def wait(random: Random, mean_seconds: float, most_seconds: int) -> int:
    """Seconds between a job's submission and its start."""
    if random.random() < 0.25:
        return random.randrange(1, 20)
    return min(most_seconds, 1 + int(random.expovariate(0.75 / mean_seconds)))


def wait_reason(random: Random) -> str:
    """Why a job that will start has not started yet."""
    return random.choice(_WAIT_REASONS)
