"""Finds the nodes that a pending job may use by its own conditions: features, required and excluded nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of, has_any_word
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView

_MOST_NAMES: Final = 10_000
# A feature alone. Counts (`a*2`), brackets and parentheses have other characters.
_FEATURE: Final = re.compile(r"[^\s&|,*()\[\]]+")


class UsableNodes(NamedTuple):
    """The names of the nodes that a job may use: of `only` (None: all) those that are not in `never`.

    `unchecked` has the names of conditions that could not be compared, as in `scontrol show job`.
    """

    only: frozenset[str] | None
    never: frozenset[str]
    unchecked: tuple[str, ...]


def usable_nodes(view: StoreView, job: Mapping[str, Any]) -> UsableNodes:
    """Returns the nodes that the published record `job` may use, whatever is on them and whatever their state.

    A job that requires fewer nodes by name than it needs takes others, too. Then these names are not compared.
    """
    unchecked, sets = [], []
    if features := job.get("features"):
        condition = _with_features(features)
        if condition is None:
            unchecked.append("Features")
        else:
            sets.append(frozenset(str(key) for (key,) in view.ordered_keys(Selection("nodes", condition))))
    if required := job.get("req_nodes"):
        names = _expanded(required)
        if names is None or len(names) < (job.get("num_nodes") or 1):
            unchecked.append("ReqNodeList")
        else:
            sets.append(names)
    never = _expanded(job.get("exc_nodes") or ())
    if never is None:
        unchecked.append("ExcNodeList")
    only = frozenset.intersection(*sets) if sets else None
    return UsableNodes(only, never or frozenset(), tuple(unchecked))


def _with_features(features: Sequence[str]) -> Condition | None:
    """Returns the condition for a node with `features`, whose parts are joined by `&` or by `|`. None for others.

    In slurmctld a comma means `&` (build_feature_list() of src/slurmctld/job_mgr.c).
    """
    words = "&".join(features).split("&")
    if len(words) == 1:
        words = words[0].split("|")
        alternatives = [words]
    else:
        alternatives = [[word] for word in words]
    if not all(map(_FEATURE.fullmatch, words)):
        return None
    return all_of(has_any_word("nodes", "feature_words", names) for names in alternatives)


def _expanded(hostlists: Iterable[str]) -> frozenset[str] | None:
    """Returns the names in hostlists, None if they cannot be read or are more than 10,000."""
    names: set[str] = set()
    for text in hostlists:
        try:
            names.update(expand(text, _MOST_NAMES))
        except ValueError:
            # slurmctld cuts long texts.
            return None
    return frozenset(names) if len(names) <= _MOST_NAMES else None
