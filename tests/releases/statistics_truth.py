"""The figure of sdiag that each published statistic has to equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.testbed.cluster import Cluster

_HEAD, _MAIN, _BACKFILL = "", "Main schedule statistics", "Backfilling stats"
# Field: section of sdiag and label.
LABELS: Final = {
    "server_thread_count": (_HEAD, "Server thread count"),
    "agent_queue_size": (_HEAD, "Agent queue size"),
    "agent_count": (_HEAD, "Agent count"),
    "agent_thread_count": (_HEAD, "Agent thread count"),
    "dbd_agent_queue_size": (_HEAD, "DBD Agent queue size"),
    "jobs_submitted": (_HEAD, "Jobs submitted"),
    "jobs_started": (_HEAD, "Jobs started"),
    "jobs_completed": (_HEAD, "Jobs completed"),
    "jobs_canceled": (_HEAD, "Jobs canceled"),
    "jobs_failed": (_HEAD, "Jobs failed"),
    "jobs_pending": (_HEAD, "Jobs pending"),
    "jobs_running": (_HEAD, "Jobs running"),
    "schedule_cycle_last": (_MAIN, "Last cycle"),
    "schedule_cycle_max": (_MAIN, "Max cycle"),
    "schedule_cycle_counter": (_MAIN, "Total cycles"),
    "schedule_cycle_mean": (_MAIN, "Mean cycle"),
    "schedule_cycle_mean_depth": (_MAIN, "Mean depth cycle"),
    "schedule_cycles_per_minute": (_MAIN, "Cycles per minute"),
    "schedule_queue_len": (_MAIN, "Last queue length"),
    "bf_backfilled_jobs": (_BACKFILL, "Total backfilled jobs (since last slurm start)"),
    "bf_last_backfilled_jobs": (_BACKFILL, "Total backfilled jobs (since last stats cycle start)"),
    "bf_backfilled_het_jobs": (_BACKFILL, "Total backfilled heterogeneous job components"),
    "bf_cycle_counter": (_BACKFILL, "Total cycles"),
    "bf_cycle_last": (_BACKFILL, "Last cycle"),
    "bf_cycle_max": (_BACKFILL, "Max cycle"),
    "bf_cycle_mean": (_BACKFILL, "Mean cycle"),
    "bf_last_depth": (_BACKFILL, "Last depth cycle"),
    "bf_last_depth_try": (_BACKFILL, "Last depth cycle (try sched)"),
    "bf_mean_depth": (_BACKFILL, "Depth Mean"),
    "bf_mean_depth_try": (_BACKFILL, "Depth Mean (try depth)"),
    "bf_queue_len": (_BACKFILL, "Last queue length"),
    "bf_queue_len_mean": (_BACKFILL, "Queue length mean"),
    "bf_table_size": (_BACKFILL, "Last table size"),
    "bf_table_size_mean": (_BACKFILL, "Mean table size"),
    "gettimeofday_latency": ("Latency", "Latency for 1000 calls to gettimeofday()"),
}
_SECTIONS: Final = (_MAIN, _BACKFILL, "Latency", "Remote Procedure Call statistics by message type",
                    "Remote Procedure Call statistics by user", "Pending RPC statistics")  # fmt: skip
_CALL: Final = re.compile(r"\s+(\S+)\s+\(\s*(\d+)\)\s+count:(\d+)\s+ave_time:(\d+)\s+total_time:(\d+)")

Figures = Mapping[tuple[str, str], int]


def read_statistics(cluster: Cluster) -> dict[tuple[str, str], int]:
    """Returns sdiag's figures by section and label; of a call (`by message type`, NAME) its count."""
    figures: dict[tuple[str, str], int] = {}
    section = _HEAD
    for line in cluster.run(["sdiag"]).stdout.splitlines():
        section = next((name for name in _SECTIONS if line.startswith(name)), section)
        if call := _CALL.match(line):
            figures[section, call[1]] = int(call[3])
        elif found := re.fullmatch(r"\s*(.+?):\s*(\d+)(?: microseconds)?", line):
            figures[section, found[1]] = int(found[2])
    return figures


def unlike_statistics(record: Mapping[str, Any], before: Figures, after: Figures) -> list[str]:
    """Returns one line for each statistic that is not between the two readings of sdiag."""
    lines = []
    for field, label in LABELS.items():
        # sdiag leaves the means out until the backfill scheduler has run.
        first, last = before.get(label, 0), after.get(label, 0)
        if not min(first, last) <= record[field] <= max(first, last):
            lines.append(f"{field}: published {record[field]}, sdiag says {first}, then {last}")
    return lines + _unlike_calls(record, before, after)


def _unlike_calls(record: Mapping[str, Any], before: Figures, after: Figures) -> list[str]:
    lines = []
    for field, section in (("rpc_type_stats", _SECTIONS[3]), ("rpc_user_stats", _SECTIONS[4])):
        for (where, name), first in before.items():
            if where == section:
                published = record[field].get(name, {}).get("count")
                if published is None or not first <= published <= after[where, name]:
                    lines.append(f"{field} {name}: published {published}, sdiag says {first}, {after[where, name]}")
    return lines
