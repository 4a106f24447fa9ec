"""Loads pyslurm's controller statistics and converts them to the published record.

Releases from 23.02 on have `slurmctld.Statistics`, those up to 25.05 have the classic `statistics`.
"""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.base import Record

SAME_NAME = (
    "server_thread_count",
    "agent_queue_size",
    "agent_count",
    "agent_thread_count",
    "dbd_agent_queue_size",
    "gettimeofday_latency",
    "jobs_submitted",
    "jobs_started",
    "jobs_completed",
    "jobs_canceled",
    "jobs_failed",
    "jobs_pending",
    "jobs_running",
    "schedule_cycle_last",
    "schedule_cycle_max",
    "schedule_cycle_sum",
    "schedule_cycle_counter",
    "schedule_cycle_mean",
    "schedule_cycle_mean_depth",
)

RENAMED = {
    "req_time": "request_time",
    "req_time_start": "data_since",
    "schedule_queue_len": "schedule_queue_length",
    "bf_backfilled_jobs": "backfilled_jobs",
    "bf_last_backfilled_jobs": "last_backfilled_jobs",
    "bf_backfilled_het_jobs": "backfilled_het_jobs",
    "bf_cycle_counter": "backfill_cycle_counter",
    "bf_cycle_sum": "backfill_cycle_sum",
    "bf_cycle_last": "backfill_cycle_last",
    "bf_cycle_max": "backfill_cycle_max",
    "bf_cycle_mean": "backfill_cycle_mean",
    "bf_when_last_cycle": "backfill_cycle_last_when",
    "bf_last_depth": "backfill_last_depth",
    "bf_last_depth_try": "backfill_last_depth_try",
    "bf_depth_sum": "backfill_depth_sum",
    "bf_depth_try_sum": "backfill_depth_try_sum",
    "bf_mean_depth": "backfill_mean_depth",
    "bf_mean_depth_try": "backfill_mean_depth_try",
    "bf_queue_len": "backfill_queue_length",
    "bf_queue_len_sum": "backfill_queue_length_sum",
    "bf_queue_len_mean": "backfill_queue_length_mean",
    "bf_table_size": "backfill_table_size",
    "bf_table_size_sum": "backfill_table_size_sum",
    "bf_table_size_mean": "backfill_table_size_mean",
}
"""Published name to attribute of `pyslurm.slurmctld.Statistics`."""

RAW_STATISTICS = ("raw_job_states_ts", "raw_schedule_cycle_depth")
"""Attributes that build.sh adds. Without them two fields are null."""

CLASSIC_NAMES: Final = (
    *("req_time", "req_time_start", "server_thread_count", "agent_queue_size"),
    *("jobs_submitted", "jobs_started", "jobs_completed", "jobs_canceled", "jobs_failed"),
    *("schedule_cycle_last", "schedule_cycle_max", "schedule_cycle_sum", "schedule_cycle_counter"),
    *("schedule_cycle_depth", "schedule_queue_len"),
    *("bf_backfilled_jobs", "bf_last_backfilled_jobs", "bf_cycle_counter", "bf_cycle_sum", "bf_cycle_last"),
    *("bf_cycle_max", "bf_when_last_cycle", "bf_last_depth", "bf_last_depth_try", "bf_depth_sum"),
    *("bf_depth_try_sum", "bf_queue_len", "bf_queue_len_sum", "bf_active"),
)
"""Numbers that the classic dictionary has under their published names."""

CLASSIC_ABSENT: Final = (
    *("agent_count", "agent_thread_count", "dbd_agent_queue_size", "gettimeofday_latency"),
    *("bf_backfilled_het_jobs", "bf_table_size", "bf_table_size_sum", "bf_table_size_mean"),
    *("schedule_exit", "bf_exit", "rpc_pending"),
)
"""Published names that the classic dictionary lacks. They are null."""

CLASSIC_MEANS: Final = {
    "schedule_cycle_mean": ("schedule_cycle_sum", "schedule_cycle_counter"),
    "schedule_cycle_mean_depth": ("schedule_cycle_depth", "schedule_cycle_counter"),
    "bf_cycle_mean": ("bf_cycle_sum", "bf_cycle_counter"),
    "bf_mean_depth": ("bf_depth_sum", "bf_cycle_counter"),
    "bf_mean_depth_try": ("bf_depth_try_sum", "bf_cycle_counter"),
    "bf_queue_len_mean": ("bf_queue_len_sum", "bf_cycle_counter"),
}
"""Published name of a mean to sum and count, as sdiag computes it (src/sdiag/sdiag.c)."""

_NO_QUEUE: Final = {"queued": 0, "dropped": 0, "cycle_last": 0, "cycle_max": 0}
"""Numbers of the RPC queue (enable_rpc_queue), which Slurm has since 24.05."""

SCHEDULE_EXITS = (
    "end_of_job_queue",
    "default_queue_depth",
    "max_job_start",
    "blocked_on_licenses",
    "max_rpc_count",
    "max_time",
)

