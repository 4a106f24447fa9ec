"""States of jobs, nodes and partitions: the names, numbers, flags and marks that Slurm and its users write.

Sources, all of Slurm 26.05: slurm.h (enum job_states, enum node_states and their flags), job_state_string() and
node_state_string() of src/common/slurm_protocol_defs.c, JOB STATE CODES of squeue(1), NODE STATE CODES of sinfo(1).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

Phase = Literal["pending", "active", "ended"]
Holdings = Literal["nothing", "nodes", "memory", "all"]


class JobState(NamedTuple):
    """A base state or a flag of a job.

    Attributes:
        name: The name that squeue and sacct print.
        short: The name of squeue's column ST.
        symbol: The name in slurm.h.
        number: The value of a base state (0 to 11), or the bit of a flag.
        phase: Where the job is in its life.
        holds: What slurmctld counts as taken. A suspended job has freed its CPUs and keeps memory and GRES
            (select_p_job_suspend() of select/cons_tres). A completing job has freed CPUs, memory and GRES and keeps
            its nodes from other jobs (select_g_job_fini() in deallocate_nodes() of node_scheduler.c).
        is_stored: True if slurmdbd's `job_table.state` can have this number.
    """

    name: str
    short: str
    symbol: str
    number: int
    phase: Phase
    holds: Holdings = "nothing"
    is_stored: bool = False

    @property
    def is_flag(self) -> bool:
        """True for a flag, which slurm.h adds to a base state."""
        return self.number > _JOB_STATE_BASE


# JOB_STATE_BASE of slurm.h: the bits that hold the base state.
_JOB_STATE_BASE: Final = 0xFF
_JOBS: Final = (
    JobState("PENDING", "PD", "JOB_PENDING", 0, "pending", is_stored=True),
    JobState("RUNNING", "R", "JOB_RUNNING", 1, "active", "all", is_stored=True),
    JobState("SUSPENDED", "S", "JOB_SUSPENDED", 2, "active", "memory", is_stored=True),
    JobState("COMPLETED", "CD", "JOB_COMPLETE", 3, "ended", is_stored=True),
    JobState("CANCELLED", "CA", "JOB_CANCELLED", 4, "ended", is_stored=True),
    JobState("FAILED", "F", "JOB_FAILED", 5, "ended", is_stored=True),
    JobState("TIMEOUT", "TO", "JOB_TIMEOUT", 6, "ended", is_stored=True),
    JobState("NODE_FAIL", "NF", "JOB_NODE_FAIL", 7, "ended", is_stored=True),
    JobState("PREEMPTED", "PR", "JOB_PREEMPTED", 8, "ended", is_stored=True),
    JobState("BOOT_FAIL", "BF", "JOB_BOOT_FAIL", 9, "ended", is_stored=True),
    JobState("DEADLINE", "DL", "JOB_DEADLINE", 10, "ended", is_stored=True),
    JobState("OUT_OF_MEMORY", "OOM", "JOB_OOM", 11, "ended", is_stored=True),
    JobState("COMPLETING", "CG", "JOB_COMPLETING", 1 << 15, "active", "nodes"),
    JobState("CONFIGURING", "CF", "JOB_CONFIGURING", 1 << 14, "active", "all"),
    JobState("EXPEDITING", "EX", "JOB_EXPEDITING", 1 << 24, "pending"),
    JobState("POWER_UP_NODE", "PN", "JOB_POWER_UP_NODE", 1 << 18, "active", "all"),
    JobState("REQUEUED", "RQ", "JOB_REQUEUE", 1 << 10, "pending", is_stored=True),
    JobState("REQUEUE_FED", "RF", "JOB_REQUEUE_FED", 1 << 20, "pending"),
    JobState("REQUEUE_HOLD", "RH", "JOB_REQUEUE_HOLD", 1 << 11, "pending"),
    JobState("RESIZING", "RS", "JOB_RESIZING", 1 << 13, "active", "all", is_stored=True),
    JobState("RESV_DEL_HOLD", "RD", "JOB_RESV_DEL_HOLD", 1 << 21, "pending"),
    JobState("REVOKED", "RV", "JOB_REVOKED", 1 << 19, "ended", is_stored=True),
    JobState("SIGNALING", "SI", "JOB_SIGNALING", 1 << 22, "active", "all"),
    JobState("SPECIAL_EXIT", "SE", "JOB_SPECIAL_EXIT", 1 << 12, "pending"),
    # The nodes are free before the burst buffer is: COMPLETING is printed first.
    JobState("STAGE_OUT", "SO", "JOB_STAGE_OUT", 1 << 23, "ended"),
    JobState("STOPPED", "ST", "JOB_STOPPED", 1 << 16, "active", "all"),
    JobState("LAUNCH_FAILED", "LF", "JOB_LAUNCH_FAILED", 1 << 8, "ended"),
    JobState("RECONFIG_FAIL", "RCF", "JOB_RECONFIG_FAIL", 1 << 17, "pending"),
    # Until 23.11; the bit has another meaning today.
    JobState("UPDATE_DB", "UD", "JOB_UPDATE_DB", 1 << 9, "ended"),
    # NO_VAL: a record without a state.
    JobState("UNKNOWN", "UN", "NO_VAL", 0xFFFFFFFE, "ended"),
)
JOBS: Final[Mapping[str, JobState]] = {state.name: state for state in _JOBS}
"""Every state of a job by its name."""

JOB_STATES: Final[Mapping[str, str]] = {state.name: state.short for state in _JOBS}
"""Names of job states and their short names."""

STORED_JOB_STATES: Final = tuple(sorted((state for state in _JOBS if state.is_stored), key=lambda state: state.number))
"""States of `job_table` by number: slurmdbd stores a base state, or one flag alone."""

JOB_STATES_AT_REST: Final = frozenset(state.name for state in _JOBS if not state.is_flag and state.name != "RUNNING")
"""Base states in which a job's run time stands still."""

