"""The published partition record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord, Unlimited

Bit = Literal[0, 1]
NamesOrAll = list[str] | Literal["ALL"] | None


class PartitionFlags(PublishedRecord):
    """Flags of a partition, as numbers, with the names of the 2018 service."""

    Default: Bit = Field(description="1 for the default partition.")
    Hidden: Bit = Field(description="1 if Slurm hides the partition from users who may not use it.")
    DisableRootJobs: Bit = Field(description="1 if root may not run jobs.")
    RootOnly: Bit = Field(description="1 if only root may allocate.")
    LLN: Bit = Field(description="1 if the least loaded nodes are chosen first.")
    ExclusiveUser: Bit = Field(description="1 if a node serves one user at a time.")
    Shared: str = Field(description="OverSubscribe setting: `EXCLUSIVE`, `NO`, `YES:n` or `FORCED:n`.")


class PartitionAccess(PublishedRecord):
    """Access to the partition: `"ALL"`, or a list of names."""

    name: str = Field(description="Partition name.")
    cluster: str | None = Field(description="Cluster that the partition belongs to.")
    state: str = Field(description="UP, DOWN, DRAIN or INACTIVE.")
    allow_accounts: NamesOrAll = Field(description="Accounts that may use it, null if deny_accounts is set.")
    deny_accounts: list[str] | None = Field(description="Accounts that may not use it, null if none is denied.")
    allow_qos: NamesOrAll = Field(description="QOS that may be used in it, null if deny_qos is set.")
    deny_qos: list[str] | None = Field(description="QOS that may not be used in it, null if none is denied.")
    allow_groups: NamesOrAll = Field(description="Groups whose users may use it.")
    allow_alloc_nodes: NamesOrAll = Field(description="Hosts from which jobs may be submitted to it.")
    alternate: str | None = Field(description="Partition for new jobs while this one is down.")
    qos_char: str | None = Field(description="QOS whose limits apply to the partition.")
    flags: PartitionFlags = Field(description="Flags.")
    requires_reservation: bool = Field(description="True if jobs need a reservation.")
    power_down_on_idle: bool = Field(description="True if nodes are powered down as soon as they are idle.")


class PartitionLimits(PublishedRecord):
    """Limits and defaults for jobs."""

    default_time: Count | Unlimited | Literal["NONE"] = Field(
        description="Default time limit in SECONDS, `UNLIMITED`, or `NONE` if max_time is the default."
    )
    default_time_str: str = Field(description="default_time as `[D-]HH:MM:SS`, `UNLIMITED` or `NONE`.")
    max_time: Count | Unlimited = Field(description="Maximum time limit in SECONDS, or `UNLIMITED`.")
    max_time_str: str = Field(description="max_time as `[D-]HH:MM:SS`, or `UNLIMITED`.")
    over_time_limit: Count | Unlimited | Literal["NONE"] = Field(
        description="Minutes that jobs may exceed their limit, `UNLIMITED`, or `NONE` if unset (also if 0)."
    )
    grace_time: Count = Field(description="Seconds between preemption's warning and its execution.")
    def_mem_per_cpu: Count | Unlimited | None = Field(
        description="Default memory for each CPU, MiB, null if set per node or unset."
    )
    def_mem_per_node: Count | Unlimited | None = Field(
        description="Default memory for each node, MiB, `UNLIMITED` if unset, null if set per CPU."
    )
    max_mem_per_cpu: Count | Unlimited | None = Field(
        description="Maximum memory for each CPU, MiB, null if set per node or unset."
    )
    max_mem_per_node: Count | Unlimited | None = Field(
        description="Maximum memory for each node, MiB, `UNLIMITED` if unset, null if set per CPU."
    )
    def_cpus_per_gpu: int | None = Field(description="Default CPUs for each GPU, null if unset.")
    def_mem_per_gpu: int | None = Field(description="Default memory for each GPU, MiB, null if unset.")
    max_cpus_per_node: Count | Unlimited = Field(
        description="Maximum CPUs of a node that the partition may use, 0 if unset."
    )
    max_cpus_per_socket: Count | Unlimited | None = Field(
        description="Maximum CPUs of a socket that the partition may use, 0 if unset, null before 23.02."
    )
    max_nodes: Count | Unlimited = Field(description="Maximum nodes for each job, 0 if unset.")
    min_nodes: Count = Field(description="Minimum nodes for each job.")
    max_share: Count = Field(
        description="OverSubscribe as Slurm's number: 0 EXCLUSIVE, n for n jobs per resource, plus 32768 if forced."
    )


class PartitionScheduling(PublishedRecord):
    """Nodes, priority and scheduling settings."""

    nodes: str | None = Field(description="Nodes as a hostlist.")
    nodesets: list[str] = Field(description="Node sets named in slurm.conf, `ALL` for all nodes.")
    total_nodes: Count = Field(description="Number of nodes.")
    total_cpus: Count = Field(description="Number of CPUs.")
    priority: Count = Field(description="The same as priority_tier.")
    priority_tier: Count = Field(description="Jobs of a partition with a higher tier are scheduled first.")
    priority_job_factor: Count = Field(description="The partition's factor in multifactor priority.")
    preempt_mode: str | None = Field(description="Preemption mode, the cluster's if the partition has none.")
    cr_type: Count = Field(
        description="Consumable resources as Slurm's bits: CPU 1, SOCKET 2, CORE 4, MEMORY 16, 0 for the cluster's "
        "setting."
    )
    select_type_parameters: str | None = Field(
        description="cr_type as a word (CORE_MEMORY), null for the cluster's setting."
    )
    cpu_bind: str | None = Field(description="Default binding of tasks to CPUs, null if unset.")
    billing_weights_str: str | None = Field(description="TRESBillingWeights, null if unset.")
    tres_fmt_str: str | None = Field(description="TRES of the partition, e.g. `cpu=96,mem=187.50G,node=6,billing=96`.")
    resume_timeout: Count | Unlimited | None = Field(
        description="Seconds for a node to resume, null where the cluster's value applies and before 21.08."
    )
    suspend_time: Count | Unlimited | None = Field(
        description="Idle seconds before power saving, null where the cluster's value applies and before 21.08."
    )
    suspend_timout: Count | Unlimited | None = Field(
        description="Seconds for a node to suspend (spelling of 2018), null where the cluster's value applies and "
        "before 21.08."
    )


class PartitionRecord(PartitionScheduling, PartitionLimits, PartitionAccess):
    """One partition of /partitions."""
