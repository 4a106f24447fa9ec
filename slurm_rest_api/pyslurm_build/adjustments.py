"""Corrections of pyslurm's own faults, and the values of slurmctld that it leaves out.

They apply to every pyslurm that build.sh builds. docs/installation.md has the table of the releases.

The properties `raw_…` are the members of slurm.h's structures as slurmctld sent them. The source reads them where
pyslurm's own properties lose a part of the value: `to_gres_dict` takes the model 4090 for a count, a dependency
without its `singleton`, a time limit that is unset or unlimited.
"""

from __future__ import annotations

from slurm_rest_api.pyslurm_build.edits import Edit

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

KILL_ON_INVALID_DEPENDENCY = """\
    @property
    def raw_kill_inv_dep(self):
        return self.ptr.bitflags & (slurm.KILL_INV_DEP | slurm.NO_KILL_INV_DEP)

"""


def _properties(pointer: str, texts: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """Returns Cython properties `raw_NAME`. A text is None where slurmctld sent none."""
    values = {name: f"cstr.to_unicode(self.{pointer}.{name})" for name in texts}
    values |= {name: f"self.{pointer}.{name}" for name in numbers}
    return "".join(
        f"    @property\n    def raw_{name}(self):\n        return {value}\n\n" for name, value in values.items()
    )


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


ADJUSTMENTS = (
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
    _before(
        "pyslurm/core/job/job.pyx",
        "values of jobs that pyslurm loses or leaves out",
        "    def get_resource_layout_per_node(self):\n",
        _properties("ptr", JOB_TEXTS, JOB_NUMBERS) + KILL_ON_INVALID_DEPENDENCY,
    ),
    _before(
        "pyslurm/core/node.pyx",
        "values of nodes that pyslurm loses or leaves out",
        "    @property\n    def allocated_tres(self):\n",
        _properties("info", NODE_TEXTS, NODE_NUMBERS),
    ),
    Edit(
        path="pyslurm/slurm/extra.pxi",
        reason="the flags of a job's state have 32 bits: STOPPED, SIGNALING and others were lost",
        old="cdef extern char *slurm_job_state_string(uint16_t inx)\n",
        new="cdef extern char *slurm_job_state_string(uint32_t inx)\n",
    ),
    _before(
        "pyslurm/core/partition.pyx",
        "values of partitions that pyslurm leaves out",
        "    @property\n    def power_down_on_idle(self):\n",
        _properties("ptr", PARTITION_TEXTS, PARTITION_NUMBERS),
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
"""In the order in which they are applied. The releases 25.11.0 and 25.11.2 have all the texts that they replace."""
