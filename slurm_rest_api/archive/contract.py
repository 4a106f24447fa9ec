"""Published fields of /load, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from slurm_rest_api.contract_base import PublishedModel

_BOUNDS = "With a step: means, and for each number its `…_min` and `…_max`."


class _Figures(PublishedModel):
    # Samples of a step have two more fields for each number.
    model_config = ConfigDict(extra="allow")

    total_cpus: float = Field(description="CPUs.")
    total_mem: float = Field(description="Memory, MiB.")
    alloc_cpus: float = Field(description="CPUs allocated. For a partition: to its own jobs.")
    alloc_mem: float = Field(description="Memory allocated, MiB. For a partition: to its own jobs.")
    alloc_gpus: float | None = Field(None, description="GPUs allocated. Absent in samples before release 1.0.")
    total_gpus: float | None = Field(None, description="GPUs. Absent in samples before release 1.0.")
    jobs_running: float | None = Field(None, description="Running jobs. Absent in samples before release 1.0.")
    jobs_pending: float | None = Field(
        None,
        description="Pending jobs. The pending tasks of an array count as one. Absent in samples before release 1.0.",
    )
    tasks_running: float | None = Field(
        None, description="Running jobs, each task of an array counted. Absent in older samples."
    )
    tasks_pending: float | None = Field(
        None, description="Pending jobs, each task of an array counted. Absent in older samples."
    )
    jobs_pending_by_reason: dict[str, float] | None = Field(
        None, description="Pending jobs by Slurm's reason, as in /usage. Absent in older samples."
    )
    nodes_by_state: dict[str, float] | None = Field(
        None,
        description="Nodes by state, in sinfo's words in capital letters: IDLE, MIXED, DRAINED, MAINT, DOWN* … Samples"
        " without `tasks_pending` have base states, DRAINED and DRAINING only.",
    )


class PartitionSample(_Figures):
    """One partition in a sample."""

    total_nodes: float = Field(description="Nodes.")
    total_used_cpus_on_active_nodes: float = Field(description="CPUs allocated on its nodes to jobs of any partition.")
    total_used_mem_on_active_nodes: float = Field(
        description="Memory allocated on its nodes to jobs of any partition, MiB."
    )
    partition_load: float = Field(description="Mean load of its nodes by its own jobs, 0 to 1.")
    state: str | None = Field(description="State of the partition, such as UP.")


class LoadSample(_Figures):
    """One sample of the cluster's load."""

    __doc__ = f"One sample of the cluster's load. {_BOUNDS}"

    time: int = Field(description="Epoch second at which the slot or step begins.")
    total_load: float = Field(description="Mean load of all nodes, 0 to 1.")
    partitions: dict[str, PartitionSample] = Field(
        description="By partition: the partitions that existed at that time."
    )


class LoadMeta(PublishedModel):
    """Metadata of the samples."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the samples: `slurm`.")
    since: int = Field(description="First epoch second of the time range.")
    until: int = Field(description="Epoch second at which the time range ends, exclusive.")
    step: int = Field(description="Seconds that each sample represents. 0: samples as they were taken.")
    count: int = Field(description="Number of samples in `data`.")
    next: str | None = Field(description="Link to the next samples, if `truncated`.")
    truncated: bool = Field(description="True if the response ends before `until`, because it would be too large.")


class LoadAnswer(PublishedModel):
    """Load samples, oldest first. Times when the cluster could not be read have none."""

    model_config = ConfigDict(extra="forbid")

    data: list[LoadSample]
    meta: LoadMeta
