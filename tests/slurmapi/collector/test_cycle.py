"""Whole cycles from pyslurm's objects to the store."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.sentinels import INFINITE
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.collector import index_rows
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.collector.job_pass import NO_MEMORY, JobPass
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, word_table
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_running_job, make_snapshot
from tests.fakes import FakeSource
from tests.property_tests import examples
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, Partition, RPCError, make_pyslurm

NAMES = UserNames(str, str, int)
HIDDEN = ["secret"]


@dataclass
class Cluster:
    """Attributes by job id, and the partitions of rack002."""

    jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    second_node: tuple[str, ...] = ("secret",)
    is_raw: bool = False

    def pyslurm(self) -> Any:
        jobs = [Job(**{**attributes, "id": job_id}) for job_id, attributes in self.jobs.items()]
        nodes = [Node(partitions=["main"]), Node(name="rack002", partitions=list(self.second_node))]
        partitions = [Partition(), Partition(name="secret")]
        return make_pyslurm(jobs=jobs, nodes=nodes, partitions=partitions, is_raw=self.is_raw)


def rows(store: Path) -> dict[int | str, bytes]:
    with StoreReader(store).view() as view:
        assert view is not None
        return {key: body for batch in view.batches("queue") for key, body in batch}


def contents(store: Path) -> dict[str, list[Any]]:
    """The records of jobs, all columns of them but the version of their last change, and what is summed over them."""
    columns, nodes = ", ".join(("key", "stable_hash", *COLUMNS["queue"])), word_table("queue", "node_words")
    queries = {
        "queue": "SELECT key, body FROM queue ORDER BY key",
        "index": f"SELECT {columns} FROM queue_index ORDER BY key",  # noqa: S608 - names of columns
        "words": f"SELECT word, key FROM {nodes} ORDER BY word, key",  # noqa: S608 - the name of a table
        "usage": "SELECT name, body FROM document WHERE name LIKE 'usage%' ORDER BY name",
        "nodes": "SELECT key, body FROM nodes ORDER BY key",
    }
    with closing(sqlite3.connect(store)) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in queries.items()}
        # The sums of an owner have no order.
        limits = connection.execute("SELECT owner, body FROM limit_use ORDER BY owner").fetchall()
        return {**found, "limits": [(owner, sorted(map(repr, orjson.loads(body)))) for owner, body in limits]}


def filled_from_scratch(cluster: Cluster, store: Path) -> dict[str, list[Any]]:
    Cycle(PyslurmSource(cluster.pyslurm(), NAMES), StoreWriter(store), HIDDEN, 10.0).run()
    return contents(store)


ATTRIBUTES = st.sampled_from(
    [
        {"priority": 1},
        {"priority": 2},
        {"priority": 0},
        {"priority": 4_294_967_295},
        {"partition": "main"},
        {"partition": "secret"},
        {"partition": "main,secret"},
        {"state_reason": "ReqNodeNotAvail, UnavailableNodes:rack002"},
        {"excluded_nodes": "rack002"},
        {"raw_tres_req_str": "cpu=2,mem=500M,node=1,billing=2,gres/gpu=1"},
        {"dependencies": {"afterok": [1, 2]}},
        {"dependencies": None},
        {"heterogeneous_id": 1},
        {"heterogeneous_id": 0},
        {"array_id": 2},
        {"array_id": None},
        RUNNING,
        RUNNING | {"run_time": 250},
        RUNNING | {"raw_time_limit": INFINITE, "run_time": 300},
        {"run_time": 3600},
        {"run_time": 0},
        {"layout": {"rack002": {"cpu_ids": "1", "memory": 700, "gres": None}}, "allocated_nodes": "rack002"},
        {"state": "SUSPENDED"},
        {"state": "PENDING"},
        {"state": "COMPLETED"},
    ]
)
JOB_IDS = st.integers(1, 4)
EVENTS = st.one_of(
    st.tuples(st.just("job"), JOB_IDS, ATTRIBUTES),
    st.tuples(st.just("job"), JOB_IDS, ATTRIBUTES),
    st.tuples(st.just("end"), JOB_IDS),
    st.tuples(st.just("move"), st.sampled_from([("secret",), ("main",), ("secret", "main"), ()])),
    st.tuples(st.just("fail")),
    st.tuples(st.just("break")),
    st.tuples(st.just("delete")),
    st.tuples(st.just("restart")),
)


class Service:
    """A cycle that runs through a history of a cluster."""

    def __init__(self, store: Path, *, is_raw: bool = False) -> None:
        self.store = store
        self.cluster = Cluster({job_id: {} for job_id in range(1, 4)}, is_raw=is_raw)
        self.module = self.cluster.pyslurm()
        self.source = PyslurmSource(self.module, NAMES)
        self.start()

    def start(self) -> None:
        self.cycle = Cycle(self.source, StoreWriter(self.store), HIDDEN, 10.0)

    def run(self) -> None:
        self.module.__dict__.update(vars(self.cluster.pyslurm()))
        self.cycle.run()

    def suffer(self, event: tuple[Any, ...]) -> None:
        jobs = self.cluster.jobs
        match event:
            case "job", job_id, attributes:
                jobs[job_id] = {**jobs.get(job_id, {}), **attributes}
            case "end", job_id:
                jobs.pop(job_id, None)
            case "move", partitions:
                self.cluster.second_node = partitions
            case "fail", *_:
                self.module.Jobs.answer = RPCError("Unable to contact slurm controller", 1800)
                with pytest.raises(SourceUnavailable):
                    self.cycle.run()
            case "break", *_:
                self._break_in_the_middle()
            case "delete", *_:
                self.store.unlink(missing_ok=True)
            case "restart", *_:
                self.start()

    def _break_in_the_middle(self) -> None:
        """Runs a cycle that reads every job, and then fails and is rolled back."""
        self.module.__dict__.update(vars(self.cluster.pyslurm()))
        self.module.Jobs.answer = [*self.module.Jobs.answer, Broken()]
        with pytest.raises(OSError, match="lost"):
            self.cycle.run()


class Broken:
    """A job whose reading fails with an unexpected error."""

    def __getattr__(self, name: str) -> Any:
        raise OSError("lost")


@examples(60)
@given(st.lists(st.lists(EVENTS, max_size=3), min_size=1, max_size=8), st.booleans())
def test_a_long_lived_store_equals_one_filled_from_scratch(history: list[list[tuple[Any, ...]]], is_raw: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder) / "snapshot.sqlite", is_raw=is_raw)
        service.run()
        for number, events in enumerate(history):
            for event in events:
                service.suffer(event)
            service.run()
            fresh = filled_from_scratch(service.cluster, Path(folder) / f"fresh{number}.sqlite")
            assert contents(service.store) == fresh


def test_an_unchanged_job_keeps_its_row(tmp_path: Path) -> None:
    service = Service(tmp_path / "snapshot.sqlite")
    service.run()
    before = rows(service.store)
    service.cluster.jobs[2] = {"nice": 5}
    service.run()
    after = rows(service.store)
    assert [job_id for job_id in before if before[job_id] != after[job_id]] == [2]


def test_a_job_with_another_priority_alone_is_changed_without_an_object(tmp_path: Path) -> None:
    service = Service(tmp_path / "snapshot.sqlite", is_raw=True)
    service.run()
    before = contents(service.store)
    service.cluster.jobs[2] = {"priority": 9}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_rows, "job_index_row", lambda _job: pytest.fail("its columns are computed again"))
        service.run()
    assert service.module.Jobs.last_raw.taken == []
    after = contents(service.store)
    assert after == filled_from_scratch(service.cluster, tmp_path / "fresh.sqlite")
    assert [name for name in before if before[name] != after[name]] == ["queue", "index"]
    with closing(sqlite3.connect(service.store)) as connection:
        query = "SELECT key, changed, priority, rank_order FROM queue_index ORDER BY key"
        assert [row for row in connection.execute(query) if row[1] == 2] == [(2, 2, 9, -9)]


def test_a_running_job_that_only_grows_older_is_renewed_without_an_object(tmp_path: Path) -> None:
    service = Service(tmp_path / "snapshot.sqlite", is_raw=True)
    service.cluster.jobs = {1: RUNNING, 2: {}}
    service.run()
    before = contents(service.store)
    service.cluster.jobs[1] = RUNNING | {"run_time": 250}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_rows, "job_index_row", lambda _job: pytest.fail("its columns are computed again"))
        service.run()
    after = contents(service.store)
    clock = {"run_time": 250, "run_time_str": "00:04:10", "run_time_remaining": 5150, "elapsed_cpu_time": 500}
    assert orjson.loads(after["queue"][0][1]) == orjson.loads(before["queue"][0][1]) | clock
    assert [name for name in before if before[name] != after[name]] == ["queue", "index"]
    with closing(sqlite3.connect(service.store)) as connection:
        assert connection.execute("SELECT changed, run_time FROM queue_index ORDER BY key").fetchall() == [
            (1, 250),
            (1, 0),
        ]


class AsksAgain:
    """A source that asks slurmctld once more for each of its jobs while they are iterated."""

    name = "fake"
    detail = "fake cluster"

    def __init__(self) -> None:
        self.rpcs_of_last_load = 0

    def load(self) -> Snapshot:
        self.rpcs_of_last_load = 4
        return make_snapshot(self._jobs())

    def _jobs(self) -> Iterator[Record]:
        for job_id in (1, 2):
            self.rpcs_of_last_load += 1
            yield make_job(job_id)


def test_rpcs_of_the_iteration_over_the_jobs_are_counted(tmp_path: Path) -> None:
    cycle = Cycle(AsksAgain(), StoreWriter(tmp_path / "snapshot.sqlite"), [], 10.0)
    assert [cycle.run().rpcs, cycle.run().rpcs] == [6, 6]
    with StoreReader(tmp_path / "snapshot.sqlite").view() as view:
        assert view is not None
        assert view.status().rpcs == 12


@pytest.mark.parametrize(
    "read", [attrgetter("usage_input"), attrgetter("counts"), JobPass.memory], ids=["usage_input", "counts", "memory"]
)
def test_the_results_of_a_job_pass_need_all_its_rows(read: Callable[[JobPass], object]) -> None:
    job_pass = JobPass([make_running_job(1, "rack001", cpus=2, memory_mib=4000), make_job(2)], {}, NO_MEMORY)
    with pytest.raises(RuntimeError, match="not read yet"):
        read(job_pass)
    rows = job_pass.rows()
    assert [next(rows).key, next(rows).key] == [1, 2]
    with pytest.raises(RuntimeError, match="not read yet"):
        read(job_pass)
    assert list(rows) == []
    read(job_pass)


def test_a_job_pass_collects_resources_counts_and_states() -> None:
    job_pass = JobPass([make_running_job(1, "rack001", cpus=2, memory_mib=4000), make_job(2)], {2: 7}, NO_MEMORY)
    list(job_pass.rows())
    assert job_pass.usage_input == [("main", "rack001", 2, 4000, 0)]
    assert job_pass.counts.of_cluster() == {
        "jobs_running": 1,
        "jobs_pending": 1,
        "tasks_running": 1,
        "tasks_pending": 1,
        "jobs_pending_by_reason": {"Priority": 1},
    }
    memory = job_pass.memory()
    assert (memory.fingerprints, memory.replaced, memory.allocations) == ({2: 7}, frozenset(), {})
    assert {key: job[:2] for key, job in memory.counted.items()} == {1: ("RUNNING", 1), 2: ("PENDING", 1)}


class JobsThatSeeTheStore:
    """One job. While it is read, the store still has the rows of the cycle before."""

    def __init__(self, store: Path, before: dict[int | str, bytes]) -> None:
        self._store = store
        self._before = before

    def __iter__(self) -> Iterator[Record]:
        assert rows(self._store) == self._before
        yield make_job(1)


def test_a_stored_failure_keeps_the_store(tmp_path: Path) -> None:
    store = tmp_path / "run" / "snapshot.sqlite"
    source = FakeSource(make_snapshot([make_job(1)]))
    writer, version = StoreWriter(store), StoreVersionReader(store)
    cycle = Cycle(source, writer, [], 10.0)
    cycle.run()
    first, loaded = version.current(), rows(store)
    for _ in range(2):
        source.error = SourceUnavailable("slurmctld does not answer")
        with pytest.raises(SourceUnavailable):
            cycle.run()
        writer.record_failure("slurmctld does not answer", 1000.0)
        assert rows(store) == loaded
        source.error = None
        source.snapshot = replace(source.snapshot, jobs=JobsThatSeeTheStore(store, loaded))
        cycle.run()
    last = version.current()
    assert first is not None
    assert last is not None
    # A client may ask for the changes since its version.
    assert last[0] == first[0]
    assert last[1] > first[1]
