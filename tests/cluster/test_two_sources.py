"""Both sources read one moment of a cluster with odd nodes and jobs. Their records agree field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.cluster.odd_cluster import PARTITION, TRACKED, odd_cluster, put_nodes_into_odd_states
from tests.cluster.odd_jobs import TEXTS, OddJobs
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT

Record = dict[str, Any]
Records = dict[str, Record]
Reading = dict[str, Records]
"""Published records by key, by kind: jobs, nodes, partitions, statistics."""

# The commands read between two readings of pyslurm. A field that pyslurm gives alike twice has to be the same there.
_READ = """
import sys
import orjson
from slurm_rest_api.slurmapi.sources.detect import open_source

pyslurm, commands = open_source("slurm:pyslurm"), open_source("slurm:commands")
readings = []
for source in (pyslurm, commands, pyslurm):
    snapshot = source.load()
    readings.append({
        "jobs": {job["job_id"]: dict(job) for job in snapshot.jobs},
        "nodes": {node["name"]: node for node in snapshot.nodes},
        "partitions": {partition["name"]: partition for partition in snapshot.partitions},
        "statistics": {"": snapshot.statistics},
    })
sys.stdout.buffer.write(orjson.dumps(readings, option=orjson.OPT_NON_STR_KEYS))
"""

# The second load knows the fingerprints of the first one. The third one reads every job.
_READ_THRICE = """
import sys
import orjson
from slurm_rest_api.slurmapi.sources.base import UnchangedJob
from slurm_rest_api.slurmapi.sources.detect import open_source

source, known, again = open_source(sys.argv[1]), {}, {}
first = list(source.load().changed_since({}, known))
second = list(source.load().changed_since(known, again))
third = list(source.load().changed_since({}, {}))
sys.stdout.buffer.write(orjson.dumps([
    {job["job_id"]: job for job in first},
    {job["job_id"]: dict(job) for job in second if isinstance(job, UnchangedJob)},
    {job["job_id"]: job for job in third},
], option=orjson.OPT_NON_STR_KEYS))
"""

_MOVING = {
    "jobs": ("run_time", "run_time_str", "run_time_remaining", "elapsed_cpu_time", "priority", "last_sched_eval"),
    "nodes": ("cpu_load", "free_mem", "last_busy"),
    "partitions": (),
}
"""Fields that change by themselves. A value between those of the two readings around it is right."""

_SUMS = ("bf_cycle_sum", "bf_depth_sum", "bf_depth_try_sum", "bf_queue_len_sum", "bf_table_size_sum")
_ONE_SIDED: dict[str, dict[str, str]] = {
    "jobs": {
        "assoc_id": "only `squeue -O` prints it, which cuts other fields to a fixed width",
        "billable_tres": "no command prints it",
        "profile": "scontrol prints it only in the form of words, and only where it is set",
        "profile_types": "as profile",
        "wckey": "scontrol prints it only with TrackWCKey",
    },
    "nodes": {},
    "partitions": {},
    "statistics": {
        **dict.fromkeys((*_SUMS, "schedule_cycle_sum", "schedule_cycle_depth"), "sdiag prints the means"),
    },
}
"""Fields that one source cannot have, by kind, with the reason. It publishes null."""

_ABSENT = "(null)"
"""scontrol's text for no text. A job may have this name, and then the commands publish null."""

_READINGS = 10


class Comparison(NamedTuple):
    """Differences between the sources, and fields that changed between the two readings of pyslurm."""

    differences: list[str]
    unsettled: list[str]


def compare(kind: str, before: Records, commands: Records, after: Records) -> Comparison:
    """Compares the records of one kind."""
    differences: list[str] = []
    unsettled = [f"{kind}: {key} came or went" for key in sorted(before.keys() ^ after.keys())]
    expected = before.keys() & after.keys()
    differences += [f"{kind} {key}: only one source has it" for key in sorted(expected ^ commands.keys())]
    for key in sorted(expected & commands.keys()):
        for field, value, first, last in _fields(before[key], commands[key], after[key]):
            if value in (first, last) or _is_known_difference(kind, field, value, before[key]):
                continue
            if field in _MOVING[kind] and _is_between(first, value, last):
                continue
            found = f"{kind} {key} {field}: commands {value!r}, pyslurm {first!r}"
            if first == last:
                differences.append(found)
            else:
                unsettled.append(f"{found}, then {last!r}")
    return Comparison(differences, unsettled)


