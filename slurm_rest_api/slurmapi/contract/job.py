"""The published job record. `job_request` has the fields that the user requested."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord, Unlimited, YesNo
from slurm_rest_api.slurmapi.contract.job_request import JobMemoryAndTres, JobPlacement, JobSize


class JobOwner(PublishedRecord):
    """Id, name, user, account and partition of the job."""

    job_id: Count = Field(description="Job id. Each started array task and each heterogeneous component has its own.")
    name: str | None = Field(description="Name given with --job-name.")
    cluster: str | None = Field(description="Cluster of the job, as slurmctld reports it, null before Slurm 21.08.")
    user_id: Count = Field(description="Numeric id of the job's user.")
    user_name: str = Field(
        description="Login name for user_id on the API's host, the id as text if the host does not know it."
    )
    group_id: Count = Field(description="Numeric id of the job's group.")
    group_name: str = Field(
        description="Name for group_id on the API's host, the id as text if the host does not know it."
    )
    account: str | None = Field(description="Account that is charged, null if accounting is off.")
    assoc_id: Count | None = Field(
        description="Id of the association (cluster, account, user, partition) in slurmdbd, 0 if there is none. "
        "Null with the source `slurm:commands`."
    )
    partition: str | None = Field(
        description="Partition of the job, a comma-separated list while a job that requested more than one is pending."
    )
    qos: str | None = Field(description="QOS of the job.")
    wckey: str | None = Field(description="Workload characterization key.")
    resv_name: str | None = Field(description="Reservation that the job uses.")
    mcs_label: str | None = Field(description="Multi-category security label.")
    alloc_node: str | None = Field(description="Host that the job was submitted from.")
    alloc_sid: Count = Field(description="Session id on the submit host, 0 if unknown.")
    is_cronjob: bool = Field(description="True if scrontab created the job.")
    cronjob_time: str | None = Field(description="The scrontab time specification.")
    container: str | None = Field(description="Path of the OCI container bundle.")
    container_id: str | None = Field(description="Id of the OCI container.")


class JobArray(PublishedRecord):
    """The job's position in a job array."""

    array_job_id: int | None = Field(
        description="Id of the array's first job, null if the job is not part of an array."
    )
    array_task_id: int | None = Field(
        description="Task index of this record, from 0, null if the job is not an array task, or the record holds the "
        "pending tasks."
    )
    array_task_str: str | None = Field(
        description="Indexes of the pending tasks, as Slurm formats them (`2-9%4`), null for a task with its own "
        "record."
    )
    array_max_tasks: int | None = Field(
        description="Maximum tasks that run at the same time (the number after %), null without a limit."
    )
    array_task_throttle: int | None = Field(
        description="The same as array_max_tasks, with its name in pyslurm since 19.05."
    )


class JobHeterogeneous(PublishedRecord):
    """The job's position in a heterogeneous job, and in a federation."""

    het_job_id: int | None = Field(description="Id of the leading component, null if the job is not heterogeneous.")
    het_job_offset: int | None = Field(
        description="Index of this component, from 0, null if the job is not heterogeneous."
    )
    het_job_id_set: str | None = Field(
        description="Job ids of all components as a hostlist (`12-14`), null if the job is not heterogeneous."
    )
    pack_job_id: int | None = Field(description="het_job_id with its name in Slurm until 19.05.")
    pack_job_offset: int | None = Field(description="het_job_offset with its name in Slurm until 19.05.")
    pack_job_id_set: str | None = Field(description="het_job_id_set with its name in Slurm until 19.05.")
    fed_origin: str | None = Field(description="Origin cluster of the job in a federation, null outside a federation.")
    fed_viable_siblings: str | None = Field(
        description="Clusters where the job may run, comma-separated, null outside a federation."
    )
    fed_active_siblings: str | None = Field(
        description="Clusters that hold a sibling job, comma-separated, null outside a federation."
    )


class JobState(PublishedRecord):
    """State, priority, dependencies and exit codes."""

    job_state: str = Field(
        description="State as squeue prints it in long form: PENDING, RUNNING, SUSPENDED, COMPLETING, COMPLETED and "
        "so on."
    )
    state_reason: str = Field(
        description="Reason of a pending or failed job, with underscores for spaces, the text `None` if there is none."
    )
    priority: Count = Field(description="Scheduling priority, 0 for a held job.")
    nice: int = Field(description="Nice value. A positive one lowers the priority. 0 if unset.")
    requeue: bool = Field(description="True if Slurm may requeue the job.")
    restart_cnt: Count = Field(description="Number of requeues and restarts.")
    reboot: Count = Field(description="1 if the nodes are rebooted before the job starts, else 0.")
    batch_flag: Count = Field(description="1 for a job from sbatch, else 0.")
    exit_code: str = Field(
        description="`code:signal` of the batch script or of salloc, e.g. `137:0` for a script whose command was "
        "killed by signal 9."
    )
    derived_ec: str = Field(description="Highest exit code of all steps as `code:signal`.")
    failed_node: str | None = Field(description="Node whose failure ended the job.")
    dependency: str | None = Field(
        description="Remaining dependencies, joined by `,` (all) or `?` (any), e.g. "
        "`afterok:12(unfulfilled),singleton(unfulfilled)`."
    )
    kill_on_invalid_dependent: YesNo | None = Field(
        description="`Yes` if the job ends when its dependency can never be met, `No` if the user requested "
        "the opposite, null if unset."
    )


