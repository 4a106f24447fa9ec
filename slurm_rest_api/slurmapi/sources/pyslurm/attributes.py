"""Attributes of pyslurm's objects, in the order in which the adapter reads them.

The names are those of pyslurm 25.11, and the `raw_…` that build.sh adds: members of slurm.h's structures as slurmctld
sent them. Expensive attributes are left out. The TRES objects cost 9 microseconds each and lose a part of Slurm's text.
`user_name` and `group_name` ask the name service at every access.
"""

from __future__ import annotations

from typing import NamedTuple

from slurm_rest_api.slurmapi.sources.base import Record


class JobAttributes(NamedTuple):
    """One `pyslurm.Job`: first the attributes of `GROUPS`, group by group, then the others."""

    name: str | None
    cluster: str | None
    account: str | None
    partition: str | None
    qos: str | None
    wckey: str | None
    reservation: str | None
    mcs_label: str | None
    submit_host: str | None
    cronjob_time: str | None
    container: str | None
    container_id: str | None
    array_id: int | None
    array_tasks_parallel: int | None
    federation_origin: str | None
    state: str
    preempt_time: int | None
    deadline: int | None
    delay_boot_time: int | None
    gres_tasks_per_sharing: str | None
    burst_buffer: str | None
    burst_buffer_state: str | None
    network: str | None
    batch_host: str | None
    scheduled_nodes: str | None
    billable_tres: float | None
    reserved_ports: str | None
    command: str | None
    working_directory: str | None
    comment: str | None
    admin_comment: str | None
    system_comment: str | None
    extra: str | None
    selinux_context: str | None
    id: int
    user_id: int
    group_id: int
    association_id: int | None
    submit_session_id: int | None
    priority: int | None
    nice: int | None
    requeue_count: int | None
    submit_time: int | None
    eligible_time: int | None
    start_time: int | None
    end_time: int | None
    suspend_time: int | None
    resize_time: int | None
    run_time: int | None
    pre_suspension_time: int | None
    time_limit_min: int | None
    cpus: int | None
    num_nodes: int | None
    ntasks: int | None
    max_nodes: int | None
    min_cpus_per_node: int | None
    boards_per_node: int | None
    sockets_per_board: int | None
    ntasks_per_node: int | None
    ntasks_per_board: int | None
    required_switches: int | None
    max_wait_time_switches: int | None
    temporary_disk_per_node: int | None
    cpus_per_task: int | None
    sockets_per_node: int | None
    cores_per_socket: int | None
    threads_per_core: int | None
    ntasks_per_gpu: int | None
    segment_size: int | None
    is_cronjob: bool
    is_requeueable: bool
    requires_contiguous_nodes: bool
    spread_segments: bool
    consolidate_segments: bool
    kill_step_when_oom: bool
    constraints: list[str] | None
    preferred_features: list[str] | None
    profile_types: list[str] | None
    raw_array_task_id: int | None
    raw_array_task_str: str | None
    heterogeneous_id: int | None
    heterogeneous_offset: int | None
    federation_siblings_viable: list[str] | int | None
    federation_siblings_active: list[str] | int | None
    state_reason: str | None
    requires_node_reboot: bool
    is_batch_job: bool
    exit_code: int | None
    exit_code_signal: int | None
    derived_exit_code: int | None
    derived_exit_code_signal: int | None
    failed_node: str | None
    raw_dependency: str | None
    raw_kill_inv_dep: int | None
    accrue_time: int | None
    last_sched_evaluation_time: int | None
    preempt_eligible_time: int | None
    raw_time_limit: int | None
    ntasks_per_core: int | str | None
    ntasks_per_socket: int | str | None
    cores_reserved_for_system: int | None
    threads_reserved_for_system: int | None
    resource_sharing: str | None
    batch_constraints: list[str] | None
    cluster_constraints: list[str] | None
    required_nodes: str | None
    excluded_nodes: str | None
    spreads_over_nodes: bool
    raw_pn_min_memory: int | None
    gres_binding: str | None
    raw_licenses: str | None
    raw_licenses_allocated: str | None
    raw_cpu_freq_gov: int | None
    raw_cpu_freq_min: int | None
    raw_cpu_freq_max: int | None
    allocated_nodes: str | None
    standard_input: str | None
    standard_output: str | None
    standard_error: str | None
    raw_het_job_id_set: str | None
    raw_cpus_per_tres: str | None
    raw_mem_per_tres: str | None
    raw_tres_alloc_str: str | None
    raw_tres_bind: str | None
    raw_tres_freq: str | None
    raw_tres_per_job: str | None
    raw_tres_per_node: str | None
    raw_tres_per_socket: str | None
    raw_tres_per_task: str | None
    raw_tres_req_str: str | None


