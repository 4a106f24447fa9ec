"""The published partition record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord, Unlimited

Bit = Literal[0, 1]
NamesOrAll = list[str] | Literal["ALL"] | None


class PartitionFlags(PublishedRecord):
    """Flags of a partition, named and typed as the classic API has them."""

    Default: Bit = Field(description="1 for the default partition.")
    Hidden: Bit = Field(description="1 when Slurm hides the partition from users who may not use it.")
    DisableRootJobs: Bit = Field(description="1 when root may not run jobs.")
    RootOnly: Bit = Field(description="1 when only root may allocate.")
    LLN: Bit = Field(description="1 when the least loaded nodes are chosen first.")
    ExclusiveUser: Bit = Field(description="1 when a node serves one user at a time.")
    Shared: str = Field(description="OverSubscribe setting: `EXCLUSIVE`, `NO`, `YES:n` or `FORCED:n`.")


class PartitionAccess(PublishedRecord):
    """Who may use the partition. `"ALL"`, or a list of names."""

    name: str = Field(description="Partition name.")
    cluster: str | None = Field(description="Cluster that the partition belongs to.")
    state: str = Field(description="UP, DOWN, DRAIN or INACTIVE.")
    allow_accounts: NamesOrAll = Field(description="Accounts that may use it; null where deny_accounts rules.")
    deny_accounts: list[str] | None = Field(description="Accounts that may not use it; null when none is denied.")
    allow_qos: NamesOrAll = Field(description="QOS that may be used in it; null where deny_qos rules.")
    deny_qos: list[str] | None = Field(
        description="QOS that may not be used in it; null when none is denied, and with the classic API, which mixed"
        " it up."
    )
    allow_groups: NamesOrAll = Field(description="Groups whose users may use it.")
    allow_alloc_nodes: NamesOrAll = Field(description="Hosts from which jobs may be submitted to it.")
    alternate: str | None = Field(description="Partition that takes the jobs while this one is down.")
    qos_char: str | None = Field(description="QOS whose limits apply to the partition.")
    flags: PartitionFlags = Field(description="Flags.")
    requires_reservation: bool = Field(description="Whether jobs need a reservation.")
    power_down_on_idle: bool = Field(description="Whether nodes are powered down as soon as they are idle.")


class PartitionLimits(PublishedRecord):
    """Limits and defaults for jobs."""

    default_time: Count | Unlimited | Literal["NONE"] = Field(
        description="Default time limit in SECONDS, `UNLIMITED`, or `NONE` where max_time is the default."
    )
    default_time_str: str = Field(description="default_time as `[D-]HH:MM:SS`, `UNLIMITED` or `NONE`.")
    max_time: Count | Unlimited = Field(description="Longest time limit in SECONDS, or `UNLIMITED`.")
    max_time_str: str = Field(description="max_time as `[D-]HH:MM:SS`, or `UNLIMITED`.")
    over_time_limit: Count | Unlimited | Literal["NONE"] = Field(
        description="Minutes that jobs may exceed their limit, `UNLIMITED`, or `NONE` when unset (0 reads `NONE` too)."
    )
    grace_time: Count = Field(description="Seconds between preemption's warning and its execution.")
    def_mem_per_cpu: Count | Unlimited | None = Field(
        description="Default memory for each CPU, MiB; null where set per node or unset."
    )
    def_mem_per_node: Count | Unlimited | None = Field(
        description="Default memory for each node, MiB; `UNLIMITED` when unset; null where set per CPU."
    )
    max_mem_per_cpu: Count | Unlimited | None = Field(
        description="Most memory for each CPU, MiB; null where set per node or unset."
    )
    max_mem_per_node: Count | Unlimited | None = Field(
        description="Most memory for each node, MiB; `UNLIMITED` when unset; null where set per CPU."
    )
    def_cpus_per_gpu: int | None = Field(description="Default CPUs for each GPU; null when unset.")
    def_mem_per_gpu: int | None = Field(description="Default memory for each GPU, MiB; null when unset.")
    max_cpus_per_node: Count | Unlimited = Field(
        description="Most CPUs of a node that the partition may use; 0 when unset."
    )
    max_cpus_per_socket: Count | Unlimited = Field(
        description="Most CPUs of a socket that the partition may use; 0 when unset."
    )
    max_nodes: Count | Unlimited = Field(description="Most nodes for each job; 0 when unset.")
    min_nodes: Count = Field(description="Least nodes for each job.")
    max_share: Count = Field(
        description="OverSubscribe as Slurm's number: 0 EXCLUSIVE, n for n jobs a resource, 32768 more when forced."
    )


class PartitionScheduling(PublishedRecord):
    """Nodes, priority and what the scheduler needs to know."""

    nodes: str | None = Field(description="Nodes as a hostlist.")
    nodesets: list[str] = Field(description="Node sets named in slurm.conf; `ALL` for all nodes.")
    total_nodes: Count = Field(description="Number of nodes.")
    total_cpus: Count = Field(description="Number of CPUs.")
    priority: Count = Field(description="The same as priority_tier.")
    priority_tier: Count = Field(description="Jobs of a partition with a higher tier are scheduled first.")
    priority_job_factor: Count = Field(description="The partition's factor in multifactor priority.")
    preempt_mode: str | None = Field(description="Preemption mode; the cluster's where the partition has none.")
    cr_type: Count = Field(
        description="What is consumable, as Slurm's bits: CPU 1, SOCKET 2, CORE 4, MEMORY 16; 0 for the cluster's "
        "setting."
    )
    select_type_parameters: str | None = Field(
        description="cr_type as a word (CORE_MEMORY); null for the cluster's setting."
    )
    cpu_bind: str | None = Field(description="Default binding of tasks to CPUs; null when unset.")
    billing_weights_str: str | None = Field(
        description="TRESBillingWeights. Null with pyslurm's object API, which does not tell it."
    )
    tres_fmt_str: str | None = Field(
        description="TRES of the partition. Null with pyslurm's object API, which does not tell it."
    )
    resume_timeout: int | None = Field(
        description="Seconds for a node to resume. Null before 21.08 and with pyslurm's object API."
    )
    suspend_time: int | None = Field(
        description="Idle seconds before power saving. Null before 21.08 and with pyslurm's object API."
    )
    suspend_timout: int | None = Field(
        description="Seconds for a node to suspend (classic spelling). Null before 21.08 and with pyslurm's object API."
    )


class PartitionRecord(PartitionScheduling, PartitionLimits, PartitionAccess):
    """One partition of /partitions."""
