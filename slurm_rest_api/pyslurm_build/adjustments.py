"""Corrections of pyslurm's own faults, and the values of slurmctld that it leaves out.

They apply to every pyslurm that build.sh builds, from the line 21.8 to 25.11. docs/installation.md has the table of the
releases.

The properties `raw_…` are the members of slurm.h's structures as slurmctld sent them. The source reads them where
pyslurm's own properties lose a part of the value: `to_gres_dict` takes the model 4090 for a count, a dependency
without its `singleton`, a time limit that is unset or unlimited.
"""

from __future__ import annotations

from typing import Final

from slurm_rest_api.pyslurm_build.edits import Edit
from slurm_rest_api.pyslurm_build.raw_jobs import raw_jobs
from slurm_rest_api.pyslurm_build.versions import Line

JOB_TEXTS = (
    *("array_task_str", "cpus_per_tres", "dependency", "het_job_id_set", "licenses", "licenses_allocated"),
    *("mem_per_tres", "tres_alloc_str", "tres_bind", "tres_freq", "tres_per_job", "tres_per_node"),
    *("tres_per_socket", "tres_per_task", "tres_req_str"),
)
JOB_NUMBERS = ("array_task_id", "cpu_freq_gov", "cpu_freq_max", "cpu_freq_min", "pn_min_memory", "time_limit")
NODE_TEXTS = ("alloc_tres_fmt_str", "cpu_spec_list", "gres", "gres_drain", "gres_used", "tres_fmt_str")
NODE_NUMBERS = ("cpu_load", "free_mem", "owner", "reason_uid")
PARTITION_TEXTS = ("billing_weights_str", "tres_fmt_str")
PARTITION_NUMBERS = ("resume_timeout", "suspend_time", "suspend_timeout")
"""Members of slurm_job_info_t, node_info_t and partition_info_t of slurm.h."""

_SINCE: Final[dict[str, Line]] = {"licenses_allocated": (25, 5), "alloc_tres_fmt_str": (25, 5)}
"""The first release of Slurm that has the member, for those that the oldest line lacks."""

_JOB_ADDITIONS: Final[dict[str, tuple[Line, str]]] = {
    "submit_session_id": ((21, 8), "u32_parse(self.ptr.alloc_sid)"),
    "selinux_context": ((21, 8), "cstr.to_unicode(self.ptr.selinux_context)"),
    "preferred_features": ((22, 5), "cstr.to_list(self.ptr.prefer)"),
    "container_id": ((23, 2), "cstr.to_unicode(self.ptr.container_id)"),
    "extra": ((23, 2), "cstr.to_unicode(self.ptr.extra)"),
    "failed_node": ((23, 2), "cstr.to_unicode(self.ptr.failed_node)"),
    "reserved_ports": ((24, 5), "cstr.to_unicode(self.ptr.resv_ports)"),
    "kill_step_when_oom": ((24, 11), "self.ptr.oom_kill_step == 1"),
    "segment_size": ((25, 5), "u16_parse(self.ptr.segment_size)"),
}
"""Properties of pyslurm 25.11 that its older lines lack: the first Slurm with the value, and the expression."""

_POWER_DOWN_ON_IDLE: Final = "bool(self.ptr.flags & slurm.PART_FLAG_PDOI)"
"""As above, since Slurm 23.02. pyslurm has the property since 24.5."""

_LICENSES_BEFORE_25_05: Final = """\
    @property
    def raw_licenses_allocated(self):
        if (slurm.IS_JOB_RUNNING(self.ptr) or slurm.IS_JOB_SUSPENDED(self.ptr)
                or slurm.IS_JOB_COMPLETING(self.ptr)):
            return cstr.to_unicode(self.ptr.licenses)
        return None

"""
"""Before Slurm 25.05 a job has no alternatives of licenses, so it holds those that it asked for."""

_NODE_TRES_BEFORE_25_05: Final = """\
    @property
    def raw_alloc_tres_fmt_str(self):
        cdef char *tres = NULL
        if self.info.select_nodeinfo:
            slurm_get_select_nodeinfo(
                self.info.select_nodeinfo,
                slurm.SELECT_NODEDATA_TRES_ALLOC_FMT_STR,
                slurm.NODE_STATE_ALLOCATED,
                &tres)
        text = cstr.to_unicode(tres)
        xfree(tres)
        return text

"""

KILL_ON_INVALID_DEPENDENCY = """\
    @property
    def raw_kill_inv_dep(self):
        return self.ptr.bitflags & (slurm.KILL_INV_DEP | slurm.NO_KILL_INV_DEP)

"""