_HOLDING: Final = frozenset(state.name for state in _JOBS if state.holds != "nothing")


class NodeState(NamedTuple):
    """The state of a node: its base state, and its flags in Slurm's order."""

    base: str
    flags: tuple[str, ...] = ()


# Base states (node_states[] of slurm_protocol_defs.c) with the short names of sinfo where it has one.
NODE_BASE_STATES: Final[Mapping[str, str | None]] = {
    "ALLOCATED": "ALLOC",
    "DOWN": None,
    "ERROR": "ERR",
    "FUTURE": "FUTR",
    "IDLE": None,
    "MIXED": "MIX",
    "UNKNOWN": "UNK",
}
# Flags (node_state_flags[], and those that only older releases or requests have).
NODE_FLAGS: Final[Mapping[str, str | None]] = {
    "BLOCKED": "BLOCK",
    "CLOUD": None,
    "COMPLETING": "COMP",
    "DRAIN": None,
    "DYNAMIC_FUTURE": None,
    "DYNAMIC_NORM": None,
    "EXTERNAL": None,
    "FAIL": None,
    "INVALID_REG": "INVAL",
    "MAINTENANCE": "MAINT",
    "NOT_RESPONDING": "NO_RESPOND",
    "PERFCTRS": "NPC",
    "PLANNED": "PLND",
    "POWERED_DOWN": None,
    "POWERING_DOWN": None,
    "POWERING_UP": None,
    "POWER_DOWN": None,
    "POWER_DRAIN": None,
    "POWER_UP": None,
    "REBOOT_CANCELED": None,
    "REBOOT_ISSUED": "BOOT",
    "REBOOT_REQUESTED": None,
    "RESERVED": "RESV",
    "UNDRAIN": None,
}
# Words for the flags DRAIN and FAIL: with jobs on the node, or without.
_LEAVING_WORDS: Final[Mapping[str, str | None]] = {"DRAINED": None, "DRAINING": "DRNG", "FAILING": "FAILG"}
NODE_STATES: Final[Mapping[str, str | None]] = dict(
    sorted({**NODE_BASE_STATES, **NODE_FLAGS, **_LEAVING_WORDS}.items())
)
"""Every word for the state of a node and its short name, None where sinfo has none."""

