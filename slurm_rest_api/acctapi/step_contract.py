"""Published fields of /history/{id}/steps, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from slurm_rest_api.acctapi.contract import PageMeta, Time, Tres
from slurm_rest_api.contract_base import Count, PublishedModel, PublishedRecord


class StepRecord(PublishedRecord):
    """One step of an attempt at a job."""

    id_record: str = Field(description="Record of the attempt: `id_record` of /history.")
    id_job: Count = Field(description="Job id.")
    step_id: str = Field(
        description="Name of the step in Slurm: its number, `batch`, `extern` or `interactive`. `0+1` is component 1 of"
        " a step of a heterogeneous job."
    )
    step_id_str: str = Field(description="Job and step as sacct prints them: `12.batch`, `12_3.0`, `12+1.extern`.")
    step_name: str | None = Field(description="Name of the step: that of its program, or of --job-name.")
    state: str = Field(description="State as slurm.h names it: `JOB_COMPLETE`, `JOB_FAILED`, `JOB_OOM` …")
    state_name: str = Field(description="State as sacct prints it: `COMPLETED`, `FAILED`, `OUT_OF_MEMORY` …")
    exit_code: Count = Field(description="Exit code. 0 if a signal ended it, and until it has ended.")
    exit_signal: Count = Field(description="Signal that ended the step. 0 if none did.")
    kill_requid: Count | None = Field(description="Numeric id of the user who cancelled it.")
    nodelist: str | None = Field(description="Nodes as a hostlist.")
    nodes_alloc: Count = Field(description="Number of nodes.")
    tasks: Count = Field(description="Number of tasks (NTasks).")
    tres_alloc: Tres = Field(description="TRES allocated to the step.")
    time_start: Time = Field(description="Start.")
    time_end: Time = Field(description="End. Null until the step has ended. With its job at the latest.")
    elapsed: Count = Field(description="Seconds from start to end, or to now, without suspension.")
    suspended: Count = Field(description="Seconds that the step was suspended.")
    timelimit: str | Count | None = Field(
        description="Time limit of the step, in the format of /history. Null without one, and before Slurm 25.05."
    )
    cpu_time: float | None = Field(description="CPU seconds, user and system (TotalCPU). Null if none are recorded.")
    cpu_efficiency: float | None = Field(
        description="cpu_time divided by elapsed times the CPUs of the step. Null until it has ended, and where"
        " cpu_time is null."
    )
    max_rss: float | None = Field(description="Largest memory of a task at its peak, MiB (MaxRSS of sacct).")
    max_rss_node: str | None = Field(description="Node of that task (MaxRSSNode).")
    max_rss_task: Count | None = Field(description="Number of that task (MaxRSSTask).")
    total_rss: float | None = Field(
        description="Memory of all tasks at their peaks, MiB (TRESUsageInTot of mem). `max_rss` of /history is that of"
        " the step where it is largest."
    )
    mem_efficiency: float | None = Field(
        description="total_rss divided by the allocated memory. Null until it has ended, and where total_rss is null."
    )
    disk_read: float | None = Field(description="MiB that all tasks read (TRESUsageInTot of fs/disk).")
    disk_written: float | None = Field(description="MiB that all tasks wrote (TRESUsageOutTot of fs/disk).")
    gpu_util: Count | None = Field(description="Utilisation of its GPUs in percent of one GPU, as in /history.")
    gpu_mem: float | None = Field(description="Memory of its GPUs at its peak, MiB, as in /history.")
    energy: Count | None = Field(description="Energy, joules (ConsumedEnergyRaw). Null if nothing was recorded.")
    container: str | None = Field(description="OCI container bundle. Null before Slurm 21.08.")
    submit_line: str | None = Field(
        description="Command line of the step. Null before Slurm 21.08, and if it names a hidden partition."
    )
    std_in: str | None = Field(description="Standard input, as in /history. Null before Slurm 25.05.")
    std_out: str | None = Field(description="Standard output, as in /history. Null before Slurm 25.05.")
    std_err: str | None = Field(description="Standard error, as in /history. Null before Slurm 25.05.")


STEP_FIELDS = tuple(StepRecord.model_fields)


class StepsAnswer(PublishedModel):
    """Steps of a job: those of the newest attempt first, in each the batch step first."""

    model_config = ConfigDict(extra="forbid")

    data: list[StepRecord]
    meta: PageMeta
