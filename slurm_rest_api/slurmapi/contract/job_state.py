"""Published fields of a job: its state, its place in the queue, and its times."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord, Unlimited, YesNo


class JobState(PublishedRecord):
    """State, priority, dependencies and how the job ended."""

    job_state: str = Field(
        description="State as squeue prints it in long form: PENDING, RUNNING, SUSPENDED, COMPLETING, COMPLETED and "
        "so on."
    )
    state_reason: str = Field(
        description="Pending reason, or why the job failed, with blanks as underscores; the text `None` when there "
        "is none."
    )
    priority: Count = Field(description="Scheduling priority; 0 for a held job.")
    nice: int = Field(description="Nice value; positive lowers the priority. 0 when unset.")
    requeue: bool = Field(description="Whether Slurm may requeue the job.")
    restart_cnt: Count = Field(description="How often the job was requeued or restarted.")
    reboot: Count = Field(description="1 when the nodes are to be rebooted before the job starts, else 0.")
    batch_flag: Count = Field(description="1 for a job made by sbatch, else 0.")
    exit_code: str = Field(
        description="`code:signal` of the batch script or of salloc. With pyslurm's object API a code of 128 or more"
        " arrives with 128 subtracted (exit 130 reads 2:0); the difference is not recoverable."
    )
    derived_ec: str = Field(
        description="Highest exit code of all steps as `code:signal`, with the same loss as exit_code."
    )
    failed_node: str | None = Field(description="Node whose failure ended the job.")
    dependency: str | None = Field(
        description="Dependencies that are left, joined by `,` (all) or `?` (any), e.g. `afterok:12(unfulfilled)`. "
        "With pyslurm's object API the text is rebuilt: `singleton(unfulfilled)` is lost where it stands"
        " beside other dependencies, and so are types that pyslurm does not know."
    )
    kill_on_invalid_dependent: YesNo | None = Field(
        description="`Yes` when the job ends once its dependency can never be met. `No` was asked for explicitly; "
        "pyslurm's object API cannot tell that from unset, which is null."
    )


class JobTimes(PublishedRecord):
    """Moments. Epoch seconds with 0 for unset, or local time text where Slurm's classic API published text."""

    submit_time: Count = Field(description="When the job was submitted (or requeued), epoch seconds.")
    eligible_time: Count = Field(
        description="When the job became or becomes eligible to run, epoch seconds; 0 when unknown."
    )
    accrue_time: str = Field(
        description="When the job began to gain age priority, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone; "
        "`Unknown` when unset."
    )
    start_time: Count = Field(
        description="When the job started or is expected to start, epoch seconds; 0 when unknown."
    )
    end_time: Count = Field(description="When the job ended or has to end, epoch seconds; 0 when unknown.")
    suspend_time: Count = Field(description="When the job was last suspended or resumed, epoch seconds; 0 if never.")
    resize_time: Count = Field(description="When the job last changed its size, epoch seconds; 0 if never.")
    last_sched_eval: str = Field(
        description="When the scheduler last looked at the job, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone; "
        "`Unknown` if never."
    )
    preempt_time: int | None = Field(
        description="When the job was told that it is preempted, epoch seconds; null if never."
    )
    preempt_eligible_time: str | None = Field(
        description="From when the job may be preempted, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone; null "
        "when unset."
    )
    deadline: int | None = Field(description="By when the job has to be done, epoch seconds; null without a deadline.")


class JobDurations(PublishedRecord):
    """Lengths of time. Texts have one form: `HH:MM:SS`, with `D-` before it from one day on."""

    run_time: Count = Field(
        description="Seconds that the job has run at the moment of reading, suspension not counted."
    )
    run_time_str: str = Field(description="run_time as `[D-]HH:MM:SS`.")
    run_time_remaining: int | None = Field(
        description="Seconds until the time limit; negative beyond it. Null when the job holds no nodes or has no "
        "time limit."
    )
    elapsed_cpu_time: Count = Field(description="num_cpus times run_time, CPU seconds.")
    pre_sus_time: Count = Field(description="Seconds that the job had run before it was last suspended or resumed.")
    time_limit: Count | Unlimited | Literal["Partition_Limit"] = Field(
        description="Time limit in minutes, `UNLIMITED`, or `Partition_Limit` where it is unset (classic API only). "
        "pyslurm's object API says the same of an unset limit as of none; slurmctld fills in the "
        "partition's limit before it sends the job, so that does not happen in practice."
    )
    time_limit_str: str = Field(description="time_limit as `[D-]HH:MM:SS`, or `UNLIMITED`.")
    time_min: Count = Field(description="Lowest time limit that the user accepts (--time-min), minutes; 0 when unset.")
    delay_boot_time: int | None = Field(
        description="Seconds that the start may be delayed to avoid rebooting nodes; null when unset."
    )
