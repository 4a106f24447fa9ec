"""The published job record."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord
from slurm_rest_api.slurmapi.contract.job_identity import JobArray, JobHeterogeneous, JobOwner
from slurm_rest_api.slurmapi.contract.job_request import JobMemoryAndTres, JobPlacement, JobSize
from slurm_rest_api.slurmapi.contract.job_state import JobDurations, JobState, JobTimes


class JobAllocation(PublishedRecord):
    """What the job holds.

    The dictionaries by node are filled for jobs that hold nodes (RUNNING, SUSPENDED, COMPLETING, CONFIGURING
    and the like) and are `{}` for all others.
    """

    nodes: str | None = Field(
        description="Allocated nodes as a hostlist; of a COMPLETING job only those that are not released yet."
    )
    batch_host: str | None = Field(description="Node that runs the batch script.")
    sched_nodes: str | None = Field(description="Nodes that the backfill scheduler plans to use, as a hostlist.")
    cpus_allocated: dict[str, Count] = Field(
        description="CPUs (hardware threads) by node. Exact for a job on one node. With pyslurm's object API, which "
        "tells cores only, a job on several nodes has cores times threads per core of each node: exact "
        "where whole cores are allocated (CR_Core*, CR_Socket*), too high by the idle threads of shared "
        "cores under CR_CPU* or --ntasks-per-core, so that the sum exceeds num_cpus. With the classic "
        "API of 24.11 and later num_cpus is spread evenly over the nodes."
    )
    mem_allocated: dict[str, Count] = Field(
        description="Memory in MiB by node; 0 where memory is no consumable resource. With the classic API computed "
        "from the request."
    )
    cpus_alloc_layout: dict[str, list[int]] = Field(
        description="CPU ids by node, numbered as `scontrol show job -d` numbers them. Of a very scattered "
        "allocation only the first (some 40) ranges are known. [] for each node with the classic API of "
        "24.11 and later."
    )
    gres_allocated: dict[str, dict[str, Count]] = Field(
        description="Generic resources by node, `name[:type]` to count; {} for a node without any. {} with the "
        "classic API."
    )
    tres_alloc_str: str | None = Field(
        description="Allocated TRES in the form of tres_req_str; null for a job that never started. A finished job "
        "keeps its last."
    )
    licenses_allocated: dict[str, str | int] = Field(
        description="Allocated licenses in the form of licenses; {} when none."
    )
    billable_tres: float | None = Field(
        description="Billable TRES that the job is charged for; 0 or null when not computed yet."
    )
    reserved_ports: str | None = Field(description="Ports reserved for the job's communication.")
    kill_step_when_oom: bool = Field(description="Whether a step ends as a whole when one task runs out of memory.")


class JobFiles(PublishedRecord):
    """Command, files and free text.

    The submission line and the mail settings are not published: they often hold private data.
    """

    command: str | None = Field(description="Path of the batch script or command, with arguments where Slurm has them.")
    work_dir: str | None = Field(description="Working directory.")
    std_in: str | None = Field(
        description="Standard input of a batch job, else null. With pyslurm's object API cut at 1,023 characters."
    )
    std_out: str | None = Field(
        description="Standard output of a batch job, else null. Cut as std_in. `%a` stays where an array's tasks "
        "still wait."
    )
    std_err: str | None = Field(
        description="Standard error of a batch job, else null; the same as std_out where none was named."
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
