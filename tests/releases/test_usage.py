"""Sums of `/usage`, read with Slurm's commands, against squeue and sinfo of the same release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.cluster.answers import fresh
from tests.releases.conftest import assert_agrees
from tests.releases.node_truth import read_nodes
from tests.releases.scene import Scene
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION


def _reasons(cluster: Cluster) -> Counter[str]:
    """Returns the number of pending jobs by reason, as squeue prints them, without those of the hidden partition."""
    printed = cluster.run(["squeue", "-a", "-h", "-t", "PD", "-o", "%P|%r"]).stdout.splitlines()
    waiting = [line.split("|", 1) for line in printed]
    return Counter(
        reason.partition(",")[0].replace(" ", "_") for partition, reason in waiting if partition != HIDDEN_PARTITION
    )


def _words(cluster: Cluster) -> dict[str, int]:
    """Returns the number of visible nodes by sinfo's word for their state."""
    counts: Counter[str] = Counter()
    for node, facts in read_nodes(cluster).items():
        word = facts["StateLong"].upper()
        # Until 24.11 sinfo prints "fail" for a node with FAIL that is not full, since then "failing" for any with jobs.
        if word == "FAIL" and facts["CPUAlloc"] != "0":
            word = "FAILING"
        counts[word] += node != HIDDEN_NODE
    return +counts


@pytest.mark.parametrize(
    ("field", "printed"),
    [
        pytest.param("jobs_pending_by_reason", _reasons, id="reasons"),
        pytest.param("nodes_by_state", _words, id="states"),
    ],
)
def test_sums_are_what_slurm_prints(
    release: Cluster, service: Service, scene: Scene, field: str, printed: Callable[[Cluster], Counter[str]]
) -> None:
    def difference() -> list[str]:
        before = printed(release)
        [usage] = fresh(service, "/usage")
        counted = usage[field]
        return [] if counted in (before, printed(release)) else [f"counted {counted}, Slurm says {before}"]

    assert_agrees(difference)
    # Otherwise equal sums would prove little.
    assert printed(release).total() > 1