AS_THEY_ARE = {
    "name": "name",
    "cluster": "cluster",
    "account": "account",
    "partition": "partition",
    "qos": "qos",
    "wckey": "wckey",
    "reservation": "resv_name",
    "mcs_label": "mcs_label",
    "submit_host": "alloc_node",
    "cronjob_time": "cronjob_time",
    "container": "container",
    "container_id": "container_id",
    "array_id": "array_job_id",
    "array_tasks_parallel": "array_max_tasks",
    "federation_origin": "fed_origin",
    "state": "job_state",
    "preempt_time": "preempt_time",
    "deadline": "deadline",
    "delay_boot_time": "delay_boot_time",
    "gres_tasks_per_sharing": "gres_tasks_per_sharing",
    "burst_buffer": "burst_buffer",
    "burst_buffer_state": "burst_buffer_state",
    "network": "network",
    "batch_host": "batch_host",
    "scheduled_nodes": "sched_nodes",
    "billable_tres": "billable_tres",
    "reserved_ports": "reserved_ports",
    "command": "command",
    "working_directory": "work_dir",
    "comment": "comment",
    "admin_comment": "admin_comment",
    "system_comment": "system_comment",
    "extra": "extra",
    "selinux_context": "selinux_context",
}
"""Attribute to published name of values that are published unchanged."""

COUNTS = {
    "id": "job_id",
    "user_id": "user_id",
    "group_id": "group_id",
    "association_id": "assoc_id",
    "submit_session_id": "alloc_sid",
    "priority": "priority",
    "nice": "nice",
    "requeue_count": "restart_cnt",
    "submit_time": "submit_time",
    "eligible_time": "eligible_time",
    "start_time": "start_time",
    "end_time": "end_time",
    "suspend_time": "suspend_time",
    "resize_time": "resize_time",
    "run_time": "run_time",
    "pre_suspension_time": "pre_sus_time",
    "time_limit_min": "time_min",
    "cpus": "num_cpus",
    "num_nodes": "num_nodes",
    "ntasks": "num_tasks",
    "max_nodes": "max_nodes",
    "min_cpus_per_node": "pn_min_cpus",
    "boards_per_node": "boards_per_node",
    "sockets_per_board": "sockets_per_board",
    "ntasks_per_node": "ntasks_per_node",
    "ntasks_per_board": "ntasks_per_board",
    "required_switches": "req_switch",
    "max_wait_time_switches": "wait4switch",
    "temporary_disk_per_node": "pn_min_tmp_disk",
}
"""Numbers that are 0 when unset. pyslurm has None for both."""

NUMBERS = {
    "cpus_per_task": "cpus_per_task",
    "sockets_per_node": "sockets_per_node",
    "cores_per_socket": "cores_per_socket",
    "threads_per_core": "threads_per_core",
    "ntasks_per_gpu": "ntasks_per_gpu",
    "segment_size": "segment_size",
}
"""Numbers that are null when unset or unlimited."""

FLAGS = {
    "is_cronjob": "is_cronjob",
    "is_requeueable": "requeue",
    "requires_contiguous_nodes": "contiguous",
    "spread_segments": "spread_segments",
    "consolidate_segments": "consolidate_segments",
    "kill_step_when_oom": "kill_step_when_oom",
}
"""Truth values, false where pyslurm lacks the attribute."""

LISTS = {
    "constraints": "features",
    "preferred_features": "preferred_features",
    "profile_types": "profile_types",
}
"""Lists, empty where pyslurm lacks the attribute."""

GROUPS = (AS_THEY_ARE, COUNTS, NUMBERS, FLAGS, LISTS)
"""In the order of the first fields of `JobAttributes`. A test compares the two."""

