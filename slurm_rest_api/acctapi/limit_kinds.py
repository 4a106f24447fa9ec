"""The limits of associations and QOS: their names, columns, what each counts, and the reasons that name it.

Sources: sacctmgr(1) for the names, `<cluster>_assoc_table` and `qos_table` for the columns. The order is that in which
slurmctld checks them (`acct_policy_job_runnable_pre_select()` and `…_post_select()` of src/slurmctld/acct_policy.c).
Reasons are those of src/common/job_state_reason.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Measure = Literal["jobs", "submitted", "wall", "used_wall", "tres", "tres_minutes", "used_tres_minutes", "run_minutes"]
"""What a limit is compared with.

Running jobs, pending and running jobs, the time limit of a job, the run time of past and running jobs. TRES, TRES
minutes of a job until its time limit, TRES minutes of past and running jobs, TRES minutes that running jobs may use.
"""

Counted = Literal["job", "node", "user", "account", "group"]
"""The jobs that a limit counts.

The job alone (`node`: on each node), those of its user (in the association or the QOS), of its account in the QOS, or
all of the association with those below it, or of the QOS.
"""


@dataclass(frozen=True)
class LimitKind:
    """One limit.

    Attributes:
        name: The name of sacctmgr.
        column: The column of its table.
        measure: What is compared with it.
        counted: The jobs that it counts.
        slot: The column of `qos_table` with the same limit. One that a QOS sets there is checked instead of this one.
        reason: The reason that names it, in the form of `_comparable`, with `*` for a TRES.
        at_least: True for a minimum.
    """

    name: str
    column: str
    measure: Measure
    counted: Counted
    slot: str
    reason: str
    at_least: bool = False

    @property
    def is_tres(self) -> bool:
        """True if there is a limit for each TRES."""
        return self.measure in ("tres", "tres_minutes", "used_tres_minutes", "run_minutes")

    def is_named_by(self, reason: str, tres: str | None) -> bool:
        """Returns True if `reason`, such as `AssocGrpCpuLimit`, names this limit for the TRES."""
        named = self.reason if tres is None else self.reason.replace("*", _reason_word(tres))
        return _comparable(reason) == named


def _association(name: str, column: str, measure: Measure, counted: Counted, slot: str, reason: str) -> LimitKind:
    return LimitKind(name, column, measure, counted, slot, f"assoc{reason}")


def _qos(name: str, column: str, measure: Measure, counted: Counted, reason: str) -> LimitKind:
    return LimitKind(name, column, measure, counted, column, reason)


_MIN_TRES: Final = LimitKind("MinTRESPerJob", "min_tres_pj", "tres", "job", "min_tres_pj", "qosmin*", at_least=True)

ASSOCIATION_LIMITS: Final = (
    _association("GrpJobs", "grp_jobs", "jobs", "group", "grp_jobs", "grpjobs"),
    _association("GrpWall", "grp_wall", "used_wall", "group", "grp_wall", "grpwall"),
    _association("MaxJobs", "max_jobs", "jobs", "user", "max_jobs_per_user", "maxjobs"),
    _association("MaxWall", "max_wall_pj", "wall", "job", "max_wall_duration_per_job", "maxwalldurationperjob"),
    _association("GrpTRESMins", "grp_tres_mins", "used_tres_minutes", "group", "grp_tres_mins", "grp*mins"),
    _association("GrpTRES", "grp_tres", "tres", "group", "grp_tres", "grp*"),
    _association("GrpTRESRunMins", "grp_tres_run_mins", "run_minutes", "group", "grp_tres_run_mins", "grp*runmins"),
    _association("MaxTRESMins", "max_tres_mins_pj", "tres_minutes", "job", "max_tres_mins_pj", "max*minsperjob"),
    _association("MaxTRES", "max_tres_pj", "tres", "job", "max_tres_pj", "max*perjob"),
    _association("MaxTRESPerNode", "max_tres_pn", "tres", "node", "max_tres_pn", "max*pernode"),
    _association(
        "GrpSubmitJobs", "grp_submit_jobs", "submitted", "group", "grp_submit_jobs", "grpsubmitjobs"
    ),
    _association(
        "MaxSubmitJobs", "max_submit_jobs", "submitted", "user", "max_submit_jobs_per_user", "maxsubmitjob"
    ),
)  # fmt: skip
"""Limits of an association. Those that count a group are also checked for each association above it."""

QOS_LIMITS: Final = (
    _qos("GrpJobs", "grp_jobs", "jobs", "group", "qosgrpjobs"),
    _qos("GrpWall", "grp_wall", "used_wall", "group", "qosgrpwall"),
    _qos("MaxJobsPerAccount", "max_jobs_pa", "jobs", "account", "maxjobsperaccount"),
    _qos("MaxJobsPerUser", "max_jobs_per_user", "jobs", "user", "qosmaxjobsperuser"),
    _qos("MaxWall", "max_wall_duration_per_job", "wall", "job", "qosmaxwalldurationperjob"),
    _qos("GrpTRESMins", "grp_tres_mins", "used_tres_minutes", "group", "qosgrp*mins"),
    _qos("GrpTRES", "grp_tres", "tres", "group", "qosgrp*"),
    _qos("GrpTRESRunMins", "grp_tres_run_mins", "run_minutes", "group", "qosgrp*runmins"),
    _qos("MaxTRESMinsPerJob", "max_tres_mins_pj", "tres_minutes", "job", "qosmax*minsperjob"),
    _qos("MaxTRESPerJob", "max_tres_pj", "tres", "job", "qosmax*perjob"),
    _qos("MaxTRESPerNode", "max_tres_pn", "tres", "node", "qosmax*pernode"),
    _MIN_TRES,
    _qos("MaxTRESPerAccount", "max_tres_pa", "tres", "account", "max*peraccount"),
    _qos("MaxTRESPerUser", "max_tres_pu", "tres", "user", "qosmax*peruser"),
    _qos("MaxTRESRunMinsPerAccount", "max_tres_run_mins_pa", "run_minutes", "account", "max*runminsperaccount"),
    _qos("MaxTRESRunMinsPerUser", "max_tres_run_mins_pu", "run_minutes", "user", "max*runminsperuser"),
    _qos("GrpSubmitJobs", "grp_submit_jobs", "submitted", "group", "qosgrpsubmitjobs"),
    _qos("MaxSubmitJobsPerAccount", "max_submit_jobs_pa", "submitted", "account", "maxsubmitjobsperaccount"),
    _qos("MaxSubmitJobsPerUser", "max_submit_jobs_per_user", "submitted", "user", "qosmaxsubmitjobperuser"),
)
"""Limits of a QOS."""

REPLACED_BY_EITHER: Final = {
    "max_jobs_per_user": ("max_jobs_per_user", "max_jobs_pa"),
    "max_submit_jobs_per_user": ("max_submit_jobs_per_user", "max_submit_jobs_pa"),
}
"""Slots of associations that any of several limits of a QOS replaces."""

# The words of reasons for TRES. The others are `Unknown` there.
_REASON_WORDS: Final = ("cpu", "mem", "energy", "node", "billing", "gres", "license", "bb")
_SPELLINGS: Final = (("memory", "mem"), ("minutes", "mins"), ("notsatisfied", ""), ("limit", ""))


def _reason_word(tres: str) -> str:
    word = tres.partition("/")[0]
    return word if word in _REASON_WORDS else "unknown"


def _comparable(reason: str) -> str:
    """Returns a reason without the differences in spelling: `QOSGrpCPUMinutesLimit` → `qosgrpcpumins`."""
    text = reason.lower()
    for spelling, plain in _SPELLINGS:
        text = text.replace(spelling, plain)
    return text


_NAMED: Final = re.compile(
    "|".join(kind.reason.replace("*", f"(?:{'|'.join((*_REASON_WORDS, 'unknown'))})")
             for kind in (*ASSOCIATION_LIMITS, *QOS_LIMITS))
)  # fmt: skip


def names_a_limit(reason: str) -> bool:
    """Returns True if a reason names a limit of an association or a QOS."""
    return _NAMED.fullmatch(_comparable(reason)) is not None
