"""Finds the nodes that a pending job needs and cannot use: down, drained or not responding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.store.conditions import has_key
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView

MAX_NODES: Final = 100
"""Most nodes in one answer."""
_MOST_NAMES: Final = 10_000
_NAMED: Final = re.compile(r"UnavailableNodes:(\S+)")
# The flags and states with which slurmctld clears a node's bit in avail_node_bitmap or up_node_bitmap for long.
_STATES: Final = frozenset(("DOWN", "UNKNOWN", "ERROR", "FUTURE"))
_FLAGS: Final = frozenset(("DRAIN", "FAIL", "NOT_RESPONDING", "MAINTENANCE", "INVALID_REG", "POWER_DRAIN"))


def unavailable_nodes(view: StoreView, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the nodes that the published record `job` requires, or that its reason names, and that jobs cannot use.

    The names are sorted. Nodes that are hidden are left out.
    """
    names = sorted(_names(job))
    if not names:
        return []
    found = []
    keys = view.ordered_keys(Selection("nodes", has_key(names)))
    for _, body in view.bodies("nodes", keys):
        node = orjson.loads(body)
        if node["state_base"] in _STATES or not _FLAGS.isdisjoint(node["state_flags"]):
            found.append({"name": node["name"], "state": node["state"], "reason": node.get("reason")})
            if len(found) == MAX_NODES:
                break
    return found


def required_nodes(job: Mapping[str, Any]) -> set[str]:
    """Returns the names of the nodes that the published record `job` requires, at most some 10,000."""
    return _expanded(job.get("req_nodes") or ())


def _names(job: Mapping[str, Any]) -> set[str]:
    named = _NAMED.search(job.get("state_reason") or "")
    return required_nodes(job) | _expanded([] if named is None else [named[1]])


def _expanded(hostlists: Iterable[str]) -> set[str]:
    names: set[str] = set()
    for text in hostlists:
        if len(names) > _MOST_NAMES:
            break
        try:
            names.update(expand(text, _MOST_NAMES))
        except ValueError:
            # slurmctld cuts long texts.
            continue
    return names
