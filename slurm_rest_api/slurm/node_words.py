"""The words of sinfo for the states of nodes, and the words by which clients filter nodes.

Source: node_state_string() of src/common/slurm_protocol_defs.c of Slurm 26.05. sinfo prints it in small letters (`%T`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from slurm_rest_api.slurm.states import NODE_MARKS, NODE_STATES, NodeState, can_take_jobs, has_jobs

AVAILABLE: Final = "AVAILABLE"
"""The word of filters for nodes that can take jobs now. Slurm has no word for them."""

NODE_FILTERS: Final[Mapping[str, str | None]] = {AVAILABLE: None, **NODE_STATES}
"""Every word by which nodes are filtered, and its short name."""

_MARKS: Final = {flag: mark for mark, flag in NODE_MARKS.items()}
MARKS_BY_FLAG: Final[Mapping[str, str]] = {
    flag: _MARKS[flag]
    for flag in (
        "MAINTENANCE", "REBOOT_ISSUED", "REBOOT_REQUESTED", "POWERING_UP", "POWERING_DOWN", "POWERED_DOWN",
        "POWER_DOWN", "NOT_RESPONDING",
    )
}  # fmt: skip
"""The marks in the order in which node_state_string() looks for a flag. It appends one mark at most."""

WORDS_FOR_IDLE: Final = ("PERFCTRS", "RESERVED", "BLOCKED", "PLANNED")
"""node_state_string() prints the first of these flags instead of IDLE. PERFCTRS is of older releases."""

# node_state_string() prints one of these flags where it is all that is known of a node.
_WORDS_ALONE: Final = frozenset(
    ("CLOUD", "DYNAMIC_FUTURE", "DYNAMIC_NORM", "EXTERNAL", "POWERED_DOWN", "POWERING_DOWN", "POWERING_UP")
) | {"POWER_DOWN", "POWER_UP", "UNDRAIN"}


@functools.lru_cache(maxsize=1024)
def node_state_word(state: NodeState) -> str:
    """Returns the word of sinfo (`%T`) in capital letters: `MIXED`, `DRAINING*`, `IDLE~`, `MAINT`, `ALLOCATED+`.

    node_state_string() of slurm_protocol_defs.c chooses the same word.
    """
    base, flags = state.base, frozenset(state.flags)
    is_busy = base in ("ALLOCATED", "MIXED")
    star = "*" if "NOT_RESPONDING" in flags else ""
    if "INVALID_REG" in flags:
        return "INVAL"
    if "MAINTENANCE" in flags and "DRAIN" not in flags and not is_busy and base != "DOWN":
        return f"MAINT{star}"
    if "REBOOT_ISSUED" in flags and not is_busy:
        return "REBOOT^"
    if "REBOOT_REQUESTED" in flags and not is_busy:
        return f"REBOOT{star}"
    if "DRAIN" in flags:
        return ("DRAINING" if has_jobs(state) else "DRAINED") + _mark(flags)
    if "FAIL" in flags:
        return ("FAILING" if has_jobs(state) else "FAIL") + star
    return _word_of_base(state, flags) if base != "UNKNOWN" else _word_of_unknown(state) or f"UNKNOWN{star}"


def _word_of_base(state: NodeState, flags: frozenset[str]) -> str:
    base, mark = state.base, _mark(flags)
    if base == "ALLOCATED" and not mark and "COMPLETING" in flags:
        return "ALLOCATED+"
    if base not in ("ALLOCATED", "DOWN") and "COMPLETING" in flags:
        return f"COMPLETING{mark}"
    if base == "IDLE" and not mark:
        return next((flag for flag in WORDS_FOR_IDLE if flag in flags), base)
    if base == "MIXED" and not mark and "PLANNED" in flags:
        return "MIXED-"
    return base + mark


def _word_of_unknown(state: NodeState) -> str | None:
    """Returns the only flag of a node without a base state, None where sinfo prints UNKNOWN."""
    if "COMPLETING" in state.flags:
        return f"COMPLETING{_mark(frozenset(state.flags))}"
    return state.flags[0] if len(state.flags) == 1 and state.flags[0] in _WORDS_ALONE else None


def _mark(flags: frozenset[str]) -> str:
    return next((mark for flag, mark in MARKS_BY_FLAG.items() if flag in flags), "")


def node_filter_words(state: NodeState) -> tuple[str, ...]:
    """Returns the words of `NODE_FILTERS` by which a node is found: base state, flags, DRAINED, FAILING, AVAILABLE."""
    words = [state.base, *state.flags]
    if "DRAIN" in state.flags:
        words.append("DRAINING" if has_jobs(state) else "DRAINED")
    if "FAIL" in state.flags and has_jobs(state):
        words.append("FAILING")
    if can_take_jobs(state):
        words.append(AVAILABLE)
    return tuple(dict.fromkeys(words))