class JobTimes(PublishedRecord):
    """Times: epoch seconds with 0 for unset, or text in local time where the 2018 service had text."""

    submit_time: Count = Field(description="Time of the submission or last requeue, epoch seconds.")
    eligible_time: Count = Field(description="Time from which the job is eligible to run, epoch seconds, 0 if unknown.")
    accrue_time: str = Field(
        description="Time from which the job accrues age priority, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone, "
        "`Unknown` if unset."
    )
    start_time: Count = Field(description="Time of the start, or its estimate, epoch seconds, 0 if unknown.")
    end_time: Count | None = Field(
        description="Time of the end, or the end of the time limit, epoch seconds, 0 if unknown. Null for a job that "
        "holds nodes without a time limit."
    )
    suspend_time: Count = Field(description="Time of the last suspension or resumption, epoch seconds, 0 if never.")
    resize_time: Count = Field(description="Time of the last change of the job's size, epoch seconds, 0 if never.")
    last_sched_eval: str = Field(
        description="Time of the last evaluation by the scheduler, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone, "
        "`Unknown` if never."
    )
    preempt_time: int | None = Field(description="Time of the preemption signal, epoch seconds, null if never.")
    preempt_eligible_time: str | None = Field(
        description="Time from which the job may be preempted, `YYYY-MM-DDTHH:MM:SS` in the API host's time zone, null "
        "if unset."
    )
    deadline: int | None = Field(description="Deadline of the job, epoch seconds, null without one.")


class JobDurations(PublishedRecord):
    """Durations. Texts have the form `[D-]HH:MM:SS`."""

    run_time: Count = Field(description="Seconds that the job had run when it was read, without suspension.")
    run_time_str: str = Field(description="run_time as `[D-]HH:MM:SS`.")
    run_time_remaining: int | None = Field(
        description="Seconds until the time limit, negative after it. Null if the job holds no nodes or has no "
        "time limit."
    )
    elapsed_cpu_time: Count = Field(description="num_cpus times run_time, CPU seconds.")
    pre_sus_time: Count = Field(description="Seconds that the job had run before the last suspension or resumption.")
    time_limit: Count | Unlimited | Literal["Partition_Limit"] = Field(
        description="Time limit in minutes, `UNLIMITED`, or `Partition_Limit` if the job has none of its own."
    )
    time_limit_str: str = Field(description="time_limit as `[D-]HH:MM:SS`, `UNLIMITED` or `Partition_Limit`.")
    time_min: Count = Field(description="Minimum time limit that the user accepts (--time-min), minutes, 0 if unset.")
    delay_boot_time: int | None = Field(
        description="Seconds that the start may be delayed to avoid reboots of nodes, null if unset."
    )


class JobAllocation(PublishedRecord):
    """The allocation of the job.

    The objects by node are filled for jobs that hold nodes (RUNNING, SUSPENDED, COMPLETING, CONFIGURING
    and the like) and are `{}` for all others.
    """

    nodes: str | None = Field(
        description="Allocated nodes as a hostlist, for a COMPLETING job only those that are not released yet."
    )
    batch_host: str | None = Field(description="Node that runs the batch script.")
    sched_nodes: str | None = Field(description="Nodes that the backfill scheduler plans to use, as a hostlist.")
    cpus_allocated: dict[str, Count] = Field(
        description="CPUs (hardware threads) by node. Exact for a job on one node. Slurm reports only cores, so for "
        "more nodes it is cores times threads per core: exact if whole cores are allocated (CR_Core*, CR_Socket*). "
        "With CR_CPU* or --ntasks-per-core it includes idle threads of shared cores, so that the sum exceeds num_cpus. "
        "With select/linear num_cpus is spread evenly over the nodes."
    )
    mem_allocated: dict[str, Count] = Field(
        description="Memory in MiB by node, 0 if memory is not a consumable resource."
    )
    cpus_alloc_layout: dict[str, list[int]] = Field(
        description="CPU ids by node, numbered like in `scontrol show job -d`. [] for each node with select/linear."
    )
    gres_allocated: dict[str, dict[str, Count]] = Field(
        description="Generic resources by node, `name[:type]` to count, {} for a node without any. Before Slurm 19.05 "
        "those without device numbers are what the job asked for."
    )
    tres_alloc_str: str | None = Field(
        description="Allocated TRES in the form of tres_req_str, null for a job that never started. A finished job "
        "keeps its value."
    )
    licenses_allocated: dict[str, str | int] = Field(
        description="Allocated licenses in the form of licenses, {} if none."
    )
    billable_tres: float | None = Field(
        description="Billable TRES that the job is charged for, 0 or null if not computed yet."
    )
    reserved_ports: str | None = Field(description="Ports reserved for the job's communication.")
    kill_step_when_oom: bool = Field(description="True if the whole step ends when one task runs out of memory.")


class JobFiles(PublishedRecord):
    """Command, files and free text.

    The submission line and the mail settings are left out, because they often hold private data.
    """

    command: str | None = Field(description="Path of the batch script or command, with arguments if Slurm has them.")
    work_dir: str | None = Field(description="Working directory.")
    std_in: str | None = Field(description="Standard input of a batch job, else null.")
    std_out: str | None = Field(
        description="Standard output of a batch job, else null. Pending array tasks keep `%a` in it."
    )
    std_err: str | None = Field(
        description="Standard error of a batch job, else null. The same as std_out if none was requested."
    )
    comment: str | None = Field(description="Comment of the user.")
    admin_comment: str | None = Field(description="Comment of the administrator.")
    system_comment: str | None = Field(description="Comment of the system, e.g. of a burst buffer plugin.")
    extra: str | None = Field(description="Arbitrary text given with --extra.")
    selinux_context: str | None = Field(description="SELinux context of the job.")


class JobRecord(
    JobFiles,
    JobAllocation,
    JobMemoryAndTres,
    JobPlacement,
    JobSize,
    JobDurations,
    JobTimes,
    JobState,
    JobHeterogeneous,
    JobArray,
    JobOwner,
):
    """One job of /queue."""
