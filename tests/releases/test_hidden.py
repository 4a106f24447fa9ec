"""A hidden partition leaves no trace in any answer that is read with Slurm's commands."""

from __future__ import annotations

import pytest

from tests.cluster.answers import ask, fresh
from tests.releases.scene import Scene
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION

DATA = ("/queue", "/nodes", "/partitions", "/stats", "/usage", "/usage?compact=true", "/metrics", "/health")
# The job and the node that were named after the partition on purpose.
_NAMED_BY_VISIBLE = "Partition=secret"


@pytest.mark.parametrize("path", [*DATA, "/nowhere", "/queue?colour=red", "/openapi/openapi.json"])
def test_no_answer_names_anything_hidden(service: Service, scene: Scene, path: str) -> None:
    fresh(service, "/queue")
    answer = ask(service, path, headers={"Accept-Encoding": "identity"})
    text = "\n".join([*answer.headers.values(), answer.body.decode()]).replace(_NAMED_BY_VISIBLE, "")
    if path == "/stats":
        # RPCs are counted by user; a user who may use a hidden partition is not hidden.
        text = text.replace("mallory", "")

    words = [HIDDEN_PARTITION, HIDDEN_NODE, "mallory", *scene.hidden_words]
    assert [word for word in words if word in text] == []


def test_what_refers_to_the_hidden_keeps_its_visible_half(release: Cluster, service: Service, scene: Scene) -> None:
    queue, nodes, usage = fresh(service, "/queue", "/nodes", "/usage")

    assert {str(job) for job in scene.hidden}.isdisjoint(queue)
    assert queue[str(scene.ids["in_both"])]["partition"] == "main"
    assert queue[str(scene.ids["avoiding"])]["exc_nodes"] == ["rack001"]
    dependency = queue[str(scene.ids["dependent"])]["dependency"]
    assert dependency == f"afterany:{scene.ids['neighbour']}(unfulfilled)"
    assert nodes["rack007"]["partitions"] == ["long"]
    assert HIDDEN_PARTITION not in usage["partitions"]
    printed = release.scontrol_show("node", "rack007")
    # The hidden job has one CPU there: it is counted, but not named.
    assert nodes["rack007"]["alloc_cpus"] == int(printed["CPUAlloc"])
    assert usage["partitions"]["long"]["nodes"]["rack007"]["cpus_allocated"] == int(printed["CPUAlloc"]) - 1