def _fields(before: Record, commands: Record, after: Record) -> Iterator[tuple[str, Any, Any, Any]]:
    assert before.keys() == commands.keys() == after.keys()
    for field in before:
        yield field, commands[field], before[field], after[field]


def _is_known_difference(kind: str, field: str, value: Any, pyslurm: Record) -> bool:
    """True for a field that the commands cannot have, and publish as null."""
    if kind != "jobs":
        return field in _ONE_SIDED[kind] and None in (value, pyslurm[field])
    if field == "max_nodes":
        # scontrol prints the allocated nodes of a job that has started or ended.
        return value is None and pyslurm["job_state"] != "PENDING"
    if field == "shared":
        # Since 26.05 scontrol prints the request of the job, without the setting of its partition.
        return (value, pyslurm[field]) == ("OK", "1") and pyslurm["partition"] == PARTITION and not pyslurm["nodes"]
    if field in ("name", "comment"):
        return value is None and pyslurm[field] == _ABSENT
    return value is None and field in _ONE_SIDED[kind]


def _is_between(first: Any, value: Any, last: Any) -> bool:
    try:
        return bool(min(first, last) <= value <= max(first, last))
    except TypeError:
        return False


class Moment(NamedTuple):
    """The readings of a moment, the ids of the odd jobs by name, and the exit codes of the array "every code"."""

    before: Reading
    commands: Reading
    after: Reading
    ids: Mapping[str, int]
    codes: range

    def reading(self, source: str) -> Reading:
        """Returns the records of `pyslurm` or `commands`."""
        return self.commands if source == "commands" else self.before

    def job(self, source: str, name: str) -> Record:
        """Returns the record of an odd job from `pyslurm` or `commands`."""
        return self.reading(source)["jobs"][str(self.ids[name])]


def read(cluster: Cluster) -> list[Reading]:
    """Returns the records that pyslurm, the commands, and pyslurm again give."""
    readings: list[Reading] = _run(cluster, _READ)
    return readings


def _run(cluster: Cluster, program: str, *arguments: str) -> Any:
    """Runs a Python program on the cluster, and returns the JSON that it prints."""
    argv = [f"{VENV_IN_ROOT}/bin/python", "-c", program, *arguments]
    # As in the collector's child process: libslurm cuts long lists of array tasks otherwise.
    return json.loads(cluster.run(argv, env={"PYTHONPATH": CHECKOUT_IN_ROOT, "SLURM_BITSTR_LEN": "0"}).stdout)


@pytest.fixture(scope="module", params=["default", "both"])
def moment(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Moment]:
    """Brings the odd cluster up, and reads it until nothing changes between two readings."""
    assert request.param in TRACKED
    with odd_cluster(cluster, request.param):
        put_nodes_into_odd_states(cluster)
        jobs = OddJobs(cluster)
        # The tracked GRES change no exit code, so one cluster runs a job for each of them.
        codes = range(256) if request.param == "default" else range(120, 140)
        jobs.submit_all(codes)
        for _ in range(_READINGS):
            before, commands, after = read(cluster)
            # The scheduler changes jobs and nodes at any time. A true difference is there in every reading.
            if not any(any(compare(kind, before[kind], commands[kind], after[kind])) for kind in _MOVING):
                break
        yield Moment(before, commands, after, jobs.ids, codes)


@pytest.mark.parametrize("kind", ["jobs", "nodes", "partitions"])
def test_both_sources_give_the_same_records(moment: Moment, kind: str) -> None:
    assert moment.before[kind]
    assert compare(kind, moment.before[kind], moment.commands[kind], moment.after[kind]) == ([], [])


