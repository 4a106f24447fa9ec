"""The published usage: a matrix of partitions and nodes, and totals of the cluster.

Jobs use what slurmctld counts as allocated: suspended ones use memory, completing ones use nothing. A load is a number
from 0 to 1, or more on oversubscribed nodes. A node's load is the largest one of its CPU, memory and GPU share, of what
jobs can have. A partition's and the cluster's load is the mean over their nodes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class InactiveNode(PublishedRecord):
    """A visible node that the partition does not contain."""

    active: Literal[False] = Field(description="Always false.")


class ActiveNode(PublishedRecord):
    """A node of the partition."""

    active: Literal[True] = Field(description="Always true.")
    total_cpus: Count = Field(description="CPUs of the node.")
    total_memory: Count = Field(description="Memory of the node, MiB.")
    total_used_cpus: Count = Field(description="CPUs that jobs of any partition use on the node.")
    total_used_mem: Count = Field(description="Memory that jobs of any partition use on the node, MiB.")
    cpus_allocated: Count = Field(description="CPUs that jobs of this partition use on the node.")
    mem_allocated: Count = Field(description="Memory that jobs of this partition use on the node, MiB.")
    gpus_allocated: Count = Field(
        description="GPUs that jobs of this partition use on the node, from `gres_allocated` of the jobs."
    )
    running_jobs: Count = Field(
        description="Number of this partition's jobs that hold CPUs or memory of the node, suspended ones included."
    )


NodeUsage = ActiveNode | InactiveNode


class _Counts(PublishedRecord):
    jobs_running: Count = Field(description="Running jobs.")
    jobs_pending: Count = Field(
        description="Pending jobs, in each partition that they requested. The pending tasks of an array count as one."
    )
    tasks_running: Count = Field(description="Running jobs, each task of an array counted, as `squeue -r` lists them.")
    tasks_pending: Count = Field(
        description="Pending jobs, each task of an array counted, as `squeue -r` lists them, in each partition that"
        " they requested."
    )
    jobs_pending_by_reason: dict[str, Count] = Field(
        description="Pending jobs by `state_reason`, without what follows a comma in it. Their sum is `jobs_pending`."
        " Of more than 50 reasons the smallest are summed up as `other`."
    )
    nodes_by_state: dict[str, Count] = Field(
        description="Number of nodes by state, in sinfo's words (`%T`) in capital letters: IDLE, MIXED, ALLOCATED,"
        " DRAINED, DRAINING, FAIL, MAINT, RESERVED, with sinfo's marks: DOWN*, IDLE~, MIXED-."
    )
    alloc_gpus: Count = Field(
        description="GPUs allocated on the nodes, to jobs of any partition. From `gres_used` of the nodes."
    )
    total_gpus: Count = Field(description="GPUs of the nodes. From `gres` of the nodes.")


class PartitionUsage(_Counts):
    """One partition of the matrix."""

    total_nodes: Count = Field(description="Nodes of the partition.")
    total_cpus: Count = Field(description="CPUs of the partition.")
    state: str | None = Field(description="State of the partition, as in /partitions.")
    priority: Count | None = Field(description="Priority tier of the partition.")
    real_mem: Count = Field(description="Memory of the partition's nodes, MiB.")
    total_used_cpus_on_active_nodes: Count = Field(
        description="CPUs that jobs of any partition use on the partition's nodes."
    )
    total_used_mem_on_active_nodes: Count = Field(
        description="Memory that jobs of any partition use on the partition's nodes, MiB."
    )
    alloc_cpus: Count = Field(description="CPUs that jobs of this partition use.")
    alloc_mem: Count = Field(description="Memory that jobs of this partition use, MiB.")
    partition_load: float = Field(
        ge=0, description="Mean load of the partition's nodes by jobs of this partition, 0 without nodes."
    )
    nodes: dict[str, NodeUsage] = Field(
        description="Every visible node of the cluster by name. With `compact=true` only those of the partition."
    )


class UsageRecord(_Counts):
    """The record of /usage."""

    partitions: dict[str, PartitionUsage] = Field(description="Visible partitions by name.")
    total_load: float = Field(
        ge=0, description="Mean load of all visible nodes by jobs of any partition, 0 without nodes."
    )
    alloc_cpus: Count = Field(description="Allocated CPUs of all visible nodes.")
    alloc_mem: Count = Field(description="Allocated memory of all visible nodes, MiB.")
    total_cpus: Count = Field(description="CPUs of all visible nodes.")
    total_mem: Count = Field(description="Memory of all visible nodes, MiB.")
