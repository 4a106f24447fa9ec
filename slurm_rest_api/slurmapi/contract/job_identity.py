"""Published fields of a job: who it is and whom it belongs to."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class JobOwner(PublishedRecord):
    """The job's own id and name, its user, and the accounts and partitions that it runs under."""

    job_id: Count = Field(
        description="Job id. Every array task that was started and every heterogeneous component has its own."
    )
    name: str | None = Field(description="Name given with --job-name.")
    cluster: str | None = Field(
        description="Cluster that the controller says the job belongs to; null before Slurm 21.08."
    )
    user_id: Count = Field(description="Numeric id of the user who owns the job.")
    user_name: str = Field(
        description="Login name for user_id on the API's host; the number as text where the host does not know it."
    )
    group_id: Count = Field(description="Numeric id of the job's group.")
    group_name: str = Field(
        description="Name for group_id on the API's host; the number as text where the host does not know it."
    )
    account: str | None = Field(description="Account that is charged; null where accounting is off.")
    assoc_id: Count = Field(
        description="Id of the association (cluster, account, user, partition) in slurmdbd; 0 when there is none."
    )
    partition: str | None = Field(
        description="Partition of the job; a comma-separated list while a job that named several of them is pending."
    )
    qos: str | None = Field(description="QOS of the job.")
    wckey: str | None = Field(description="Workload characterization key.")
    resv_name: str | None = Field(description="Reservation that the job uses.")
    mcs_label: str | None = Field(description="Multi-category security label.")
    alloc_node: str | None = Field(description="Host that the job was submitted from.")
    alloc_sid: Count = Field(description="Session id on the host that submitted the job; 0 when unknown.")
    is_cronjob: bool = Field(description="Whether scrontab made the job.")
    cronjob_time: str | None = Field(description="The scrontab time specification.")
    container: str | None = Field(description="Path of the OCI container bundle.")
    container_id: str | None = Field(description="Id of the OCI container.")


class JobArray(PublishedRecord):
    """Place of the job in a job array."""

    array_job_id: int | None = Field(
        description="Id of the array's first job; null when the job is not part of an array."
    )
    array_task_id: int | None = Field(
        description="Task index of this record, 0 included; null when the job is no array task or stands for tasks "
        "that still wait."
    )
    array_task_str: str | None = Field(
        description="Task indexes that still wait, as Slurm writes them (`2-9%4`); null for a task that has its own "
        "record."
    )
    array_max_tasks: int | None = Field(
        description="How many tasks may run at once (the number after %); null without a limit."
    )
    array_task_throttle: int | None = Field(
        description="The same as array_max_tasks, under the name that pyslurm has used since 19.05."
    )


class JobHeterogeneous(PublishedRecord):
    """Place of the job in a heterogeneous job, and in a federation."""

    het_job_id: int | None = Field(description="Id of the leading component; null when the job is not heterogeneous.")
    het_job_offset: int | None = Field(
        description="Index of this component, from 0; null when the job is not heterogeneous."
    )
    het_job_id_set: str | None = Field(
        description="Job ids of all components as a hostlist (`12-14`). Null where pyslurm has no source for it (its"
        " object API)."
    )
    pack_job_id: int | None = Field(description="het_job_id under the name that Slurm used until 19.05.")
    pack_job_offset: int | None = Field(description="het_job_offset under the name that Slurm used until 19.05.")
    pack_job_id_set: str | None = Field(description="het_job_id_set under the name that Slurm used until 19.05.")
    fed_origin: str | None = Field(
        description="Cluster of the federation that the job came from; null outside a federation."
    )
    fed_viable_siblings: str | None = Field(
        description="Clusters where the job may run, comma-separated; null outside a federation."
    )
    fed_active_siblings: str | None = Field(
        description="Clusters that hold a sibling job, comma-separated; null outside a federation."
    )
