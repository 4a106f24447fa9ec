"""The least interval to the next load: the work of slurmctld, or the processor time of the loader."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.collector.load_cost import CERTAIN_FROM, LEAST_OF, LoadCosts, LoadMeter
from slurm_rest_api.slurmapi.sources.base import Snapshot
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_snapshot
from tests.fakes import FakeSource


def test_waiting_for_slurmctld_during_the_iteration_is_a_cost(tmp_path: Path) -> None:
    source = FakeSource(replace(make_snapshot([make_job(1)]), seconds_waited=lambda: 5000.0))
    writer = StoreWriter(tmp_path / "snapshot.sqlite")
    assert Cycle(source, writer, [], 10.0, paces_first=True).run().least_interval >= 20_000.0


def test_the_first_loads_of_a_loader_are_followed_by_the_next_ones_soon(tmp_path: Path) -> None:
    source = FakeSource(replace(make_snapshot([make_job(1)]), seconds_waited=lambda: 5000.0))
    cycle = Cycle(source, StoreWriter(tmp_path / "snapshot.sqlite"), [], 10.0)
    assert cycle.run().least_interval == 0.0
    with StoreReader(tmp_path / "snapshot.sqlite").view() as view:
        assert view is not None
        assert view.status().interval_seconds == 10.0
    found = []
    for _load in range(CERTAIN_FROM):
        source.snapshot = replace(make_snapshot([make_job(1)]), seconds_waited=lambda: 5000.0)
        found.append(cycle.run().least_interval >= 20_000.0)
    assert found == [*[False] * (CERTAIN_FROM - 1), True]


def test_the_mean_processor_time_of_the_last_loads_counts() -> None:
    costs = LoadCosts(os.geteuid(), paces_first=False, cores=1)
    seconds = [100.0, 6.0, 0.0, 3.0, 3.0, 3.0, 3.0]
    intervals = [costs.least_interval(Measured(each), make_snapshot(), 0, 0) for each in seconds]
    assert intervals == pytest.approx([0.0, 8.0, 4.0, 4.0, 4.0, 4.0, 3.2])


class Measured(LoadMeter):
    """A load with this processor time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    @property
    def processor_seconds(self) -> float:
        return self._seconds


def with_rpcs_of(user_id: int, microseconds: int, jobs: int = 1) -> Snapshot:
    """A cluster whose slurmctld has worked so long for a user since its start. By the clock, reading took hours."""
    rpcs = {"service": {"id": user_id, "total_time": microseconds}, "root": {"id": user_id + 1, "total_time": 10**12}}
    snapshot = replace(make_snapshot(list(map(make_job, range(1, jobs + 1)))), seconds_waited=lambda: 5000.0)
    return replace(snapshot, statistics={**snapshot.statistics, "rpc_user_stats": rpcs})


def least_intervals(store: Path, *loads: tuple[int, int] | tuple[int, int, int]) -> list[float]:
    """The least intervals of loads with these statistics: the user, the microseconds, and the number of jobs."""
    source = FakeSource()
    cycle = Cycle(source, StoreWriter(store), [], 10.0, paces_first=True)
    found = []
    for load in loads:
        source.snapshot = with_rpcs_of(*load)
        found.append(cycle.run().least_interval)
    return found


def test_the_work_of_slurmctld_decides_where_its_statistics_know_it(tmp_path: Path) -> None:
    me = os.geteuid()
    loads = [(me, 4_000_000_000), (me, 4_700_000_000), (me + 1, 0), (me, 100), (me, 50), (me, 700_000_050)]
    intervals = least_intervals(tmp_path / "snapshot.sqlite", *loads)
    # The least time so far counts without a row of this user, with a first one, and after a reset.
    assert intervals == pytest.approx([20_000.0, *[7_000.0] * 5], rel=0.01)


def test_a_wait_of_slurmctld_for_locks_is_no_work(tmp_path: Path) -> None:
    seconds = [0, 100, 900, 800, *(700 for _ in range(LEAST_OF))]
    totals = [sum(seconds[: number + 1]) * 1_000_000 for number in range(len(seconds))]
    intervals = least_intervals(tmp_path / "snapshot.sqlite", *((os.geteuid(), total) for total in totals))
    assert intervals[1:4] == pytest.approx([1_000.0] * 3)
    assert intervals[-1] == pytest.approx(7_000.0), "it has become slower"


def test_the_time_of_a_load_with_fewer_jobs_counts_for_as_many(tmp_path: Path) -> None:
    me = os.geteuid()
    loads = [(me, 0, 1), (me, 100_000_000, 2), (me, 1_000_000_000, 6), (me, 1_900_000_000, 1)]
    intervals = least_intervals(tmp_path / "snapshot.sqlite", *loads)
    assert intervals[1:] == pytest.approx([1_000.0, 3_000.0, 1_000.0])


def test_the_first_loads_follow_soon_after_a_slurmctld_that_was_busy(tmp_path: Path) -> None:
    source = FakeSource()
    cycle = Cycle(source, StoreWriter(tmp_path / "snapshot.sqlite"), [], 10.0)
    found = []
    for load in range(CERTAIN_FROM + 1):
        source.snapshot = with_rpcs_of(os.geteuid(), load * 9_000_000_000)
        found.append(cycle.run().least_interval)
    assert max(found[:CERTAIN_FROM]) < 1_000.0
    assert found[CERTAIN_FROM] == pytest.approx(90_000.0)


def test_a_slurmctld_that_was_busy_once_does_not_delay_the_second_load(tmp_path: Path) -> None:
    totals = [number * 9_000_000_000 for number in range(CERTAIN_FROM + 1)]
    intervals = least_intervals(tmp_path / "snapshot.sqlite", *((os.geteuid(), total) for total in totals))
    assert intervals[1:CERTAIN_FROM] == pytest.approx([20_000.0] * (CERTAIN_FROM - 1), rel=0.01)
    assert intervals[CERTAIN_FROM] == pytest.approx(90_000.0)
