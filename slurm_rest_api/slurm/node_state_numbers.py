"""States of nodes as numbers, which slurmdbd's event table has.

Sources: slurm.h (enum node_states and NODE_STATE_…; the same numbers since 15.08), node_state_string_compact() of
src/common/slurm_protocol_defs.c of Slurm 26.05.
"""

from __future__ import annotations

from typing import Final

BASE: Final = 0xF
"""The bits of the base state."""

BASE_STATES: Final = {
    0: "UNKNOWN",
    1: "DOWN",
    2: "IDLE",
    3: "ALLOCATED",
    4: "ERROR",
    5: "MIXED",
    6: "FUTURE",
}
FLAGS: Final = {
    "EXTERNAL": 1 << 4,
    "RESERVED": 1 << 5,
    "UNDRAIN": 1 << 6,
    "CLOUD": 1 << 7,
    "DRAIN": 1 << 9,
    "COMPLETING": 1 << 10,
    "NOT_RESPONDING": 1 << 11,
    "POWERED_DOWN": 1 << 12,
    "FAIL": 1 << 13,
    "POWERING_UP": 1 << 14,
    "MAINTENANCE": 1 << 15,
    "REBOOT_REQUESTED": 1 << 16,
    "REBOOT_CANCELED": 1 << 17,
    "POWERING_DOWN": 1 << 18,
    "DYNAMIC_FUTURE": 1 << 19,
    "REBOOT_ISSUED": 1 << 20,
    "PLANNED": 1 << 21,
    "INVALID_REG": 1 << 22,
    "POWER_DOWN": 1 << 23,
    "POWER_UP": 1 << 24,
    "POWER_DRAIN": 1 << 25,
    "DYNAMIC_NORM": 1 << 26,
    "BLOCKED": 1 << 27,
}
_RESUME: Final = 1 << 8
# The first of these that is set is appended.
_MARKS: Final = (
    ("MAINTENANCE", "$"),
    ("REBOOT_ISSUED", "^"),
    ("REBOOT_REQUESTED", "@"),
    ("POWERING_UP", "#"),
    ("POWERING_DOWN", "%"),
    ("POWERED_DOWN", "~"),
    ("POWER_DOWN", "!"),
    ("NOT_RESPONDING", "*"),
)
_SHORT: Final = {"DOWN": "DOWN", "ALLOCATED": "ALLOC", "IDLE": "IDLE", "MIXED": "MIX", "FUTURE": "FUTR"}
# Words for base states with a flag, where no mark is appended.
_WITH_FLAG: Final = {
    "ALLOCATED": (("COMPLETING", "ALLOC+"),),
    "IDLE": (("RESERVED", "RESV"), ("BLOCKED", "BLOCK"), ("PLANNED", "PLND")),
    "MIXED": (("PLANNED", "MIX-"),),
}


def state_words(number: int) -> list[str]:
    """Returns the base state and the flags: 514 → ["IDLE", "DRAIN"]."""
    return [BASE_STATES.get(number & BASE, "UNKNOWN"), *(flag for flag, bit in FLAGS.items() if number & bit)]


def compact_state(number: int) -> str:
    """Returns the text that sacctmgr prints: 514 → "DRAIN", 2049 → "DOWN*"."""
    flags = {flag for flag, bit in FLAGS.items() if number & bit}
    base = BASE_STATES.get(number & BASE, "?")
    star = "*" if "NOT_RESPONDING" in flags else ""
    runs_jobs = base in ("ALLOCATED", "MIXED")
    if "INVALID_REG" in flags:
        return "INVAL"
    if "MAINTENANCE" in flags and "DRAIN" not in flags and not runs_jobs and base != "DOWN":
        return f"MAINT{star}"
    if not flags.isdisjoint(("REBOOT_REQUESTED", "REBOOT_ISSUED")) and not runs_jobs:
        return "BOOT^" if "REBOOT_ISSUED" in flags else f"BOOT{star}"
    is_busy = runs_jobs or "COMPLETING" in flags
    if "DRAIN" in flags:
        return _marked("DRNG" if is_busy else "DRAIN", flags)
    if "FAIL" in flags:
        return f"{'FAILG' if is_busy else 'FAIL'}{star}"
    if "COMPLETING" in flags and base not in ("DOWN", "ALLOCATED"):
        return _marked("COMP", flags)
    if base in _SHORT:
        return _of_base(base, flags)
    if number & _RESUME:
        return "RESM"
    return f"UNK{star}" if base == "UNKNOWN" else "?"


def _of_base(base: str, flags: set[str]) -> str:
    word = _SHORT[base]
    marked = _marked(word, flags)
    if marked != word:
        return marked
    return next((text for flag, text in _WITH_FLAG.get(base, ()) if flag in flags), word)


def _marked(word: str, flags: set[str]) -> str:
    return word + next((mark for flag, mark in _MARKS if flag in flags), "")
