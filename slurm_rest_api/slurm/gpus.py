"""Counts the GPUs of a node by model: those it has, and those that no job holds.

Sources: Gres and GresUsed of a node, as _build_node_gres_str() of src/interfaces/gres.c writes them. gres.conf(5),
"MPS Management" and "Sharding": GPUs that are shared are not allocated as whole GPUs meanwhile.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final, NamedTuple

from slurm_rest_api.slurm.gres import Gres, count_devices, parse_gres

NO_MODEL: Final = "(null)"
"""The key of GPUs without a type: Slurm prints `gpu:(null):2` for them."""

_GPU: Final = "gpu"
_SHARED: Final = ("mps", "shard")


class ModelCount(NamedTuple):
    """The GPUs of one model on a node. `free` is None where it is unknown which model is in use."""

    total: int
    free: int | None


class NodeGpus(NamedTuple):
    """The GPUs of a node by model, and the number of those that no job holds, of all models together."""

    by_model: dict[str, ModelCount]
    free: int


def node_gpus(gres: Iterable[str] | None, gres_used: Iterable[str] | None) -> NodeGpus:
    """Returns the GPUs of a node from its published `gres` and `gres_used`.

    `["gpu:a100:4"]` with `["gpu:a100:3"]` is `{"a100": (4, 1)}` with 1 free GPU. A MIG device is a GPU with the model
    of its profile. GPUs that jobs share count as in use: as many as their shards need at least. The state of the node
    does not matter.
    """
    return _node_gpus(",".join(gres or ()), ",".join(gres_used or ()))


@functools.lru_cache(maxsize=4096)
def _node_gpus(gres: str, gres_used: str) -> NodeGpus:
    configured, used = parse_gres(gres), parse_gres(gres_used)
    totals = _by_model(configured)
    total = sum(totals.values())
    shared = sum(_shared_gpus(name, total, configured, used) for name in _SHARED)
    in_use = _by_model(used)
    free = max(total - sum(in_use.values()) - shared, 0)
    # Use that names no model of this node, or a share of one, may be of any model.
    anywhere = shared + sum(count for model, count in in_use.items() if model not in totals)
    by_model = {
        model: ModelCount(count, _free_of(count, in_use.get(model, 0), anywhere, free, is_only=len(totals) == 1))
        for model, count in sorted(totals.items())
    }
    return NodeGpus(by_model, free)


def _free_of(total: int, in_use: int, anywhere: int, free: int, *, is_only: bool) -> int | None:
    if is_only or not free:
        return free
    return None if anywhere else max(total - in_use, 0)


def _by_model(entries: list[Gres]) -> dict[str, int]:
    """Returns the GPUs by model. An entry without a type includes those with one."""
    counts: dict[str, int] = {}
    for gres in entries:
        if gres.name == _GPU and gres.type:
            counts[gres.type] = counts.get(gres.type, 0) + gres.count
    untyped = count_devices(entries, _GPU) - sum(counts.values())
    return {model: count for model, count in {**counts, NO_MODEL: untyped}.items() if count > 0}


def _shared_gpus(name: str, gpus: int, configured: list[Gres], used: list[Gres]) -> int:
    """Returns the fewest GPUs that the shards (or MPS shares) in use can be on."""
    shares, in_use = count_devices(configured, name), count_devices(used, name)
    # Every GPU has as many shares as the others (gres.conf(5), `Count`).
    return -(-in_use * gpus // shares) if shares and in_use else 0