_COUNTS_FROM = len(AS_THEY_ARE)
_NUMBERS_FROM = _COUNTS_FROM + len(COUNTS)
_FLAGS_FROM = _NUMBERS_FROM + len(NUMBERS)
_LISTS_FROM = _FLAGS_FROM + len(FLAGS)
_LISTS_END = _LISTS_FROM + len(LISTS)


_NAMES = tuple(name for group in GROUPS for name in group.values())


def grouped_fields(a: JobAttributes) -> Record:
    """Returns the published fields of all groups.

    They are more than half of the record. Slices are copied in C: written out one by one, 150 fields of 50,000 jobs
    take a second longer.
    """
    values = [
        *a[:_COUNTS_FROM],
        *[value if value.__class__ is int else 0 for value in a[_COUNTS_FROM:_NUMBERS_FROM]],
        *[value if value.__class__ is int else None for value in a[_NUMBERS_FROM:_FLAGS_FROM]],
        *map(bool, a[_FLAGS_FROM:_LISTS_FROM]),
        *[value or [] for value in a[_LISTS_FROM:_LISTS_END]],
    ]
    return dict(zip(_NAMES, values, strict=True))


class NodeAttributes(NamedTuple):
    """One `pyslurm.Node`."""

    name: str
    cluster: str | None
    state: str | None
    next_state: str | None
    reason: str | None
    reason_time: int | None
    raw_reason_uid: int | None
    boot_time: int | None
    slurmd_start_time: int | None
    last_busy_time: int | None
    comment: str | None
    extra: str | None
    total_cpus: int | None
    effective_cpus: int | None
    allocated_cpus: int | None
    raw_cpu_load: int | None
    real_memory: int | None
    allocated_memory: int | None
    raw_free_mem: int | None
    memory_reserved_for_system: int | None
    temporary_disk: int | None
    raw_gres: str | None
    raw_gres_used: str | None
    raw_gres_drain: str | None
    raw_tres_fmt_str: str | None
    raw_alloc_tres_fmt_str: str | None
    current_watts: int | None
    avg_watts: int | None
    architecture: str | None
    operating_system: str | None
    slurm_version: str | None
    address: str | None
    hostname: str | None
    bcast_address: str | None
    slurmd_port: int | None
    boards: int | None
    sockets: int | None
    cores_per_socket: int | None
    threads_per_core: int | None
    cores_reserved_for_system: int | None
    raw_cpu_spec_list: str | None
    cpu_binding: str | None
    available_features: list[str] | None
    active_features: list[str] | None
    partitions: list[str] | None
    raw_owner: int | None
    mcs_label: str | None
    weight: int | None


class PartitionAttributes(NamedTuple):
    """One `pyslurm.Partition`."""

    name: str
    cluster: str | None
    state: str | None
    allowed_accounts: list[str] | None
    denied_accounts: list[str] | None
    allowed_qos: list[str] | None
    denied_qos: list[str] | None
    allowed_groups: list[str] | None
    allowed_submit_nodes: list[str] | None
    alternate: str | None
    qos: str | None
    is_default: bool
    is_hidden: bool
    allow_root_jobs: bool
    is_root_only: bool
    least_loaded_nodes_scheduling: bool
    is_user_exclusive: bool
    oversubscribe: str | None
    requires_reservation: bool
    power_down_on_idle: bool
    default_time: int | str | None
    max_time: int | str | None
    over_time_limit: int | str | None
    preemption_grace_time: int | None
    default_memory_per_cpu: int | str | None
    default_memory_per_node: int | str | None
    max_memory_per_cpu: int | str | None
    max_memory_per_node: int | str | None
    default_cpus_per_gpu: int | None
    default_memory_per_gpu: int | None
    max_cpus_per_node: int | str | None
    max_cpus_per_socket: int | str | None
    max_nodes: int | str | None
    min_nodes: int | None
    nodes: str | None
    nodesets: list[str] | None
    total_nodes: int | None
    total_cpus: int | None
    priority_tier: int | None
    priority_job_factor: int | None
    preempt_mode: str | None
    select_type_parameters: str | list[str] | None
    cpu_binding: str | None
    raw_billing_weights_str: str | None
    raw_tres_fmt_str: str | None
    raw_resume_timeout: int | None
    raw_suspend_time: int | None
    raw_suspend_timeout: int | None
