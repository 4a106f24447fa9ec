"""The testbed keeps its own promises: what the other tests of this folder rely on."""

from __future__ import annotations

import json
import urllib.request
from contextlib import ExitStack

import pytest

from tests.testbed.bringup import is_up
from tests.testbed.cluster import Cluster
from tests.testbed.daemons import Daemons
from tests.testbed.jobs import Jobs
from tests.testbed.ports import choose_ports
from tests.testbed.processes import processes_inside
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION, NODES
from tests.testbed.steps import CommandFailedError, DeadlineError, TestbedError, wait_until
from tests.testbed.truth import parse_record
from tests.waiting import GIVE_UP_SECONDS


def test_every_daemon_runs_inside_the_root(cluster: Cluster) -> None:
    inside = processes_inside(cluster.layout.root)

    assert is_up(cluster.layout)
    assert {cluster.daemons.pid(name) for name in cluster.daemons.names} <= set(inside)


def test_nodes_have_leading_zeros_and_their_pretended_size(cluster: Cluster) -> None:
    nodes = cluster.nodes_json()

    assert list(nodes) == ["rack001", "rack002", "rack003", "rack004", "rack005", "rack006", "rack007", "rack008"]
    assert (nodes["rack001"]["cpus"], nodes["rack001"]["real_memory"]) == (16, 32000)
    assert (nodes["rack007"]["cpus"], nodes["rack007"]["real_memory"]) == (8, 16000)
    assert nodes["rack005"]["gres"] == "gpu:tesla:2"


def test_partitions_overlap_and_differ_in_priority(cluster: Cluster) -> None:
    partitions = cluster.partitions_json()
    nodes = {name: set(_expand(cluster, record["nodes"]["configured"])) for name, record in partitions.items()}

    assert nodes["high"] < nodes["main"] < nodes["long"]
    assert {record["priority"]["tier"] for record in partitions.values()} == {1, 5, 10}
    assert [name for name, members in nodes.items() if HIDDEN_NODE in members] == [HIDDEN_PARTITION]
    assert set().union(*nodes.values()) == set(NODES)


def _expand(cluster: Cluster, hostlist: str) -> list[str]:
    return cluster.run(["scontrol", "show", "hostnames", hostlist]).stdout.split()


def test_a_job_runs_as_its_user_and_is_accounted(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.submit(user="alice", wrap='test "$(id -un)" = alice')

    cluster.wait_state(job, {"COMPLETED"})
    cluster.wait_accounted(job, "COMPLETED")
    record = cluster.sacct_json("-j", str(job))[0]
    assert (record["user"], record["account"]) == ("alice", "physics")


def test_a_job_ends_when_and_as_it_is_told(cluster: Cluster, jobs: Jobs) -> None:
    good, bad = jobs.running(), jobs.running(user="bob")

    cluster.finish(good)
    cluster.finish(bad, 3)

    assert cluster.job_state(good) == "COMPLETED"
    assert cluster.scontrol_show("job", str(bad))["ExitCode"] == "3:0"


def test_a_job_is_held_released_suspended_and_resumed(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.submit(hold=True)
    cluster.hold(job)
    assert cluster.scontrol_show("job", str(job))["Reason"] == "JobHeldAdmin"

    cluster.release_job(job)
    cluster.wait_state(job, {"RUNNING"})
    cluster.suspend(job)
    assert cluster.job_state(job) == "SUSPENDED"
    cluster.resume(job)
    assert cluster.job_state(job) == "RUNNING"


def test_a_heterogeneous_job_has_components(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running(ntasks=2, components=[{"ntasks": 1, "partition": "long"}])

    components = [record for record in cluster.squeue_json() if record["het_job_id"]["number"] == job]
    assert [record["het_job_offset"]["number"] for record in components] == [0, 1]


def test_gpus_can_be_had(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running(gres="gpu:1")

    assert cluster.scontrol_show("job", str(job))["NodeList"] in ("rack005", "rack006")


def test_a_user_without_association_is_refused(cluster: Cluster) -> None:
    with pytest.raises(CommandFailedError, match="Invalid account"):
        cluster.submit(user="slurmrestapi", wrap="true")


def test_a_node_is_drained_and_taken_back(cluster: Cluster) -> None:
    cluster.drain("rack004", "fan is loud")
    try:
        assert cluster.wait_node("rack004", "DRAIN") == "IDLE+DRAIN"
        assert cluster.scontrol_show("node", "rack004")["Reason"].startswith("fan is loud")
    finally:
        cluster.undrain("rack004")
    assert cluster.wait_node("rack004", "IDLE") == "IDLE"


def test_slurmctld_is_killed_frozen_and_comes_back(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running()
    first = cluster.daemons.pid("slurmctld")
    cluster.crash_slurmctld(job)
    assert cluster.daemons.pid("slurmctld") is None

    cluster.daemons.start("slurmctld")
    assert cluster.daemons.pid("slurmctld") not in (None, first)
    assert cluster.wait_state(job, {"RUNNING"}) == "RUNNING"
    cluster.daemons.freeze("slurmctld")
    assert cluster.daemons.is_frozen("slurmctld")
    cluster.daemons.thaw("slurmctld")
    cluster.daemons.wait_answers("slurmctld")


def test_slurmrestd_answers_with_a_token(cluster: Cluster) -> None:
    request = urllib.request.Request(
        f"{cluster.slurmrestd_url}/slurm/{cluster.api_version}/nodes/",
        headers={"X-SLURM-USER-NAME": "alice", "X-SLURM-USER-TOKEN": cluster.token("alice")},
    )
    with urllib.request.urlopen(request, timeout=GIVE_UP_SECONDS) as answer:
        names = [node["name"] for node in json.load(answer)["nodes"]]

    assert names == list(NODES)


def test_the_database_holds_what_sacctmgr_made(cluster: Cluster) -> None:
    users = cluster.sql("SELECT user, acct FROM testbed_assoc_table WHERE user IN ('alice', 'mallory') AND deleted = 0")

    assert sorted(users) == [["alice", "physics"], ["mallory", "hidden"]]


def test_the_statistics_are_there(cluster: Cluster) -> None:
    assert cluster.sdiag_json()["rpcs_by_message_type"]


def test_values_with_spaces_are_parsed_whole() -> None:
    record = parse_record("NodeName=rack001 OS=Linux 6.1 #1 SMP Reason=it smells [root@2026-11-24T00:00:00] Extra=")

    assert record == {"NodeName": "rack001", "OS": "Linux 6.1 #1 SMP",
                      "Reason": "it smells [root@2026-11-24T00:00:00]", "Extra": ""}  # fmt: skip


def test_an_unknown_daemon_is_named(cluster: Cluster) -> None:
    with pytest.raises(TestbedError, match="no daemon 'slurmx'; there are: munged, "):
        Daemons(cluster.shell, cluster.suite, cluster.ports).stop("slurmx")


def test_two_starts_at_a_time_choose_other_ports() -> None:
    first = 26000
    with ExitStack() as slow:
        # Its daemons do not listen yet.
        ports = choose_ports(first, slow)
        with ExitStack() as other:
            assert choose_ports(first, other).mariadb >= ports.mariadb + 100
    with ExitStack() as later:
        assert choose_ports(first, later) == ports


def test_a_wait_tells_what_it_waited_for_and_saw_last() -> None:
    with pytest.raises(DeadlineError, match=r"waited 0 s for the moon; last seen: clouds"):
        wait_until("the moon", lambda: "clouds", lambda seen: seen == "moon", timeout=0)
