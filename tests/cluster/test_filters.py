"""Every filter of the live routes compared with the same option of squeue and sinfo, over jobs in many states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.answers import ask, fresh
from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_PARTITION


@dataclass(frozen=True)
class Scene:
    """Job ids of what there is to find."""

    running: int
    held: int
    long: int
    suspended: int
    array: int
    het: int
    completed: int
    failed: int
    cancelled: int

    def fill(self, text: str) -> str:
        """`{array}_3` with the job id in it."""
        return text.format(**vars(self))


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Iterator[Scene]:
    """Jobs of several users, accounts and partitions, of every kind and in many states."""
    jobs = Jobs(cluster)
    completed, failed, cancelled = (jobs.running(user="bob", job_name=name) for name in ("done", "fails", "stopped"))
    cluster.finish(completed, 0)
    cluster.finish(failed, 3)
    cluster.cancel(cancelled)
    suspended = jobs.running(user="carol", job_name="paused")
    cluster.suspend(suspended)
    array = jobs.submit(user="alice", array="1-9:2,20-60:2%1", job_name="train_7")
    cluster.wait_state(f"{array}_1", {"RUNNING"})
    yield Scene(
        running=jobs.running(user="alice", nodes=2, job_name="align"),
        held=jobs.submit(user="alice", hold=True, qos="urgent", job_name="align"),
        long=jobs.running(user="bob", partition="long"),
        suspended=suspended,
        array=array,
        het=jobs.submit(user="carol", hold=True, components=[{"partition": "long"}], partition="main,high"),
        completed=completed,
        failed=failed,
        cancelled=cancelled,
    )
    jobs.cancel_all()


def now(service: Service, path: str) -> dict[str, Any]:
    """Returns the `data` of an answer that was loaded after the request."""
    asked = time.time()
    answer = ask(service, path, headers={"Cache-Control": "no-cache"})
    assert answer.status == 200
    assert int(answer.headers["age"]) <= time.time() - asked
    data: dict[str, Any] = answer.json["data"]
    return data


def squeue(cluster: Cluster, *options: str) -> set[str]:
    """Job ids as squeue prints them with these options, one for each record of slurmctld that may be seen."""
    states = [] if "-t" in options else ["-t", "all"]
    argv = ["squeue", "--all", "--noheader", "--format=%A %P", *states, *options]
    lines = [line.split() for line in cluster.run(argv).stdout.splitlines()]
    return {job for job, partition in lines if partition != HIDDEN_PARTITION}


def sinfo(cluster: Cluster, *options: str) -> set[str]:
    everything = [] if "-p" in options else ["--all"]
    lines = cluster.run(["sinfo", *everything, "--noheader", "-N", "--format=%N %R", *options]).stdout.splitlines()
    return {node for node, partition in map(str.split, lines) if partition != HIDDEN_PARTITION}


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("user=alice", ["-u", "alice"]),
        ("user=alice,carol", ["-u", "alice,carol"]),
        ("account=physics", ["-A", "physics"]),
        ("account=biology,physics", ["-A", "biology,physics"]),
        ("partition=main", ["-p", "main"]),
        ("partition=high", ["-p", "high"]),
        ("partition=long,high", ["-p", "long,high"]),
        ("qos=urgent", ["-q", "urgent"]),
        ("qos=normal", ["-q", "normal"]),
        ("name=align", ["-n", "align"]),
        ("name=align,paused", ["-n", "align,paused"]),
        ("state=R", ["-t", "R"]),
        ("state=RUNNING", ["-t", "RUNNING"]),
        ("state=running,Pending", ["-t", "running,Pending"]),
        ("state=pd", ["-t", "pd"]),
        ("state=S", ["-t", "S"]),
        ("state=CD,F", ["-t", "CD,F"]),
        ("state=CA", ["-t", "CA"]),
        ("state=failed", ["-t", "failed"]),
        ("node=rack001", ["-w", "rack001"]),
        ("node=rack[001-003,006]", ["-w", "rack[001-003,006]"]),
        ("jobid={running}", ["-j", "{running}"]),
        ("jobid={suspended}", ["-j", "{suspended}"]),
        ("array={array}", ["-j", "{array}"]),
        ("array={array}_1", ["-j", "{array}_1"]),
        ("array={array}_3,{array}_44", ["-j", "{array}_3,{array}_44"]),
        ("user=alice&state=R&partition=main", ["-u", "alice", "-t", "R", "-p", "main"]),
        ("user=carol&node=rack[001-007]&state=S", ["-u", "carol", "-w", "rack[001-007]", "-t", "S"]),
    ],
)
def test_jobs_are_those_that_squeue_finds(
    cluster: Cluster, scene: Scene, service: Service, query: str, options: list[str]
) -> None:
    found = now(service, f"/queue?{scene.fill(query)}")
    expected = squeue(cluster, *map(scene.fill, options))
    assert expected, "the test is about nothing"
    assert set(found) == expected


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("user=!alice", ["-u", "alice"]),
        ("account=!physics", ["-A", "physics"]),
        ("partition=!main", ["-p", "main"]),
        ("state=!R", ["-t", "R"]),
        ("state=!PD,!cd", ["-t", "PD,CD"]),
        ("name=!align", ["-n", "align"]),
        ("qos=!urgent", ["-q", "urgent"]),
    ],
)
def test_what_is_excluded_is_what_squeue_leaves(
    cluster: Cluster, scene: Scene, service: Service, query: str, options: list[str]
) -> None:
    found = now(service, f"/queue?{scene.fill(query)}")
    excluded = squeue(cluster, *map(scene.fill, options))
    assert excluded
    assert set(found) == squeue(cluster) - excluded


def test_jobs_are_found_by_reason_and_by_pattern(cluster: Cluster, scene: Scene, service: Service) -> None:
    lines = cluster.run(["squeue", "--all", "--noheader", "--format=%A %r", "-t", "PD"]).stdout.splitlines()
    reasons = dict(map(str.split, lines))
    for reason in ("JobHeldUser", "JobArrayTaskLimit", "jobheldUSER"):
        found = now(service, f"/queue?state=PD&reason={reason}")
        assert set(found) == {job for job, given in reasons.items() if given.lower() == reason.lower()}
        assert found
    assert set(now(service, "/queue?name=al*n")) == squeue(cluster, "-n", "align")
    assert set(now(service, "/queue?name=train_*")) == squeue(cluster, "-n", "train_7")


def test_jobs_are_found_by_time_and_by_number(cluster: Cluster, scene: Scene, service: Service) -> None:
    argv = ["squeue", "--all", "--noheader", "-t", "all", "--format=%A %V %S %P"]
    printed = cluster.run(argv, env={"SLURM_TIME_FORMAT": "%s"}).stdout.splitlines()
    lines = [line.split() for line in printed if not line.endswith(f" {HIDDEN_PARTITION}")]
    submits = {job: int(submit) for job, submit, _, _ in lines}
    starts = {job: int(start) for job, _, start, _ in lines if start.isdigit()}
    limit = submits[str(scene.suspended)]
    for query, expected in (
        (f"submitafter={limit}", {job for job, moment in submits.items() if moment >= limit}),
        (f"submitbefore={limit}", {job for job, moment in submits.items() if moment < limit}),
        (f"startafter={limit}", {job for job, moment in starts.items() if moment >= limit}),
        (f"startbefore={limit}", {job for job, moment in starts.items() if moment < limit}),
        (f"jobid<={scene.suspended}", {job for job in submits if int(job) <= scene.suspended}),
        (f"jobid>{scene.suspended}", {job for job in submits if int(job) > scene.suspended}),
        (f"jobid>{scene.failed}&jobid<{scene.held}", {j for j in submits if scene.failed < int(j) < scene.held}),
    ):
        assert expected, query
        assert set(now(service, f"/queue?{query}")) == expected, query


def test_a_job_is_found_under_every_name_that_squeue_prints(cluster: Cluster, scene: Scene, service: Service) -> None:
    argv = ["squeue", "--all", "--noheader", "--array", "-t", "all", "--format=%i %A %P"]
    names = [line.split() for line in cluster.run(argv).stdout.splitlines()]
    seen = {name: job for name, job, partition in names if partition != HIDDEN_PARTITION}
    now(service, "/queue")
    assert {"_", "+"} <= {letter for name in seen for letter in name}
    for name, job in seen.items():
        answer = ask(service, f"/queue/{name}")
        assert answer.status == 200, name
        assert answer.json["data"]["job_id"] == int(job), name
    assert ask(service, f"/queue/{scene.array}_2").status == 404
    assert ask(service, f"/queue/{scene.het}+2").status == 404


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("name=rack[001-003]", ["-n", "rack[001-003]"]),
        ("name=rack001,rack[005-006],nothing9", ["-n", "rack001,rack[005-006]"]),
        ("partition=main", ["-p", "main"]),
        ("partition=long,high", ["-p", "long,high"]),
        ("state=mix", ["-t", "mix"]),
        ("state=MIXED,alloc", ["-t", "mix,alloc"]),
        ("state=drain", ["-t", "drain"]),
        ("state=drained", ["-t", "drained"]),
        ("state=draining", ["-t", "draining"]),
        ("state=idle", ["-t", "idle"]),
        ("state=idle%2Bdrain", ["-t", "idle&drain"]),
        ("state=MIXED+DRAIN", ["-t", "mix&drain"]),
        ("state=mix%26drain", ["-t", "mix&drain"]),
        ("state=idle%26!drain", ["-t", "idle&!drain"]),
        ("partition=main&state=mix&name=rack[001-004]", ["-p", "main", "-t", "mix", "-n", "rack[001-004]"]),
    ],
)
def test_nodes_are_those_that_sinfo_finds(
    cluster: Cluster, scene: Scene, drained: None, service: Service, query: str, options: list[str]
) -> None:
    found = now(service, f"/nodes?{query}")
    expected = sinfo(cluster, *options)
    assert expected, "the test is about nothing"
    assert set(found) == expected


@pytest.fixture(scope="module")
def drained(cluster: Cluster, scene: Scene) -> Iterator[None]:
    """One node that is idle and one that works take nothing new."""
    busy = cluster.run(["squeue", "-h", "-j", str(scene.long), "-o", "%N"]).stdout.strip()
    nodes = (busy, min(sinfo(cluster, "-t", "idle")))
    for node in nodes:
        cluster.drain(node, "broken")
    yield
    for node in nodes:
        cluster.undrain(node)


def test_nodes_are_found_by_feature_and_gres(cluster: Cluster, service: Service) -> None:
    lines = cluster.run(["sinfo", "--noheader", "-N", "--format=%N %f %G"]).stdout.splitlines()
    whole = now(service, "/nodes")
    told = [line.split() for line in lines if line.split()[0] in whole]
    facts = {node: (features.split(","), gres) for node, features, gres in told}
    for feature in {name for features, _ in facts.values() for name in features} - {"(null)"}:
        assert set(ask(service, f"/nodes?feature={feature}").json["data"]) == {
            node for node, (features, _) in facts.items() if feature in features
        }
    with_gpus = {node for node, (_, gres) in facts.items() if gres.startswith("gpu")}
    assert with_gpus
    assert set(ask(service, "/nodes?gres=gpu").json["data"]) == with_gpus
    assert set(ask(service, "/nodes?gres=!gpu").json["data"]) == set(whole) - with_gpus
    assert ask(service, "/nodes?gres=gpu&count=true").json["data"]["gpus"] == 2 * len(with_gpus)


def test_partitions_and_parts_of_the_usage(cluster: Cluster, scene: Scene, service: Service) -> None:
    lines = cluster.run(["sinfo", "--all", "--noheader", "--format=%R %a"]).stdout.splitlines()
    states = {name: state for name, state in map(str.split, lines) if name != HIDDEN_PARTITION}
    up, main, usage, part = fresh(
        service, "/partitions?state=up", "/partitions?name=main", "/usage", "/usage?partition=long&node=rack[001-003]"
    )
    assert set(up) == {name for name, state in states.items() if state == "up"}
    assert list(main) == ["main"]
    cells = usage["partitions"]["long"]["nodes"]
    nodes = {name: cells[name] for name in ("rack001", "rack002", "rack003")}
    assert part == {**usage, "partitions": {"long": {**usage["partitions"]["long"], "nodes": nodes}}}
