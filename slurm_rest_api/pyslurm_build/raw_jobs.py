"""Adds methods to pyslurm's `Jobs` that read jobs without an object for each.

`load_raw()` loads all jobs. `raw_values(n)` returns a fingerprint of the n-th job with the few values that are needed
if it has not changed. `raw_take(n)` makes the `Job` of one that has. A `Job` costs 10 microseconds and its attributes
40, the values cost 4.

Most jobs of a user differ in few values from another one. `raw_shape(n)` returns a hash of all others, and
`raw_own(n)` these few, for a record that is otherwise that of another job.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slurm_rest_api.pyslurm_build.edits import Edit
from slurm_rest_api.pyslurm_build.versions import Line

_TEXTS: Final = """
    account admin_comment alloc_node array_task_str batch_features batch_host burst_buffer burst_buffer_state
    cluster cluster_features command comment container container_id cpus_per_tres cronspec dependency exc_nodes
    extra failed_node features fed_origin_str fed_siblings_active_str fed_siblings_viable_str het_job_id_set
    licenses licenses_allocated mcs_label mem_per_tres name network nodes partition prefer qos req_nodes resv_name
    resv_ports sched_nodes selinux_context state_desc std_err std_in std_out system_comment tres_alloc_str
    tres_bind tres_freq tres_per_job tres_per_node tres_per_socket tres_per_task tres_req_str wckey work_dir
"""
_NUMBERS: Final = """
    accrue_time alloc_sid array_job_id array_max_tasks array_task_id assoc_id batch_flag billable_tres bitflags
    boards_per_node contiguous core_spec cores_per_socket cpu_freq_gov cpu_freq_max cpu_freq_min cpus_per_task
    deadline delay_boot derived_ec eligible_time end_time exit_code fed_siblings_active fed_siblings_viable
    group_id het_job_id het_job_offset job_id job_state last_sched_eval max_cpus max_nodes nice ntasks_per_board
    ntasks_per_core ntasks_per_node ntasks_per_socket ntasks_per_tres num_cpus num_nodes num_tasks oom_kill_step
    pn_min_cpus pn_min_memory pn_min_tmp_disk pre_sus_time preempt_time preemptable_time profile reboot req_switch
    requeue resize_time restart_cnt segment_size shared sockets_per_board sockets_per_node start_time state_reason
    submit_time suspend_time threads_per_core time_limit time_min user_id wait4switch
"""
"""Members of slurm_job_info_t from which pyslurm's attributes of a job are made.

Without those of its layout, and without the priority, which is a value of its own.
"""

TEXTS: Final = tuple(_TEXTS.split())
NUMBERS: Final = tuple(_NUMBERS.split())

OWN_TEXTS: Final[dict[str, str]] = {
    "name": "name",
    "command": "command",
    "working_directory": "work_dir",
    "comment": "comment",
    "admin_comment": "admin_comment",
    "system_comment": "system_comment",
    "extra": "extra",
}
OWN_TIMES: Final[dict[str, str]] = {
    "submit_time": "submit_time",
    "eligible_time": "eligible_time",
    "accrue_time": "accrue_time",
    "start_time": "start_time",
    "end_time": "end_time",
    "last_sched_evaluation_time": "last_sched_eval",
}
OWN_FILES: Final[dict[str, str]] = {
    "standard_input": "std_in",
    "standard_output": "std_out",
    "standard_error": "std_err",
}
"""The attributes of a job that `raw_own` returns, and the members of slurm_job_info_t, in this order.

Its first two values are `id` and `submit_session_id`. They have the values of pyslurm's properties of the same name.
"""

OWN_MEMBERS: Final = frozenset(("job_id", "alloc_sid", *OWN_TEXTS.values(), *OWN_TIMES.values(), *OWN_FILES.values()))

_SINCE: Final[dict[str, Line]] = {
    "prefer": (22, 5),
    "container_id": (23, 2),
    "extra": (23, 2),
    "failed_node": (23, 2),
    "resv_ports": (24, 5),
    "oom_kill_step": (24, 11),
    "licenses_allocated": (25, 5),
    "segment_size": (25, 5),
}
"""The first release of Slurm that has the member, for those that the oldest line lacks."""

_FACTS: Final = """\
cdef _raw_text(char *text):
    return None if text == NULL else <bytes>text


