"""The statistics record from the text of sdiag, by release."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.contract import StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.statistics import statistics_record

# Slurm 26.05 with SlurmctldParameters=enable_rpc_queue.
TEXT = """\
*******************************************************
sdiag output at Thu Nov 26 17:17:48 2026 (1795713468)
Data since      Thu Nov 26 17:09:49 2026 (1795712989)
*******************************************************
Server thread count:  3
RPC queue enabled:    1
Agent queue size:     4
Agent count:          5
Agent thread count:   6
DBD Agent queue size: 7

Jobs submitted: 10
Jobs started:   11
Jobs completed: 12
Jobs canceled:  13
Jobs failed:    14

Job states ts:  Thu Nov 26 17:17:19 2026 (1795713439)
Jobs pending:   15
Jobs running:   16

Main schedule statistics (microseconds):
\tLast cycle:   20
\tMax cycle:    100
\tTotal cycles: 239
\tMean cycle:   21
\tMean depth cycle:  22
\tCycles per minute: 34
\tLast queue length: 23

Main scheduler exit:
\tEnd of job queue:239
\tHit default_queue_depth: 1
\tHit sched_max_job_start: 2
\tBlocked on licenses: 3
\tHit max_rpc_cnt: 4
\tTimeout (max_sched_time): 5

Backfilling stats (WARNING: data obtained in the middle of backfilling execution.)
\tTotal backfilled jobs (since last slurm start): 30
\tTotal backfilled jobs (since last stats cycle start): 31
\tTotal backfilled heterogeneous job components: 32
\tTotal cycles: 33
\tLast cycle when: Thu Nov 26 17:17:20 2026 (1795713440)
\tLast cycle: 34
\tMax cycle:  35
\tMean cycle: 36
\tLast depth cycle: 37
\tLast depth cycle (try sched): 38
\tDepth Mean: 39
\tDepth Mean (try depth): 40
\tLast queue length: 41
\tQueue length mean: 42
\tLast table size: 43
\tMean table size: 44

Backfill exit
\tEnd of job queue: 1
\tHit bf_max_job_start: 2
\tHit bf_max_job_test: 3
\tSystem state changed: 4
\tHit table size limit (bf_node_space_size): 5
\tTimeout (bf_max_time): 6

Latency for 1000 calls to gettimeofday(): 30 microseconds

Remote Procedure Call statistics by message type
\tREQUEST_PARTITION_INFO                  ( 2009) count:7      ave_time:84     total_time:592          queued:3      cycle_last:1      cycle_max:2      dropped:4
\tREQUEST_JOB_INFO                        ( 2003) count:1234567 ave_time:80     total_time:98765360     queued:0      cycle_last:0      cycle_max:0      dropped:0

Remote Procedure Call statistics by user
\troot            (       0) count:54     ave_time:199    total_time:10773
\tdomain\\first last(12345678) count:1      ave_time:2      total_time:3
\tunknown         (    4000) count:5      ave_time:6      total_time:30
\tunknown         (    4001) count:7      ave_time:8      total_time:56

Pending RPC statistics
\tREQUEST_LAUNCH_PROLOG                   ( 6017) count:2     \n\
\tREQUEST_TERMINATE_JOB                   ( 6011) count:1     \n\

Pending RPCs
\t 1: REQUEST_LAUNCH_PROLOG                rack[001-002]
"""  # noqa: E501 - as sdiag prints it
# Slurm 15.08, in UTC.
OLD = """\
*******************************************************
sdiag output at Thu Nov 26 17:17:48 2026
Data since      Thu Nov  5 00:00:00 2026
*******************************************************
Server thread count: 3
Agent queue size:    0

Jobs submitted: 1
Jobs started:   2
Jobs completed: 3
Jobs canceled:  4
Jobs failed:    5

Main schedule statistics (microseconds):
\tLast cycle:   9
\tMax cycle:    100
\tTotal cycles: 0
\tLast queue length: 0

Backfilling stats
\tTotal backfilled jobs (since last slurm start): 0
\tTotal backfilled jobs (since last stats cycle start): 0
\tTotal cycles: 0
\tLast cycle when: Thu Jan  1 00:00:00 1970
\tLast cycle: 0
\tMax cycle:  0
\tLast depth cycle: 0
\tLast depth cycle (try sched): 0
\tLast queue length: 0

Remote Procedure Call statistics by message type
\tREQUEST_NODE_INFO                       ( 2007) count:4      ave_time:278    total_time:1114

Remote Procedure Call statistics by user

