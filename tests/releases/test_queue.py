"""`/queue`, read with Slurm's commands, against squeue and scontrol of the same release."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.job import JobRecord
from tests.cluster.answers import fresh
from tests.releases.conftest import assert_agrees
from tests.releases.job_truth import EXPECTED, MOVING, SQUEUE, fields_without_a_place, read_jobs
from tests.releases.scene import TEXTS, Scene, has_odd_nodes
from tests.releases.tables import unlike
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service

Records = dict[str, dict[str, Any]]
# The ids that the hostile names with newlines claim, and what may stay in doubt for them.
_CLAIMED = ("completed", "exit_3")
_TEXTS_IN_DOUBT = frozenset({"work_dir", "std_in", "std_out", "std_err", "command", "comment", "network"})
_CHANGED_BY_HIDING = ("in_both", "dependent", "avoiding")


def _is_quiet(kind: str) -> bool:
    return not kind.startswith(("name_", "comment_", "paths"))


@pytest.fixture(scope="module")
def queue(service: Service, scene: Scene) -> Records:
    """Reads `/queue` once."""
    [data] = fresh(service, "/queue")
    return dict(data)


def _is_in_doubt(field: str, record: dict[str, Any]) -> bool:
    return field in _TEXTS_IN_DOUBT and record[field] is None


def _unlike(cluster: Cluster, service: Service, scene: Scene) -> list[str]:
    quiet = {job for kind, job in scene.ids.items() if _is_quiet(kind)}
    before = read_jobs(cluster, quiet)
    [ours] = fresh(service, "/queue")
    after = read_jobs(cluster, quiet)
    found = []
    for kind, job in scene.ids.items():
        if kind not in _CHANGED_BY_HIDING:
            expected = EXPECTED if _is_quiet(kind) else SQUEUE
            record = ours[str(job)]
            if kind in _CLAIMED:
                expected = {field: row for field, row in expected.items() if not _is_in_doubt(field, record)}
            lines = unlike(expected, MOVING, record, before[str(job)], after[str(job)])
            found += [f"{kind} ({job}): {line}" for line in lines]
    return found


def test_every_job_is_what_squeue_and_scontrol_print(release: Cluster, service: Service, scene: Scene) -> None:
    assert_agrees(lambda: _unlike(release, service, scene))


def test_every_published_field_is_compared_or_excused() -> None:
    assert fields_without_a_place() == set()


def test_every_record_is_what_the_contract_says(queue: Records, scene: Scene) -> None:
    assert {str(job) for job in scene.ids.values()} <= set(queue)
    for key, record in queue.items():
        assert str(JobRecord.model_validate(record).job_id) == key


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_of_users_arrive_or_are_in_doubt(queue: Records, scene: Scene, kind: str) -> None:
    text = TEXTS[kind].encode(errors="surrogateescape").decode(errors="replace")
    named, commented = queue[str(scene.ids[f"name_{kind}"])], queue[str(scene.ids[f"comment_{kind}"])]

    # "(null)" is Slurm's word for nothing. Newlines and surrounding blanks make a line that can be read in two ways.
    assert named["name"] in (text, None)
    assert commented["comment"] in (text, None)
    assert (named["user_name"], named["partition"], named["job_state"]) == ("alice", "main", "PENDING")
    assert (commented["user_name"], commented["partition"], commented["name"]) == ("alice", "main", "loud")


@pytest.mark.parametrize("kind", ["latin", "wide", "quotes", "bang"])
def test_texts_that_can_be_read_in_one_way_arrive(queue: Records, scene: Scene, kind: str) -> None:
    text = TEXTS[kind].encode(errors="surrogateescape").decode(errors="replace")

    assert queue[str(scene.ids[f"name_{kind}"])]["name"] == text
    assert queue[str(scene.ids[f"comment_{kind}"])]["comment"] == text


@pytest.mark.parametrize(
    ("kind", "state", "exit_code"),
    [
        ("completed", "COMPLETED", "0:0"),
        ("exit_3", "FAILED", "3:0"),
        ("exit_128", "FAILED", "128:0"),
        ("exit_137", "FAILED", "137:0"),
        ("exit_255", "FAILED", "255:0"),
        ("killed", "FAILED", "0:9"),
        ("terminated", "FAILED", "0:15"),
        ("per_cpu", "RUNNING", "0:0"),
    ],
)
def test_exit_codes(queue: Records, scene: Scene, kind: str, state: str, exit_code: str) -> None:
    job = queue[str(scene.ids[kind])]

    assert (job["job_state"], job["exit_code"]) == (state, exit_code)


def test_allocated_gres_are_those_asked_for(release: Cluster, queue: Records, scene: Scene) -> None:
    held = {kind: queue[str(scene.ids[kind])]["gres_allocated"] for kind in scene.ids if kind.startswith("gpu_")}
    model = "gpu:4090" if has_odd_nodes(release) else "gpu:tesla"

    assert held["gpu_typed"]["rack005"]["gpu:tesla"] == 1
    assert held["gpu_counted"] == {"rack005": {"gpu:tesla": 1}}
    assert held["gpu_numeric"]["rack006"][model] == 1
    assert held["gpu_per_task"] == {"rack006": {model: 1}}
    assert queue[str(scene.ids["gpu_one"])]["gres_allocated"] == {}


def test_licenses(queue: Records, scene: Scene) -> None:
    assert queue[str(scene.ids["unlimited"])]["licenses"] == {"matlab": 1}
    assert queue[str(scene.ids["begin"])]["licenses"] == {"matlab": 2}


def test_memory(queue: Records, scene: Scene) -> None:
    assert queue[str(scene.ids["per_cpu"])]["memory"] == 1000
    assert queue[str(scene.ids["per_node"])]["memory"] == 3000
    assert queue[str(scene.ids["multi_node"])]["memory"] == 600
    # --mem=0 is all memory of the node, known once the job runs.
    assert queue[str(scene.ids["whole_memory"])]["memory"] == 32000
    assert queue[str(scene.ids["whole_memory_waiting"])]["memory"] is None


def test_an_unlimited_job_has_no_end(queue: Records, scene: Scene) -> None:
    job = queue[str(scene.ids["unlimited"])]

    assert (job["time_limit"], job["run_time_remaining"], job["end_time"] or None) == ("UNLIMITED", None, None)


def test_sums_follow_from_their_parts(queue: Records) -> None:
    for job in queue.values():
        assert job["elapsed_cpu_time"] == job["num_cpus"] * job["run_time"]
        if job["cpus_allocated"]:
            assert sum(job["cpus_allocated"].values()) == job["num_cpus"]
            assert len(job["cpus_allocated"]) == job["num_nodes"]
