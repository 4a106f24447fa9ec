"""Converts what `sdiag` prints to the published statistics record.

Sources: _print_stats() of src/sdiag/sdiag.c, Slurm 15.08 to 26.05. sdiag prints means where slurmctld has sums. So the
sums are null: a product of mean and count is too low, and it can decrease.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from typing import Final

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.key_values import whole_number

_SECTIONS: Final = {
    "Main schedule statistics": "main",
    "Main scheduler exit": "main exit",
    "Backfilling stats": "backfill",
    "Backfill exit": "backfill exit",
    "Remote Procedure Call statistics by message type": "types",
    "Remote Procedure Call statistics by user": "users",
    "Pending RPC statistics": "pending",
    "Pending RPCs": "",
}
"""Sections by the beginning of their titles."""

_FIELDS: Final = {
    ("", "Server thread count"): "server_thread_count",
    ("", "Agent queue size"): "agent_queue_size",
    ("", "Agent count"): "agent_count",
    ("", "Agent thread count"): "agent_thread_count",
    ("", "DBD Agent queue size"): "dbd_agent_queue_size",
    ("", "Jobs submitted"): "jobs_submitted",
    ("", "Jobs started"): "jobs_started",
    ("", "Jobs completed"): "jobs_completed",
    ("", "Jobs canceled"): "jobs_canceled",
    ("", "Jobs failed"): "jobs_failed",
    ("", "Jobs pending"): "jobs_pending",
    ("", "Jobs running"): "jobs_running",
    ("main", "Last cycle"): "schedule_cycle_last",
    ("main", "Max cycle"): "schedule_cycle_max",
    ("main", "Total cycles"): "schedule_cycle_counter",
    ("main", "Last queue length"): "schedule_queue_len",
    ("backfill", "Total backfilled jobs (since last slurm start)"): "bf_backfilled_jobs",
    ("backfill", "Total backfilled jobs (since last stats cycle start)"): "bf_last_backfilled_jobs",
    ("backfill", "Total backfilled heterogeneous job components"): "bf_backfilled_het_jobs",
    ("backfill", "Total cycles"): "bf_cycle_counter",
    ("backfill", "Last cycle"): "bf_cycle_last",
    ("backfill", "Max cycle"): "bf_cycle_max",
    ("backfill", "Last depth cycle"): "bf_last_depth",
    ("backfill", "Last depth cycle (try sched)"): "bf_last_depth_try",
    ("backfill", "Last queue length"): "bf_queue_len",
    ("backfill", "Last table size"): "bf_table_size",
}
"""Published names by section and label. A field that the release does not print is null."""

_MEANS: Final = {
    ("main", "Mean cycle"): "schedule_cycle_mean",
    ("main", "Mean depth cycle"): "schedule_cycle_mean_depth",
    ("main", "Cycles per minute"): "schedule_cycles_per_minute",
    ("backfill", "Mean cycle"): "bf_cycle_mean",
    ("backfill", "Depth Mean"): "bf_mean_depth",
    ("backfill", "Depth Mean (try depth)"): "bf_mean_depth_try",
    ("backfill", "Queue length mean"): "bf_queue_len_mean",
    ("backfill", "Mean table size"): "bf_table_size_mean",
}
"""Published names of values that sdiag leaves out while there was no cycle. They are 0 then."""

_SUMS: Final = (
    *("schedule_cycle_sum", "schedule_cycle_depth", "bf_cycle_sum", "bf_depth_sum", "bf_depth_try_sum"),
    *("bf_queue_len_sum", "bf_table_size_sum"),
)

_SCHEDULE_EXITS: Final = {
    "End of job queue": "end_of_job_queue",
    "Hit default_queue_depth": "default_queue_depth",
    "Hit sched_max_job_start": "max_job_start",
    "Blocked on licenses": "blocked_on_licenses",
    "Hit max_rpc_cnt": "max_rpc_count",
    "Timeout (max_sched_time)": "max_time",
}
_BACKFILL_EXITS: Final = {
    "End of job queue": "end_of_job_queue",
    "Hit bf_max_job_start": "max_job_start",
    "Hit bf_max_job_test": "max_job_test",
    "System state changed": "state_changed",
    "Hit table size limit (bf_node_space_size)": "node_space_size",
    "Timeout (bf_max_time)": "max_time",
}
_RPC: Final = re.compile(
    r"\t(?P<name>.*?) *\( *(?P<id>\d+)\) count:(?P<count>\d+) *"
    r"(?:ave_time:(?P<ave_time>\d+) +total_time:(?P<total_time>\d+) *)?(?P<queue>.*)"
)
_QUEUE: Final = re.compile(r"(queued|cycle_last|cycle_max|dropped):(\d+)")
_QUEUE_FIELDS: Final = ("queued", "dropped", "cycle_last", "cycle_max")
_LATENCY: Final = "Latency for 1000 calls to gettimeofday()"
_EPOCH: Final = re.compile(r"\((\d+)\)$")
_CTIME: Final = re.compile(r"\w{3} (?P<month>\w{3}) +(?P<day>\d+) (\d\d):(\d\d):(\d\d) (?P<year>\d{4})")
_MONTHS: Final = {name: number for number, name in enumerate(calendar.month_abbr) if name}


def statistics_record(text: str) -> Record:
    """Returns the record of a whole output of sdiag, which ran with `TZ=UTC`.

    Raises:
        ValueError: The text has no statistics.
    """
    if "sdiag output at" not in text:
        raise ValueError(f"expected the statistics of sdiag: {text[:60]!r}")
    values = dict(_values(text))
    rows = {section: _rpcs(text, section) for section in ("types", "users", "pending")}
    return {
        **{name: whole_number(values.get(place)) for place, name in _FIELDS.items()},
        **{name: whole_number(values.get(place)) or 0 for place, name in _MEANS.items()},
        **dict.fromkeys(_SUMS),
        "gettimeofday_latency": whole_number(values.get(("", _LATENCY), "").partition(" ")[0]),
        "parts_packed": 1,
        "req_time": _epoch(values.get(("", "sdiag output at"))) or 0,
        "req_time_start": _epoch(values.get(("", "Data since"))) or 0,
        "job_states_ts": _epoch(values.get(("", "Job states ts"), values.get(("", "Jobs running ts")))),
        "rpc_queue_enabled": values.get(("", "RPC queue enabled")) == "1",
        "bf_active": int("Backfilling stats (WARNING" in text),
        "bf_when_last_cycle": _epoch(values.get(("backfill", "Last cycle when"))) or 0,
        "schedule_exit": _exits(values, "main exit", _SCHEDULE_EXITS),
        "bf_exit": _exits(values, "backfill exit", _BACKFILL_EXITS),
        "rpc_type_stats": {name: _rpc_type(row) for name, row in rows["types"].items()},
        "rpc_user_stats": {name: _rpc_user(row) for name, row in rows["users"].items()},
        "rpc_pending": {
            name: {"id": int(row["id"]), "count": whole_number(row["count"]) or 0}
            for name, row in rows["pending"].items()
        },
    }


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yields each line with its section."""
    section = ""
    for line in text.split("\n"):
        if line and not line.startswith("\t"):
            titles = (name for title, name in _SECTIONS.items() if line.startswith(title))
            section = next(titles, "")
        yield section, line


