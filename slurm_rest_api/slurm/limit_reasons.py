"""Texts for the reasons of limits: those of associations and QOS that src/slurmctld/acct_policy.c sets.

slurmctld names one limit per reason: its owner (`Assoc` or `QOS`), the jobs that it counts (`Grp`, `PerUser`,
`PerAccount`, `PerJob`, `PerNode`) and the TRES. Which jobs have to end follows from the jobs that it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from slurm_rest_api.slurm.reason_text import ReasonText

# The names of TRES in reasons. `Unknown` is the rest: those without reasons of their own, such as fs/disk or ic/ofed.
_TRES: Final = {
    "Cpu": "CPUs",
    "Mem": "memory",
    "Node": "nodes",
    "GRES": "generic resources (such as GPUs)",
    "License": "licenses",
    "BB": "burst buffer space",
    "Energy": "energy",
    "Billing": "billing units",
    "Unknown": "a resource that has no reason of its own",
}
_MINUTES: Final = {
    "Cpu": "CPU minutes",
    "Mem": "memory × minutes",
    "Node": "node minutes",
    "GRES": "minutes of generic resources (such as GPUs)",
    "License": "license minutes",
    "BB": "burst buffer space × minutes",
    "Energy": "energy × minutes",
    "Billing": "billing minutes",
    "Unknown": "minutes of a resource that has no reason of its own",
}
# Slurm spells some names in another way than its pattern. `{}` is the name of the TRES.
_SPELLINGS: Final = {
    "AssocGrpCpu": "AssocGrpCpuLimit",
    "AssocGrpCpuMinutes": "AssocGrpCPUMinutesLimit",
    "AssocGrpCpuRunMinutes": "AssocGrpCPURunMinutesLimit",
    "AssocGrpMem": "AssocGrpMemLimit",
    "AssocGrpNode": "AssocGrpNodeLimit",
    "AssocMaxCpuPerJob": "AssocMaxCpuPerJobLimit",
    "AssocMaxCpuMinutesPerJob": "AssocMaxCpuMinutesPerJobLimit",
    "AssocMaxNodePerJob": "AssocMaxNodePerJobLimit",
    "QOSGrpCpu": "QOSGrpCpuLimit",
    "QOSGrpCpuMinutes": "QOSGrpCPUMinutesLimit",
    "QOSGrpCpuRunMinutes": "QOSGrpCPURunMinutesLimit",
    "QOSGrpMem": "QOSGrpMemLimit",
    "QOSGrpMemMinutes": "QOSGrpMemoryMinutes",
    "QOSGrpMemRunMinutes": "QOSGrpMemoryRunMinutes",
    "QOSGrpNode": "QOSGrpNodeLimit",
    "QOSMaxCpuPerJob": "QOSMaxCpuPerJobLimit",
    "QOSMaxCpuMinutesPerJob": "QOSMaxCpuMinutesPerJobLimit",
    "QOSMaxCpuPerUser": "QOSMaxCpuPerUserLimit",
    "QOSMaxMemPerJob": "QOSMaxMemoryPerJob",
    "QOSMaxMemPerNode": "QOSMaxMemoryPerNode",
    "QOSMaxMemPerUser": "QOSMaxMemoryPerUser",
    "QOSMaxMemMinutesPerJob": "QOSMaxMemoryMinutesPerJob",
    "QOSMaxNodePerJob": "QOSMaxNodePerJobLimit",
    "QOSMaxNodePerUser": "QOSMaxNodePerUserLimit",
    "QOSMinCpu": "QOSMinCpuNotSatisfied",
    "QOSMinMem": "QOSMinMemory",
    "MaxMemPerAccount": "MaxMemoryPerAccount",
    "MaxMemRunMinsPerAccount": "MaxMemoryRunMinsPerAccount",
    "MaxMemRunMinsPerUser": "MaxMemoryRunMinsPerUser",
}
# Combinations that Slurm does not have: a node or a license has no amount per node. The limit of a QOS on burst buffer
# minutes has the name of the association's.
_ABSENT: Final = {
    "AssocMaxNodePerNode",
    "QOSMaxNodePerNode",
    "AssocMaxLicensePerNode",
    "QOSMaxLicensePerNode",
    "QOSMaxBBMinutesPerJob",
}

_ASSOCIATION: Final = "{account} or an account above it"
_ALONE: Final = " A job that requests more than the limit by itself never starts as it is."
_NEVER: Final = " It never starts as it is: change the request with `scontrol update`, or ask an administrator."
_OF_USER: Final = "of {user} in {qos}"
_OF_ACCOUNT: Final = "of {account} in {qos}"
_JOBS_END: Final = ("own_jobs", "other_jobs")
_OWN: Final = ("own_jobs",)
_BUDGET_GROWS: Final = ("time", "administrator")
_BUDGET: Final = (
    " The budget counts past and running jobs. It recovers as slurmctld decays or resets the usage, if the site has"
    " that configured, and when an administrator raises it."
)


def _limit_reasons() -> Mapping[str, ReasonText]:
    found = dict(_JOB_COUNTS)
    for tres in _TRES:
        for name, text in (*_of_association(tres), *_of_qos(tres)):
            if name not in _ABSENT:
                found[_SPELLINGS.get(name, name)] = text
    return found


def _of_association(tres: str) -> Iterator[tuple[str, ReasonText]]:
    what, minutes, owner = _TRES[tres], _MINUTES[tres], "the association"
    yield f"AssocGrp{tres}", _reached(f"of {_ASSOCIATION}", what, "GrpTRES")
    yield f"AssocGrp{tres}Minutes", _budget(f"{minutes} of {_ASSOCIATION} (GrpTRESMins)")
    yield f"AssocGrp{tres}RunMinutes", _reserved(f"of {_ASSOCIATION}", minutes, "GrpTRESRunMins")
    yield f"AssocMax{tres}PerJob", _too_much(what, owner, "MaxTRES")
    yield f"AssocMax{tres}PerNode", _too_much(f"{what} on a node", owner, "MaxTRESPerNode")
    yield f"AssocMax{tres}MinutesPerJob", _too_much(f"{minutes} until its time limit", owner, "MaxTRESMins")


def _of_qos(tres: str) -> Iterator[tuple[str, ReasonText]]:
    what, minutes = _TRES[tres], _MINUTES[tres]
    yield f"QOSGrp{tres}", _reached("in {qos}", what, "GrpTRES")
    yield f"QOSGrp{tres}Minutes", _budget(f"{minutes} of {{qos}} (GrpTRESMins)")
    yield f"QOSGrp{tres}RunMinutes", _reserved("in {qos}", minutes, "GrpTRESRunMins")
    yield f"QOSMax{tres}PerJob", _too_much(what, "{qos}", "MaxTRESPerJob")
    yield f"QOSMax{tres}PerNode", _too_much(f"{what} on a node", "{qos}", "MaxTRESPerNode")
    yield f"QOSMax{tres}MinutesPerJob", _too_much(f"{minutes} until its time limit", "{qos}", "MaxTRESMinsPerJob")
    yield f"QOSMax{tres}PerUser", _reached(_OF_USER, what, "MaxTRESPerUser", _OWN)
    yield f"Max{tres}PerAccount", _reached(_OF_ACCOUNT, what, "MaxTRESPerAccount")
    yield f"Max{tres}RunMinsPerUser", _reserved(_OF_USER, minutes, "MaxTRESRunMinsPerUser", _OWN)
    yield f"Max{tres}RunMinsPerAccount", _reserved(_OF_ACCOUNT, minutes, "MaxTRESRunMinsPerAccount")
    yield (
        f"QOSMin{tres}",
        ReasonText(f"It requests less than the minimum of {{qos}}: {what} (MinTRESPerJob).{_NEVER}", ("never",)),
    )


def _reached(jobs: str, what: str, limit: str, ends_by: tuple[str, ...] = _JOBS_END) -> ReasonText:
    return ReasonText(
        f"The running jobs {jobs} have reached the limit of {what} ({limit}), or this job would exceed it. It can start"
        f" when enough of them have ended.{_ALONE}",
        ends_by,
    )


def _reserved(jobs: str, minutes: str, limit: str, ends_by: tuple[str, ...] = _JOBS_END) -> ReasonText:
    return ReasonText(
        f"The running jobs {jobs} may use all {minutes} of a limit ({limit}) until their time limits, or this job would"
        f" exceed it. It can start when they have run longer or ended.{_ALONE}",
        ends_by,
    )


def _budget(budget: str) -> ReasonText:
    return ReasonText(f"What is left of the budget of {budget} does not allow this job.{_BUDGET}", _BUDGET_GROWS)


def _too_much(more: str, owner: str, limit: str) -> ReasonText:
    return ReasonText(f"It requests more {more} than {owner} allows a job ({limit}).{_NEVER}", ("never",))


def _running(owner: str, limit: str) -> ReasonText:
    return ReasonText(
        f"The number of running jobs {owner} has reached its limit ({limit}). It can start when one of them has ended.",
        _JOBS_END,
    )


def _submitted(owner: str, limit: str, ends_by: tuple[str, ...] = _JOBS_END) -> ReasonText:
    return ReasonText(
        f"The number of pending and running jobs {owner} has reached its limit ({limit}). It can start when enough of"
        " them have ended.",
        ends_by,
    )


_JOB_COUNTS: Final[Mapping[str, ReasonText]] = {
    "AssocGrpJobsLimit": _running(f"of {_ASSOCIATION}", "GrpJobs"),
    "QOSGrpJobsLimit": _running("in {qos}", "GrpJobs"),
    "MaxJobsPerAccount": _running("of {account} in {qos}", "MaxJobsPerAccount"),
    "AssocMaxJobsLimit": ReasonText(
        "{user} runs as many jobs in {account} as the association allows each user (MaxJobs). It can start when one of"
        " the user's own jobs there has ended.",
        ("own_jobs",),
    ),
    "QOSMaxJobsPerUserLimit": ReasonText(
        "{user} runs as many jobs in {qos} as it allows each user (MaxJobsPerUser). It can start when one of the user's"
        " own jobs there has ended.",
        ("own_jobs",),
    ),
    "AssocGrpSubmitJobsLimit": _submitted(f"of {_ASSOCIATION}", "GrpSubmitJobs"),
    "QOSGrpSubmitJobsLimit": _submitted("in {qos}", "GrpSubmitJobs"),
    "MaxSubmitJobsPerAccount": _submitted("of {account} in {qos}", "MaxSubmitJobsPerAccount"),
    "AssocMaxSubmitJobLimit": _submitted("of {user} in {account}", "MaxSubmitJobs", _OWN),
    "QOSMaxSubmitJobPerUserLimit": _submitted("of {user} in {qos}", "MaxSubmitJobsPerUser", _OWN),
    "AssocGrpWallLimit": _budget(f"run time of {_ASSOCIATION} (GrpWall)"),
    "QOSGrpWallLimit": _budget("run time of {qos} (GrpWall)"),
    "AssocMaxWallDurationPerJobLimit": ReasonText(
        f"{{time_limit}} exceeds what the association allows a job (MaxWall).{_NEVER}", ("never",)
    ),
    "QOSMaxWallDurationPerJobLimit": ReasonText(
        f"{{time_limit}} exceeds what {{qos}} allows a job (MaxWall).{_NEVER}", ("never",)
    ),
}

LIMIT_REASONS: Final[Mapping[str, ReasonText]] = _limit_reasons()
"""The texts of all reasons that name a limit of an association or a QOS."""