cdef _raw_shape(slurm_job_info_t *job):
    return hash((
{shape}
    ))


cdef _raw_fingerprint(slurm_job_info_t *job):
    return hash((
        _raw_shape(job),
{own}
    ))


"""
_METHODS: Final = """\
    @staticmethod
    def load_raw():
        cdef Jobs jobs = Jobs()
        verify_rpc(slurm_load_jobs(0, &jobs.info, slurm.SHOW_ALL | slurm.SHOW_DETAIL))
        memset(&jobs.tmp_info, 0, sizeof(slurm_job_info_t))
        return jobs

    def raw_count(self):
        return self.info.record_count if self.info else 0

    cdef slurm_job_info_t *_raw(self, number) except NULL:
        if not 0 <= number < self.raw_count():
            raise IndexError(number)
        return &self.info.job_array[<uint32_t>number]

    def raw_values(self, number):
        cdef slurm_job_info_t *job = self._raw(number)
        partition = cstr.to_unicode(job.partition)
        return job.job_id, partition, job.user_id, job.group_id, job.priority, _raw_fingerprint(job)

    def raw_take(self, number):
        cdef slurm_job_info_t *job = self._raw(number)
        taken = Job.from_ptr(job)
        job[0] = self.tmp_info
        return taken

    def raw_free(self, number):
        cdef slurm_job_info_t *job = self._raw(number)
        slurm.slurm_free_job_info_members(job)
        job[0] = self.tmp_info

    def raw_shape(self, number):
        return _raw_shape(self._raw(number))

    def raw_own(self, number):
        cdef slurm_job_info_t *job = self._raw(number)
        cdef char std_in[4096]
        cdef char std_out[4096]
        cdef char std_err[4096]
        slurm_get_job_stdin(std_in, sizeof(std_in), job)
        slurm_get_job_stdout(std_out, sizeof(std_out), job)
        slurm_get_job_stderr(std_err, sizeof(std_err), job)
        return (
            job.job_id,
            u32_parse(job.alloc_sid),
{values}
        )

"""
_DECLARED: Final = "        slurm_job_info_t tmp_info\n"


def raw_jobs(line: Line) -> tuple[Edit, ...]:
    """Returns the edits that add the methods to a pyslurm of the release `line`."""
    texts = {name: f"_raw_text(job.{name})" for name in TEXTS if _SINCE.get(name, line) <= line}
    members = texts | {name: f"job.{name}" for name in NUMBERS if _SINCE.get(name, line) <= line}
    own = _lines(member for name, member in members.items() if name in OWN_MEMBERS)
    shape = _lines(member for name, member in members.items() if name not in OWN_MEMBERS)
    facts, methods = "cdef class Jobs(MultiClusterMap):\n", "    def load_steps(self):\n"
    path, reason = "pyslurm/core/job/job.pyx", "each job costs an object, whether it has changed or not"
    return (
        Edit(path=path, reason=reason, old=facts, new=_FACTS.format(own=own, shape=shape) + facts),
        Edit(path=path, reason=reason, old=methods, new=_METHODS.format(values=_own_values(line)) + methods),
        Edit(
            path="pyslurm/core/job/job.pxd",
            reason="the declaration of a C method of Jobs",
            old=_DECLARED,
            new=f"{_DECLARED}    cdef slurm_job_info_t *_raw(self, number) except NULL\n",
        ),
    )


def _own_values(line: Line) -> str:
    """Returns the values of `raw_own` after the first two."""
    values = [
        f"cstr.to_unicode(job.{name})" if _SINCE.get(name, line) <= line else "None" for name in OWN_TEXTS.values()
    ]
    values += [f"_raw_time(job.{name})" for name in OWN_TIMES.values()]
    values += [f"cstr.to_unicode({name})" for name in OWN_FILES.values()]
    return _lines(values, 12)


def _lines(values: Iterable[str], indent: int = 8) -> str:
    return "\n".join(f"{' ' * indent}{value}," for value in values)