NODE_MARKS: Final[Mapping[str, str]] = {
    "*": "NOT_RESPONDING",
    "~": "POWERED_DOWN",
    "#": "POWERING_UP",
    "!": "POWER_DOWN",
    "%": "POWERING_DOWN",
    "$": "MAINTENANCE",
    "@": "REBOOT_REQUESTED",
    "^": "REBOOT_ISSUED",
    "-": "PLANNED",
}
"""The character that node_state_string() appends to a state, and the flag that it means."""

_MARKS: Final = {flag: mark for mark, flag in NODE_MARKS.items()}
# node_state_string(): a node in one of these states, or with COMPLETING, still has jobs on it.
_BUSY_BASE_STATES: Final = frozenset(("ALLOCATED", "MIXED"))
# node_state_string() prints these words instead of a base state. IDLE has been compared before BLOCKED, PLANNED and
# RESERVED, and MAINT and COMPLETING leave IDLE as the usual case. DRAINING and FAILING mean that jobs are there.
_WORDS_WITH_BASE: Final[Mapping[str, NodeState]] = {
    "BLOCKED": NodeState("IDLE", ("BLOCKED",)),
    "COMPLETING": NodeState("IDLE", ("COMPLETING",)),
    "MAINTENANCE": NodeState("IDLE", ("MAINTENANCE",)),
    "PERFCTRS": NodeState("IDLE", ("PERFCTRS",)),
    "PLANNED": NodeState("IDLE", ("PLANNED",)),
    "RESERVED": NodeState("IDLE", ("RESERVED",)),
    "DRAINED": NodeState("UNKNOWN", ("DRAIN",)),
    "DRAINING": NodeState("MIXED", ("DRAIN",)),
    "FAILING": NodeState("MIXED", ("FAIL",)),
}
# slurmctld's avail_node_bitmap, read_config.c: no new job starts on a node with one of these. Those in a reservation
# and blocked ones take some jobs only, and sinfo(1) says that COMPLETING nodes take none. EXTERNAL nodes take jobs of
# other programs only (external_node_bitmap, node_scheduler.c).
_CLOSED_BY: Final = frozenset(
    ("BLOCKED", "COMPLETING", "DRAIN", "FAIL", "INVALID_REG", "MAINTENANCE", "NOT_RESPONDING", "POWERING_DOWN")
) | {"EXTERNAL", "POWER_DOWN", "POWER_DRAIN", "REBOOT_ISSUED", "RESERVED"}
_OPEN_BASE_STATES: Final = frozenset(("IDLE", "MIXED"))

PARTITION_STATES: Final[Mapping[str, str | None]] = {"UP": None, "DOWN": None, "DRAIN": None, "INACTIVE": "INACT"}
"""States of partitions and their short names, None where sinfo has none."""

# Other spellings of users, and how sinfo names the two steps of a reboot.
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "CANCELED": "CANCELLED",
    "POW_DN": "POWER_DOWN",
    "POW_UP": "POWER_UP",
    "REBOOT": "REBOOT_REQUESTED",
    "REBOOT@": "REBOOT_REQUESTED",
    "REBOOT^": "REBOOT_ISSUED",
}
_LONG_NODE_NAMES: Final = {short: name for name, short in NODE_STATES.items() if short}
# A plus sign that a client did not encode arrives as a blank, and sinfo itself takes an ampersand.
_TOGETHER: Final = re.compile(r"\s*[+&]\s*|\s+")
_ALLOCATED_AND_COMPLETING: Final = re.compile(r"alloc(ated)?\s*\+\s*", re.IGNORECASE)
_MARKS_AT_END: Final = "".join(NODE_MARKS)


