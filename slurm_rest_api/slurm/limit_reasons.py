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
_JOBS_END: Final = ("own_jobs", "other_jobs")
_BUDGET: Final = (
    " The budget counts past and running jobs. It recovers as slurmctld decays or resets the usage, if the site has"
    " that configured, and when an administrator raises it."
)


def limit_reasons() -> Mapping[str, ReasonText]:
    """Returns the texts of all reasons that name a limit of an association or a QOS."""
    found = dict(_JOB_COUNTS)
    for tres in _TRES:
        for name, text in (*_of_association(tres), *_of_qos(tres)):
            if name not in _ABSENT:
                found[_SPELLINGS.get(name, name)] = text
    return found


def _of_association(tres: str) -> Iterator[tuple[str, ReasonText]]:
    what, minutes = _TRES[tres], _MINUTES[tres]
    yield (
        f"AssocGrp{tres}",
        ReasonText(
            f"The running jobs of {_ASSOCIATION} have reached its limit of {what} (GrpTRES), or this job would exceed"
            f" it. It can start when enough of them have ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield (
        f"AssocGrp{tres}Minutes",
        ReasonText(
            f"What is left of the budget of {minutes} of {_ASSOCIATION} (GrpTRESMins) does not"
            f" allow this job.{_BUDGET}",
            ("time", "administrator"),
        ),
    )
    yield (
        f"AssocGrp{tres}RunMinutes",
        ReasonText(
            f"The running jobs of {_ASSOCIATION} have reserved the limit of {minutes} until their time limits"
            f" (GrpTRESRunMins). It can start when they have run longer or ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield f"AssocMax{tres}PerJob", _too_much(f"{what} than the association", "a job", "MaxTRES")
    yield f"AssocMax{tres}PerNode", _too_much(f"{what} on a node than the association", "a job", "MaxTRESPerNode")
    yield (
        f"AssocMax{tres}MinutesPerJob",
        _too_much(f"{minutes} until its time limit than the association", "a job", "MaxTRESMins"),
    )


def _of_qos(tres: str) -> Iterator[tuple[str, ReasonText]]:
    what, minutes = _TRES[tres], _MINUTES[tres]
    yield (
        f"QOSGrp{tres}",
        ReasonText(
            f"The running jobs in {{qos}} have reached its limit of {what} (GrpTRES), or this job would exceed it. It"
            f" can start when enough of them have ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield (
        f"QOSGrp{tres}Minutes",
        ReasonText(
            f"What is left of the budget of {minutes} of {{qos}} (GrpTRESMins) does not allow this job.{_BUDGET}",
            ("time", "administrator"),
        ),
    )
    yield (
        f"QOSGrp{tres}RunMinutes",
        ReasonText(
            f"The running jobs in {{qos}} have reserved its limit of {minutes} until their time limits"
            f" (GrpTRESRunMins). It can start when they have run longer or ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield f"QOSMax{tres}PerJob", _too_much(f"{what} than {{qos}}", "a job", "MaxTRESPerJob")
    yield f"QOSMax{tres}PerNode", _too_much(f"{what} on a node than {{qos}}", "a job", "MaxTRESPerNode")
    yield (
        f"QOSMax{tres}MinutesPerJob",
        _too_much(f"{minutes} until its time limit than {{qos}}", "a job", "MaxTRESMinsPerJob"),
    )
    yield (
        f"QOSMax{tres}PerUser",
        ReasonText(
            f"The running jobs of {{user}} in {{qos}} have reached the limit of {what} per user (MaxTRESPerUser), or"
            f" this job would exceed it. It can start when enough of the user's own jobs have ended.{_ALONE}",
            ("own_jobs",),
        ),
    )
    yield (
        f"Max{tres}PerAccount",
        ReasonText(
            f"The running jobs of {{account}} in {{qos}} have reached the limit of {what} per account"
            f" (MaxTRESPerAccount), or this job would exceed it. It can start when enough of them have ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield (
        f"Max{tres}RunMinsPerUser",
        ReasonText(
            f"The running jobs of {{user}} in {{qos}} have reserved the limit of {minutes} until their time limits"
            f" (MaxTRESRunMinsPerUser). It can start when the user's own jobs have run longer or ended.{_ALONE}",
            ("own_jobs",),
        ),
    )
    yield (
        f"Max{tres}RunMinsPerAccount",
        ReasonText(
            f"The running jobs of {{account}} in {{qos}} have reserved the limit of {minutes} until their time limits"
            f" (MaxTRESRunMinsPerAccount). It can start when they have run longer or ended.{_ALONE}",
            _JOBS_END,
        ),
    )
    yield (
        f"QOSMin{tres}",
        ReasonText(f"It requests less than the minimum of {{qos}}: {what} (MinTRESPerJob).{_NEVER}", ("never",)),
    )


def _too_much(more: str, scope: str, limit: str) -> ReasonText:
    return ReasonText(f"It requests more {more} allows {scope} ({limit}).{_NEVER}", ("never",))


def _wall(owner: str) -> ReasonText:
    return ReasonText(
        f"What is left of the budget of run time of {owner} (GrpWall) does not allow this job.{_BUDGET}",
        ("time", "administrator"),
    )


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
    "AssocMaxSubmitJobLimit": _submitted("of {user} in {account}", "MaxSubmitJobs", ("own_jobs",)),
    "QOSMaxSubmitJobPerUserLimit": _submitted("of {user} in {qos}", "MaxSubmitJobsPerUser", ("own_jobs",)),
    "AssocGrpWallLimit": _wall(_ASSOCIATION),
    "QOSGrpWallLimit": _wall("{qos}"),
    "AssocMaxWallDurationPerJobLimit": ReasonText(
        f"{{time_limit}} exceeds what the association allows a job (MaxWall).{_NEVER}", ("never",)
    ),
    "QOSMaxWallDurationPerJobLimit": ReasonText(
        f"{{time_limit}} exceeds what {{qos}} allows a job (MaxWall).{_NEVER}", ("never",)
    ),
}
