"""Whole loads of real clusters of several releases, compared with squeue and sinfo of the same release."""

from __future__ import annotations

from contextlib import suppress

import pytest

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import JobRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_text import SEPARATOR, AmbiguousJob, jobs_of, parse_job
from slurm_rest_api.slurmapi.sources.commands.source import CommandsSource
from slurm_rest_api.slurmapi.sources.commands.squeue import job_id_and_facts, line_of, parse_facts
from tests.slurmapi.sources.commands.recorded_clusters import RELEASES, RecordedCluster, RecordedPrograms

USERS = {2001: "alice", 2002: "bruno", 2003: "chen"}
UNKNOWN_TIME = ("N/A", "NONE")


@pytest.fixture(params=RELEASES)
def cluster(request: pytest.FixtureRequest) -> RecordedCluster:
    return RecordedCluster(request.param)


def load(cluster: RecordedCluster) -> tuple[dict[int, Record], dict[str, Record]]:
    """Returns the jobs by id and the nodes by name."""
    names = UserNames(user_name=USERS.__getitem__, group_name=str, user_id=lambda name: {"root": 0}[name])
    snapshot = CommandsSource(RecordedPrograms(cluster), "recorded", names).load()
    jobs = {job["job_id"]: job for job in snapshot.jobs}
    return jobs, {node["name"]: node for node in snapshot.nodes}


def by_name(jobs: dict[int, Record], name: str) -> Record:
    found = [job for job in jobs.values() if job["name"] == name]
    assert len(found) == 1
    return found[0]


