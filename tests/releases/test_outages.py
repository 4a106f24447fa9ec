"""Without slurmctld the last data is served and marked as stale, and fresh data follows its return."""

from __future__ import annotations

from tests.cluster.answers import Answer, ask
from tests.cluster.faults import frozen, without
from tests.releases.scene import Scene
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.waiting import wait_for

ROUTES = ("/queue", "/nodes", "/partitions", "/stats", "/usage")


def _stale_answers(service: Service) -> list[Answer] | None:
    """Returns the answers of all routes, None unless all of them are stale.

    On a busy machine a load that slurmctld answered before its fault ends late, and its data is fresh once more.
    """
    answers = [ask(service, route) for route in ROUTES]
    stale = [answer.status == 200 and answer.headers.get("x-slurm-stale") == "1" for answer in answers]
    return answers if all(stale) else None


def _fresh_answer(service: Service) -> Answer | None:
    answer = ask(service, "/nodes")
    return answer if answer.json["meta"]["stale"] is False else None


def _wait_fresh(service: Service) -> Answer:
    """Waits for an answer that is not stale and returns it."""
    answer = wait_for("fresh data", lambda: _fresh_answer(service))
    assert answer.json["meta"]["error"] is None
    return answer


def _wait_stale(service: Service, scene: Scene) -> None:
    """Waits for stale answers and checks that they say so and are complete."""
    answers = wait_for("stale data", lambda: _stale_answers(service))
    for answer in answers:
        assert answer.json["meta"]["stale"] is True
        assert answer.json["meta"]["error"]["detail"]
    assert {str(job) for job in scene.ids.values()} <= set(answers[0].json["data"])


def test_frozen_slurmctld(release: Cluster, service: Service, scene: Scene) -> None:
    _wait_fresh(service)
    with frozen(release, "slurmctld"):
        _wait_stale(service, scene)
    assert "x-slurm-stale" not in _wait_fresh(service).headers


def test_killed_slurmctld(release: Cluster, service: Service, scene: Scene) -> None:
    _wait_fresh(service)
    if not release.path("/var/lib/slurm/ctld/assoc_usage").exists():
        # slurmctld of 26.05 does not start without this file, which it writes when it ends, or after minutes.
        with without(release, "slurmctld"):
            _wait_stale(service, scene)
        _wait_fresh(service)
    release.crash_slurmctld(scene.ids["held"])
    try:
        _wait_stale(service, scene)
    finally:
        release.daemons.start("slurmctld")
    _wait_fresh(service)
    queue = ask(service, "/queue").json["data"]
    assert queue[str(scene.ids["per_cpu"])]["job_state"] == "RUNNING"


def test_the_source_is_named(release: Cluster, service: Service) -> None:
    meta = ask(service, "/nodes").json["meta"]
    reason = "" if release.suite.is_whole else ", because pyslurm is not installed"

    assert meta["source"] == "slurm"
    assert meta["source_detail"] == f"commands of Slurm {release.release} in /usr/bin{reason}"
