"""Published fields of a job that the user requested."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord, Yes, YesNo


class JobSize(PublishedRecord):
    """Requested CPUs, nodes and tasks, and their layout."""

    num_cpus: Count = Field(
        description="CPUs (hardware threads): allocated ones of a job that holds nodes, else the requested minimum."
    )
    num_nodes: Count = Field(
        description="Nodes: allocated ones of a job that holds nodes, else the requested minimum, 0 if unset."
    )
    num_tasks: Count = Field(description="Number of tasks, 1 if unset.")
    max_nodes: Count | None = Field(
        description="Requested maximum of nodes, 0 if unset. Null for a job that started, with the source "
        "`slurm:commands`."
    )
    cpus_per_task: int | None = Field(
        description="CPUs for each task, null if CPUs were requested by TRES (--cpus-per-gpu)."
    )
    cpus_per_tres: str | None = Field(
        description="--cpus-per-gpu as Slurm formats it, e.g. `gres/gpu:4`, null if unset."
    )
    pn_min_cpus: Count = Field(description="Minimum CPUs for each node, 0 if unset.")
    boards_per_node: Count = Field(description="Boards for each node, 0 if unset.")
    sockets_per_board: Count = Field(description="Sockets for each board, 0 if unset.")
    sockets_per_node: int | None = Field(description="Sockets for each node, null if unset.")
    cores_per_socket: int | None = Field(description="Cores for each socket, null if unset.")
    threads_per_core: int | None = Field(description="Threads for each core, null if unset.")
    ntasks_per_core: int | None = Field(description="Tasks for each core, null without a limit, 0 if unset.")
    ntasks_per_core_str: str = Field(description="ntasks_per_core as text, `UNLIMITED` without a limit.")
    ntasks_per_socket: int | None = Field(description="Tasks for each socket, null without a limit, 0 if unset.")
    ntasks_per_socket_str: str = Field(description="ntasks_per_socket as text, `UNLIMITED` without a limit.")
    ntasks_per_node: Count = Field(description="Tasks for each node, 0 if unset.")
    ntasks_per_board: Count = Field(description="Tasks for each board, 0 if unset.")
    ntasks_per_gpu: int | None = Field(description="Tasks for each GPU, null if unset.")
    core_spec: int | None = Field(
        description="Cores reserved for the system on each node, or threads if bit 0x8000 is set. Null when unset."
    )
    contiguous: bool = Field(description="True if the nodes must be adjacent.")
    shared: Literal["0", "1", "USER", "OK"] = Field(
        description="Sharing of nodes: `0` none, `1` with any job, `USER` with jobs of the same user, `OK` "
        "all other cases (MCS, topology)."
    )


class JobPlacement(PublishedRecord):
    """Requested nodes and node features."""

    features: list[str] = Field(description="Required node features (--constraint), split at commas, [] if none.")
    preferred_features: list[str] = Field(
        description="Preferred node features (--prefer), split at commas, [] if none."
    )
    batch_features: str | None = Field(description="Features required of the node that runs the batch script.")
    cluster_features: str | None = Field(description="Features required of a cluster in a federation, comma-separated.")
    req_nodes: list[str] = Field(
        description="Nodes that the job needs (--nodelist), one hostlist term per entry, [] if none."
    )
    exc_nodes: list[str] = Field(
        description="Nodes that the job avoids (--exclude), one hostlist term per entry, [] if none."
    )
    req_switch: Count = Field(description="Requested maximum of leaf switches, 0 if unset.")
    wait4switch: Count = Field(description="Seconds to wait for that number of switches, 0 if unset.")
    spread_job: Yes | None = Field(description="`Yes` if the job is spread over as many nodes as possible, else null.")
    segment_size: int | None = Field(description="Nodes in each segment of a block topology, null if unset.")
    spread_segments: bool = Field(description="True if segments go to different base blocks.")
    consolidate_segments: bool = Field(description="True if segments are packed into few base blocks.")


class JobMemoryAndTres(PublishedRecord):
    """Requested memory, generic resources, licenses and other TRES."""

    memory: int | None = Field(
        description="Memory of the whole job, MiB: per CPU times num_cpus, or per node times num_nodes. With `--mem=0` "
        "and `--mem-per-gpu` the memory in tres_alloc_str, null until the job starts. Null when unset."
    )
    mem_per_cpu: bool = Field(description="True if memory was requested per CPU.")
    min_memory_cpu: int | None = Field(description="Memory for each CPU, MiB, null if it was requested per node.")
    mem_per_node: bool = Field(description="True if memory was requested per node, false if per CPU or per GPU.")
    min_memory_node: int | None = Field(
        description="Memory for each node, MiB, null if it was requested per CPU or per GPU. 0 if unset, and for "
        "`--mem=0` (all memory)."
    )
    pn_min_memory: Count = Field(description="min_memory_cpu or min_memory_node, MiB, 0 if both are unset.")
    mem_per_tres: str | None = Field(
        description="--mem-per-gpu as Slurm formats it, e.g. `gres/gpu:500`, null if unset."
    )
    pn_min_tmp_disk: Count = Field(description="Temporary disk space for each node, MiB, 0 if unset.")
    gres: list[str] = Field(
        description="Generic resources for each node, `name[:type]:count`, [] if none. A count without a number is 1, "
        "suffixes are multiplied out (`5G` is 5368709120)."
    )
    gres_enforce_bind: YesNo | None = Field(
        description="--gres-flags: `Yes` enforce-binding, `No` disable-binding, null neither."
    )
    gres_tasks_per_sharing: Literal["multiple", "one"] | None = Field(
        description="--gres-flags for shared GRES, null if unset."
    )
    tres_req_str: str | None = Field(
        description="Requested TRES, e.g. `cpu=6,mem=1500M,node=3,billing=6`. The suffix of the memory is Slurm's: "
        "K, M, G, T or P."
    )
    tres_per_job: str | None = Field(
        description="--gpus and the like, as Slurm formats it, e.g. `gres/gpu:a100:2`, null if unset."
    )
    tres_per_node: str | None = Field(description="--gres and --gpus-per-node, e.g. `gres/gpu:2`.")
    tres_per_socket: str | None = Field(description="--gpus-per-socket, as Slurm formats it, null if unset.")
    tres_per_task: str | None = Field(
        description="--tres-per-task, --gpus-per-task and --cpus-per-task, as Slurm formats it, e.g. "
        "`cpu=2,gres/gpu:1`, null if unset."
    )
    tres_bind: str | None = Field(description="--tres-bind, null if unset.")
    tres_freq: str | None = Field(description="Requested frequency of TRES (--gpu-freq), null if unset.")
    licenses: dict[str, str | int] = Field(
        description="Requested licenses: name to count, 1 if none was given. Alternatives are one entry, with names "
        'and counts joined by `|`: `matlab:1|ansys:2` is `{"matlab|ansys": "1|2"}`.'
    )
    profile: Count | None = Field(
        description="Bit mask of profiled data: ENERGY 2, TASK 4, LUSTRE 8, NETWORK 16. All is 30, none is 0. "
        "Null with the source `slurm:commands`."
    )
    profile_types: list[str] | None = Field(description="Names of the bits in profile, null if unknown.")
    burst_buffer: str | None = Field(description="Burst buffer specification.")
    burst_buffer_state: str | None = Field(description="State of the burst buffer.")
    network: str | None = Field(description="--network as given.")
    cpu_freq_gov: int | None = Field(
        description="CPU frequency governor as Slurm's constant (CONSERVATIVE 0x88000000, ONDEMAND 0x84000000, "
        "PERFORMANCE 0x82000000, POWERSAVE 0x81000000, USERSPACE 0x80800000, SCHEDUTIL 0x80400000), null"
        " if unset, their bitwise OR for a combination."
    )
    cpu_freq_min: int | None = Field(
        description="Minimum CPU frequency in kHz, or Slurm's constant (LOW 0x80000001, MEDIUM …2, HIGH …3, HIGHM1 "
        "…4), null if unset."
    )
    cpu_freq_max: int | None = Field(description="Maximum CPU frequency, like cpu_freq_min.")