def test_every_job_is_published_with_its_owner(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    for job in jobs.values():
        JobRecord.model_validate(job, strict=True)
    absent = ("", "(null)", "N/A")
    expected = {
        int(job_id): (int(uid), USERS[int(uid)], int(gid), state, *(None if x in absent else x for x in others))
        for job_id, uid, gid, state, *others in cluster.rows("squeue", "\x1f")
    }
    fields = ("user_id", "user_name", "group_id", "job_state", "partition", "account", "qos", "nodes")
    assert {job_id: tuple(job[field] for field in fields) for job_id, job in jobs.items()} == expected


def test_scontrol_has_the_facts_of_squeue(cluster: RecordedCluster) -> None:
    """Jobs without doubt are published with those of scontrol."""
    facts = dict(filter(None, map(job_id_and_facts, cluster.lines("squeue"))))
    found: dict[int, bytes] = {}
    for piece in jobs_of(iter(cluster.output("job").split(SEPARATOR))):
        # One job has a text that looks like a job.
        with suppress(AmbiguousJob):
            job = parse_job(piece.decode(errors="replace"), cluster.numbers)
            found[job.job_id] = line_of(job)
    assert len(found) > len(facts) / 2
    assert {job_id: parse_facts(line) for job_id, line in found.items()} == {
        job_id: parse_facts(facts[job_id]) for job_id in found
    }


def test_numbers_are_those_of_squeue(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    for job_id, cpus, nodes, _memory, priority, start, end, limit, reason in cluster.rows("squeue-values"):
        job = jobs[int(job_id)]
        assert (job["num_cpus"], job["num_nodes"], job["priority"]) == (int(cpus), int(nodes), int(priority))
        assert job["state_reason"] == reason.replace(" ", "_")
        assert job["start_time"] == (0 if start in UNKNOWN_TIME else int(start))
        if job["time_limit_str"] != "UNLIMITED":
            assert job["time_limit_str"].lstrip("0:") == limit.lstrip("0:")
        if job["job_state"] == "RUNNING" and job["time_limit_str"] != "UNLIMITED":
            assert job["end_time"] == int(end)


def test_nodes_have_the_cpus_of_their_jobs(cluster: RecordedCluster) -> None:
    jobs, nodes = load(cluster)
    held = dict.fromkeys(nodes, 0)
    for job in jobs.values():
        if job["job_state"] in ("RUNNING", "CONFIGURING"):
            for node, cpus in job["cpus_allocated"].items():
                held[node] += cpus
    assert held == {name: node["alloc_cpus"] for name, node in nodes.items()}


def test_nodes_have_the_gpus_of_their_jobs(cluster: RecordedCluster) -> None:
    jobs, nodes = load(cluster)
    held = dict.fromkeys(nodes, 0)
    for job in jobs.values():
        for node, gres in job["gres_allocated"].items():
            held[node] += gres_gpus([f"{key}:{count}" for key, count in gres.items()])
    assert held == {name: gres_gpus(node["gres_used"]) for name, node in nodes.items()}
    # A model that is a number.
    assert by_name(jobs, "cards")["gres_allocated"] == {"k3": {"gpu:1080": 2}}


def test_what_a_job_asked_for_and_holds(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    train = by_name(jobs, "train")
    assert train["tres_per_node"].removeprefix("gres:") == "gpu:k80:1"
    assert train["gres_allocated"] == {"k1": {"gpu:k80": 1}}
    assert train["licenses"] == train["licenses_allocated"] == {"matlab": 2, "ansys": 1}
    assert (train["comment"], train["work_dir"], train["time_limit"]) == ("x=y z", "/home/alice", 24 * 60)
    scratch = by_name(jobs, "scratch")
    assert scratch["gres_allocated"] == {"k1": {"tmp": 5 * 2**30}}
    assert scratch["licenses_allocated"] == {}


def test_a_killed_command(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    killed = by_name(jobs, "oom")
    assert (killed["job_state"], killed["exit_code"]) == ("FAILED", "137:0")


def test_array_tasks(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    tasks = [job for job in jobs.values() if job["name"] == "array"]
    running = [job["array_task_id"] for job in tasks if job["job_state"] == "RUNNING"]
    (waiting,) = (job for job in tasks if job["job_state"] == "PENDING")
    assert sorted(running) in ([1], [1, 2])
    assert (waiting["array_task_str"], waiting["array_max_tasks"]) == (f"{max(running) + 1}-20%2", 2)
    assert {job["array_job_id"] for job in tasks} == {waiting["job_id"]}


def test_heterogeneous_jobs(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    parts = sorted(
        (job["job_id"], job["het_job_id"], job["het_job_offset"]) for job in jobs.values() if job["name"] == "het"
    )
    if cluster.numbers < (17, 11):
        assert parts == []
    else:
        (leader, *_), _ = parts
        assert parts == [(leader, leader, 0), (leader + 1, leader, 1)]


def test_a_job_that_was_cancelled_before_it_started_holds_no_tres(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    for job in jobs.values():
        assert (job["tres_alloc_str"] is None) == (job["nodes"] is None)


def test_hostile_names_change_nothing_else(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    for name in (
        "evil UserId=root(0) GroupId=root(0) NumCPUs=9999",
        "line\nJobId=1 JobName=root UserId=root(0) GroupId=root(0)",
        "f\ufffdr",
    ):
        job = by_name(jobs, name)
        assert (job["user_name"], job["group_id"]) == ("chen", 2003)
        assert job["num_cpus"] < 9999
    assert by_name(jobs, "f\ufffdr")["comment"] == "gr\ufffd\ufffde"
    # The same words in a comment. Without JSON such a comment is null.
    doubtful = by_name(jobs, "x")
    assert (doubtful["user_name"], doubtful["job_state"] in ("RUNNING", "PENDING")) == ("chen", True)
    assert doubtful["comment"] is None or doubtful["comment"].startswith("c UserId=root(0)")


def test_texts_that_look_like_lines_and_jobs(cluster: RecordedCluster) -> None:
    jobs, _nodes = load(cluster)
    lines = by_name(
        jobs, "deep\n   UserId=root(0) GroupId=root(0) MCS_label=N/A\n   Priority=1 Nice=0 Account=root QOS=normal"
    )
    job = by_name(jobs, "block")
    for found in (lines, job):
        assert (found["user_name"], found["group_id"], found["account"]) == ("chen", 2003, "physics")
        assert (found["job_state"], found["priority"]) == ("PENDING", 0)
    assert job["comment"] is None
