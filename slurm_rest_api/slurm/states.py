"""The states of jobs, nodes and partitions under every name that people have for them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

# job_state_string() and job_state_string_compact() of Slurm, with their flags.
JOB_STATES: Final[Mapping[str, str]] = {
    "PENDING": "PD",
    "RUNNING": "R",
    "SUSPENDED": "S",
    "COMPLETED": "CD",
    "CANCELLED": "CA",
    "FAILED": "F",
    "TIMEOUT": "TO",
    "NODE_FAIL": "NF",
    "PREEMPTED": "PR",
    "BOOT_FAIL": "BF",
    "DEADLINE": "DL",
    "OUT_OF_MEMORY": "OOM",
    "COMPLETING": "CG",
    "CONFIGURING": "CF",
    "EXPEDITING": "EX",
    "POWER_UP_NODE": "PN",
    "REQUEUED": "RQ",
    "REQUEUE_FED": "RF",
    "REQUEUE_HOLD": "RH",
    "RESIZING": "RS",
    "RESV_DEL_HOLD": "RD",
    "REVOKED": "RV",
    "SIGNALING": "SI",
    "SPECIAL_EXIT": "SE",
    "STAGE_OUT": "SO",
    "STOPPED": "ST",
    "LAUNCH_FAILED": "LF",
    "RECONFIG_FAIL": "RCF",
    "UPDATE_DB": "UD",
    "UNKNOWN": "UN",
}
# Base states and flags of nodes, with the short names of sinfo where it has one.
NODE_STATES: Final[Mapping[str, str | None]] = {
    "ALLOCATED": "ALLOC",
    "BLOCKED": "BLOCK",
    "CLOUD": None,
    "COMPLETING": "COMP",
    "DOWN": None,
    "DRAIN": None,
    "DRAINED": None,
    "DRAINING": "DRNG",
    "DYNAMIC_FUTURE": None,
    "DYNAMIC_NORM": None,
    "ERROR": "ERR",
    "EXTERNAL": None,
    "FAIL": None,
    "FUTURE": "FUTR",
    "IDLE": None,
    "INVALID_REG": "INVAL",
    "MAINTENANCE": "MAINT",
    "MIXED": "MIX",
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
    "UNKNOWN": "UNK",
}
# What sinfo writes behind a state, and the flag that it stands for (node_state_string() of Slurm).
_MARKS: Final[Mapping[str, str]] = {
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
# Names beside the usual ones: a spelling, and how sinfo tells apart the two steps of a reboot.
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "CANCELED": "CANCELLED",
    "REBOOT": "REBOOT_REQUESTED",
    "REBOOT@": "REBOOT_REQUESTED",
    "REBOOT^": "REBOOT_ISSUED",
}
# A plus sign that nobody encoded arrives as a blank, and sinfo itself takes an ampersand.
_TOGETHER: Final = re.compile(r"\s*[+&]\s*|\s+")
PARTITION_STATES: Final[Mapping[str, str | None]] = {"UP": None, "DOWN": None, "DRAIN": None, "INACTIVE": "INACT"}


def full_name(name: str, states: Mapping[str, str | None]) -> str:
    """`r` → "RUNNING".

    Raises:
        ValueError: there is no such state; the message names those that there are.
    """
    upper = name.upper()
    upper = _OTHER_NAMES.get(upper, upper)
    if upper in states:
        return upper
    for state, short in states.items():
        if upper == short:
            return state
    known = ", ".join(f"{state} ({short})" if short else state for state, short in states.items())
    raise ValueError(f"there is no state {name!r}; the states are {known}")


def full_names(text: str, states: Mapping[str, str | None]) -> str:
    """Several states at once, in their full names: `mix+!drain` → "MIXED+!DRAIN", `idle*` → "IDLE+NOT_RESPONDING".

    Raises:
        ValueError: there is no such state; the message names those that there are.
    """
    parts = _TOGETHER.split(text)
    if not all(part.removeprefix("!") for part in parts):
        raise ValueError("expected states with single plus signs between them")
    first, *more = parts
    names = [*_full(first, states)]
    for part in more:
        names += [f"!{full_name(part[1:], states)}"] if part.startswith("!") else _full(part, states)
    return "+".join(dict.fromkeys(names))


def _full(part: str, states: Mapping[str, str | None]) -> Iterator[str]:
    """`idle*` → "IDLE" and the name of the mark, which jobs and partitions do not have."""
    flag = _MARKS.get(part[-1])
    if flag is not None and flag in states and part.upper() not in _OTHER_NAMES:
        yield full_name(part[:-1], states)
        yield flag
    else:
        yield full_name(part, states)
