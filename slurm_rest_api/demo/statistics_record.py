"""Statistics of the simulated controller, as sdiag reports them: counters since midnight (UTC)."""

from __future__ import annotations

from typing import Final

from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.demo.workload import USERS, demand_at
from slurm_rest_api.slurmapi.contract.statistics import BackfillExit, ScheduleExit, StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import Record

_DAY: Final = 86400
_STEP_SECONDS: Final = 300
_JOBS_A_SECOND_AND_NODE: Final = 0.0001
# Message numbers as in slurm_protocol_defs.h, and calls an hour.
_RPCS: Final = {
    "REQUEST_PARTITION_INFO": (2009, 120, 80),
    "REQUEST_NODE_INFO": (2007, 240, 350),
    "REQUEST_JOB_INFO": (2003, 900, 2400),
    "REQUEST_SUBMIT_BATCH_JOB": (4003, 60, 5200),
    "MESSAGE_NODE_REGISTRATION_STATUS": (1002, 90, 130),
}
_COUNTERS: Final = tuple(StatisticsRecord.model_fields)


def statistics_record(moment: Moment, nodes: int) -> Record:
    """Returns the record of /stats at a moment."""
    now, midnight = moment.now, moment.now - moment.now % _DAY
    work = sum(demand_at(t) * min(_STEP_SECONDS, now - t) for t in range(midnight, now, _STEP_SECONDS))
    jobs = int(work * nodes * _JOBS_A_SECOND_AND_NODE)
    cycles, backfills = (now - midnight) // 60, (now - midnight) // 30
    return {
        **dict.fromkeys(_COUNTERS, 0),
        **_controller(moment, midnight, jobs),
        **_scheduler(moment, cycles),
        **_backfill(moment, backfills, jobs),
        "rpc_type_stats": {name: _rpc(name, now - midnight) for name in _RPCS},
        "rpc_user_stats": {
            user.name: {
                "id": user.uid,
                "user_name": user.name,
                "count": (calls := int(work / 600 / (1 + rank))),
                "ave_time": 900 + 13 * rank,
                "total_time": calls * (900 + 13 * rank),
            }
            for rank, user in enumerate(USERS[:12])
        },
        "rpc_pending": {},
    }


def _controller(moment: Moment, midnight: int, jobs: int) -> Record:
    return {
        "parts_packed": 1,
        "req_time": moment.now,
        "req_time_start": midnight,
        "server_thread_count": 3,
        "gettimeofday_latency": 22,
        "rpc_queue_enabled": False,
        "jobs_submitted": jobs,
        "jobs_started": jobs * 96 // 100,
        "jobs_completed": jobs * 78 // 100,
        "jobs_canceled": jobs * 5 // 100,
        "jobs_failed": jobs * 9 // 100,
        "jobs_pending": sum(_tasks(moment, job) for job in moment.pending),
        "jobs_running": len(moment.running),
        "job_states_ts": moment.now,
    }


def _tasks(moment: Moment, job: Job) -> int:
    """Returns the pending tasks of an array, as slurmctld counts them, and 1 for other jobs."""
    return 1 if job.array is None else job.array.last - moment.next_task[job.array.id] + 1


def _scheduler(moment: Moment, cycles: int) -> Record:
    mean = 400 + 2 * len(moment.pending)
    return {
        "schedule_cycle_last": mean + moment.now % 97,
        "schedule_cycle_max": 3 * mean,
        "schedule_cycle_sum": cycles * mean,
        "schedule_cycle_counter": cycles,
        "schedule_cycle_depth": cycles * min(100, len(moment.pending)),
        "schedule_cycle_mean": mean if cycles else 0,
        "schedule_cycle_mean_depth": min(100, len(moment.pending)) if cycles else 0,
        "schedule_cycles_per_minute": 1 if cycles else 0,
        "schedule_queue_len": len(moment.pending),
        "schedule_exit": {**dict.fromkeys(ScheduleExit.model_fields, 0), "end_of_job_queue": cycles},
    }


def _backfill(moment: Moment, cycles: int, jobs: int) -> Record:
    depth, mean = min(500, len(moment.pending)), 9_000 + 30 * len(moment.pending)
    return {
        "bf_active": 0,
        "bf_backfilled_jobs": jobs * 2,
        "bf_last_backfilled_jobs": jobs // 2,
        "bf_cycle_counter": cycles,
        "bf_cycle_sum": cycles * mean,
        "bf_cycle_last": mean + moment.now % 1009,
        "bf_cycle_max": 2 * mean,
        "bf_cycle_mean": mean if cycles else 0,
        "bf_when_last_cycle": moment.now - moment.now % 30,
        "bf_last_depth": depth,
        "bf_last_depth_try": depth // 2,
        "bf_depth_sum": cycles * depth,
        "bf_depth_try_sum": cycles * (depth // 2),
        "bf_mean_depth": depth if cycles else 0,
        "bf_mean_depth_try": depth // 2 if cycles else 0,
        "bf_queue_len": len(moment.pending),
        "bf_queue_len_sum": cycles * len(moment.pending),
        "bf_queue_len_mean": len(moment.pending) if cycles else 0,
        "bf_exit": {**dict.fromkeys(BackfillExit.model_fields, 0), "end_of_job_queue": cycles},
    }


def _rpc(name: str, seconds: int) -> Record:
    number, an_hour, average = _RPCS[name]
    calls = seconds * an_hour // 3600
    return {
        "id": number, "count": calls, "ave_time": average, "total_time": calls * average, "queued": 0, "dropped": 0,
        "cycle_last": 0, "cycle_max": 0,
    }  # fmt: skip
