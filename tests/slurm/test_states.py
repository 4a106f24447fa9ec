"""State texts to base states, flags and names. Each row names its source: a manual page, slurm.h or Slurm's C code."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm import states
from slurm_rest_api.slurm.states import (
    JOB_STATES,
    JOBS,
    NODE_BASE_STATES,
    NODE_FLAGS,
    NODE_MARKS,
    NODE_STATES,
    PARTITION_STATES,
    NodeState,
    full_names,
    node_state_text,
    parse_node_state,
)

# job_state_string() and job_state_string_compact() of slurm_protocol_defs.c, enum job_states and flags of slurm.h.
JOB_TABLE = [
    ("PENDING", "PD", 0),
    ("RUNNING", "R", 1),
    ("SUSPENDED", "S", 2),
    ("COMPLETED", "CD", 3),
    ("CANCELLED", "CA", 4),
    ("FAILED", "F", 5),
    ("TIMEOUT", "TO", 6),
    ("NODE_FAIL", "NF", 7),
    ("PREEMPTED", "PR", 8),
    ("BOOT_FAIL", "BF", 9),
    ("DEADLINE", "DL", 10),
    ("OUT_OF_MEMORY", "OOM", 11),
    ("REQUEUED", "RQ", 0x400),
    ("REQUEUE_HOLD", "RH", 0x800),
    ("SPECIAL_EXIT", "SE", 0x1000),
    ("RESIZING", "RS", 0x2000),
    ("CONFIGURING", "CF", 0x4000),
    ("COMPLETING", "CG", 0x8000),
    ("STOPPED", "ST", 0x10000),
    ("REVOKED", "RV", 0x80000),
    ("REQUEUE_FED", "RF", 0x100000),
    ("RESV_DEL_HOLD", "RD", 0x200000),
    ("SIGNALING", "SI", 0x400000),
    ("STAGE_OUT", "SO", 0x800000),
]


@pytest.mark.parametrize(("name", "short", "number"), JOB_TABLE)
def test_job_states_have_the_numbers_and_names_of_slurm(name: str, short: str, number: int) -> None:
    state = JOBS[name]
    assert (state.short, state.number, state.is_flag) == (short, number, number > 255)


def test_names_of_job_states_are_unique() -> None:
    assert len(set(JOB_STATES.values())) == len(JOB_STATES)
    assert len({state.number for state in JOBS.values()}) == len(JOBS)


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        # JOB STATE CODES of squeue(1).
        ("PENDING", False),
        ("RUNNING", True),
        ("SUSPENDED", True),
        ("CONFIGURING", True),
        ("COMPLETING", True),
        ("STOPPED", True),
        ("RESIZING", True),
        ("SIGNALING", True),
        ("COMPLETED", False),
        ("REQUEUE_HOLD", False),
        ("STAGE_OUT", False),
        # job_state_string_complete() of slurm_protocol_defs.c puts commas between base state and flags.
        ("COMPLETED,COMPLETING", True),
        ("CANCELLED+COMPLETING", True),
        ("PENDING,REQUEUED", False),
        ("", False),
        (None, False),
    ],
)
def test_jobs_that_hold_nodes(state: str | None, holds: bool) -> None:
    assert states.holds_nodes(state) is holds


def test_a_suspended_job_keeps_memory_but_no_cpus() -> None:
    # JOB_RES_ACTION_SUSPEND of src/plugins/select/cons_tres/job_resources.h.
    assert JOBS["SUSPENDED"].holds == "memory"
    assert JOBS["STOPPED"].holds == "all"


@pytest.mark.parametrize(
    ("state", "held"),
    [
        # Seen with `scontrol -d show node` of Slurm 26.05.5: CPUAlloc, AllocMem and GresUsed of a job in this state.
        ("RUNNING", "all"),
        ("CONFIGURING", "all"),
        ("RUNNING+CONFIGURING", "all"),
        ("STOPPED", "all"),
        ("RUNNING+STOPPED", "all"),
        ("SIGNALING", "all"),
        ("SUSPENDED", "memory"),
        ("COMPLETING", "nodes"),
        ("COMPLETED+COMPLETING", "nodes"),
        ("CANCELLED,COMPLETING", "nodes"),
        ("PENDING+REQUEUED+COMPLETING", "nodes"),
        ("COMPLETED+STAGE_OUT", "nothing"),
        ("PENDING", "nothing"),
        ("PENDING+REQUEUED", "nothing"),
        ("CANCELLED", "nothing"),
        ("?", "nothing"),
        ("", "nothing"),
        (None, "nothing"),
    ],
)
def test_resources_that_a_job_holds(state: str | None, held: str) -> None:
    assert states.resources_held(state) == held


@pytest.mark.parametrize(
    ("text", "base", "flags"),
    [
        # scontrol: node_state_string_complete() of slurm_protocol_defs.c.
        ("IDLE", "IDLE", []),
        ("IDLE+DRAIN", "IDLE", ["DRAIN"]),
        ("DOWN+NOT_RESPONDING", "DOWN", ["NOT_RESPONDING"]),
        ("ALLOCATED+MAINTENANCE+RESERVED", "ALLOCATED", ["MAINTENANCE", "RESERVED"]),
        ("IDLE+CLOUD+POWERED_DOWN", "IDLE", ["CLOUD", "POWERED_DOWN"]),
        ("UNKNOWN+NOT_RESPONDING", "UNKNOWN", ["NOT_RESPONDING"]),
        # scontrol until 20.11: node_state_string() with flags behind it.
        ("IDLE*", "IDLE", ["NOT_RESPONDING"]),
        ("IDLE*+DRAIN", "IDLE", ["DRAIN", "NOT_RESPONDING"]),
        ("IDLE~+CLOUD", "IDLE", ["CLOUD", "POWERED_DOWN"]),
        ("ALLOCATED$", "ALLOCATED", ["MAINTENANCE"]),
        ("MAINT+DRAIN", "IDLE", ["MAINTENANCE", "DRAIN"]),
        ("MAINT*", "IDLE", ["MAINTENANCE", "NOT_RESPONDING"]),
        # sinfo(1), NODE STATE CODES: the marks.
        ("IDLE~", "IDLE", ["POWERED_DOWN"]),
        ("IDLE#", "IDLE", ["POWERING_UP"]),
        ("IDLE!", "IDLE", ["POWER_DOWN"]),
        ("IDLE%", "IDLE", ["POWERING_DOWN"]),
        ("MIXED@", "MIXED", ["REBOOT_REQUESTED"]),
        ("MIXED^", "MIXED", ["REBOOT_ISSUED"]),
        ("MIXED-", "MIXED", ["PLANNED"]),
        ("ALLOCATED+", "ALLOCATED", ["COMPLETING"]),
        ("mix-", "MIXED", ["PLANNED"]),
        ("alloc+", "ALLOCATED", ["COMPLETING"]),
        ("drng*", "MIXED", ["DRAIN", "NOT_RESPONDING"]),
        # node_state_string(): words instead of a base state.
        ("DRAINED", "UNKNOWN", ["DRAIN"]),
        ("DRAINING@", "MIXED", ["DRAIN", "REBOOT_REQUESTED"]),
        ("FAILING*", "MIXED", ["FAIL", "NOT_RESPONDING"]),
        ("FAIL", "UNKNOWN", ["FAIL"]),
        ("COMPLETING", "IDLE", ["COMPLETING"]),
        ("PLANNED", "IDLE", ["PLANNED"]),
        ("RESERVED", "IDLE", ["RESERVED"]),
        ("BLOCKED", "IDLE", ["BLOCKED"]),
        ("INVAL", "UNKNOWN", ["INVALID_REG"]),
        ("REBOOT", "UNKNOWN", ["REBOOT_REQUESTED"]),
        ("REBOOT^", "UNKNOWN", ["REBOOT_ISSUED"]),
        ("POWERED_DOWN", "UNKNOWN", ["POWERED_DOWN"]),
        # No state of Slurm.
        ("?", "?", []),
        ("", "UNKNOWN", []),
        (None, "UNKNOWN", []),
        ("*", "UNKNOWN", ["NOT_RESPONDING"]),
    ],
)
def test_node_states_are_parsed(text: str | None, base: str, flags: list[str]) -> None:
    assert parse_node_state(text) == NodeState(base, tuple(flags))


def test_every_mark_of_sinfo_is_a_flag() -> None:
    # The nine suffixes of sinfo(1), NODE STATE CODES.
    assert set(NODE_MARKS) == set("*~#!%$@^-")
    for mark, flag in NODE_MARKS.items():
        assert flag in NODE_FLAGS
        assert parse_node_state(f"IDLE{mark}") == parse_node_state(f"IDLE+{flag}")


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    state = parse_node_state(text)
    assert len(set(state.flags)) == len(state.flags)


@given(st.sampled_from(sorted(NODE_BASE_STATES)), st.lists(st.sampled_from(sorted(NODE_FLAGS)), unique=True))
def test_the_text_of_a_state_is_parsed_back(base: str, flags: list[str]) -> None:
    state = NodeState(base, tuple(flags))
    assert parse_node_state("+".join((base, *flags))) == state
    again = parse_node_state(node_state_text(state))
    assert (again.base, set(again.flags)) == (base, set(flags))


@pytest.mark.parametrize(
    ("text", "takes_jobs"),
    [
        # avail_node_bitmap in _build_bitmaps() of src/slurmctld/read_config.c, and make_node_avail() of node_mgr.c.
        ("IDLE", True),
        ("MIXED", True),
        ("MIXED+PLANNED", True),
        ("IDLE+CLOUD+POWERED_DOWN", True),
        ("ALLOCATED", False),
        ("DOWN", False),
        ("FUTURE", False),
        ("IDLE+DRAIN", False),
        ("IDLE+FAIL", False),
        ("IDLE*", False),
        ("IDLE%", False),
        ("IDLE!", False),
        # sinfo(1): MAINT, RESERVED, COMPLETING, INVAL.
        ("IDLE+MAINTENANCE+RESERVED", False),
        ("IDLE+RESERVED", False),
        ("IDLE+COMPLETING", False),
        ("IDLE+INVALID_REG", False),
        ("IDLE+EXTERNAL", False),
    ],
)
def test_nodes_that_can_take_jobs(text: str, takes_jobs: bool) -> None:
    assert states.can_take_jobs(parse_node_state(text)) is takes_jobs


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mix", "MIXED"),
        ("MIXED+DRAIN", "MIXED+DRAIN"),
        ("mix+drain", "MIXED+DRAIN"),
        # A plus sign in a query string is a blank, and sinfo --states takes an ampersand.
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
        ("failing", "FAILING"),
        ("failg", "FAILING"),
        ("maint", "MAINTENANCE"),
        ("resv", "RESERVED"),
        ("inval", "INVALID_REG"),
        ("alloc+", "ALLOCATED+COMPLETING"),
    ],
)
def test_node_states_of_a_query_get_full_names(text: str, names: str) -> None:
    assert full_names(text, NODE_STATES) == names


def test_job_and_partition_states_of_a_query_have_no_marks() -> None:
    assert full_names("r+cg", JOB_STATES) == "RUNNING+COMPLETING"
    for text, known in (("r*", JOB_STATES), ("up*", PARTITION_STATES)):
        with pytest.raises(ValueError, match=r"there is no state '[a-z]+\*'"):
            full_names(text, known)


@given(st.text() | st.text("idlemx!+&*-~ "))
def test_any_text_of_a_query_is_states_or_a_value_error(text: str) -> None:
    try:
        names = full_names(text, NODE_STATES)
    except ValueError:
        return
    assert {name.removeprefix("!") for name in names.split("+")} <= set(NODE_STATES)


@pytest.mark.parametrize("text", ["mix+", "+mix", "mix++drain", "mix+!", "mix&&drain"])
def test_a_missing_state_in_a_query_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="states with single plus signs between them"):
        full_names(text, NODE_STATES)


def test_an_unknown_state_in_a_query_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"there is no state 'drian'; the states are ALLOCATED \(ALLOC\)"):
        full_names("mix+drian", NODE_STATES)
    with pytest.raises(ValueError, match="there is no state '!mix'"):
        full_names("!mix", NODE_STATES)


def test_the_vocabulary_is_json_and_complete() -> None:
    vocabulary = states.vocabulary()
    assert json.loads(json.dumps(vocabulary)) == vocabulary
    jobs = {state["name"]: state for state in vocabulary["job_states"]}
    assert set(jobs) == set(JOB_STATES)
    assert jobs["CONFIGURING"] == {"name": "CONFIGURING", "short": "CF", "phase": "active", "holds_nodes": True}
    nodes = {state["name"]: state for state in vocabulary["node_states"]}
    assert set(nodes) == {*NODE_BASE_STATES, *NODE_FLAGS}
    assert (nodes["MIXED"]["has_jobs"], nodes["DRAIN"]["takes_jobs"], nodes["PLANNED"]["mark"]) == (True, False, "-")
    assert vocabulary["node_marks"] == NODE_MARKS
    assert {state["name"] for state in vocabulary["partition_states"]} == set(PARTITION_STATES)


@pytest.mark.parametrize("base", sorted(NODE_BASE_STATES))
@pytest.mark.parametrize("flag", [None, *sorted(NODE_FLAGS)])
def test_the_vocabulary_says_which_nodes_take_jobs(base: str, flag: str | None) -> None:
    takes = {state["name"]: state["takes_jobs"] for state in states.vocabulary()["node_states"]}
    state = NodeState(base, (flag,) if flag else ())
    assert states.can_take_jobs(state) is (takes[base] and (flag is None or takes[flag]))