def _properties(values: dict[str, str]) -> str:
    """Returns Cython properties by name and expression."""
    return "".join(
        f"    @property\n    def {name}(self):\n        return {value}\n\n" for name, value in values.items()
    )


def _raw(pointer: str, line: Line, texts: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """Returns properties `raw_NAME` of the members that `line` has. A text is None where slurmctld sent none."""
    values = {
        f"raw_{name}": f"cstr.to_unicode(self.{pointer}.{name})" for name in texts if _SINCE.get(name, line) <= line
    }
    return _properties(values | {f"raw_{name}": f"self.{pointer}.{name}" for name in numbers})


def _before(path: str, reason: str, anchor: str, addition: str) -> Edit:
    return Edit(path=path, reason=reason, old=anchor, new=addition + anchor)


def _longer_path(stream: str) -> Edit:
    head = f"    def standard_{stream}(self):\n        cdef char tmp"
    return Edit(
        path="pyslurm/core/job/job.pyx",
        reason=f"the path of standard {stream} is cut at 1,023 characters, scontrol has PATH_MAX",
        old=f"{head}[1024]\n",
        new=f"{head}[4096]\n",
    )


_EVERY_LINE: Final = (
    Edit(
        path="pyslurm/utils/cstr.pyx",
        reason="a text that is not UTF-8 raises an error, its undecodable bytes become U+FFFD",
        old="""\
    if _str and _str[0] != NULL_BYTE:
        if _str == NONE_BYTE:
            return default

        return _str
    else:
        return default
""",
        new="""\
    if _str == NULL:
        return default
    return PyUnicode_DecodeUTF8(_str, strlen(_str), "replace")
""",
    ),
    Edit(
        path="pyslurm/utils/cstr.pyx",
        reason="the function that replaces undecodable bytes",
        old="import re\n\ncdef bytes NULL_BYTE",
        new="import re\nfrom cpython.unicode cimport PyUnicode_DecodeUTF8\n\ncdef bytes NULL_BYTE",
    ),
    Edit(
        path="pyslurm/utils/helpers.pyx",
        reason="128 is subtracted from exit codes of 128 and more",
        old="""\
            if exit_state >= 128:
                exit_state -= 128
""",
        new="",
    ),
    _longer_path("input"),
    _longer_path("output"),
    _longer_path("error"),
    Edit(
        path="pyslurm/core/job/job.pyx",
        reason="the cores of a job on a node are cut at 127 characters",
        old="            char cpu_bitmap_str[128]\n",
        new="            char cpu_bitmap_str[16384]\n",
    ),
    Edit(
        path="pyslurm/core/job/job.pyx",
        reason="a node without GRES gets those of the node before it",
        old="            if rel_node_inx < self.ptr.gres_detail_cnt:\n",
        new="            gres = NULL\n            if rel_node_inx < self.ptr.gres_detail_cnt:\n",
    ),
    Edit(
        path="pyslurm/core/job/job.pyx",
        reason="the GRES of a job on a node stay Slurm's text, pyslurm's parser raises an error on counts without IDX",
        old='                    "gres":    cstr.to_gres_dict(gres),\n',
        new='                    "gres":    cstr.to_unicode(gres),\n',
    ),
    Edit(
        path="pyslurm/slurm/extra.pxi",
        reason="the flags of a job's state have 32 bits: STOPPED, SIGNALING and others were lost",
        old="cdef extern char *slurm_job_state_string(uint16_t inx)\n",
        new="cdef extern char *slurm_job_state_string(uint32_t inx)\n",
    ),
)

_SINCE_23_02: Final = (
    Edit(
        path="pyslurm/utils/enums.pyx",
        reason="a flag of slurmctld that pyslurm does not know raises an error",
        old="""\
                val |= flag._clear_flag
        return val
""",
        new="""\
                val |= flag._clear_flag
        return val


import enum
SlurmFlag._boundary_ = enum.KEEP
""",
    ),
    Edit(
        path="pyslurm/core/slurmctld/stats.pxd",
        reason="numbers of the statistics that pyslurm leaves out",
        old="        jobs_running\n",
        new="        jobs_running\n        raw_job_states_ts\n        raw_schedule_cycle_depth\n",
    ),
    Edit(
        path="pyslurm/core/slurmctld/stats.pyx",
        reason="as above",
        old="    out.jobs_running = ptr.jobs_running\n",
        new="""\
    out.jobs_running = ptr.jobs_running
    out.raw_job_states_ts = ptr.job_states_ts
    out.raw_schedule_cycle_depth = ptr.schedule_cycle_depth
""",
    ),
)
"""Of files that pyslurm has since 23.2."""

_BEFORE_23_02: Final = (
    Edit(
        path="setup.py",
        reason="libslurm and the library of Slurm's plugins, libslurmfull, would be two Slurms in one process",
        old='SLURM_SHARED_LIB = "libslurm.so"\n',
        new='SLURM_SHARED_LIB = "libslurmfull.so"\n',
    ),
    Edit(path="setup.py", reason="as above", old='"libraries": ["slurm"],\n', new='"libraries": ["slurmfull"],\n'),
    Edit(
        path="pyslurm/core/node.pyx",
        reason="slurmctld sends nodes without a name for FUTURE nodes",
        old="            cluster = node.cluster\n",
        new="            if not node.name:\n                continue\n\n            cluster = node.cluster\n",
    ),
    Edit(
        path="pyslurm/core/node.pyx",
        reason="slurmctld sends GresUsed only with SHOW_DETAIL",
        old="            int flags = slurm.SHOW_ALL\n",
        new="            int flags = slurm.SHOW_ALL | slurm.SHOW_DETAIL\n",
    ),
    Edit(
        path="pyslurm/core/node.pyx",
        reason="slurmctld sends ALLOCATED for nodes that are partly allocated, which Slurm's commands print as MIXED",
        old="""\
        cdef char* state = slurm_node_state_string_complete(
                self.info.node_state)
""",
        new="""\
        node_state = self.info.node_state
        idle_cpus = self.idle_cpus
        if idle_cpus and idle_cpus != self.effective_cpus:
            node_state = (node_state & slurm.NODE_STATE_FLAGS) | slurm.NODE_STATE_MIXED
        cdef char* state = slurm_node_state_string_complete(node_state)
""",
    ),
)

_BEFORE_24_11: Final = (
    Edit(
        path="pyslurm/core/job/job.pyx",
        reason="a negative nice value is a number above four billions",
        old="        return self.ptr.nice - slurm.NICE_OFFSET\n",
        new="        return int(self.ptr.nice) - int(slurm.NICE_OFFSET)\n",
    ),
)


_SOME_REVISIONS: Final = (
    Edit(
        path="pyslurm/core/job/submission.pyx",
        reason="Cython 3.2 and newer refuse the unmatched parenthesis",
        old='f"PYSLURM_JOBDESC_{spec)}"',
        new='f"PYSLURM_JOBDESC_{spec}"',
        if_present=True,
    ),
)
"""Faults that pyslurm's branches have not, but some of its tags."""


def adjustments_for(line: Line) -> tuple[Edit, ...]:
    """Returns the edits of a pyslurm of the release `line`, in the order in which they are applied."""
    edits = [*_EVERY_LINE, _jobs(line), *raw_jobs(line), _nodes(line), _partitions(line)]
    if line < (24, 11):
        edits += _BEFORE_24_11
    edits += _SINCE_23_02 if line >= (23, 2) else _BEFORE_23_02
    return (*edits, *_SOME_REVISIONS)


def _jobs(line: Line) -> Edit:
    added = (
        {} if line >= (25, 11) else {name: value for name, (since, value) in _JOB_ADDITIONS.items() if since <= line}
    )
    return _before(
        "pyslurm/core/job/job.pyx",
        "values of jobs that pyslurm loses or leaves out",
        "    def get_resource_layout_per_node(self):\n",
        _raw("ptr", line, JOB_TEXTS, JOB_NUMBERS)
        + KILL_ON_INVALID_DEPENDENCY
        + ("" if line >= (25, 5) else _LICENSES_BEFORE_25_05)
        + _properties(added),
    )


def _nodes(line: Line) -> Edit:
    return _before(
        "pyslurm/core/node.pyx",
        "values of nodes that pyslurm loses or leaves out",
        "    @property\n    def cpu_binding(self):\n",
        _raw("info", line, NODE_TEXTS, NODE_NUMBERS) + ("" if line >= (25, 5) else _NODE_TRES_BEFORE_25_05),
    )


def _partitions(line: Line) -> Edit:
    added = {"power_down_on_idle": _POWER_DOWN_ON_IDLE} if (23, 2) <= line < (24, 5) else {}
    return _before(
        "pyslurm/core/partition.pyx",
        "values of partitions that pyslurm leaves out",
        "    @property\n    def requires_reservation(self):\n",
        _raw("ptr", line, PARTITION_TEXTS, PARTITION_NUMBERS) + _properties(added),
    )
