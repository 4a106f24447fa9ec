"""Metrics by account, by user and by reason, and the histogram of waits over loads, failures and restarts."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared import wait_times
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_partition, make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.metrics.test_exposition import Samples, of, scrape, series

MIB = 1024 * 1024
WAIT = "slurm_partition_job_wait_seconds"


def with_owners(settings: Settings, accounts: int, users: int) -> Samples:
    system = settings.system.model_copy(update={"metrics_accounts": accounts, "metrics_users": users})
    return scrape(make_client(settings.model_copy(update={"system": system})))


def test_resources_by_account_and_by_user_are_bounded(settings: Settings, cycle: Cycle, source: FakeSource) -> None:
    jobs = [
        make_running_job(1, "rack001", 3, account="physics", memory=100, gres_allocated={"rack001": {"gpu:a100": 2}}),
        make_running_job(2, "rack001", 1, account="biology", user_name="bob", memory=50),
        # squeue(1): a suspended job has freed its CPUs, a completing job everything.
        make_running_job(3, "rack001", 4, account="biology", user_name="bob", memory=20, job_state="SUSPENDED"),
        make_running_job(4, "rack001", 8, account="biology", user_name="bob", memory=7, job_state="COMPLETING"),
        make_job(5, account="chemistry", user_name="eve", num_cpus=64, memory=9000),
        make_job(6, account=None, user_name="eve"),
    ]

    def load() -> None:
        source.snapshot = make_snapshot(jobs)
        cycle.run()

    load()
    all_owners = with_owners(settings, 50, 50)
    assert of(all_owners, "slurm_account_cpus_allocated", account="physics") == 3
    assert of(all_owners, "slurm_account_gpus_allocated", account="physics") == 2
    assert of(all_owners, "slurm_account_memory_allocated_bytes", account="physics") == 100 * MIB
    assert of(all_owners, "slurm_account_cpus_allocated", account="biology") == 1
    assert of(all_owners, "slurm_account_memory_allocated_bytes", account="biology") == 70 * MIB
    assert of(all_owners, "slurm_account_cpus_allocated", account="chemistry") is None
    assert of(all_owners, "slurm_user_cpus_allocated", user="bob") == 1
    assert of(all_owners, "slurm_user_jobs", user="eve", state="PENDING") == 2
    # The text of one load is rendered once, with the settings of the first worker.
    load()
    few = with_owners(settings, 1, 1)
    assert of(few, "slurm_account_cpus_allocated", account="physics") == 3
    assert of(few, "slurm_account_cpus_allocated", account="other") == 1
    assert of(few, "slurm_user_jobs", user="other", state="PENDING") == 2
    assert series(few, "slurm_user_cpus_allocated") == 2
    load()
    default = scrape(make_client(settings))
    assert not [name for name, _labels in default if name.startswith("slurm_user_")]


def test_pending_jobs_and_tasks_by_reason(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    odd = [make_job(number, state_reason=f"Plugin_text_{number}") for number in range(100, 160)]
    source.snapshot = make_snapshot(
        [
            make_job(1, array_job_id=1, array_task_str="0-9", state_reason="Resources"),
            make_job(2, state_reason="Resources"),
            make_job(3, state_reason="ReqNodeNotAvail, UnavailableNodes:rack001"),
            make_job(4, state_reason="ReqNodeNotAvail, UnavailableNodes:rack002"),
            make_running_job(5, "rack001"),
            *odd,
        ]
    )
    cycle.run()
    samples = scrape(client)
    assert of(samples, "slurm_pending_jobs", reason="Resources") == 2
    assert of(samples, "slurm_pending_job_tasks", reason="Resources") == 11
    assert of(samples, "slurm_pending_jobs", reason="ReqNodeNotAvail") == 2
    assert of(samples, "slurm_pending_jobs", reason="other") == 60 - 48
    assert series(samples, "slurm_pending_jobs") == 51


def pending(job_id: int, **fields: Any) -> Record:
    return make_job(job_id, eligible_time=1000, submit_time=400, **fields)


def started(job_id: int, at: int, **fields: Any) -> Record:
    return make_running_job(
        job_id, "rack001", **{"eligible_time": 1000, "submit_time": 400, "start_time": at, **fields}
    )


class Loads:
    """Loads of a cluster with two partitions, and the histogram after each."""

    def __init__(self, source: FakeSource, paths: RuntimePaths, client: FlaskClient) -> None:
        self.source, self.paths, self.client = source, paths, client
        self.restart()

    def restart(self, *hidden: str) -> None:
        self.cycle = Cycle(self.source, StoreWriter(self.paths.store), hidden=hidden, refresh_seconds=3600.0)

    def load(self, *jobs: Record, partitions: tuple[str, ...] = ("main", "long")) -> Samples:
        self.source.error = None
        self.source.snapshot = make_snapshot(jobs, partitions=[make_partition(name) for name in partitions])
        self.cycle.run()
        return scrape(self.client)

    def fail(self) -> None:
        self.source.error = SourceUnavailable("Unable to contact slurm controller")
        with pytest.raises(SourceUnavailable):
            self.cycle.run()


@pytest.fixture
def loads(source: FakeSource, paths: RuntimePaths, client: FlaskClient) -> Loads:
    return Loads(source, paths, client)


def counted(samples: Samples, partition: str = "main") -> tuple[float | None, float | None]:
    """Returns the number of waits and their sum in seconds."""
    return of(samples, f"{WAIT}_count", partition=partition), of(samples, f"{WAIT}_sum", partition=partition)


def test_each_start_is_counted_once_with_its_wait(loads: Loads) -> None:
    assert counted(loads.load(started(1, 1100), pending(2), pending(3, partition="main,long"), pending(4))) == (0, 0)
    # 2 has run for a while, 3 started and ended, 4 was cancelled while it was pending, 5 is new.
    samples = loads.load(
        started(1, 1100),
        started(2, 1060),
        started(3, 1600, partition="long", job_state="COMPLETED", tres_alloc_str="cpu=1", cpus_allocated={}),
        make_job(4, job_state="CANCELLED", start_time=1300, end_time=1300),
        started(5, 1200, eligible_time=0),
    )
    assert counted(samples) == (2, 60 + 800)
    assert counted(samples, "long") == (1, 600)
    # Upper bounds are inclusive, as in every Prometheus histogram.
    assert of(samples, f"{WAIT}_bucket", partition="main", le="60.0") == 1
    assert of(samples, f"{WAIT}_bucket", partition="main", le="900.0") == 2
    assert of(samples, f"{WAIT}_bucket", partition="main", le="+Inf") == 2
    assert counted(loads.load(started(1, 1100), started(2, 1060), started(5, 1200))) == (2, 860)
    # A requeued job waits again. The start of a suspended job stays.
    loads.load(pending(1, job_state="REQUEUED"), started(2, 1060, job_state="SUSPENDED"))
    samples = loads.load(started(1, 2010, eligible_time=2000, job_state="CONFIGURING"), started(2, 1060))
    assert counted(samples) == (3, 870)
    assert counted(loads.load(started(1, 2020, eligible_time=2000))) == (3, 870)


def test_failures_and_restarts_continue_the_counts(loads: Loads) -> None:
    loads.load(started(1, 1100), pending(2), pending(3))
    loads.fail()
    assert counted(loads.load(started(1, 1100), started(2, 1110), pending(3))) == (1, 110)
    loads.restart()
    assert counted(loads.load(started(1, 1100), started(2, 1110), started(3, 1200))) == (2, 310)
    loads.restart()
    assert counted(loads.load(started(1, 1100), started(3, 1200))) == (2, 310)


def test_partitions_come_and_go_and_hidden_ones_are_not_counted(loads: Loads) -> None:
    loads.restart("long")
    loads.load(started(1, 1100), started(2, 1050, partition="long"), pending(3, partition="long"))
    samples = loads.load(started(1, 1100), started(2, 1050, partition="long"), started(3, 1120, partition="long"))
    assert counted(samples) == (0, 0)
    assert counted(samples, "long") == (None, None)
    loads.restart()
    # Job 2 started before job 1, which was known: it only becomes visible.
    samples = loads.load(started(1, 1100), started(2, 1050, partition="long"))
    assert counted(samples, "long") == (0, 0)
    samples = loads.load(started(1, 1100), started(4, 1130, partition="long"))
    assert counted(samples, "long") == (1, 130)
    assert counted(loads.load(started(1, 1100), partitions=("main",)), "long") == (None, None)


def test_counts_with_other_buckets_begin_again() -> None:
    document = b'{"latest_start":7,"partitions":{"main":{"jobs":[1,2],"seconds":3}}}'
    found = wait_times.from_json(document)
    assert (found.latest_start, found.partitions) == (7, {})
    assert wait_times.from_json(None).latest_start is None
