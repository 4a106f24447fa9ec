"""A second load skips unchanged jobs and misses no change."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.slurm.sentinels import INFINITE
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.job_fingerprints import job_fingerprint
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, make_pyslurm

NAMES = UserNames(str, str, int)


def load(
    known: JobFingerprints, job: Job, nodes: list[Any] | None = None, names: UserNames = NAMES
) -> tuple[Record, JobFingerprints]:
    changed_since = PyslurmSource(make_pyslurm(jobs=[job], nodes=nodes), names).load().changed_since
    assert changed_since is not None
    fingerprints: JobFingerprints = {}
    return next(iter(changed_since(known, fingerprints))), fingerprints


def is_unchanged(before: Job, after: Job) -> bool:
    _, fingerprints = load({}, before)
    return isinstance(load(fingerprints, after)[0], UnchangedJob)


def test_an_unchanged_pending_job_has_its_id_and_partition_only() -> None:
    record, fingerprints = load({}, Job())
    again, fingerprints_again = load(fingerprints, Job())

    assert not isinstance(record, UnchangedJob)
    assert record["job_id"] == 7
    assert isinstance(again, UnchangedJob)
    assert again == {"job_id": 7, "partition": "main,long"}
    assert fingerprints_again == fingerprints
    assert set(fingerprints) == {7}


def test_a_job_without_a_known_fingerprint_is_a_record() -> None:
    _, fingerprints = load({}, Job())
    assert not isinstance(load({}, Job())[0], UnchangedJob)
    assert not isinstance(load({8: fingerprints[7]}, Job())[0], UnchangedJob)


def test_jobs_of_a_plain_load_are_all_records() -> None:
    _, fingerprints = load({}, Job())
    assert fingerprints
    assert "user_name" in next(iter(PyslurmSource(make_pyslurm(jobs=[Job()]), NAMES).load().jobs))


@pytest.mark.parametrize("field", JobAttributes._fields)
def test_a_change_of_any_attribute_changes_the_fingerprint(field: str) -> None:
    pending = JobAttributes._make(getattr(Job(), name) for name in JobAttributes._fields)
    values: list[Any] = [41, 42, 0, 1, True, False, 1.5, "41", "", None, [], ["a"], ["b"], {}, {"gpu": 1}, {"gpu": 2}]
    fingerprints = [job_fingerprint(pending._replace(**{field: value})) for value in values]
    assert None not in fingerprints
    assert len(set(fingerprints)) == len(values)


def test_a_change_of_other_values_changes_the_fingerprint() -> None:
    pending = JobAttributes._make(getattr(Job(), name) for name in JobAttributes._fields)
    assert job_fingerprint(pending, "ada", "physics") == job_fingerprint(pending, "ada", "physics")
    assert (
        len(
            {
                job_fingerprint(pending),
                job_fingerprint(pending, "ada", "physics"),
                job_fingerprint(pending, "eve", "physics"),
            }
        )
        == 3
    )


_WITH_REFERENCES: list[dict[str, Any]] = [
    {"array_id": 7, "raw_array_task_str": "1-3"},
    {"heterogeneous_id": 7},
    {"raw_dependency": "afterok:3(unfulfilled)"},
    {"raw_dependency": "singleton(unfulfilled)"},
]
_ENDED: dict[str, Any] = {"state": "COMPLETED", "start_time": 1_000, "end_time": 1_060, "run_time": 60}
_COVERED: list[dict[str, Any]] = [
    *_WITH_REFERENCES,
    _ENDED,
    _ENDED | {"state": "CANCELLED", "raw_time_limit": INFINITE},
    _ENDED | {"state": "FAILED", "array_id": 7, "raw_array_task_id": 3},
    {"state": "REQUEUE_HOLD"},
]
_NOT_COVERED: list[dict[str, Any]] = [
    RUNNING | {"state": "COMPLETING"},
    RUNNING | {"state": "CONFIGURING"},
    # The end is published once it has passed, which another clock than slurmctld's may say later.
    _ENDED | {"raw_time_limit": INFINITE, "end_time": 32_503_680_000},
    _ENDED | {"end_time": None},
    {"state": "REQUEUED", "run_time": 60},
    {"state": "A state of a later Slurm"},
]


@pytest.mark.parametrize("attributes", _COVERED)
def test_jobs_that_wait_or_have_ended_are_not_read_again(attributes: dict[str, Any]) -> None:
    job = Job(**attributes)
    assert is_unchanged(job, job)
    _, known, _ = load_raw({}, [job])
    again, _, taken = load_raw(known, [job])
    assert again == [{"job_id": 7, "partition": "main,long"}]
    assert taken == []


@pytest.mark.parametrize("attributes", [RUNNING, *_NOT_COVERED])
def test_jobs_that_depend_on_time_are_records(attributes: dict[str, Any]) -> None:
    job = Job(**attributes)
    assert not is_unchanged(job, job)


@pytest.mark.parametrize("attributes", _NOT_COVERED)
def test_raw_jobs_that_depend_on_time_are_records(attributes: dict[str, Any]) -> None:
    _, known, _ = load_raw({}, [Job(**attributes)])
    assert known == {}
    assert load_raw(known, [Job(**attributes)])[2] == [7]


@pytest.mark.parametrize("reference", [{}, *_WITH_REFERENCES])
def test_a_raw_job_that_runs_has_its_run_time_only(reference: dict[str, Any]) -> None:
    _, known, _ = load_raw({}, [Job(**RUNNING | reference)])
    (again,), _, _ = load_raw(known, [Job(**RUNNING | reference | {"run_time": 99})])
    assert isinstance(again, UnchangedJob)
    assert again["run_time"] == 99


def test_a_job_with_a_value_that_marshal_refuses_is_a_record() -> None:
    job = Job(comment=object())
    record, fingerprints = load({}, job)
    assert fingerprints == {}
    assert record["job_id"] == 7


def test_a_new_user_name_makes_a_record() -> None:
    _, fingerprints = load({}, Job())
    named = UserNames(lambda uid: f"user{uid}", str, int)
    assert load(fingerprints, Job(), names=named)[0]["user_name"] == "user1001"


def test_a_node_that_changes_partition_makes_every_job_a_record() -> None:
    _, fingerprints = load({}, Job(), [Node(partitions=["main", "long"])])
    assert isinstance(load(fingerprints, Job(), [Node(partitions=["main", "long"], state="DOWN")])[0], UnchangedJob)
    assert not isinstance(load(fingerprints, Job(), [Node(partitions=["main"])])[0], UnchangedJob)
    assert not isinstance(
        load(fingerprints, Job(), [Node(partitions=["main", "long"]), Node(name="rack002")])[0], UnchangedJob
    )


def load_raw(
    known: JobFingerprints, jobs: list[Any], names: UserNames = NAMES
) -> tuple[list[Record], JobFingerprints, list[int]]:
    """The records, the fingerprints and the ids of the jobs that became objects."""
    pyslurm = make_pyslurm(jobs=jobs, is_raw=True)
    changed_since = PyslurmSource(pyslurm, names).load().changed_since
    assert changed_since is not None
    fingerprints: JobFingerprints = {}
    records = list(changed_since(known, fingerprints))
    return records, fingerprints, pyslurm.Jobs.last_raw.taken


def test_an_unchanged_raw_job_never_becomes_an_object() -> None:
    jobs = [{"id": number, "priority": number, "cpus": number} for number in (7, 8, 9)]
    records, known, taken = load_raw({}, [Job(**job) for job in jobs])
    assert [record["priority"] for record in records] == [7, 8, 9]
    assert taken == [7, 8, 9]

    jobs[1]["nice"] = 1
    again, fingerprints, taken_again = load_raw(known, [Job(**job) for job in jobs])
    assert taken_again == [8]
    assert [isinstance(record, UnchangedJob) for record in again] == [True, False, True]
    assert again[0] == {"job_id": 7, "partition": "main,long"}
    assert again[1]["nice"] == 1
    assert {job_id for job_id in known if known[job_id] == fingerprints[job_id]} == {7, 9}


@pytest.mark.parametrize("is_raw", [False, True])
def test_a_job_with_another_priority_alone_is_no_record(is_raw: bool) -> None:
    def loaded(known: JobFingerprints, **attributes: Any) -> tuple[Record, JobFingerprints]:
        pyslurm = make_pyslurm(jobs=[Job(id=7, **attributes)], is_raw=is_raw)
        changed_since = PyslurmSource(pyslurm, NAMES).load().changed_since
        assert changed_since is not None
        fingerprints: JobFingerprints = {}
        (record,) = changed_since(known, fingerprints)
        return record, fingerprints

    _, known = loaded({}, priority=5)
    again, fingerprints = loaded(known, priority=4_000_000_000)
    assert isinstance(again, UnchangedJob)
    assert again == {"job_id": 7, "partition": "main,long", "priority": 4_000_000_000}
    assert fingerprints != known
    assert loaded(fingerprints, priority=4_000_000_000)[0] == {"job_id": 7, "partition": "main,long"}
    # A held job has another place in the queue.
    held, of_held = loaded(known, priority=0)
    assert not isinstance(held, UnchangedJob)
    assert not isinstance(loaded(of_held, priority=5)[0], UnchangedJob)
    assert not isinstance(loaded(known, priority=6, nice=1)[0], UnchangedJob)


def test_a_new_user_name_makes_a_record_of_a_raw_job() -> None:
    _, known, _ = load_raw({}, [Job()])
    named = UserNames(lambda uid: f"user{uid}", str, int)
    assert load_raw(known, [Job()], named)[0][0]["user_name"] == "user1001"
