"""Texts and lists in the classic forms: times, durations, TRES, generic resources, hostlist terms."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

UNLIMITED = "UNLIMITED"

TERM_BORDER = re.compile(r",(?![^\[]*\])")
"""A comma that is not inside brackets."""

CPU_FREQUENCIES = {
    "LOW": 0x80000001,
    "MEDIUM": 0x80000002,
    "HIGH": 0x80000003,
    "HIGHM1": 0x80000004,
    "CONSERVATIVE": 0x88000000,
    "ONDEMAND": 0x84000000,
    "PERFORMANCE": 0x82000000,
    "POWERSAVE": 0x81000000,
    "USERSPACE": 0x80800000,
    "SCHEDUTIL": 0x80400000,
}
"""CPU_FREQ_* of slurm.h."""

PROFILE_BITS = {"ENERGY": 2, "TASK": 4, "LUSTRE": 8, "NETWORK": 16}
"""ACCT_GATHER_PROFILE_* of slurm.h."""


class TimeTexts(dict[int | None, str]):
    """Local time as `YYYY-MM-DDTHH:MM:SS` by epoch second, `Unknown` for 0 and None.

    A cache for one load: thousands of jobs share the moment of their last evaluation, and formatting one costs
    as much as reading thirty attributes.
    """

    def __missing__(self, epoch: int | None) -> str:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(epoch)) if epoch else "Unknown"
        self[epoch] = text
        return text


def duration_text(seconds: int) -> str:
    """Seconds as `HH:MM:SS`, with `D-` before it from one day on."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours:02d}:{minute:02d}:{second:02d}"
    day, hour = divmod(hours, 24)
    return f"{day}-{hour:02d}:{minute:02d}:{second:02d}"


def minutes_text(minutes: int | str) -> str:
    """Minutes as duration_text; a word such as `UNLIMITED` stays as it is."""
    return minutes if isinstance(minutes, str) else duration_text(minutes * 60)


def whole(value: Any) -> int:
    """A whole number, 0 for None and for words: the classic value of an unset number."""
    return int(value) if value and value.__class__ is not str else 0


def whole_or_word(value: int | str | None) -> int | str:
    """A whole number or `UNLIMITED`, 0 for None."""
    return value or 0


def number_or_none(value: Any) -> int | None:
    """A whole number, None for None and for words."""
    return value if value.__class__ is int else None


def hostlist_terms(text: str | None) -> list[str]:
    """Terms of a hostlist: `n[1,3],x` is `["n[1,3]", "x"]`."""
    return TERM_BORDER.split(text) if text else []


def joined(words: Iterable[str] | str | None) -> str | None:
    """Comma-separated text of a list, None for an empty one; text stays as it is."""
    if not words:
        return None
    return words if isinstance(words, str) else ",".join(words)


def counts_by_name(items: Iterable[str]) -> dict[str, str | int]:
    """Licenses as the classic dictionary: `["a:2", "b"]` is `{"a": "2", "b": 1}`."""
    counts: dict[str, str | int] = {}
    for item in items:
        name, _, count = item.partition(":")
        counts[name] = count or 1
    return counts


def gres_list(counts: Mapping[str, Any]) -> list[str]:
    """`{"gres/gpu:a100": 2}` is `["gpu:a100:2"]`."""
    return [
        f"{name.removeprefix('gres/').replace('=', ':')}{_count_suffix(name, gres_count(n))}"
        for name, n in counts.items()
    ]


def gres_count(value: Any) -> int:
    """pyslurm gives a count, or a dictionary that has one."""
    return int(value["count"]) if isinstance(value, Mapping) else int(value)


def _count_suffix(name: str, count: int) -> str:
    # pyslurm's GRES parser takes `gres/gpu=2` for a name without a count.
    return "" if "=" in name else f":{count}"


def profile_bits(names: Iterable[str]) -> int:
    """Bit mask of profile names; ALL is every bit that has a name."""
    if "ALL" in names:
        return sum(PROFILE_BITS.values())
    return sum(PROFILE_BITS.get(name, 0) for name in names)


def cpu_frequency(value: int | str | None) -> int | None:
    """Slurm's constant for a word, kHz for a number, None for unset."""
    return CPU_FREQUENCIES.get(value) if isinstance(value, str) else value
