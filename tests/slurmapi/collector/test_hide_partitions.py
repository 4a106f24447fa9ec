from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.collector.hide_partitions import hide_partitions
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob
from tests.builders import make_job, make_node, make_partition, make_snapshot

# Partition `secret` has rack[005-008]. 005 and 006 are also in `main`, so 007 and 008 are hidden with it.
NODES = [
    make_node("rack001", partitions=["main"]),
    make_node("rack005", partitions=["main", "secret"]),
    make_node("rack006", partitions=["secret", "main"]),
    make_node("rack007", partitions=["secret"]),
    make_node("rack008", partitions=["secret"]),
    make_node("spare", partitions=[]),
]
PARTITIONS = [make_partition("main"), make_partition("secret")]


def shown_jobs(*jobs: Record) -> dict[int, Record]:
    snapshot = make_snapshot(jobs, nodes=NODES, partitions=PARTITIONS)
    return {job["job_id"]: job for job in hide_partitions(snapshot, ["secret"]).jobs}


def shown_field(field: str, value: Any) -> Any:
    return shown_jobs(make_job(1, **{field: value}))[1][field]


def test_without_hidden_partitions_the_snapshot_is_the_same_object() -> None:
    snapshot = make_snapshot()

    assert hide_partitions(snapshot, []) is snapshot


def test_hidden_partitions_and_their_own_nodes_are_removed() -> None:
    shown = hide_partitions(make_snapshot(nodes=NODES, partitions=PARTITIONS), ["secret"])

    assert [partition["name"] for partition in shown.partitions] == ["main"]
    assert {node["name"]: node["partitions"] for node in shown.nodes} == {
        "rack001": ["main"],
        "rack005": ["main"],
        "rack006": ["main"],
        "spare": [],
    }


def test_the_loaded_records_are_not_changed() -> None:
    jobs = [make_job(1, partition="main,secret", exc_nodes=["rack007"]), make_job(2, dependency="afterok:3")]
    snapshot = make_snapshot(jobs, nodes=NODES, partitions=PARTITIONS)
    before = copy.deepcopy((jobs, NODES, PARTITIONS))

    assert len(list(hide_partitions(snapshot, ["secret"]).jobs)) == 2
    assert (jobs, NODES, PARTITIONS) == before


def test_jobs_are_read_lazily() -> None:
    read: list[int] = []

    def jobs() -> Iterator[Record]:
        for job_id in (1, 2):
            read.append(job_id)
            yield make_job(job_id)

    shown = iter(hide_partitions(make_snapshot(jobs(), nodes=NODES), ["secret"]).jobs)

    assert read == []
    assert next(shown)["job_id"] == 1
    assert read == [1]


@pytest.mark.parametrize(
    ("partition", "shown"),
    [
        ("main", "main"),
        ("main,secret", "main"),
        ("secret,main,long", "main,long"),
        ("secrets", "secrets"),
        (None, None),
    ],
)
def test_jobs_name_only_visible_partitions(partition: str | None, shown: str | None) -> None:
    assert shown_field("partition", partition) == shown


@pytest.mark.parametrize("partition", ["secret", "secret,secret"])
def test_jobs_of_hidden_partitions_are_removed(partition: str) -> None:
    assert shown_jobs(make_job(1, partition=partition)) == {}


def test_an_ordinary_job_is_the_same_object() -> None:
    job = make_job(1, req_nodes=["rack001"], alloc_node="login1")

    assert shown_jobs(job)[1] is job


def test_partition_records_name_no_hidden_ones() -> None:
    main = make_partition("main", alternate="secret", allow_alloc_nodes=["login1", "rack[006-007]"])
    shown = hide_partitions(make_snapshot(nodes=NODES, partitions=[main]), ["secret"])

    assert shown.partitions == [{**main, "alternate": None, "allow_alloc_nodes": ["login1", "rack006"]}]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("nodes", "rack[005-007]", "rack[005-006]"),
        ("nodes", "rack[007-008]", None),
        ("nodes", "rack006,rack005", "rack006,rack005"),
        ("sched_nodes", "rack007", None),
        ("sched_nodes", "rack[007- broken", None),
        ("batch_host", "rack007", None),
        ("batch_host", "rack005", "rack005"),
        ("alloc_node", "rack008", None),
        ("failed_node", "rack008", None),
        ("req_nodes", ["rack[001", "007-008]"], ["rack001"]),
        ("req_nodes", ["rack[001", "005-007]"], ["rack[001", "005-006]"]),
        ("exc_nodes", ["rack007", "rack008"], []),
        ("exc_nodes", ["rack001", "rack005"], ["rack001", "rack005"]),
        ("cpus_allocated", {"rack001": 1, "rack007": 2}, {"rack001": 1}),
        ("mem_allocated", {"rack007": 2}, {}),
        ("gres_allocated", {"rack001": {"gpu": 1}, "rack008": {"gpu": 2}}, {"rack001": {"gpu": 1}}),
        ("cpus_alloc_layout", {"rack001": [0], "rack008": [1]}, {"rack001": [0]}),
        ("state_reason", "ReqNodeNotAvail,_UnavailableNodes:rack[007-008]", "ReqNodeNotAvail"),
        (
            "state_reason",
            "ReqNodeNotAvail,_UnavailableNodes:rack[006-007]",
            "ReqNodeNotAvail,_UnavailableNodes:rack006",
        ),
        ("state_reason", "ReqNodeNotAvail,_UnavailableNodes:rack001", "ReqNodeNotAvail,_UnavailableNodes:rack001"),
        ("state_reason", "Prolog,_failed_on_rack007", "Prolog"),
        ("state_reason", "rack007_failed", "None"),
        ("state_reason", "Priority", "Priority"),
    ],
)
def test_job_fields_name_no_hidden_node(field: str, value: Any, shown: Any) -> None:
    assert shown_field(field, value) == shown


