"""The answer of /load as OpenAPI describes it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.contract_base import OpenAPIModel

_BOUNDS = "With a step, means, and beside each number its `…_min` and `…_max`."


class _Figures(BaseModel):
    # Of wider steps each number has two more fields.
    model_config = ConfigDict(extra="allow")

    total_cpus: float = Field(description="CPUs.")
    total_mem: float = Field(description="Memory, MiB.")
    alloc_cpus: float = Field(description="CPUs allocated; of a partition those of its own jobs.")
    alloc_mem: float = Field(description="Memory allocated, MiB; of a partition that of its own jobs.")
    alloc_gpus: float | None = Field(None, description="GPUs allocated; absent in samples of before 1.0.")
    total_gpus: float | None = Field(None, description="GPUs; absent in samples of before 1.0.")
    jobs_running: float | None = Field(None, description="Running jobs; absent in samples of before 1.0.")
    jobs_pending: float | None = Field(
        None, description="Pending jobs, the waiting rest of an array as one; absent in samples of before 1.0."
    )
    nodes_by_state: dict[str, float] | None = Field(
        None, description="Nodes by state, in sinfo's words: IDLE, MIXED, DRAINED, DOWN …"
    )


class PartitionSample(_Figures):
    """One partition in a sample."""

    total_nodes: float = Field(description="Nodes.")
    total_used_cpus_on_active_nodes: float = Field(description="CPUs that jobs of any partition use on its nodes.")
    total_used_mem_on_active_nodes: float = Field(
        description="Memory that jobs of any partition use on its nodes, MiB."
    )
    partition_load: float = Field(description="Mean load of its nodes by its own jobs, 0 to 1.")
    state: str | None = Field(description="State of the partition, such as UP.")


class LoadSample(_Figures):
    """One sample of the cluster's load."""

    __doc__ = f"One sample of the cluster's load. {_BOUNDS}"

    time: int = Field(description="Epoch second at which its slot, or its step, begins.")
    total_load: float = Field(description="Mean load of all nodes, 0 to 1.")
    partitions: dict[str, PartitionSample] = Field(description="By partition, those that there were at the time.")


class LoadMeta(BaseModel):
    """About the samples."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Where the samples come from: `slurm`.")
    since: int = Field(description="Epoch second from which on samples were looked for.")
    until: int = Field(description="Epoch second before which samples were looked for.")
    step: int = Field(description="Seconds that each sample stands for; 0: as they were taken.")
    count: int = Field(description="Number of samples in `data`.")
    next: str | None = Field(description="Link to the samples after these, when `truncated`.")
    truncated: bool = Field(description="True when the answer ends before `until`, because it would be too large.")


class LoadAnswer(OpenAPIModel):
    """Load samples, oldest first. Where the cluster was not seen there is none."""

    model_config = ConfigDict(extra="forbid")

    data: list[LoadSample]
    meta: LoadMeta
