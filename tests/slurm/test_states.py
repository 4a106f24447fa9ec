"""Every way to write a state, or several that hold at once, comes to Slurm's own names."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.states import JOB_STATES, NODE_STATES, PARTITION_STATES, full_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mix", "MIXED"),
        ("MIXED+DRAIN", "MIXED+DRAIN"),
        ("mix+drain", "MIXED+DRAIN"),
        # A plus sign in a query is a blank; sinfo takes an ampersand.
        ("mix drain", "MIXED+DRAIN"),
        ("mix&drain", "MIXED+DRAIN"),
        ("mix + drain", "MIXED+DRAIN"),
        ("idle*", "IDLE+NOT_RESPONDING"),
        ("IDLE*+DRAIN", "IDLE+NOT_RESPONDING+DRAIN"),
        ("idle~", "IDLE+POWERED_DOWN"),
        ("mix-", "MIXED+PLANNED"),
        ("drain$", "DRAIN+MAINTENANCE"),
        ("down!", "DOWN+POWER_DOWN"),
        ("idle+idle", "IDLE"),
        ("idle&!drain", "IDLE+!DRAIN"),
        ("reboot", "REBOOT_REQUESTED"),
        ("reboot^", "REBOOT_ISSUED"),
        ("down@", "DOWN+REBOOT_REQUESTED"),
    ],
)
def test_states_of_nodes(text: str, names: str) -> None:
    assert full_names(text, NODE_STATES) == names


def test_states_of_jobs_and_partitions_have_no_marks() -> None:
    assert full_names("r+cg", JOB_STATES) == "RUNNING+COMPLETING"
    for text, states in (("r*", JOB_STATES), ("up*", PARTITION_STATES)):
        with pytest.raises(ValueError, match=r"there is no state '[a-z]+\*'"):
            full_names(text, states)


@pytest.mark.parametrize("text", ["mix+", "+mix", "mix++drain", "mix+!", "mix&&drain"])
def test_a_state_is_missing(text: str) -> None:
    with pytest.raises(ValueError, match="states with single plus signs between them"):
        full_names(text, NODE_STATES)


def test_what_is_no_state_is_named() -> None:
    with pytest.raises(ValueError, match=r"there is no state 'drian'; the states are ALLOCATED \(ALLOC\)"):
        full_names("mix+drian", NODE_STATES)
    with pytest.raises(ValueError, match="there is no state '!mix'"):
        full_names("!mix", NODE_STATES)