@pytest.mark.parametrize(
    "line",
    [
        "sbatch -p secret job.sh",
        "sbatch -psecret job.sh",
        "sbatch -p main,secret job.sh",
        "sbatch --partition=secret job.sh",
        "sbatch --partition='main,secret' job.sh",
        "srun -w rack007 hostname",
        "srun --nodelist=rack[005-007] hostname",
        "srun -xrack008 hostname",
    ],
)
def test_a_command_line_with_a_hidden_name_is_removed(line: str) -> None:
    assert shown_field("submit_line", line) is None


@pytest.mark.parametrize(
    "line",
    ["sbatch -p main job.sh", "sbatch -p secrets job.sh", "sbatch secret.sh", "srun -w rack[001-005] hostname", None],
)
def test_other_command_lines_stay(line: str | None) -> None:
    assert shown_field("submit_line", line) == line


@pytest.mark.parametrize("hidden_first", [True, False])
@pytest.mark.parametrize(
    ("dependency", "shown"),
    [
        ("afterok:12(unfulfilled)", None),
        ("afterok:12(unfulfilled),afterany:13:14", "afterany:13:14"),
        ("afterany:13:12:14", "afterany:13:14"),
        ("afterok:13?afterok:12?afternotok:14", "afterok:13?afternotok:14"),
        ("after:12+5,singleton(unfulfilled)", "singleton(unfulfilled)"),
        ("aftercorr:12_*", None),
        ("afterok:12_3(unfulfilled)", None),
        ("afterok:120,afterok:13_12", "afterok:120,afterok:13_12"),
    ],
)
def test_dependencies_name_no_hidden_job(hidden_first: bool, dependency: str, shown: str | None) -> None:
    jobs = [make_job(12, partition="secret"), make_job(20, dependency=dependency), make_job(13)]

    assert shown_jobs(*(jobs if hidden_first else reversed(jobs)))[20]["dependency"] == shown


def test_a_command_line_is_removed_with_its_dependency() -> None:
    line = "sbatch -d afterok:12 job.sh"
    job = make_job(20, dependency="afterok:12(unfulfilled)", submit_line=line)

    assert shown_jobs(make_job(12, partition="secret"), job)[20]["submit_line"] is None
    assert shown_jobs(make_job(12, partition="main"), job)[20]["submit_line"] == line


@pytest.mark.parametrize("hidden_first", [True, False])
@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("array_job_id", 12, None),
        ("het_job_id", 12, None),
        ("het_job_id_set", "10-13", None),
        ("het_job_id_set", "13-14", "13-14"),
        ("array_job_id", 13, 13),
    ],
)
def test_array_and_heterogeneous_ids_name_no_hidden_job(hidden_first: bool, field: str, value: Any, shown: Any) -> None:
    jobs = [make_job(12, partition="secret"), make_job(20, **{field: value}), make_job(13)]

    assert shown_jobs(*(jobs if hidden_first else reversed(jobs)))[20][field] == shown


def test_the_id_of_an_array_whose_other_tasks_are_hidden_is_kept() -> None:
    hidden_task, task = make_job(21, partition="secret", array_job_id=12), make_job(22, array_job_id=12)

    assert shown_jobs(hidden_task, task)[22] is task


def test_the_id_of_an_array_that_is_hidden_as_a_whole_is_in_no_dependency() -> None:
    jobs = shown_jobs(make_job(30, dependency="afterany:12_*"), make_job(21, partition="secret", array_job_id=12))

    assert jobs[30]["dependency"] is None


