"""Formats of published values: times, durations, generic resources, licenses, hostlist terms."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

from slurm_rest_api.slurm.states import holds_nodes

UNLIMITED = "UNLIMITED"
PARTITION_LIMIT = "Partition_Limit"
"""The time limit of a job that has none of its own, as scontrol and sacct print it."""

TERM_BORDER = re.compile(r",(?![^\[]*\])")
"""Matches a comma outside brackets."""

_LICENSE_BORDER = re.compile(r"[,;|](?![^(]*\))")
_LICENSE_COUNT = re.compile(r"(.+)[:=]([^:=()]+)")
_LICENSE_NUMBER = re.compile(r"[0-9]{1,10}")

_TRES_MEMORY = re.compile(r"(?:^|,)mem=([0-9]{1,16}(?:\.[0-9]{1,6})?)([KMGTPE]?)(?:,|$)")
_MEBIBYTES = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3, "E": 1024**4}

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

    A cache for one load: thousands of jobs have the same times, and formatting one costs as much as reading thirty
    attributes.
    """

    def __missing__(self, epoch: int | None) -> str:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(epoch)) if epoch else "Unknown"
        self[epoch] = text
        return text


def duration_text(seconds: int) -> str:
    """Returns seconds as `HH:MM:SS`, or `D-HH:MM:SS` from one day on."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours:02d}:{minute:02d}:{second:02d}"
    day, hour = divmod(hours, 24)
    return f"{day}-{hour:02d}:{minute:02d}:{second:02d}"


def clock_fields(run_time: int, cpus: int | None, time_limit: int | str | None, state: str | None) -> dict[str, Any]:
    """Returns the published fields of a job that change with time alone.

    Args:
        run_time: Seconds.
        cpus: The published `num_cpus`.
        time_limit: The published `time_limit`: minutes, or a word.
        state: The published `job_state`.
    """
    remaining = time_limit * 60 - run_time if isinstance(time_limit, int) and holds_nodes(state) else None
    return {
        "run_time": run_time,
        "run_time_str": duration_text(run_time),
        "run_time_remaining": remaining,
        "elapsed_cpu_time": (cpus or 0) * run_time,
    }


def minutes_text(minutes: int | str) -> str:
    """Returns minutes in the format of duration_text. A word such as `UNLIMITED` stays."""
    return minutes if isinstance(minutes, str) else duration_text(minutes * 60)


def whole(value: Any) -> int:
    """Returns a whole number, 0 for None and words."""
    return int(value) if value and value.__class__ is not str else 0


def whole_or_word(value: int | str | None) -> int | str:
    """Returns a whole number or `UNLIMITED`, 0 for None."""
    return value or 0


def number_or_none(value: Any) -> int | None:
    """Returns a whole number, None for None and words."""
    return value if value.__class__ is int else None


def none_if_unset(value: int | None, *unset: int) -> int | None:
    """Returns a number, None for one that means "not set" (NO_VAL of slurm.h)."""
    return None if value in unset else value


def tres_memory(tres: str | None) -> int | None:
    """Returns the MiB of a TRES text: of `cpu=2,mem=1.50G,node=1` 1536. None without memory."""
    match = _TRES_MEMORY.search(tres or "")
    return round(float(match[1]) * _MEBIBYTES[match[2]]) if match else None


def hostlist_terms(text: str | None) -> list[str]:
    """Returns the terms of a hostlist: `n[1,3],x` is `["n[1,3]", "x"]`."""
    return TERM_BORDER.split(text) if text else []


def joined(words: Iterable[str] | str | None) -> str | None:
    """Returns a list as comma-separated text, None for an empty one. Text stays."""
    if not words:
        return None
    return words if isinstance(words, str) else ",".join(words)


def license_counts(text: str | None) -> dict[str, str | int]:
    """Returns the counts of a job's licenses by name: `matlab:1;ansys` and `matlab:1,ansys` are both 1 each.

    Alternatives are one entry, with names and counts joined by `|`: `matlab:1|ansys:2` is `{"matlab|ansys": "1|2"}`.
    Slurm separates by `,` before 25.11 and by `;` from then on, and does not mix them with `|`.
    Source: _build_license_list() and license_list_to_string() of src/slurmctld/licenses.c.
    """
    licenses = [_license(term) for term in _LICENSE_BORDER.split(text or "") if term]
    if text and "|" in text:
        return {"|".join(name for name, _ in licenses): "|".join(str(count) for _, count in licenses)}
    counts: dict[str, str | int] = {}
    for name, count in licenses:
        before = counts.get(name, 0)
        # A variable of a hierarchical resource stays a text.
        counts[name] = before + count if isinstance(before, int) and isinstance(count, int) else count
    return counts


def _license(term: str) -> tuple[str, str | int]:
    """`matlab:2` → ("matlab", 2). `rack(n[1,2]):4` → ("rack(n[1,2])", 4). `matlab` → ("matlab", 1)."""
    match = _LICENSE_COUNT.fullmatch(term)
    if match is None:
        return term, 1
    name, count = match.groups()
    # Slurm's counts have 32 bits.
    return name, int(count) if _LICENSE_NUMBER.fullmatch(count) else count


def profile_bits(names: Iterable[str]) -> int:
    """Returns the bit mask of profile names. ALL is every bit that has a name."""
    if "ALL" in names:
        return sum(PROFILE_BITS.values())
    return sum(PROFILE_BITS.get(name, 0) for name in names)