@functools.lru_cache(maxsize=256)
def holds_nodes(state: str | None) -> bool:
    """Return True if a job in this state (`RUNNING`, `RUNNING+COMPLETING`) holds nodes in slurmctld."""
    return not _HOLDING.isdisjoint(job_state_words(state))


@functools.lru_cache(maxsize=256)
def resources_held(state: str | None) -> Holdings:
    """Returns which resources slurmctld counts as taken by a job in this state (`RUNNING`, `CANCELLED+COMPLETING`)."""
    words = job_state_words(state)
    if "COMPLETING" in words:
        return JOBS["COMPLETING"].holds
    # squeue and scontrol print a flag such as CONFIGURING or STOPPED in place of RUNNING.
    known = JOBS.get(words[0]) if words else None
    return "nothing" if known is None else known.holds


def job_state_words(state: str | None) -> tuple[str, ...]:
    """Returns the base state and the flags of a job, `RUNNING,COMPLETING` or `RUNNING+COMPLETING`."""
    return tuple(word for word in re.split("[+,]", state or "") if word)


@functools.lru_cache(maxsize=256)
def base_job_state(state: str | None) -> str:
    """Returns the first word of a job's state, `""` for None."""
    return next(iter(job_state_words(state)), "")


@functools.lru_cache(maxsize=1024)
def parse_node_state(text: str | None) -> NodeState:
    """Returns the base state and the flags of a node's state as any Slurm program or pyslurm writes it.

    `IDLE+DRAIN` (scontrol), `IDLE*+DRAIN` (scontrol until 20.11, pyslurm), `MIXED-` and `ALLOCATED+` (sinfo) are
    understood, and the short names of sinfo in either case. A word that is no state stays as it is.
    """
    words: list[str] = []
    marked: list[str] = []
    for part in (text or "").split("+"):
        bare, marks = _split_marks(part)
        words += [bare] if bare else []
        marked += [NODE_MARKS[mark] for mark in marks]
    if not words:
        return NodeState("UNKNOWN", tuple(dict.fromkeys(marked)))
    base, first_flags = _base_of(words[0])
    # sinfo(1): ALLOCATED+ has active jobs, and others that are completing.
    if base == "ALLOCATED" and (text or "").endswith("+"):
        words.append("COMPLETING")
    flags = (flag for word in words[1:] for flag in _flags_of(word))
    return NodeState(base, tuple(dict.fromkeys((*first_flags, *flags, *marked))))


def _split_marks(word: str) -> tuple[str, str]:
    """`IDLE*` → ("IDLE", "*"); sinfo's two words for a reboot keep theirs."""
    word = word.strip()
    bare = word if word.upper() in _OTHER_NAMES else word.rstrip(_MARKS_AT_END)
    return bare, word[len(bare) :]


def _base_of(word: str) -> NodeState:
    name = _long_node_name(word)
    if name in _WORDS_WITH_BASE:
        return _WORDS_WITH_BASE[name]
    # node_state_string() prints the name of a flag alone when the base state is 0, which is UNKNOWN.
    return NodeState("UNKNOWN", (name,)) if name in NODE_FLAGS else NodeState(name)


def _flags_of(word: str) -> tuple[str, ...]:
    name = _long_node_name(word)
    return _WORDS_WITH_BASE[name].flags if name in _WORDS_WITH_BASE else (name,)


def _long_node_name(word: str) -> str:
    upper = word.upper()
    upper = _OTHER_NAMES.get(upper, upper)
    name = _LONG_NODE_NAMES.get(upper, upper)
    return name if name in NODE_STATES or name in _WORDS_WITH_BASE else word


def node_state_text(state: NodeState) -> str:
    """Returns the text of the field `state`: `DOWN*`, `IDLE*+DRAIN`. All flags but NOT_RESPONDING are words."""
    star = "*" if "NOT_RESPONDING" in state.flags else ""
    return "+".join([state.base + star, *(flag for flag in state.flags if flag != "NOT_RESPONDING")])


