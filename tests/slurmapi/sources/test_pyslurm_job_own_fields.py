"""The record of a job that is like another one is the record that it gets when it is read alone."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.raw_jobs import NUMBERS, OWN_FILES, OWN_MEMBERS, OWN_TEXTS, OWN_TIMES, TEXTS
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.job_own_fields import MOST_SHAPES, JobShapes, OwnAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, make_pyslurm

OTHER: dict[str, Any] = {
    **dict.fromkeys(OWN_TEXTS, "another text"),
    **dict.fromkeys(OWN_TIMES, 1_800_000_000),
    **dict.fromkeys(OWN_FILES, f"/home/ada/{NO_VAL}.out"),
    "id": 8,
    "submit_session_id": 813,
    "priority": 4295,
}
SHAPES: list[dict[str, Any]] = [
    {},
    {"raw_time_limit": INFINITE},
    {"array_id": 7, "raw_array_task_id": NO_VAL, "raw_array_task_str": "1-3"},
    {"is_batch_job": False},
]


def load(*jobs: Job) -> tuple[list[Record], list[int], JobFingerprints]:
    """Returns the records, the ids of the jobs that became objects, and the fingerprints."""
    pyslurm = make_pyslurm(jobs=list(jobs), is_raw=True)
    changed_since = PyslurmSource(pyslurm, UserNames(str, str, int)).load().changed_since
    assert changed_since is not None
    fingerprints: JobFingerprints = {}
    records = list(changed_since({}, fingerprints))
    return records, pyslurm.Jobs.last_raw.taken, fingerprints


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("is_unset", [False, True])
def test_a_job_that_differs_in_an_own_value_has_its_own_record(
    name: str, shape: dict[str, Any], is_unset: bool
) -> None:
    unset = NO_VAL if name == "priority" else None
    # The fake has pyslurm's property, which is None for NO_VAL. Slurm's number is what slurmctld sends.
    other = {name: unset if is_unset and name != "id" else OTHER[name], "id": 8}
    first, second = Job(**shape), Job(**shape, **other)
    records, taken, fingerprints = load(first, second)
    assert taken == [7]
    alone, _, fingerprints_alone = load(second)
    expected = {**alone[0], "priority": 0} if other.get("priority") == NO_VAL else alone[0]
    assert records[1] == expected
    assert list(records[1]) == list(alone[0])
    assert fingerprints.get(8) == fingerprints_alone.get(8)


@pytest.mark.parametrize("name", sorted({*JobAttributes._fields} - {*OwnAttributes._fields, "priority"}))
def test_a_job_that_differs_in_another_value_is_read(name: str) -> None:
    kind = str(JobAttributes.__annotations__[name])
    value: Any = ["other"] if "list" in kind else "other" if "str" in kind else 5
    assert load(Job(), Job(id=8, **{name: "RUNNING" if name == "state" else value}))[1] == [7, 8]


def test_running_jobs_are_read() -> None:
    assert load(Job(**RUNNING), Job(**RUNNING, id=8))[1] == [7, 8]


def test_the_own_values_have_the_order_of_the_added_method() -> None:
    assert OwnAttributes._fields == ("id", "submit_session_id", *OWN_TEXTS, *OWN_TIMES, *OWN_FILES)
    assert {*TEXTS, *NUMBERS} >= OWN_MEMBERS


def test_the_number_of_kept_records_is_bounded() -> None:
    shapes = JobShapes()
    a = JobAttributes._make(getattr(Job(), name) for name in JobAttributes._fields)
    for shape in range(MOST_SHAPES + 1):
        shapes.add(shape, a, {})
    assert shapes.get(0) is None
    assert sum(shapes.get(shape) is not None for shape in range(MOST_SHAPES + 1)) == MOST_SHAPES
