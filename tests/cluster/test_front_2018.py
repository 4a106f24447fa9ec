"""The example pages of 2018 against a real cluster: what they draw is what Slurm's own commands say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.answers import ask, fresh
from tests.front_2018 import current_load, load_graphs, node_map
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import Service, StartService
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION
from tests.waiting import wait_for

CONFIG = f"""\
system:
  refresh_seconds: 1
  archive_usage_load: true
  archive_wait_time: 5
filter:
  partitions: [{HIDDEN_PARTITION}]
"""


@pytest.fixture(scope="module")
def archiving(start: StartService) -> Service:
    return start(CONFIG)


def cpus_of_visible_nodes(cluster: Cluster) -> tuple[int, int]:
    """Allocated and all CPUs of the nodes that are neither hidden nor away, as sinfo counts them."""
    lines = cluster.run(["sinfo", "--noheader", "--Node", "--format=%N %t %C"]).stdout.splitlines()
    nodes = {node: cpus for node, state, cpus in (line.split() for line in lines) if state != "down*"}
    counted = [cpus.split("/") for node, cpus in nodes.items() if node != HIDDEN_NODE]
    return sum(int(cpus[0]) for cpus in counted), sum(int(cpus[3]) for cpus in counted)


def test_the_pages_show_a_running_job(cluster: Cluster, jobs: Jobs, archiving: Service) -> None:
    job = jobs.running(partition="main", cpus_per_task=4, mem="600")
    (queue,) = fresh(archiving, f"/queue?jobid={job}")
    (node,) = queue[str(job)]["cpus_allocated"]

    def get(question: str) -> Any:
        answer = ask(archiving, question + ("&" if "?" in question else "?") + "_=1795550000000")
        assert answer.status == 200, answer.body
        return answer.json

    bars = current_load(get)
    allocated, there = cpus_of_visible_nodes(cluster)
    assert allocated >= 4
    assert bars.cpus == pytest.approx(100 * allocated / there)
    rows = node_map(get)
    assert HIDDEN_PARTITION not in rows
    assert not rows["main"][node].endswith("no job of this tier")
    assert rows["main"][node] not in ("striped", "empty")
    wait_for("a sample of the load", lambda: get("/load?time=86400")["data"] != [])
    graphs = load_graphs(get)
    assert HIDDEN_PARTITION not in graphs.lines
    assert {"load", "cpus", "memory", "main", "cpu_main", "mem_main"} <= set(graphs.lines)