def has_jobs(state: NodeState) -> bool:
    """Return True if jobs are on the node, completing ones included."""
    return state.base in _BUSY_BASE_STATES or "COMPLETING" in state.flags


def can_take_jobs(state: NodeState) -> bool:
    """Return True if any job may start on the node now: it has free CPUs, and no flag keeps jobs away."""
    return state.base in _OPEN_BASE_STATES and _CLOSED_BY.isdisjoint(state.flags)


def full_name(name: str, states: Mapping[str, str | None]) -> str:
    """Returns Slurm's name of a state that a client wrote: `r` → "RUNNING".

    Raises:
        ValueError: there is no such state. The message lists the states.
    """
    upper = name.upper()
    upper = _OTHER_NAMES.get(upper, upper)
    if upper in states:
        return upper
    for state, short in states.items():
        if upper == short:
            return state
    known = ", ".join(f"{state} ({short})" if short else state for state, short in states.items())
    raise ValueError(f"there is no state {name[:64]!r}; the states are {known}")


def full_names(text: str, states: Mapping[str, str | None]) -> str:
    """Returns Slurm's names of states that hold at once: `mix+!drain` → "MIXED+!DRAIN".

    A mark counts as its flag: `idle*` → "IDLE+NOT_RESPONDING".

    Raises:
        ValueError: there is no such state. The message lists the states.
    """
    # sinfo's word for a node with active jobs and completing ones.
    if _ALLOCATED_AND_COMPLETING.fullmatch(text):
        text = "ALLOCATED+COMPLETING"
    parts = _TOGETHER.split(text)
    if not all(part.removeprefix("!") for part in parts):
        raise ValueError("expected states with single plus signs between them")
    first, *more = parts
    names = [*_full(first, states)]
    for part in more:
        names += [f"!{full_name(part[1:], states)}"] if part.startswith("!") else _full(part, states)
    return "+".join(dict.fromkeys(names))


def _full(part: str, states: Mapping[str, str | None]) -> Iterator[str]:
    """`idle*` → "IDLE" and the flag of the mark. Jobs and partitions have no marks."""
    flag = NODE_MARKS.get(part[-1])
    if flag is not None and flag in states and part.upper() not in _OTHER_NAMES:
        yield full_name(part[:-1], states)
        yield flag
    else:
        yield full_name(part, states)


def vocabulary() -> dict[str, Any]:
    """Returns all states as plain JSON values, for pages and other clients.

    Keys:
        job_states: list of {name, short, phase: pending | active | ended, holds_nodes}.
        node_states: list of {name, short (or null), kind: base | flag, mark (or null), has_jobs, takes_jobs}.
            Any job may start on a node if its base state and all its flags have `takes_jobs`.
            A node with the flag DRAIN is DRAINING if its base state or a flag has `has_jobs`, and DRAINED if not.
        node_marks: sinfo's marks, each with the flag that it means.
        partition_states: list of {name, short (or null)}.
    """
    return {
        "job_states": [
            {"name": state.name, "short": state.short, "phase": state.phase, "holds_nodes": state.holds != "nothing"}
            for state in _JOBS
        ],
        "node_states": [
            *(
                {
                    "name": name,
                    "short": short,
                    "kind": "base",
                    "mark": None,
                    "has_jobs": name in _BUSY_BASE_STATES,
                    "takes_jobs": name in _OPEN_BASE_STATES,
                }
                for name, short in NODE_BASE_STATES.items()
            ),
            *(
                {
                    "name": name,
                    "short": short,
                    "kind": "flag",
                    "mark": _MARKS.get(name),
                    "has_jobs": name == "COMPLETING",
                    "takes_jobs": name not in _CLOSED_BY,
                }
                for name, short in NODE_FLAGS.items()
            ),
        ],
        "node_marks": dict(NODE_MARKS),
        "partition_states": [{"name": name, "short": short} for name, short in PARTITION_STATES.items()],
    }
