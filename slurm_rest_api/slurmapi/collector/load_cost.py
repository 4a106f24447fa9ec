"""Measures what a load costs slurmctld and this host."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Final

from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot

LEAST_OF: Final = 30
"""Loads of which the one with the least time of slurmctld counts. In the others its RPCs have waited for longer."""

CERTAIN_FROM: Final = 10
"""Loads from which on the time of slurmctld counts without a limit. While jobs come and go, most RPCs have waited."""

MEAN_OF: Final = 5
"""Loads of which the mean processor time counts. One in which all priorities have changed costs more than others."""

_MICROSECONDS: Final = 1e-6


class ControllerTime:
    """Computes the time that slurmctld has spent on the RPCs of one user between two loads.

    sdiag(1) counts it: microseconds from the start of each RPC to its end, with the time in which it waited for locks.
    RPCs of other programs of the same user count, too.

    Args:
        user_id: The user whose RPCs count.
    """

    def __init__(self, user_id: int) -> None:
        self._user_id = user_id
        self._last: int | None = None
        # Seconds and number of jobs.
        self._known: deque[tuple[float, int]] = deque(maxlen=LEAST_OF)

    @property
    def loads(self) -> int:
        """Returns the number of loads whose time is known, at most LEAST_OF."""
        return len(self._known)

    def of_a_load(self, statistics: Record, jobs: int) -> float | None:
        """Returns the seconds of a load: the least of the last ones. None if no statistics have said them so far.

        Statistics say nothing after the first load, and after a reset (`sdiag --reset`, midnight UTC).

        Args:
            statistics: Those of the load.
            jobs: Number of jobs of the load. The seconds of a load with fewer jobs count for as many.
        """
        before, self._last = self._last, self._total(statistics)
        if before is not None and self._last is not None and self._last >= before:
            self._known.append(((self._last - before) * _MICROSECONDS, jobs))
        return min((seconds * max(1.0, jobs / max(then, 1)) for seconds, then in self._known), default=None)

    def _total(self, statistics: Record) -> int | None:
        rows = (statistics.get("rpc_user_stats") or {}).values()
        totals = [row["total_time"] for row in rows if row.get("id") == self._user_id]
        return totals[0] if totals else None


class LoadMeter:
    """Measures one load from its construction on."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._worked = _processor_seconds()
        self._reading = 0.0

    def has_read(self) -> None:
        """Notes that the source has returned the snapshot. Its jobs may be read later."""
        self._reading = self.seconds

    @property
    def seconds(self) -> float:
        """Returns the seconds since the start."""
        return time.monotonic() - self._started

    @property
    def processor_seconds(self) -> float:
        """Returns the processor time since the start."""
        return _processor_seconds() - self._worked

    def reading_seconds(self, loaded: Snapshot) -> float:
        """Returns the time in which slurmctld was read. Call it after the jobs are iterated."""
        return self._reading + (0.0 if loaded.seconds_waited is None else loaded.seconds_waited())


class LoadCosts:
    """Computes from the costs of the loads of this process how long the next one has to wait.

    Args:
        user_id: The user whose RPCs count.
        paces_first: The first load counts as any other. Else the next ones follow soon: the first load makes the record
            of each job and asks slurmctld for more, which is not repeated.
        cores: Number of cores of this host.
    """

    def __init__(self, user_id: int, *, paces_first: bool, cores: int | None = None) -> None:
        self._cores = len(os.sched_getaffinity(0)) if cores is None else cores
        self._controller_time = ControllerTime(user_id)
        self._processor: deque[float] = deque(maxlen=MEAN_OF)
        self._loads = 0
        self._paces_first = self._counts = paces_first

    def least_interval(self, meter: LoadMeter, loaded: Snapshot, rpcs: int, jobs: int) -> float:
        """Returns the interval that the cost demands, see `pacing`. Call it after the `jobs` jobs are iterated."""
        # The statistics of a source without RPCs may name those of others.
        controller = self._controller_time.of_a_load(loaded.statistics, jobs) if rpcs else None
        if not self._counts:
            self._counts = True
            return 0.0
        self._loads += 1
        self._processor.append(meter.processor_seconds)
        processor = pacing.processor_interval(sum(self._processor) / len(self._processor), self._cores)
        reading = meter.reading_seconds(loaded)
        demanded = pacing.least_interval(reading, controller, processor)
        if not self._has_few_loads():
            return demanded
        if self._paces_first:
            # A slurmctld that was busy for a moment would delay the next load for minutes.
            return min(demanded, pacing.least_interval(reading, None, processor))
        # A few frequent loads harm slurmctld less than they keep the data from being old.
        return processor

    def _has_few_loads(self) -> bool:
        """Return True as long as each load may have waited for locks, or was a first one."""
        return self._loads < CERTAIN_FROM or 0 < self._controller_time.loads < CERTAIN_FROM


def _processor_seconds() -> float:
    """Returns the processor time of this process and of the commands that it ran so far."""
    return sum(os.times()[:4])
