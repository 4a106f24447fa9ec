"""Counts of nodes by state, of tasks of arrays and of GPUs, against sinfo, slurmctld's library and scontrol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from slurm_rest_api.slurm.node_words import node_state_word
from slurm_rest_api.slurm.states import NODE_FLAGS, parse_node_state
from tests.cluster.answers import ask, fresh
from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE

# Prints node_state_string() by node_state_string_complete() for each base state with up to two flags.
_ALL_WORDS = """
import ctypes, glob, itertools, json
library = ctypes.CDLL(glob.glob("/usr/lib/*/slurm*/libslurmfull.so")[0])
texts = [library.slurm_node_state_string_complete, library.slurm_node_state_string]
for function in texts:
    function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_uint32]
states = [base | one | other for base in range(1, 7)
          for one, other in itertools.combinations([0, 0, *(1 << bit for bit in range(4, 32))], 2)]
print(json.dumps({texts[0](state).decode(): texts[1](state).decode() for state in states}))
"""


def test_the_words_are_those_of_the_installed_library(cluster: Cluster) -> None:
    words: dict[str, str] = json.loads(cluster.run(["python3", "-c", _ALL_WORDS]).stdout)
    # The library has no word for the base state ERROR, and prints `?` for bits without a meaning.
    known = {
        text: word
        for text, word in words.items()
        if word != "?" and set(text.split("+")[1:]) <= set(NODE_FLAGS) and not text.startswith("ERROR")
    }
    assert len(known) > 500
    assert {text: node_state_word(parse_node_state(text)) for text in known} == known


@pytest.fixture
def odd_states(cluster: Cluster, jobs: Jobs) -> Iterator[None]:
    """Nodes that fail, drain, are reserved and in maintenance, with jobs and without."""
    for node in ("rack002", "rack005"):
        jobs.running(nodelist=node, mem=100, partition="main")
    nodes = ("rack001", "rack002", "rack005", "rack006")
    try:
        for node, state in zip(nodes, ("fail", "fail", "drain", "drain"), strict=True):
            cluster.run(["scontrol", "update", f"nodename={node}", f"state={state}", "reason=test"])
        for name, node, flags in (("sums_m", "rack003", "maint,ignore_jobs"), ("sums_r", "rack004", "ignore_jobs")):
            cluster.run(["scontrol", "create", "reservation", f"reservationname={name}", "starttime=now", "duration=60",
                         "user=root", f"flags={flags}", f"nodes={node}"])  # fmt: skip
        cluster.wait_node("rack003", "MAINTENANCE")
        cluster.wait_node("rack004", "RESERVED")
        yield
    finally:
        for name in ("sums_m", "sums_r"):
            cluster.run(["scontrol", "delete", f"reservation={name}"], check=False)
        for node in nodes:
            cluster.undrain(node)


def sinfo_words(cluster: Cluster) -> dict[str, str]:
    lines = cluster.run(["sinfo", "--all", "-h", "-N", "-o", "%N %T"]).stdout.splitlines()
    words = {name: word.upper() for name, word in (line.split() for line in lines)}
    del words[HIDDEN_NODE]
    return words


@pytest.mark.usefixtures("odd_states")
def test_nodes_are_counted_by_the_words_of_sinfo(cluster: Cluster, service: Service) -> None:
    expected = {"rack001": "FAIL", "rack002": "FAILING", "rack003": "MAINT", "rack004": "RESERVED",
                "rack005": "DRAINING", "rack006": "DRAINED", "rack007": "IDLE"}  # fmt: skip
    usage, groups, nodes, available, failing = fresh(
        service, "/usage", "/nodes?group_by=state", "/nodes", "/nodes?state=available", "/nodes?state=failing"
    )
    assert sinfo_words(cluster) == expected
    assert {name: node_state_word(parse_node_state(node["state"])) for name, node in nodes.items()} == expected
    assert (
        usage["nodes_by_state"]
        == {word: group["count"] for word, group in groups.items()}
        == Counter(expected.values())
    )
    assert set(available) == {"rack007"}
    assert set(failing) == {"rack002"}
    metrics = ask(service, "/metrics").body.decode()
    assert all(f'slurm_nodes{{state="{word}"}} 1.0' in metrics for word in expected.values())


def test_the_waiting_tasks_of_arrays_are_counted(cluster: Cluster, service: Service, jobs: Jobs) -> None:
    whole, steps = jobs.submit(array="0-10000", hold=True), jobs.submit(array="0-10000:100%4", hold=True)
    # Most of these tasks are removed, so that the list of those that are left is long and irregular.
    odd = jobs.submit(array="0-999", hold=True)
    cluster.run(["scancel", f"{odd}_[{','.join(str(task) for task in range(1000) if task % 7 in (1, 2, 4))}]"])
    listed = cluster.run(["squeue", "-a", "-r", "-h", "-t", "PD", "-o", "%F"]).stdout.split()
    paths = [f"/queue?array={array}&state=PD&count=true" for array in (whole, steps, odd)]
    usage, queue, *arrays = fresh(service, "/usage", "/queue?state=PD&count=true", *paths)
    left = sum(task % 7 not in (1, 2, 4) for task in range(1000))
    assert [array["tasks"] for array in arrays] == [10001, 101, left]
    assert [array["count"] for array in arrays] == [1, 1, 1]
    assert (usage["jobs_pending"], usage["tasks_pending"]) == (queue["count"], queue["tasks"])
    counts = Counter(listed)
    assert (counts[str(whole)], counts[str(odd)]) == (10001, left)
    # squeue leaves out the last task of a list with a step, 10000.
    assert counts[str(steps)] in (100, 101)


def test_gpus_in_use_are_those_of_gres_used(cluster: Cluster, service: Service, jobs: Jobs) -> None:
    jobs.running(nodelist="rack005", gpus="tesla:1", mem=100)
    jobs.running(nodelist="rack006", gres="gpu:2", mem=100)
    jobs.submit(gpus="tesla:2", hold=True)
    used = {node: cluster.scontrol_show("node", node)["GresUsed"] for node in ("rack005", "rack006")}
    usage, nodes, running, waiting = fresh(
        service, "/usage", "/nodes?count=true", "/queue?state=R&count=true", "/queue?state=PD&count=true"
    )
    assert [text.partition("(")[0] for text in used.values()] == ["gpu:tesla:1", "gpu:tesla:2"]
    assert (
        usage["alloc_gpus"] == usage["partitions"]["main"]["alloc_gpus"] == nodes["gpus_used"] == running["gpus"] == 3
    )
    assert usage["total_gpus"] == nodes["gpus"] == 4
    assert waiting["gpus"] == 2