# By the name of an odd job: its published fields as `scontrol -d show job` has them.
_EXPECTED: dict[str, Record] = {
    "model that is a number": {
        "gres_allocated": {"model4090": {"gpu:4090": 1}},
        "tres_per_node": "gres/gpu:4090:1",
    },
    "no count": {"gres_allocated": {"lustre": {"gpu:tesla": 1}}, "tres_per_node": "gres/gpu:tesla"},
    "suffix": {"gres_allocated": {"scratch": {"tmp": 5368709120}}, "tres_per_node": "gres/tmp:5G"},
    "count only": {
        "gres_allocated": {"lustre": {"bandwidth:lustre": 0}},
        "cpus_allocated": {"lustre": 2},
        "cpus_alloc_layout": {"lustre": [2, 3]},
    },
    "count only with a type": {"gres_allocated": {"count-only": {"fpga:arria": 1}}},
    "gpus of any type": {
        "gres_allocated": {"lustre": {"gpu:tesla": 1}, "model4090": {"gpu:4090": 1}},
        "tres_per_job": "gres/gpu:2",
    },
    "gpus of a type": {
        "gres_allocated": {"gpu-1.rack.example": {"gpu:a100": 2}},
        "tres_per_job": "gres/gpu:a100:2",
    },
    "gpus per socket": {"tres_per_socket": "gres/gpu:1"},
    "gpus per task": {"tres_per_task": "gres/gpu=1", "gres_allocated": {"rack006": {"gpu:tesla": 2}}},
    "shards": {"gres_allocated": {"shards": {"shard": 3}}},
    "mps": {"gres_allocated": {"shared-mps": {"mps": 50}}},
    "memory per gpu": {"mem_allocated": {"rack005": 500}, "mem_per_tres": "gres/gpu:500"},
    "all memory": {"mem_allocated": {"rack003": 32000}},
    "one thread a core": {"num_cpus": 6},
    "no limit": {"time_limit": "UNLIMITED", "end_time": None},
    "two nodes": {
        "cpus_allocated": {"rack005": 4, "rack006": 2},
        "mem_allocated": {"rack005": 300, "rack006": 300},
    },
    "licenses": {
        "licenses": {"matlab": 1, "ansys": 2},
        "licenses_allocated": {"matlab": 1, "ansys": 2},
    },
    "dotted node": {"nodes": "gpu-1.rack.example", "cpus_allocated": {"gpu-1.rack.example": 2}},
    "grid node": {"nodes": "r1c2", "resv_name": "course"},
    "reserved cores": {
        "num_cpus": 12,
        "cpus_alloc_layout": {"reserved-cores": [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13]},
    },
    "code 0": {"job_state": "COMPLETED", "exit_code": "0:0", "derived_ec": "0:0"},
    "code 127": {"job_state": "FAILED", "exit_code": "127:0"},
    "code 128": {"job_state": "FAILED", "exit_code": "128:0"},
    "code 137": {"exit_code": "137:0", "state_reason": "NonZeroExitCode"},
    "code 255": {"exit_code": "255:0"},
    "killed command": {"exit_code": "137:0", "derived_ec": "0:0"},
    "signalled": {"exit_code": "0:15"},
    "killed": {"exit_code": "0:9"},
    "step code": {"exit_code": "3:0", "derived_ec": "200:0"},
    "array with a step": {"array_task_str": "0-10000:100%4", "array_task_id": None},
    "array": {"array_task_str": "1,3,5-9"},
    "gpus untyped and typed": {"tres_per_job": "gres/gpu:a100:2,gres/gpu:v100:1"},
    "tres of tasks": {"tres_per_task": "cpu:2,gres/gpu:1"},
    "suspended": {"job_state": "SUSPENDED"},
    "stopped": {"job_state": "STOPPED"},
    "closed partition": {"state_reason": "PartitionDown"},
}

_EXPECTED_NODES: dict[str, Record] = {
    "model4090": {"gres": ["gpu:4090:2"], "gres_used": ["gpu:4090:2"]},
    "lustre": {"gres": ["gpu:tesla:2", "bandwidth:lustre:no_consume:4294967296"], "gres_used": ["gpu:tesla:2"]},
    "scratch": {"gres": ["gpu:2", "tmp:906238099456"], "gres_used": ["gpu:1", "tmp:5368709120"]},
    "slices": {"gres": ["gpu:nvidia_a100_3g.20gb:2"], "state_base": "IDLE", "state_flags": ["FAIL"]},
    "reserved-cores": {"cpus": 16, "effective_cpus": 12, "alloc_cpus": 12, "idle_cpus": 0},
    "rack001": {"comment": "a CfgTRES=cpu=1", "extra": "b=c d", "reason": None, "reason_user": None},
    "cloud1": {"state_base": "IDLE", "reason": None, "reason_user": None, "reason_uid": None},
}
"""Fields of nodes as `scontrol -d show node` has them. K, M, G and T of GRES are powers of 1,024."""


