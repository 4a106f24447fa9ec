"""Fields of a job that are published as pyslurm gives them, or nearly so, in groups of one rule each.

They are more than half of the record. Whole groups are copied by loops that run in C, because fifty thousand jobs
times a hundred and fifty fields, written out one by one, take a second longer.
"""

from __future__ import annotations

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.modern_attributes import JobAttributes

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
"""Attribute to published name; published unchanged."""

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
"""Numbers that are 0 when unset: pyslurm makes None of 0."""

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
"""Truth values; false where pyslurm does not have the attribute."""

LISTS = {
    "constraints": "features",
    "preferred_features": "preferred_features",
    "profile_types": "profile_types",
}
"""Lists; empty where pyslurm does not have the attribute."""

GROUPS = (AS_THEY_ARE, COUNTS, NUMBERS, FLAGS, LISTS)
"""In the order of the fields of `JobAttributes`, which a test holds together."""

_COUNTS_FROM = len(AS_THEY_ARE)
_NUMBERS_FROM = _COUNTS_FROM + len(COUNTS)
_FLAGS_FROM = _NUMBERS_FROM + len(NUMBERS)
_LISTS_FROM = _FLAGS_FROM + len(FLAGS)
_LISTS_END = _LISTS_FROM + len(LISTS)


_NAMES = tuple(name for group in GROUPS for name in group.values())


def grouped_fields(a: JobAttributes) -> Record:
    """The fields of all groups."""
    values = [
        *a[:_COUNTS_FROM],
        *[value if value.__class__ is int else 0 for value in a[_COUNTS_FROM:_NUMBERS_FROM]],
        *[value if value.__class__ is int else None for value in a[_NUMBERS_FROM:_FLAGS_FROM]],
        *map(bool, a[_FLAGS_FROM:_LISTS_FROM]),
        *[value or [] for value in a[_LISTS_FROM:_LISTS_END]],
    ]
    return dict(zip(_NAMES, values, strict=True))
