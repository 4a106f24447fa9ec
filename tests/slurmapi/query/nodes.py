"""Nodes and partitions, and queries about them and about their use, for properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from tests.builders import make_node, make_partition
from tests.slurmapi.query.jobs import some_of
from tests.slurmapi.query.reference_nodes import HOSTLISTS

NAMES = ["n1", "n2", "n3", "n11", "n01", "other"]
PARTITIONS = ["main", "long", "longer"]
GRES = [[], ["gpu:2"], ["gpu:a100:2"], ["gpu:a100:2", "gpu:h100:1", "shard:8"], ["gpu_link:4"]]
FEATURES = st.sampled_from([None, "avx2", "avx2,ib", "ib-fast"])
NODE_STATES = [
    "idle",
    "MIX",
    "!IDLE",
    "drained,DRNG",
    "IDLE,!DRAIN",
    "no_respond",
    "planned",
    "mix+idle",
    "available",
    "!AVAILABLE",
    "failing",
]
EXCLUDED = ["!idle+drain,!DOWN", "IDLE,!IDLE*", "idle+!drain", "mix+!drain,IDLE+PLANNED"]
NODE_FIELDS = {
    "state": st.sampled_from(
        [
            *("IDLE", "MIXED", "ALLOCATED", "DOWN*", "IDLE*+DRAIN", "MIXED+DRAIN", "MIXED+FAIL"),
            *("IDLE+COMPLETING+DRAIN", "IDLE+PLANNED", "IDLE+MAINTENANCE"),
        ]
    ),
    "partitions": st.sampled_from([[], ["main"], ["main", "long"], ["longer"]]),
    "features": FEATURES,
    "features_active": FEATURES,
    "gres": st.sampled_from(GRES),
    "gres_used": st.sampled_from(GRES),
    "cpus": st.integers(1, 4),
    "alloc_cpus": st.integers(0, 2),
    "idle_cpus": st.integers(0, 2),
    "cpu_load": st.sampled_from([None, 0, 7]),
    "real_memory": st.sampled_from([100, 2000]),
    "alloc_mem": st.sampled_from([0, 100]),
    "idle_mem": st.sampled_from([0, 100]),
    "free_mem": st.sampled_from([None, 0, 90]),
    "weight": st.integers(1, 2),
    "reason": st.sampled_from([None, "@broken", 'no "power", again']),
}
PARTITION_FIELDS = {
    "state": st.sampled_from(["UP", "DOWN", "DRAIN", "INACTIVE"]),
    "total_nodes": st.integers(0, 2),
    "total_cpus": st.integers(0, 3),
    "priority_tier": st.integers(1, 2),
}


def nodes() -> st.SearchStrategy[list[Record]]:
    return _some(NAMES, NODE_FIELDS, make_node)


def partitions() -> st.SearchStrategy[list[Record]]:
    return _some(PARTITIONS, PARTITION_FIELDS, make_partition)


@st.composite
def _some(
    draw: st.DrawFn, names: list[str], fields: dict[str, st.SearchStrategy[Any]], make: Callable[..., Record]
) -> list[Record]:
    """Records, each name once, in any order."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    return [make(name, **draw(st.fixed_dictionaries(fields))) for name in chosen]


node_queries = some_of(
    {
        "state": st.sampled_from([*NODE_STATES, "mix+drain", "IDLE*+DRAIN", "MIXED+DRAIN,IDLE+PLANNED", *EXCLUDED]),
        "partition": st.sampled_from(["main", "long", "!long", "main,longer", "none"]),
        "feature": st.sampled_from(["avx2", "ib", "!avx2", "ib-fast,ib"]),
        "gres": st.sampled_from(["gpu", "gpu:a100", "gpu:a100:2", "gpu:2", "!gpu", "gpu_link,shard"]),
        "gpu_type": st.sampled_from(["a100", "!a100", "h100,a100", "4090"]),
        "name": st.sampled_from(sorted(HOSTLISTS)),
        "cpus": st.sampled_from(["2", "1,3"]),
        "idle_cpus>": st.sampled_from(["1", "2"]),
        "cpu_load<": st.sampled_from(["6", "7"]),
        "free_mem<": st.just("89"),
        "free_mem>": st.just("0"),
        "gpus>": st.sampled_from(["2", "3"]),
        "free_gpus>": st.sampled_from(["1", "2"]),
        "free_gpus<": st.sampled_from(["0", "1"]),
        "weight": st.just("2"),
    }
)
partition_queries = some_of(
    {
        "name": st.sampled_from(["main", "!main", "long,longer", "none"]),
        "state": st.sampled_from(["up", "!UP", "inact", "DOWN,drain"]),
        "total_nodes>": st.just("1"),
        "priority_tier": st.just("1"),
    }
)
usage_queries = some_of(
    {
        "partition": st.sampled_from(["main", "!main", "long,longer", "none", "main,!main"]),
        "node": st.sampled_from(sorted(HOSTLISTS)),
        "compact": st.sampled_from(["true", "false"]),
    }
)