@pytest.mark.parametrize("source", ["pyslurm", "commands"])
@pytest.mark.parametrize("name", _EXPECTED)
def test_an_odd_job_is_as_scontrol_shows_it(moment: Moment, source: str, name: str) -> None:
    record = moment.job(source, name)
    assert {field: record[field] for field in _EXPECTED[name]} == _EXPECTED[name]


@pytest.mark.parametrize("source", ["pyslurm", "commands"])
@pytest.mark.parametrize("name", _EXPECTED_NODES)
def test_an_odd_node_is_as_scontrol_shows_it(moment: Moment, source: str, name: str) -> None:
    record = moment.reading(source)["nodes"][name]
    assert {field: record[field] for field in _EXPECTED_NODES[name]} == _EXPECTED_NODES[name]


@pytest.mark.parametrize("source", ["pyslurm", "commands"])
def test_every_exit_code_is_published(moment: Moment, source: str) -> None:
    array = moment.ids["every code"]
    tasks = [job for job in moment.reading(source)["jobs"].values() if job["array_job_id"] == array]
    assert {job["array_task_id"]: job["exit_code"] for job in tasks} == {code: f"{code}:0" for code in moment.codes}


@pytest.mark.parametrize("source", ["pyslurm", "commands"])
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_hostile_texts_change_no_other_field(moment: Moment, source: str, number: int) -> None:
    # A byte that is no UTF-8 is published as U+FFFD. The commands may publish a doubtful text as null.
    text = TEXTS[number].encode(errors="surrogateescape").decode(errors="replace")
    user = "alice" if number % 2 else "bob"
    named, commented = moment.job(source, f"name {number}"), moment.job(source, f"comment {number}")
    assert named["name"] in ((text,) if source == "pyslurm" else (text, None))
    assert commented["comment"] in ((text,) if source == "pyslurm" else (text, None))
    for record in (named, commented):
        assert record["user_name"] == user
        assert record["job_state"] == "PENDING"
        assert record["partition"] == "main"
        assert record["num_cpus"] == 1
        assert record["account"] == "physics"


_SETTLED = (
    *("array", "running array", "heterogeneous", "dependencies", "alternatives", "never", "later", "texts"),
    *("code 0", "code 255", "killed", "every code", "cancelled", "no limit", "suspended"),
)
"""Odd jobs of all kinds that change by time alone: arrays, with references, held again, ended, running, suspended."""


@pytest.mark.parametrize("source", ["pyslurm"])
def test_a_job_that_a_load_leaves_out_has_the_same_record(moment: Moment, source: str, cluster: Cluster) -> None:
    wanted = {str(moment.ids[name]) for name in _SETTLED}
    for _ in range(_READINGS):
        first, unchanged, third = _run(cluster, _READ_THRICE, f"slurm:{source}")
        different = [
            f"{job} {field}: {first[job][field]!r}, then {third[job][field]!r}"
            for job in unchanged
            for field in first[job]
            if first[job][field] != third[job][field] and field not in _MOVING["jobs"]
        ]
        # The scheduler may have changed a job between two loads.
        if not different and wanted <= unchanged.keys():
            break
    assert different == []
    assert wanted - unchanged.keys() == set()
    # A job that runs has its run time, others have the one that they had.
    assert {job for job in unchanged if "run_time" not in unchanged[job]} == {
        job for job in unchanged if first[job]["job_state"] not in ("RUNNING", "SUSPENDED")
    }


def test_the_statistics_agree(moment: Moment, cluster: Cluster) -> None:
    for _ in range(_READINGS):
        wrong = _wrong_statistics(*(reading["statistics"][""] for reading in read(cluster)))
        if not wrong:
            break
    assert wrong == []


def _wrong_statistics(before: Record, commands: Record, after: Record) -> list[str]:
    return [
        f"{field}: commands {commands[field]!r}, pyslurm {before[field]!r} and {after[field]!r}"
        for field in before
        if not _is_known_difference("statistics", field, commands[field], before)
        and not _agrees(before[field], commands[field], after[field])
    ]


_QUOTIENTS = {"ave_time"}
"""Counters of RPCs that follow from two others, and may rise and fall."""


def _agrees(first: Any, value: Any, last: Any) -> bool:
    """True if a counter, or each counter of an object, is between those of the two readings around it."""
    if isinstance(value, dict):
        keys = (first.keys() & value.keys() & last.keys()) - _QUOTIENTS
        return all(_agrees(first[key], value[key], last[key]) for key in keys)
    return value in (first, last) or _is_between(first, value, last)