BACKFILL_EXITS = {
    "end_of_job_queue": "end_of_job_queue",
    "max_job_start": "max_job_start",
    "max_job_test": "max_job_test",
    "state_changed": "max_time",
    "node_space_size": "node_space_size",
    "max_time": "state_changed",
}
"""Published name to attribute. pyslurm swaps the names of two counters: slurmctld's order (slurmctld.h, bf_exit_t) is
END, MAX_JOB_START, MAX_JOB_TEST, STATE_CHANGED, TABLE_LIMIT, TIMEOUT."""


def load_statistics(pyslurm: Any) -> Any:
    """Loads the statistics with the class or the classic dictionary of this pyslurm. It costs one RPC.

    Raises:
        SourceUnavailable: The RPC of the classic dictionary failed. The class raises RPCError.
    """
    if has_statistics_class(pyslurm):
        return pyslurm.slurmctld.Statistics.load()
    try:
        return pyslurm.statistics().get()
    except ValueError as error:
        message, number = error.args if len(error.args) == 2 else (error, "unknown")
        raise SourceUnavailable(f"slurmctld cannot be read: {message} (Slurm error {number}).") from error


def has_statistics_class(pyslurm: Any) -> bool:
    """Returns True if this pyslurm has `slurmctld.Statistics`."""
    return hasattr(getattr(pyslurm, "slurmctld", None), "Statistics")


def statistics_record(statistics: Any) -> Record:
    """Returns the record of a `pyslurm.slurmctld.Statistics`, or of the dictionary of the classic `statistics`."""
    return _classic(statistics) if isinstance(statistics, dict) else _current(statistics)


def _classic(found: Record) -> Record:
    record = {name: int(found[name]) for name in CLASSIC_NAMES}
    record |= {
        name: record[total] // record[count] if record[count] else 0 for name, (total, count) in CLASSIC_MEANS.items()
    }
    return {
        **record,
        **dict.fromkeys(CLASSIC_ABSENT),
        "parts_packed": 1,
        # slurmctld counts jobs by state since 17.11.
        **{name: found.get(name) for name in ("jobs_pending", "jobs_running")},
        "job_states_ts": found.get("job_states_ts") or None,
        "rpc_queue_enabled": False,
        "schedule_cycles_per_minute": _cycles_per_minute(record),
        "rpc_type_stats": {name: {**row, **_NO_QUEUE} for name, row in found["rpc_type_stats"].items()},
        "rpc_user_stats": {name: {**row, "user_name": name} for name, row in found["rpc_user_stats"].items()},
    }


def _current(statistics: Any) -> Record:
    record = {name: getattr(statistics, name) or 0 for name in SAME_NAME}
    record |= {name: getattr(statistics, attribute) or 0 for name, attribute in RENAMED.items()}
    return {
        **record,
        "parts_packed": 1,
        "job_states_ts": getattr(statistics, "raw_job_states_ts", None) or None,
        "rpc_queue_enabled": bool(statistics.rpc_queue_enabled),
        "bf_active": int(bool(statistics.backfill_active)),
        "schedule_cycles_per_minute": _cycles_per_minute(record),
        "schedule_cycle_depth": getattr(statistics, "raw_schedule_cycle_depth", None),
        "schedule_exit": {name: getattr(statistics.schedule_exit, name) for name in SCHEDULE_EXITS},
        "bf_exit": {name: getattr(statistics.backfill_exit, attribute) for name, attribute in BACKFILL_EXITS.items()},
        "rpc_type_stats": {str(name): _rpc_type(rpc) for name, rpc in statistics.rpcs_by_type.items()},
        "rpc_user_stats": {str(name): _rpc_user(rpc) for name, rpc in statistics.rpcs_by_user.items()},
        "rpc_pending": {str(name): {"id": rpc.id, "count": rpc.count} for name, rpc in statistics.rpcs_pending.items()},
    }


def _cycles_per_minute(record: Record) -> int:
    """Returns the number that sdiag prints, over whole minutes. pyslurm counts seconds."""
    seconds = record["req_time"] - record["req_time_start"]
    return int(record["schedule_cycle_counter"] // (seconds // 60)) if seconds > 60 else 0


def _rpc_type(rpc: Any) -> Record:
    return {
        "id": rpc.id,
        "count": rpc.count,
        "ave_time": rpc.average_time,
        "total_time": rpc.time,
        "queued": rpc.queued or 0,
        "dropped": rpc.dropped or 0,
        "cycle_last": rpc.cycle_last or 0,
        "cycle_max": rpc.cycle_max or 0,
    }


def _rpc_user(rpc: Any) -> Record:
    return {
        "id": rpc.user_id,
        "user_name": rpc.user_name or str(rpc.user_id),
        "count": rpc.count,
        "ave_time": rpc.average_time,
        "total_time": rpc.time,
    }