\troot            (       0) count:54     ave_time:199    total_time:10773
"""


def record(text: str = TEXT) -> Record:
    found = statistics_record(text)
    StatisticsRecord.model_validate(found)
    return found


def test_every_field() -> None:
    assert record() == {
        "parts_packed": 1,
        "req_time": 1795713468,
        "req_time_start": 1795712989,
        "server_thread_count": 3,
        "agent_queue_size": 4,
        "agent_count": 5,
        "agent_thread_count": 6,
        "dbd_agent_queue_size": 7,
        "gettimeofday_latency": 30,
        "rpc_queue_enabled": True,
        "jobs_submitted": 10,
        "jobs_started": 11,
        "jobs_completed": 12,
        "jobs_canceled": 13,
        "jobs_failed": 14,
        "jobs_pending": 15,
        "jobs_running": 16,
        "job_states_ts": 1795713439,
        "schedule_cycle_last": 20,
        "schedule_cycle_max": 100,
        "schedule_cycle_sum": None,
        "schedule_cycle_counter": 239,
        "schedule_cycle_depth": None,
        "schedule_cycle_mean": 21,
        "schedule_cycle_mean_depth": 22,
        "schedule_cycles_per_minute": 34,
        "schedule_queue_len": 23,
        "schedule_exit": {
            "end_of_job_queue": 239,
            "default_queue_depth": 1,
            "max_job_start": 2,
            "blocked_on_licenses": 3,
            "max_rpc_count": 4,
            "max_time": 5,
        },
        "bf_active": 1,
        "bf_backfilled_jobs": 30,
        "bf_last_backfilled_jobs": 31,
        "bf_backfilled_het_jobs": 32,
        "bf_cycle_counter": 33,
        "bf_cycle_sum": None,
        "bf_cycle_last": 34,
        "bf_cycle_max": 35,
        "bf_cycle_mean": 36,
        "bf_when_last_cycle": 1795713440,
        "bf_last_depth": 37,
        "bf_last_depth_try": 38,
        "bf_depth_sum": None,
        "bf_depth_try_sum": None,
        "bf_mean_depth": 39,
        "bf_mean_depth_try": 40,
        "bf_queue_len": 41,
        "bf_queue_len_sum": None,
        "bf_queue_len_mean": 42,
        "bf_table_size": 43,
        "bf_table_size_sum": None,
        "bf_table_size_mean": 44,
        "bf_exit": {
            "end_of_job_queue": 1,
            "max_job_start": 2,
            "max_job_test": 3,
            "state_changed": 4,
            "node_space_size": 5,
            "max_time": 6,
        },
        "rpc_type_stats": {
            "REQUEST_PARTITION_INFO": {
                "id": 2009,
                "count": 7,
                "ave_time": 84,
                "total_time": 592,
                "queued": 3,
                "dropped": 4,
                "cycle_last": 1,
                "cycle_max": 2,
            },
            "REQUEST_JOB_INFO": {
                "id": 2003,
                "count": 1234567,
                "ave_time": 80,
                "total_time": 98765360,
                "queued": 0,
                "dropped": 0,
                "cycle_last": 0,
                "cycle_max": 0,
            },
        },
        "rpc_user_stats": {
            "root": {"user_name": "root", "id": 0, "count": 54, "ave_time": 199, "total_time": 10773},
            "domain\\first last": {
                "user_name": "domain\\first last",
                "id": 12345678,
                "count": 1,
                "ave_time": 2,
                "total_time": 3,
            },
            "unknown": {"user_name": "unknown", "id": 4000, "count": 5, "ave_time": 6, "total_time": 30},
            "4001": {"user_name": "unknown", "id": 4001, "count": 7, "ave_time": 8, "total_time": 56},
        },
        "rpc_pending": {
            "REQUEST_LAUNCH_PROLOG": {"id": 6017, "count": 2},
            "REQUEST_TERMINATE_JOB": {"id": 6011, "count": 1},
        },
    }


def test_statistics_of_15_08() -> None:
    found = record(OLD)
    # Not counted by that release.
    absent = ("agent_count", "agent_thread_count", "dbd_agent_queue_size", "gettimeofday_latency", "jobs_pending")
    more = ("jobs_running", "job_states_ts", "bf_backfilled_het_jobs", "bf_table_size", "schedule_exit", "bf_exit")
    assert [found[name] for name in (*absent, *more)] == [None] * 11
    assert (found["req_time"], found["req_time_start"]) == (1795713468, 1793836800)
    # No cycle yet.
    assert (found["schedule_cycle_mean"], found["bf_when_last_cycle"], found["bf_active"]) == (0, 0, 0)
    assert found["rpc_queue_enabled"] is False
    assert found["rpc_type_stats"]["REQUEST_NODE_INFO"]["total_time"] == 1114
    assert found["rpc_user_stats"]["root"]["count"] == 54
    assert found["rpc_pending"] == {}


def test_no_pending_rpcs() -> None:
    first, rest = TEXT.split("Pending RPC statistics\n")
    assert rest
    assert record(first + "Pending RPC statistics\n\tNo pending RPCs\n")["rpc_pending"] == {}


def test_a_main_scheduler_that_runs_since_less_than_a_minute() -> None:
    assert record(TEXT.replace("\tCycles per minute: 34\n", ""))["schedule_cycles_per_minute"] == 0


@pytest.mark.parametrize("text", ["", "No data available. Probably slurmctld is not working\n"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the statistics"):
        statistics_record(text)
