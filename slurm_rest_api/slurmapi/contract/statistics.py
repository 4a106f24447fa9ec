"""The published statistics record, with the values of sdiag."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class RpcTypeStatistics(PublishedRecord):
    """Remote procedure calls of one message type."""

    id: Count = Field(description="Number of the message type.")
    count: Count = Field(description="Calls since data_since.")
    ave_time: Count = Field(description="Average microseconds per call.")
    total_time: Count = Field(description="Microseconds of all calls.")
    queued: Count = Field(description="Calls waiting in the queue, 0 unless rpc_queue is on.")
    dropped: Count = Field(description="Calls dropped by the queue, 0 unless rpc_queue is on.")
    cycle_last: Count = Field(description="Calls handled in the queue's last cycle, 0 unless rpc_queue is on.")
    cycle_max: Count = Field(description="Most calls handled in one cycle of the queue, 0 unless rpc_queue is on.")


class RpcUserStatistics(PublishedRecord):
    """Remote procedure calls of one user."""

    id: Count = Field(description="User id.")
    user_name: str = Field(description="Login name, or the id as text.")
    count: Count = Field(description="Calls since data_since.")
    ave_time: Count = Field(description="Average microseconds per call.")
    total_time: Count = Field(description="Microseconds of all calls.")


class RpcPending(PublishedRecord):
    """Pending calls of slurmctld to nodes, of one message type."""

    id: Count = Field(description="Number of the message type.")
    count: Count = Field(description="Pending calls.")


class ScheduleExit(PublishedRecord):
    """Cycles of the main scheduler by the reason of their end."""

    end_of_job_queue: Count = Field(description="All jobs were examined.")
    default_queue_depth: Count = Field(description="default_queue_depth was reached.")
    max_job_start: Count = Field(description="sched_max_job_start was reached.")
    blocked_on_licenses: Count = Field(description="A job was blocked on licenses.")
    max_rpc_count: Count = Field(description="max_rpc_cnt was reached.")
    max_time: Count = Field(description="max_sched_time was reached.")


class BackfillExit(PublishedRecord):
    """Cycles of the backfill scheduler by the reason of their end."""

    end_of_job_queue: Count = Field(description="All jobs were examined.")
    max_job_start: Count = Field(description="bf_max_job_start was reached.")
    max_job_test: Count = Field(description="bf_max_job_test was reached.")
    state_changed: Count = Field(description="The state of the system changed.")
    node_space_size: Count = Field(description="The table of node spaces was full.")
    max_time: Count = Field(description="bf_max_time was reached.")


class ControllerStatistics(PublishedRecord):
    """Threads, agents and job counts."""

    parts_packed: Count = Field(description="Always 1, for compatibility.")
    req_time: Count = Field(description="Time at which slurmctld answered, epoch seconds.")
    req_time_start: Count = Field(
        description="Time from which slurmctld counts (its start or the last reset), epoch seconds."
    )
    server_thread_count: Count = Field(description="Active threads of slurmctld.")
    agent_queue_size: Count = Field(description="Messages to nodes in slurmctld's queue.")
    agent_count: Count | None = Field(
        description="Agents that are sending messages to nodes. Null before 18.08 and with pyslurm before 23.02."
    )
    agent_thread_count: Count | None = Field(
        description="Threads of those agents. Null before 18.08 and with pyslurm before 23.02."
    )
    dbd_agent_queue_size: Count | None = Field(
        description="Messages to slurmdbd in slurmctld's queue. Null before 17.11 and with pyslurm before 23.02."
    )
    gettimeofday_latency: Count | None = Field(
        description="Microseconds of 1,000 calls of gettimeofday(). Null before 18.08 and with pyslurm before 23.02."
    )
    rpc_queue_enabled: bool = Field(
        description="True if slurmctld queues calls (SlurmctldParameters=enable_rpc_queue)."
    )
    jobs_submitted: Count = Field(description="Jobs submitted since req_time_start.")
    jobs_started: Count = Field(description="Jobs started since req_time_start.")
    jobs_completed: Count = Field(description="Jobs completed since req_time_start.")
    jobs_canceled: Count = Field(description="Jobs cancelled since req_time_start.")
    jobs_failed: Count = Field(description="Jobs failed since req_time_start, including those on failed nodes.")
    jobs_pending: Count | None = Field(description="Jobs pending at job_states_ts. Null before 18.08.")
    jobs_running: Count | None = Field(description="Jobs running at job_states_ts. Null before 17.11.")
    job_states_ts: int | None = Field(
        description="Time at which jobs_pending and jobs_running were counted, epoch seconds, null if unknown."
    )


class SchedulerStatistics(PublishedRecord):
    """The main scheduler."""

    schedule_cycle_last: Count = Field(description="Microseconds of the last cycle.")
    schedule_cycle_max: Count = Field(description="Microseconds of the longest cycle.")
    schedule_cycle_sum: Count | None = Field(
        description="Microseconds of all cycles. Null with the source `slurm:commands`."
    )
    schedule_cycle_counter: Count = Field(description="Number of cycles.")
    schedule_cycle_depth: Count | None = Field(
        description="Jobs examined in all cycles. Null with the source `slurm:commands`."
    )
    schedule_cycle_mean: Count = Field(description="Average microseconds per cycle.")
    schedule_cycle_mean_depth: Count = Field(description="Jobs examined per cycle on average.")
    schedule_cycles_per_minute: Count = Field(
        description="Cycles per whole minute since req_time_start, 0 in the first minute."
    )
    schedule_queue_len: Count = Field(description="Jobs in the queue at the last cycle.")
    schedule_exit: ScheduleExit | None = Field(description="Why cycles ended. Null before 23.11.")


class BackfillStatistics(PublishedRecord):
    """The backfill scheduler."""

    bf_active: Count = Field(description="1 while backfill runs, else 0.")
    bf_backfilled_jobs: Count = Field(description="Jobs started by backfill since slurmctld started.")
    bf_last_backfilled_jobs: Count = Field(description="Jobs started by backfill since req_time_start.")
    bf_backfilled_het_jobs: Count | None = Field(
        description="Heterogeneous components started by backfill. Null before 17.11 and with pyslurm before 23.02."
    )
    bf_cycle_counter: Count = Field(description="Number of cycles.")
    bf_cycle_sum: Count | None = Field(description="Microseconds of all cycles. Null with the source `slurm:commands`.")
    bf_cycle_last: Count = Field(description="Microseconds of the last cycle.")
    bf_cycle_max: Count = Field(description="Microseconds of the longest cycle.")
    bf_cycle_mean: Count = Field(description="Average microseconds per cycle.")
    bf_when_last_cycle: Count = Field(description="Start of the last cycle, epoch seconds, 0 if never.")
    bf_last_depth: Count = Field(description="Jobs examined in the last cycle.")
    bf_last_depth_try: Count = Field(description="Jobs of the last cycle that had a chance to start.")
    bf_depth_sum: Count | None = Field(
        description="Jobs examined in all cycles. Null with the source `slurm:commands`."
    )
    bf_depth_try_sum: Count | None = Field(
        description="Jobs of all cycles that had a chance to start. Null with the source `slurm:commands`."
    )
    bf_mean_depth: Count = Field(description="Jobs examined per cycle on average.")
    bf_mean_depth_try: Count = Field(description="Jobs of a cycle that had a chance to start, on average.")
    bf_queue_len: Count = Field(description="Jobs in the queue at the last cycle.")
    bf_queue_len_sum: Count | None = Field(
        description="Sum of the queue's length over all cycles. Null with the source `slurm:commands`."
    )
    bf_queue_len_mean: Count = Field(description="Mean length of the queue.")
    bf_table_size: Count | None = Field(
        description="Time slots that the last cycle examined. Null before 20.02 and with pyslurm before 23.02."
    )
    bf_table_size_sum: Count | None = Field(
        description="Time slots of all cycles. Null with the source `slurm:commands`."
    )
    bf_table_size_mean: Count | None = Field(description="Average time slots per cycle. Null where `bf_table_size` is.")
    bf_exit: BackfillExit | None = Field(description="Why cycles ended. Null before 23.11.")


class StatisticsRecord(BackfillStatistics, SchedulerStatistics, ControllerStatistics):
    """The record of /stats."""

    rpc_type_stats: dict[str, RpcTypeStatistics] = Field(description="Remote procedure calls by message type.")
    rpc_user_stats: dict[str, RpcUserStatistics] = Field(description="Remote procedure calls by user name.")
    rpc_pending: dict[str, RpcPending] | None = Field(
        description="Pending calls to nodes by message type. Null with pyslurm before 23.02."
    )
