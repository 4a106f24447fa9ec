"""Parts of the real cluster's state that come from Slurm's commands, while pyslurm gives the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.test_source_pyslurm import OTHER, calls_of
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.steps import wait_until

# The trial of pyslurm has the faults that are given.
LOAD = """
import json
import sys
from slurm_rest_api.slurmapi.sources.detect import open_source
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import Trial

faults = dict.fromkeys(sys.argv[2:], "a fault of this test")
source = open_source("slurm", try_pyslurm=lambda _seconds, _state: Trial(None, faults))
for _ in range(int(sys.argv[1])):
    snapshot = source.load()
    jobs = {job["job_id"]: job for job in snapshot.jobs}
nodes = {node["name"]: node for node in snapshot.nodes}
states = {job_id: (job["job_state"], job["cpus_allocated"], job["tres_alloc_str"]) for job_id, job in jobs.items()}
json.dump(
    {
        "detail": source.detail,
        "origins": {row.part: row.origin for row in source.origins},
        "rpcs": source.rpcs_of_last_load,
        "jobs": states,
        "nodes": {name: (node["state"], node["alloc_cpus"], node["gres_used"]) for name, node in nodes.items()},
        "partitions": {partition["name"]: partition["total_cpus"] for partition in snapshot.partitions},
        # sdiag does not print this sum.
        "cycle_sum": snapshot.statistics["schedule_cycle_sum"],
    },
    sys.stdout,
)
"""


def load(cluster: Cluster, *by_commands: str, times: int = 1, user: str = "root") -> dict[str, Any]:
    argv = [f"{VENV_IN_ROOT}/bin/python", "-c", LOAD, str(times), *by_commands]
    found: dict[str, Any] = json.loads(cluster.run(argv, user=user, env={"PYTHONPATH": CHECKOUT_IN_ROOT}).stdout)
    return found


@pytest.mark.parametrize("by_commands", [("nodes",), ("jobs", "partitions"), ("statistics",)])
def test_parts_of_both_agree(cluster: Cluster, jobs: Jobs, by_commands: tuple[str, ...]) -> None:
    job = str(jobs.running(ntasks=2, mem_per_cpu=100))
    whole, mixed = load(cluster), load(cluster, *by_commands)
    assert {part for part, origin in whole["origins"].items() if origin == "pyslurm"} == {
        *("jobs", "nodes", "partitions", "statistics")
    }
    assert {part for part in whole["origins"] if mixed["origins"][part] != whole["origins"][part]} == {*by_commands}
    assert mixed["detail"].startswith(f"{whole['detail']}; {', '.join(by_commands)} from commands of Slurm ")
    assert mixed["jobs"][job] == whole["jobs"][job]
    state, (node,), _tres = mixed["jobs"][job]
    assert state == "RUNNING"
    assert mixed["partitions"] == whole["partitions"]
    assert (mixed["cycle_sum"] is None) == ("statistics" in by_commands)

    def nodes_agree() -> bool:
        # A job of another test may end between the two loads.
        return bool(load(cluster)["nodes"][node] == load(cluster, *by_commands)["nodes"][node])

    wait_until(f"{node} is the same in both", nodes_agree, bool)


def test_the_published_rpcs_are_those_that_slurmctld_counts(cluster: Cluster) -> None:
    def calls(times: int) -> tuple[int, int]:
        before = calls_of(cluster, OTHER)
        published = load(cluster, "nodes", "statistics", times=times, user=OTHER)["rpcs"]
        return calls_of(cluster, OTHER) - before, published

    (many, published), (one, _) = calls(4), calls(1)
    # jobs 1 and partitions 2 of pyslurm; the configuration 2, nodes 2 and statistics 1 of the commands.
    assert published == 8
    # What the start of pyslurm costs is in both.
    assert many - one == 3 * published
