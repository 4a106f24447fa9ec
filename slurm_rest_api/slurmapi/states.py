"""The states of jobs, nodes and partitions under every name that people have for them; pure."""

from __future__ import annotations

from collections.abc import Mapping
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
PARTITION_STATES: Final[Mapping[str, str | None]] = {"UP": None, "DOWN": None, "DRAIN": None, "INACTIVE": "INACT"}


def full_name(name: str, states: Mapping[str, str | None]) -> str:
    """`r` → "RUNNING".

    Raises:
        ValueError: there is no such state; the message names those that there are.
    """
    upper = name.upper()
    upper = {"CANCELED": "CANCELLED"}.get(upper, upper)
    if upper in states:
        return upper
    for state, short in states.items():
        if upper == short:
            return state
    known = ", ".join(f"{state} ({short})" if short else state for state, short in states.items())
    raise ValueError(f"there is no state {name!r}; the states are {known}")
