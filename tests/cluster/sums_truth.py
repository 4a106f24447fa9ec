"""Sums over lines of `sacct` in plain Python, for each group of `group_by` of /history."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from tests.cluster.sacct_truth import Facts, tres
from tests.testbed.slurmnodes import HIDDEN_PARTITION

COLUMNS: Final = [
    "DBIndex", "JobIDRaw", "JobName", "User", "Account", "Partition", "QOS", "State", "Submit", "Eligible", "Start",
    "End", "ElapsedRaw", "CPUTimeRAW", "AllocTRES",
]  # fmt: skip
_COLUMN_OF: Final = {
    "user": "User", "account": "Account", "partition": "Partition", "qos": "QOS", "job_name": "JobName",
}  # fmt: skip
_GROWING: Final = ("elapsed", "cpu_hours", "gpu_hours", "mem_hours")
"""Sums that grow while jobs run."""

Group = tuple[str, ...]
Sums = dict[str, Any]


def sums_of(lines: Iterable[Facts], groups: str, day_of: str = "Submit") -> dict[Group, Sums]:
    """Returns the sums of each group. Days are those of the column `day_of`."""
    parts: defaultdict[Group, list[Facts]] = defaultdict(list)
    first, _, second = groups.partition(",")
    for facts in lines:
        for name in _names(facts, first, day_of):
            for rest in _names(facts, second, day_of) if second else [""]:
                parts[(name, rest) if second else (name,)].append(facts)
    return {group: _sums(part) for group, part in parts.items()}


def wrong_sums(
    ours: Mapping[Group, Mapping[str, Any]], before: Mapping[Group, Sums], after: Mapping[Group, Sums]
) -> list[str]:
    """Returns a line for each sum that differs from those of two readings, between which jobs ran on."""
    if set(ours) != set(before):
        return [f"groups {sorted(map(str, ours))} are not {sorted(map(str, before))}"]
    return [
        f"{group} {field}: published {found.get(field)!r}, of sacct's lines {before[group][field]!r}"
        for group, found in ours.items()
        for field in before[group]
        if not _agrees(field, found.get(field), before[group][field], after[group][field])
    ]


def _agrees(field: str, found: Any, first: Any, last: Any) -> bool:
    if field in _GROWING:
        return bool(first - 0.0001 <= found <= last + 0.0001)
    if field in ("wait_median", "wait_p90") and first is not None:
        # Waits are counted in buckets.
        return found is not None and abs(found - first) <= 0.05 * first
    return bool(found == first)


def _names(facts: Facts, group: str, day_of: str) -> list[str]:
    if group == "state":
        return [_state(facts)]
    if group == "day":
        return [f"{datetime.fromtimestamp(int(facts[day_of])):%Y-%m-%d}"]  # noqa: DTZ006
    value = facts[_COLUMN_OF[group]]
    return [name for name in value.split(",") if name != HIDDEN_PARTITION] if group == "partition" else [value]


def _state(facts: Facts) -> str:
    return str(facts["State"].split()[0])


def _waits(lines: Iterable[Facts]) -> list[int]:
    known = [
        (int(facts["Start"]), int(facts["Eligible"]))
        for facts in lines
        if _state(facts) != "PENDING" and facts["Start"].isdigit() and facts["Eligible"].isdigit()
    ]
    return sorted(max(0, start - eligible) for start, eligible in known)


def _sums(lines: list[Facts]) -> Sums:
    waits = _waits(lines)
    allocated = [(int(facts["ElapsedRaw"]), tres(facts["AllocTRES"])) for facts in lines]
    return {
        "jobs": len(lines),
        "states": dict(Counter(map(_state, lines))),
        "elapsed": sum(seconds for seconds, _ in allocated),
        "cpu_hours": sum(int(facts["CPUTimeRAW"]) for facts in lines) / 3600,
        "gpu_hours": sum(seconds * counts.get("gres/gpu", 0) for seconds, counts in allocated) / 3600,
        "mem_hours": sum(seconds * counts.get("mem", 0) for seconds, counts in allocated) / 3600,
        "wait_jobs": len(waits),
        "wait_mean": round(sum(waits) / len(waits), 1) if waits else None,
        "wait_median": _nearest_rank(waits, 0.5),
        "wait_p90": _nearest_rank(waits, 0.9),
    }


def _nearest_rank(waits: list[int], share: float) -> int | None:
    return waits[math.ceil(share * len(waits)) - 1] if waits else None
