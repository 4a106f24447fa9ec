"""The published node record."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class NodeEnergy(PublishedRecord):
    """Energy readings; only the two watt figures have a source today."""

    current_watts: Count = Field(description="Power in watts; 0 without an energy plugin.")
    ave_watts: Count = Field(description="Average power in watts; 0 without an energy plugin.")
    base_watts: Count = Field(description="Always 0: Slurm dropped it after 18.08.")
    base_consumed_energy: Count = Field(description="Always 0: Slurm dropped it after 18.08.")
    consumed_energy: Count = Field(description="Joules; 0 with pyslurm's object API, which does not tell it.")
    previous_consumed_energy: Count = Field(description="Joules; 0 with pyslurm's object API, which does not tell it.")


class NodePower(PublishedRecord):
    """Power capping, which Slurm removed."""

    cap_watts: int | None = Field(
        description="Power cap in watts; null since Slurm 24.11 and with pyslurm's object API."
    )


class NodeState(PublishedRecord):
    """State of the node and the reason for it."""

    name: str = Field(description="Node name.")
    cluster: str | None = Field(description="Cluster that the node belongs to.")
    state: str = Field(
        description="State in the classic form: a base state, `*` behind it while slurmd does not respond, then "
        "`+FLAG` for each flag, e.g. `IDLE`, `MIXED+DRAIN`, `DOWN*`, `IDLE*+DRAIN`. Flags carry Slurm's "
        "full names (`POWERED_DOWN`, `MAINTENANCE`)."
    )
    state_base: str = Field(description="Base state: DOWN, IDLE, ALLOCATED, ERROR, MIXED, FUTURE or UNKNOWN.")
    state_flags: list[str] = Field(description="Flags of the state in Slurm's order, NOT_RESPONDING among them.")
    next_state: str | None = Field(
        description="State that the node gets after a reboot; null when no reboot is on its way."
    )
    reason: str | None = Field(description="Why the node is down, drained or failing.")
    reason_time: int | None = Field(description="When the reason was given, epoch seconds; null without a reason.")
    reason_uid: int | None = Field(
        description="Id of the user who gave the reason; null without a reason. pyslurm's object API tells the name,"
        " which is looked up."
    )
    reason_user: str | None = Field(
        description="Login name of the user who gave the reason, or the id as text; null without a reason."
    )
    boot_time: Count = Field(description="When the node booted, epoch seconds; 0 when unknown.")
    slurmd_start_time: Count = Field(description="When slurmd started, epoch seconds; 0 when unknown.")
    last_busy: Count = Field(description="When the node last ran a job, epoch seconds; 0 when unknown.")
    comment: str | None = Field(description="Comment of the administrator.")
    extra: str | None = Field(description="Arbitrary text stored with the node.")


class NodeResources(PublishedRecord):
    """CPUs, memory, generic resources and their use."""

    cpus: Count = Field(description="CPUs (hardware threads) of the node.")
    effective_cpus: Count = Field(description="CPUs that jobs can get: cpus without those reserved for the system.")
    alloc_cpus: Count = Field(description="CPUs allocated to jobs.")
    idle_cpus: Count = Field(description="effective_cpus without alloc_cpus.")
    err_cpus: Count = Field(description="Always 0: Slurm no longer counts failed CPUs.")
    cpu_load: int | None = Field(
        description="Load average of one minute, times 100. Null when unknown; pyslurm's object API gives 0 for that."
    )
    real_memory: Count = Field(description="Memory of the node, MiB.")
    alloc_mem: Count = Field(description="Memory allocated to jobs, MiB.")
    idle_mem: Count = Field(description="real_memory without alloc_mem, MiB.")
    free_mem: int | None = Field(
        description="Memory that the operating system reports as free, MiB; null when unknown."
    )
    mem_spec_limit: Count = Field(description="Memory reserved for the system, MiB; 0 when none.")
    tmp_disk: Count = Field(description="Temporary disk space, MiB.")
    gres: list[str] = Field(
        description="Configured generic resources, `name[:type]:count`; [] when none. Socket bindings are not told."
    )
    gres_used: list[str] = Field(
        description="Allocated generic resources, `name[:type]:count`. With pyslurm's object API only those that "
        "AccountingStorageTRES tracks, without their indexes."
    )
    gres_drain: str | list[str] = Field(
        description="Draining generic resources as text; [] when none, and with pyslurm's object API."
    )
    tres_fmt_str: str | None = Field(
        description="Configured TRES, e.g. `cpu=16,mem=64000M,gres/gpu=2`. With pyslurm's object API rebuilt from "
        "CPUs, memory and GRES, without billing."
    )
    alloc_tres_fmt_str: str | None = Field(
        description="Allocated TRES in the same form; null when nothing is allocated."
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
    bcast_address: str | None = Field(description="Address for sbcast; null when it is the node's.")
    port: int | None = Field(description="Port of slurmd.")
    boards: Count = Field(description="Boards.")
    sockets: Count = Field(description="Sockets.")
    cores: Count = Field(description="Cores of each socket.")
    cores_per_socket: Count = Field(description="Cores of each socket, under the name used since 18.08.")
    threads: Count = Field(description="Hardware threads of each core.")
    core_spec_cnt: Count = Field(description="Cores reserved for the system.")
    cpu_spec_list: str | list[str] = Field(
        description="CPUs reserved for the system as text; [] when none, and with pyslurm's object API."
    )
    cpu_bind: str | None = Field(description="Default binding of tasks to CPUs; null when unset.")
    features: str | list[str] = Field(description="Available features as comma-separated text; [] when none.")
    features_active: str | list[str] = Field(description="Active features as comma-separated text; [] when none.")
    partitions: list[str] = Field(description="Partitions that contain the node.")
    owner: int | None = Field(
        description="Id of the user who has the node exclusively (ExclusiveUser); null when nobody has."
    )
    mcs_label: str | None = Field(description="Multi-category security label.")
    weight: Count = Field(description="Scheduling weight; nodes with a lower one are used first.")


class NodeRecord(NodeHardware, NodeResources, NodeState):
    """One node of /nodes."""
