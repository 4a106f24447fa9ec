"""The simulated hardware: kinds of nodes, partitions, and blocks of nodes that share a timetable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from slurm_rest_api.demo.scale import Scale

HIDDEN_PARTITION: Final = "staff"
CLUSTER: Final = "demo"

_HOUR: Final = 3600


@dataclass(frozen=True)
class Kind:
    """A kind of node. Memory is in MiB. `window` is the length of a block's timetable in seconds.

    `gpu_type` is the type of its GPUs in GRES. The model 4090 is a number, as in many clusters.
    """

    prefix: str
    share: float
    cpus: int
    memory: int
    gpus: int
    partitions: tuple[str, ...]
    features: str
    block_nodes: int
    window: int
    mean_seconds: int
    gpu_type: str = ""


@dataclass(frozen=True)
class Partition:
    """A partition. Times are in seconds."""

    name: str
    max_seconds: int
    default_seconds: int
    tier: int
    is_default: bool = False


@dataclass(frozen=True)
class Node:
    """One node."""

    name: str
    number: int
    kind: Kind


@dataclass(frozen=True)
class Block:
    """Nodes with one timetable. `number` counts from 0. The jobs of a block without nodes stay pending."""

    number: int
    nodes: tuple[Node, ...]
    kind: Kind
    lanes: int = 0


PARTITIONS: Final = (
    Partition("main", 24 * _HOUR, _HOUR, 10, is_default=True),
    Partition("long", 96 * _HOUR, 24 * _HOUR, 5),
    Partition("gpu", 48 * _HOUR, 4 * _HOUR, 10),
    Partition("bigmem", 48 * _HOUR, 4 * _HOUR, 10),
    Partition("debug", _HOUR, 900, 50),
    Partition(HIDDEN_PARTITION, 24 * _HOUR, _HOUR, 20),
)
_MAIN: Final = Kind("cn", 0.58, 64, 256_000, 0, ("main",), "epyc,avx2", 6, 24 * _HOUR, 12_000)
KINDS: Final = (
    _MAIN,
    Kind("cx", 0.26, 48, 192_000, 0, ("main", "long"), "xeon,avx512", 8, 72 * _HOUR, 26_000),
    Kind("gpu", 0.06, 64, 512_000, 4, ("gpu",), "epyc,a100", 3, 24 * _HOUR, 14_000, "a100"),
    Kind("rtx", 0.03, 32, 128_000, 2, ("gpu",), "ryzen,rtx4090", 3, 24 * _HOUR, 9_000, "4090"),
    Kind("bm", 0.03, 64, 2_048_000, 0, ("bigmem",), "epyc,bigmem", 2, 24 * _HOUR, 15_000),
    Kind("dbg", 0.02, 32, 128_000, 0, ("debug",), "xeon", 2, 6 * _HOUR, 900),
    Kind("st", 0.02, 32, 128_000, 0, (HIDDEN_PARTITION,), "xeon", 3, 12 * _HOUR, 6_000),
)
_LANES_PER_BLOCK: Final = 50
_WAITING: Final = Kind("", 0.0, 0, 0, 0, ("main", "long"), "", 0, 24 * _HOUR, 60_000)


@dataclass(frozen=True)
class Hardware:
    """All nodes and blocks of a cluster."""

    nodes: tuple[Node, ...]
    blocks: tuple[Block, ...]


def build_hardware(scale: Scale) -> Hardware:
    """Builds the cluster of a size. Node names have as many leading zeros as their kind needs (`cn001`)."""
    nodes: list[Node] = []
    blocks: list[Block] = []
    for kind, count in _counts(scale.nodes):
        width = max(3, len(str(count)))
        of_kind = [Node(f"{kind.prefix}{i:0{width}}", len(nodes) + i - 1, kind) for i in range(1, count + 1)]
        nodes += of_kind
        for first in range(0, count, kind.block_nodes):
            blocks.append(Block(len(blocks), tuple(of_kind[first : first + kind.block_nodes]), kind))
    for first in range(0, scale.held_jobs, _LANES_PER_BLOCK):
        lanes = min(_LANES_PER_BLOCK, scale.held_jobs - first)
        blocks.append(Block(len(blocks), (), _WAITING, lanes))
    return Hardware(tuple(nodes), tuple(blocks))


def _counts(nodes: int) -> list[tuple[Kind, int]]:
    """Returns the number of nodes of each kind: at least one each, and exactly `nodes` in total."""
    others = [(kind, max(1, round(nodes * kind.share))) for kind in KINDS if kind is not _MAIN]
    return [(_MAIN, nodes - sum(count for _, count in others)), *others]


@lru_cache(maxsize=4096)
def node_list(nodes: tuple[Node, ...]) -> str | None:
    """Returns the nodes as a hostlist such as `cn[001-006]`. None for no nodes."""
    return str(NodeSet.fromlist([node.name for node in nodes], resolver=RESOLVER_NOGROUP)) if nodes else None


def gres(kind: Kind, count: int) -> list[str]:
    """Returns `count` GPUs of a kind of node as a list of generic resources. An empty list for 0."""
    return [f"gpu:{kind.gpu_type}:{count}"] if count else []