def _values(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Yields values by section and label."""
    for section, line in _lines(text):
        if line.startswith(("sdiag output at", "Data since")):
            label = "sdiag output at" if line.startswith("s") else "Data since"
            yield ("", label), line.removeprefix(label).strip()
        else:
            label, colon, value = line.partition(":")
            if colon:
                yield (section, label.strip()), value.strip()


def _epoch(text: str | None) -> int | None:
    """`Thu Nov 26 17:17:19 2026 (1795713439)` → 1795713439. 15.08 prints the time alone."""
    if (epoch := _EPOCH.search(text or "")) is not None:
        return whole_number(epoch[1]) or None
    if (ctime := _CTIME.match(text or "")) is None:
        return None
    clock = (int(ctime[3]), int(ctime[4]), int(ctime[5]))
    return calendar.timegm((int(ctime["year"]), _MONTHS[ctime["month"]], int(ctime["day"]), *clock)) or None


def _exits(values: Mapping[tuple[str, str], str], section: str, names: Mapping[str, str]) -> dict[str, int] | None:
    """None for a release that does not count them (before 23.11)."""
    if not any(place[0] == section for place in values):
        return None
    return {name: whole_number(values.get((section, label))) or 0 for label, name in names.items()}


def _rpcs(text: str, section: str) -> dict[str, dict[str, str]]:
    """Returns the rows of a table by name. Rows with the same name have the id instead."""
    found: dict[str, dict[str, str]] = {}
    for line_section, line in _lines(text):
        if line_section == section and (row := _RPC.match(line)) is not None:
            found[row["name"] if row["name"] not in found else row["id"]] = row.groupdict("0")
    return found


def _rpc_type(row: Mapping[str, str]) -> Record:
    queue = dict(_QUEUE.findall(row["queue"]))
    numbers = {name: whole_number(row[name]) or 0 for name in ("id", "count", "ave_time", "total_time")}
    return numbers | {name: whole_number(queue.get(name)) or 0 for name in _QUEUE_FIELDS}


def _rpc_user(row: Mapping[str, str]) -> Record:
    numbers = {name: whole_number(row[name]) or 0 for name in ("id", "count", "ave_time", "total_time")}
    return {"user_name": row["name"], **numbers}
