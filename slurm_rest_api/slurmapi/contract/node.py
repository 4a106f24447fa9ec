"""The published node record."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class NodeEnergy(PublishedRecord):
    """Energy readings. Current releases of Slurm provide only the two watt values."""

    current_watts: Count = Field(description="Power in watts, 0 without an energy plugin.")
    ave_watts: Count = Field(description="Average power in watts, 0 without an energy plugin.")
    base_watts: Count = Field(description="Always 0: Slurm dropped it after 18.08.")
    base_consumed_energy: Count = Field(description="Joules, 0 since 19.05, which does not print it.")
    consumed_energy: Count = Field(
        description="Joules, 0 where Slurm does not print it (since 19.05) and with pyslurm."
    )
    previous_consumed_energy: Count = Field(description="Always 0: neither source provides it.")


class GpuModel(PublishedRecord):
    """The GPUs of one model on a node."""

    total: Count = Field(description="GPUs of this model.")
    free: Count | None = Field(
        description="GPUs of this model that no job holds, null where jobs hold GPUs of an unknown model."
    )


class NodePower(PublishedRecord):
    """Power capping, which Slurm removed."""

    cap_watts: int | None = Field(description="Power cap in watts, null since Slurm 24.05 and with pyslurm.")


class NodeState(PublishedRecord):
    """State of the node, and its reason."""

    name: str = Field(description="Node name.")
    cluster: str | None = Field(description="Cluster that the node belongs to.")
    state: str = Field(
        description="State in the classic form: a base state, then `*` while slurmd does not respond, then "
        "`+FLAG` for each flag, e.g. `IDLE`, `MIXED+DRAIN`, `DOWN*`, `IDLE*+DRAIN`. Flags have Slurm's "
        "full names (`POWERED_DOWN`, `MAINTENANCE`)."
    )
    state_base: str = Field(description="Base state: DOWN, IDLE, ALLOCATED, ERROR, MIXED, FUTURE or UNKNOWN.")
    state_flags: list[str] = Field(description="Flags of the state in Slurm's order, including NOT_RESPONDING.")
    next_state: str | None = Field(description="State of the node after its pending reboot, null without one.")
    reason: str | None = Field(
        description="Reason why the node is down, drained or failing, null if it can be read in two ways."
    )
    reason_time: int | None = Field(
        description="Time at which the reason was set, epoch seconds, null without a reason."
    )
    reason_uid: int | None = Field(description="Id of the user who set the reason, null without a reason.")
    reason_user: str | None = Field(
        description="Login name of the user who set the reason, or the id as text, null without a reason."
    )
    boot_time: Count = Field(description="Time of the boot, epoch seconds, 0 if unknown.")
    slurmd_start_time: Count = Field(description="Start time of slurmd, epoch seconds, 0 if unknown.")
    last_busy: Count = Field(description="Time at which the node last ran a job, epoch seconds, 0 if unknown.")
    comment: str | None = Field(description="Comment of the administrator, null if it can be read in two ways.")
    extra: str | None = Field(description="Arbitrary text stored with the node, null if it can be read in two ways.")


class NodeResources(PublishedRecord):
    """CPUs, memory, generic resources and their use."""

    reservations: list[str] | None = Field(
        description="Names of the reservations that hold the node now or within a week, and of floating ones "
        "(TIME_FLOAT), soonest first. Null if reservations are not read."
    )
    cpus: Count = Field(description="CPUs (hardware threads) of the node.")
    effective_cpus: Count = Field(description="CPUs for jobs: cpus without those reserved for the system.")
    alloc_cpus: Count = Field(description="CPUs allocated to jobs.")
    idle_cpus: Count = Field(description="effective_cpus without alloc_cpus.")
    err_cpus: Count = Field(description="CPUs in the state ERROR, 0 since 18.08, which does not count them.")
    cpu_load: int | None = Field(description="Load average of one minute, times 100, null if unknown.")
    real_memory: Count = Field(description="Memory of the node, MiB.")
    alloc_mem: Count = Field(description="Memory allocated to jobs, MiB.")
    idle_mem: Count = Field(
        description="real_memory without mem_spec_limit and alloc_mem, MiB: what jobs can still have."
    )
    free_mem: int | None = Field(description="Memory that the operating system reports as free, MiB, null if unknown.")
    mem_spec_limit: Count = Field(description="Memory reserved for the system, MiB, 0 if none.")
    tmp_disk: Count = Field(description="Temporary disk space, MiB.")
    gres: list[str] = Field(
        description="Configured generic resources, `name[:type][:no_consume]:count`, [] if none. Without socket "
        "bindings. Suffixes are multiplied out (`4G` is 4294967296)."
    )
    gres_used: list[str] = Field(
        description="Allocated generic resources, `name[:type]:count`, without their indexes, [] if none is in use. "
        "Slurm's GresUsed, which does not depend on AccountingStorageTRES."
    )
    gres_drain: str | list[str] = Field(description="Draining generic resources as text, [] if none.")
    tres_fmt_str: str | None = Field(
        description="Configured TRES (CfgTRES), e.g. `cpu=16,mem=64000M,billing=16,gres/gpu=2`. Its CPUs are those "
        "for jobs: effective_cpus."
    )
    alloc_tres_fmt_str: str | None = Field(
        description="Allocated TRES in the same form, null when nothing is allocated."
    )
    energy: NodeEnergy = Field(description="Energy readings.")
    power_mgmt: NodePower = Field(description="Power capping.")


class NodeHardware(PublishedRecord):
    """Hardware, addresses, features and configuration."""

    arch: str | None = Field(description="Architecture, e.g. x86_64.")
    os: str | None = Field(description="Operating system and kernel.")
    version: str | None = Field(description="Version of slurmd.")
    node_addr: str | None = Field(description="Address that slurmctld uses.")
    node_hostname: str | None = Field(description="Host name.")
    bcast_address: str | None = Field(description="Address for sbcast, null if it is the node's.")
    port: int | None = Field(description="Port of slurmd.")
    boards: Count = Field(description="Boards.")
    sockets: Count = Field(description="Sockets.")
    cores: Count = Field(description="Cores of each socket.")
    cores_per_socket: Count = Field(description="Cores of each socket, with the name since 18.08.")
    threads: Count = Field(description="Hardware threads of each core.")
    core_spec_cnt: Count = Field(description="Cores reserved for the system.")
    cpu_spec_list: str | list[str] = Field(description="CPUs reserved for the system as text, [] if none.")
    cpu_bind: str | None = Field(description="Default binding of tasks to CPUs, null if unset.")
    features: str | list[str] | None = Field(
        description="Available features as comma-separated text, [] if none, null if they can be read in two ways."
    )
    features_active: str | list[str] | None = Field(
        description="Active features as comma-separated text, [] if none, null if they can be read in two ways."
    )
    partitions: list[str] = Field(description="Partitions that contain the node.")
    owner: int | None = Field(
        description="Id of the user with exclusive use of the node (ExclusiveUser), null if there is none."
    )
    mcs_label: str | None = Field(description="Multi-category security label.")
    weight: Count = Field(description="Scheduling weight. Nodes with a lower weight are used first.")


class NodeGpus(PublishedRecord):
    """GPUs of the node, which the collector counts in gres and gres_used."""

    gpus: dict[str, GpuModel] = Field(
        description='GPUs by model, e.g. `{"a100": {"total": 4, "free": 1}}`, {} if none. The key of GPUs without '
        "a type in GRES is `(null)`. A MIG device is a GPU with the model of its profile."
    )
    free_gpus: Count = Field(
        description="GPUs that no job holds, of all models, whatever the state of the node, like idle_cpus. GPUs that "
        "jobs share by shards or MPS are not free: as many as their shards need at least."
    )


class NodeRecord(NodeGpus, NodeHardware, NodeResources, NodeState):
    """One node of /nodes."""
