"""The comparison of pyslurm's records with those of Slurm's commands, over records with known faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Snapshot
from slurm_rest_api.slurmapi.sources.comparison import (
    FIELDS,
    JOBS_OF_A_STATE,
    NAMED,
    Reading,
    compare,
    from_json,
    reading_of,
    summary,
    to_json,
)

Record = dict[str, Any]

# A job on two nodes, as `scontrol -d show job` has it on a cluster of Slurm 26.05.
RUNNING: Record = {
    "job_id": 17,
    "job_state": "RUNNING",
    "partition": "main",
    "user_id": 2001,
    "account": "physics",
    "nodes": "rack[005-006]",
    "num_nodes": 2,
    "num_cpus": 6,
    "cpus_allocated": {"rack005": 4, "rack006": 2},
    "cpus_alloc_layout": {"rack005": [0, 1, 8, 9], "rack006": [0, 8]},
    "mem_allocated": {"rack005": 300, "rack006": 300},
    "gres_allocated": {"rack005": {"gpu:tesla": 1}, "rack006": {}},
    "exit_code": "0:0",
    "derived_ec": "0:0",
    "tres_alloc_str": "cpu=6,mem=600M,node=2,billing=6,gres/gpu=1",
}
FAILED: Record = {
    **RUNNING,
    "job_id": 16,
    "job_state": "FAILED",
    "exit_code": "137:0",
    **{field: {} for field in ("cpus_allocated", "cpus_alloc_layout", "mem_allocated", "gres_allocated")},
}
NODE: Record = {
    "name": "rack005",
    "state_base": "MIXED",
    "state_flags": ["DRAIN", "PLANNED"],
    "partitions": ["main", "high"],
    "cpus": 16,
    "alloc_cpus": 4,
    "real_memory": 32000,
    "alloc_mem": 300,
    "gres": ["gpu:tesla:2"],
    "gres_used": ["gpu:tesla:1"],
}
PARTITION: Record = {"name": "main", "state": "UP", "total_nodes": 2, "total_cpus": 32, "max_time": "UNLIMITED"}
STATISTICS: Record = {"jobs_submitted": 46, "jobs_started": 40, "schedule_cycle_counter": 900}


def snapshot(**changes: Any) -> Snapshot:
    parts: dict[str, Any] = {
        "jobs": [RUNNING, FAILED],
        "nodes": [NODE],
        "partitions": [PARTITION],
        "statistics": STATISTICS,
    }
    return Snapshot(**parts | changes)


def reading(**changes: Any) -> Reading:
    return reading_of(snapshot(**changes))


EQUAL = reading()


def test_equal_records_are_summed_up_with_their_numbers() -> None:
    result = compare([(EQUAL, EQUAL, EQUAL)])
    assert summary(result) == "compared 2 jobs, 1 node, 1 partition: equal"
    assert [part for part, found in result.items() if found.reason(part) or found.gaps] == []


def test_a_comparison_of_the_statistics_alone() -> None:
    only = {"statistics": EQUAL["statistics"]}
    assert summary(compare([(only, only, only)])) == "compared the statistics: equal"
    assert summary({}) == "compared nothing: equal"


# By the fault that was seen on a real cluster: the part, what pyslurm said, and the field that differs.
FAULTS: Mapping[str, tuple[str, Record, str]] = {
    "25.11.2: 128 is taken off an exit code": ("jobs", FAILED | {"exit_code": "9:0"}, "exit_code"),
    "24.11 dictionaries: no CPUs by node": ("jobs", RUNNING | {"cpus_allocated": {"rack001": 0}}, "cpus_allocated"),
    "v24.11.0: no layout, so CPUs are spread": (
        "jobs",
        RUNNING | {"cpus_alloc_layout": {"rack005": [], "rack006": []}},
        "cpus_alloc_layout",
    ),
    "23.02 to 25.05: no tres strings": ("jobs", RUNNING | {"tres_alloc_str": None}, "tres_alloc_str"),
    "a numeric model taken for a count": (
        "jobs",
        RUNNING | {"gres_allocated": {"rack005": {"gpu": 4090}, "rack006": {}}},
        "gres_allocated",
    ),
    "a job in the wrong state": ("jobs", RUNNING | {"job_state": "PENDING"}, "job_state"),
    "22.05: ALLOCATED for MIXED": ("nodes", NODE | {"state_base": "ALLOCATED"}, "state_base"),
    "24.11: no type of used GRES": ("nodes", NODE | {"gres_used": ["gpu:1"]}, "gres_used"),
    "a flag is lost": ("nodes", NODE | {"state_flags": ["DRAIN"]}, "state_flags"),
    "a timeout of 65534": ("partitions", PARTITION | {"max_time": 65534}, "max_time"),
    "counters from elsewhere": ("statistics", STATISTICS | {"jobs_started": 0}, "jobs_started"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_pyslurm_concerns_its_part_alone(fault: str) -> None:
    part, record, field = FAULTS[fault]
    jobs = {job["job_id"]: job for job in (RUNNING, FAILED)}
    said: dict[str, Any] = {
        "jobs": [*(jobs | {record.get("job_id"): record}).values()],
        "nodes": [record],
        "partitions": [record],
        "statistics": record,
    }
    pyslurm = reading(**{part: said[part]})
    result = compare([(pyslurm, EQUAL, pyslurm)])
    assert [name for name, found in result.items() if found.differing] == [part]
    assert result[part].fields == (field,)
    assert (result[part].reason(part) or "").endswith(f" differs from Slurm's commands in {field}")
    assert len(result[part].named) == 1


def test_the_values_are_for_the_administrator_and_the_reason_for_everyone() -> None:
    pyslurm = reading(jobs=[RUNNING, FAILED | {"exit_code": "9:0"}])
    found = compare([(pyslurm, EQUAL, pyslurm)])["jobs"]
    assert found.named == ("job 16 exit_code: pyslurm '9:0', commands '137:0'",)
    assert found.reason("jobs") == "1 of 2 jobs differs from Slurm's commands in exit_code"


def test_changes_between_the_readings_are_no_difference() -> None:
    ended = RUNNING | {"job_state": "COMPLETED", "cpus_allocated": {}, "exit_code": "1:0"}
    after = reading(jobs=[ended, FAILED | {"job_id": 99}], nodes=[NODE | {"state_base": "IDLE", "alloc_cpus": 0}])
    completing = reading(jobs=[ended | {"job_state": "COMPLETING"}], nodes=[NODE | {"alloc_cpus": 2}])
    result = compare([(EQUAL, completing, after)])
    assert summary(result) == "compared 1 job, 1 node, 1 partition: equal"


def test_counters_of_the_commands_are_between_those_of_pyslurm() -> None:
    later, latest = ({**STATISTICS, "jobs_submitted": 46 + n} for n in (1, 3))
    before, between, after = EQUAL, reading(statistics=later), reading(statistics=latest)
    assert compare([(before, between, after)])["statistics"].differing == 0
    assert compare([(before, after, between)])["statistics"].named == (
        "statistics jobs_submitted: pyslurm 46 to 47, commands 49",
    )


def test_a_job_that_only_pyslurm_has_is_a_difference() -> None:
    found = compare([(EQUAL, reading(jobs=[RUNNING]), EQUAL)])["jobs"]
    assert found.named == ("job 16: pyslurm present, commands absent",)


def test_what_the_commands_do_not_have_is_not_compared() -> None:
    # select/linear prints no CPU_IDs, and an old release no AllocTRES.
    less: Record = {"cpus_alloc_layout": {"rack005": [], "rack006": []}, "tres_alloc_str": None}
    assert compare([(EQUAL, reading(jobs=[RUNNING | less, FAILED]), EQUAL)])["jobs"].differing == 0


def test_a_difference_lasts_for_every_round() -> None:
    # A job that started and ended between two readings of pyslurm has left the node as it was.
    brief = reading(nodes=[NODE | {"alloc_cpus": 16}])
    assert compare([(EQUAL, brief, EQUAL)])["nodes"].differing == 1
    assert compare([(EQUAL, brief, EQUAL), (EQUAL, EQUAL, EQUAL)])["nodes"].differing == 0
    assert compare([(EQUAL, brief, EQUAL), (EQUAL, brief, EQUAL)])["nodes"].differing == 1
    with pytest.raises(ValueError, match="no reading"):
        compare([])


@pytest.mark.parametrize(
    ("changes", "gaps"),
    [
        (
            {"jobs": [], "nodes": [NODE | {"alloc_cpus": 0, "gres_used": ["gpu:tesla:0"]}]},
            [
                *("jobs: there was none", "CPUs and memory by node", "exit codes"),
                *("allocated CPUs and memory of nodes", "GRES: none was in use"),
            ],
        ),
        ({"jobs": [RUNNING]}, ["exit codes"]),
        ({"jobs": [FAILED]}, ["CPUs and memory by node"]),
        ({"nodes": [NODE | {"gres": [], "gres_used": []}]}, []),
        ({"partitions": []}, ["partitions: there was none"]),
    ],
)
def test_what_could_not_be_compared_is_said(changes: Record, gaps: list[str]) -> None:
    result = compare([(reading(**changes),) * 3])
    found = [gap for part in result.values() for gap in part.gaps]
    assert all(gap.startswith(expected) for gap, expected in zip(found, gaps, strict=True)), found


def test_a_choice_of_jobs_has_each_state() -> None:
    jobs = [FAILED | {"job_id": number, "job_state": "PENDING"} for number in range(100, 5000)]
    chosen = reading(jobs=[*jobs, RUNNING, FAILED])
    states = [job["job_state"] for job in chosen["jobs"].values()]
    assert states.count("PENDING") == JOBS_OF_A_STATE
    assert set(states) == {"PENDING", "RUNNING", "FAILED"}
    again = reading_of(snapshot(jobs=[RUNNING, *reversed(jobs)]), chosen)
    assert again["jobs"].keys() == chosen["jobs"].keys() - {"16"}


def test_a_report_is_bounded_and_survives_json() -> None:
    wrong = [
        RUNNING | {"job_id": number, "nodes": "n" * 10_000, **dict.fromkeys(FIELDS["jobs"][8:], "x" * 10_000)}
        for number in range(JOBS_OF_A_STATE)
    ]
    right = [RUNNING | {"job_id": number} for number in range(JOBS_OF_A_STATE)]
    pyslurm, commands = reading(jobs=wrong), reading(jobs=right)
    result = compare([(pyslurm, commands, pyslurm)])
    assert len(result["jobs"].named) == NAMED
    assert len(json.dumps(to_json(result))) < 4000
    assert len(summary(result)) < 300
    assert from_json(json.loads(json.dumps(to_json(result)))) == result


VALUES = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"]))
NODES = st.fixed_dictionaries(dict.fromkeys(("state_base", "cpus", "alloc_cpus"), VALUES))


@given(NODES, NODES, NODES)
def test_only_what_both_readings_of_pyslurm_share_differs(first: Record, between: Record, last: Record) -> None:
    def node(record: Record) -> Reading:
        return {"nodes": {"n1": NODE | record}}

    found = compare([(node(first), node(between), node(last))])["nodes"]
    expected = {f for f in first if first[f] == last[f] != between[f] and between[f] is not None}
    assert set(found.fields) == expected
    assert found.differing == bool(expected)
