"""How slurmdbd writes values: sentinels, flags and packed texts to plain ones. Pure.

Source: slurm.h (NO_VAL, INFINITE, MEM_PER_CPU), wait(2) for exit codes, `slurmdb_tres_string…` for TRES texts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from ClusterShell.RangeSet import RangeSet

NO_VAL: Final = 0xFFFFFFFE
INFINITE: Final = 0xFFFFFFFF
NO_VAL64: Final = 0xFFFFFFFFFFFFFFFE

_PER_CPU: Final = 1 << 63
_PER_CPU_UNTIL_16_05: Final = 1 << 31
_MINUTES_A_DAY: Final = 1440

Times = Literal["classic", "iso", "epoch"]
"""How an answer writes points in time: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."""


class Memory(NamedTuple):
    """Requested memory in MiB, for each `per`: "cpu" or "node"."""

    mib: int
    per: Literal["cpu", "node"]


class Exit(NamedTuple):
    """How a job or step ended: its exit code, or the signal that ended it."""

    code: int
    signal: int


def known(value: int | None) -> int | None:
    """The value, or None for 0, NO_VAL and INFINITE: what ids and points in time have for "none"."""
    return None if not value or value in (NO_VAL, INFINITE) or value >= NO_VAL64 else value


def number(value: int | None) -> int | None:
    """The value, or None for NO_VAL and INFINITE; 0 is a number like others."""
    return None if value is None or value in (NO_VAL, INFINITE) or value >= NO_VAL64 else value


def point_in_time(epoch: int | None, times: Times) -> str | int | None:
    """An epoch second as `times` asks for; None for "never"."""
    seconds = known(epoch)
    if seconds is None or times == "epoch":
        return seconds
    if times == "classic":
        return time.ctime(seconds)
    return datetime.fromtimestamp(seconds).astimezone().isoformat()


def time_limit(minutes: int | None, times: Times) -> str | int | None:
    """A time limit: classic `0d:5h:0m`, iso as Slurm writes it (`5:00:00`, `2-12:30:00`), epoch in minutes.

    "UNLIMITED" and "Partition_Limit" are what sacct prints for INFINITE and NO_VAL; None was not recorded.
    """
    if minutes == INFINITE:
        return "UNLIMITED"
    if minutes == NO_VAL:
        return "Partition_Limit"
    if not minutes or times == "epoch":
        return minutes or None
    days, rest = divmod(minutes, _MINUTES_A_DAY)
    hours, left = divmod(rest, 60)
    if times == "classic":
        return f"{days}d:{hours}h:{left}m"
    return f"{days}-{hours:02}:{left:02}:00" if days else f"{hours:02}:{left:02}:00"


def memory(value: int) -> Memory | None:
    """`mem_req`: MiB without the bit that says "per CPU"; None where nothing was recorded.

    The bit is the highest of 64 since 17.02, and of 32 before.
    """
    if value >= NO_VAL64:
        return None
    if value & _PER_CPU:
        return Memory(value & ~_PER_CPU, "cpu")
    if value & _PER_CPU_UNTIL_16_05 and value <= INFINITE:
        return Memory(value & ~_PER_CPU_UNTIL_16_05, "cpu")
    return Memory(value, "node")


def exit_status(value: int | None) -> Exit:
    """A wait(2) status: code and signal; NO_VAL is 0:0, and after a signal the code says nothing."""
    status = number(value) or 0
    signal = status & 0x7F
    return Exit(0, signal) if signal else Exit(status >> 8 & 0xFF, 0)


def tres(text: str | None, names: Mapping[int, str]) -> dict[str, int]:
    """`1=4,2=2000,1001=1` → {"cpu": 4, "mem": 2000, "gres/gpu": 1}; memory in MiB, energy in joules.

    A TRES that has no name any more is called by its number. Counts that are not known are left out.
    """
    counts: dict[str, int] = {}
    for part in (text or "").split(","):
        key, equals, count = part.partition("=")
        if equals and key.isdecimal() and count.isdecimal() and (found := number(int(count))) is not None:
            counts[names.get(int(key), key)] = found
    return counts


def array_tasks(mask: str | None, at_once: int | None) -> str | None:
    """The tasks that still wait, `0x1f` → "0-4", with `%2` behind when only so many may run at once."""
    if not mask:
        return None
    try:
        bits = int(mask, 16)
    except ValueError:
        # Very long masks are stored as the list itself.
        return mask
    tasks = RangeSet.fromlist([str(bit) for bit in range(bits.bit_length()) if bits >> bit & 1])
    return f"{tasks}%{at_once}" if at_once else str(tasks)


def hostlist(text: str | None) -> str | None:
    """A hostlist, or None for the texts that stand for "no nodes"."""
    return None if text in (None, "", "None assigned", "(null)") else text


def elapsed(start: int | None, end: int | None, suspended: int, now: int) -> int:
    """Seconds that a job has run: to its end, or until `now`; 0 if it never started."""
    started = known(start)
    return 0 if started is None else max(0, (known(end) or now) - started - suspended)


def suspended(stored: int | None, *, is_suspended: bool, now: int) -> int:
    """Seconds that a job was suspended; while it is, the column holds the moment from which to count."""
    seconds = known(stored) or 0
    return max(0, now - seconds) if is_suspended else seconds