def test_host_fields_of_the_statistics_name_no_hidden_node() -> None:
    statistics = {
        "jobs_pending": 3,
        "rpcs_pending": {"REQUEST_PING": {"count": 2, "hosts": "rack[001,007]", "hostlist": ["rack007", "rack005"]}},
        "rpc_user_stats": {"rack007": {"count": 1}},
    }
    shown = hide_partitions(make_snapshot(nodes=NODES, statistics=statistics), ["secret"])

    assert shown.statistics == {
        "jobs_pending": 3,
        "rpcs_pending": {"REQUEST_PING": {"count": 2, "hosts": "rack001", "hostlist": ["rack005"]}},
        "rpc_user_stats": {"rack007": {"count": 1}},
    }


_PARTITION_NAMES = st.sampled_from(["main", "long", "secret", "darkroom"])
_HOSTS = st.sampled_from(["n001", "n002", "n003", "n004"])
_HOST_LISTS = st.lists(_HOSTS, unique=True)


@st.composite
def _job(draw: st.DrawFn) -> Record:
    hosts = draw(_HOST_LISTS)
    wanted = draw(st.lists(_PARTITION_NAMES, min_size=1, unique=True))
    return make_job(
        0,
        partition=",".join(wanted),
        submit_line=draw(st.sampled_from([f"sbatch -p {','.join(wanted)}", f"srun -w {','.join(hosts) or 'n001'} x"])),
        nodes=",".join(hosts) or None,
        req_nodes=draw(_HOST_LISTS),
        batch_host=hosts[0] if hosts else None,
        cpus_allocated=dict.fromkeys(hosts, 1),
        state_reason=draw(
            st.sampled_from(["Priority", f"ReqNodeNotAvail,_UnavailableNodes:{','.join(hosts) or 'n004'}"])
        ),
        dependency=draw(st.sampled_from([None, "afterok:700001", "afterok:700002:700003,singleton"])),
        array_job_id=draw(st.sampled_from([None, 700001, 700004])),
    )


@given(
    jobs=st.lists(_job(), max_size=5),
    memberships=st.lists(st.lists(_PARTITION_NAMES, unique=True), min_size=4, max_size=4),
    hidden=st.sets(st.sampled_from(["secret", "darkroom"]), min_size=1),
)
def test_no_field_has_a_hidden_name(jobs: list[Record], memberships: list[list[str]], hidden: set[str]) -> None:
    jobs = [{**job, "job_id": 700001 + index} for index, job in enumerate(jobs)]
    nodes = [make_node(f"n{index:03}", partitions=member) for index, member in enumerate(memberships, start=1)]
    partitions = [make_partition(name, alternate="secret") for name in ("main", "long", "secret", "darkroom")]

    shown = hide_partitions(make_snapshot(jobs, nodes, partitions), hidden)
    text = orjson.dumps([list(shown.jobs), shown.nodes, shown.partitions, shown.statistics]).decode()

    hidden_nodes = {node["name"] for node in nodes if node["partitions"] and hidden.issuperset(node["partitions"])}
    hidden_jobs = {str(job["job_id"]) for job in jobs if hidden.issuperset(job["partition"].split(","))}
    assert [name for name in hidden | hidden_nodes | hidden_jobs if name in text] == []


def test_unchanged_jobs_are_hidden_by_their_partition() -> None:
    shown = shown_jobs(
        UnchangedJob(job_id=1, partition="main"),
        UnchangedJob(job_id=2, partition="secret"),
        UnchangedJob(job_id=3, partition="secret,main"),
        make_job(4, dependency="afterok:1:2:3:5"),
        UnchangedJob(job_id=5, partition="secret"),
    )

    assert [job_id for job_id, job in shown.items() if isinstance(job, UnchangedJob)] == [1, 3]
    assert shown[4]["dependency"] == "afterok:1:3"


@pytest.mark.parametrize("hidden", [[], ["secret"]])
@pytest.mark.parametrize("partition", ["main", "secret"])
@pytest.mark.parametrize(
    "reference", [{}, {"dependency": "afterok:9"}, {"array_job_id": 1}, {"het_job_id": 1}, {"het_job_id_set": "1-2"}]
)
def test_a_job_with_references_is_read_again_if_jobs_are_hidden(
    hidden: list[str], partition: str, reference: Record
) -> None:
    fingerprints = {1: 11, 2: 22}
    jobs = [make_job(1, partition=partition, **reference), UnchangedJob(job_id=2, partition=partition)]
    snapshot = hide_partitions(make_snapshot(jobs, nodes=NODES, partitions=PARTITIONS), hidden, fingerprints)
    assert len(list(snapshot.jobs)) == (0 if partition in hidden else 2)
    assert fingerprints == ({2: 22} if hidden and reference else {1: 11, 2: 22})
