"""Explains reasons: what each means for a job, and whose action ends it.

The reasons are those of src/common/job_state_reason.c (26.05) and of job_reason_string() in older releases, and the
texts that slurmctld puts in their place (`state_desc`). What they mean is read from src/slurmctld: job_scheduler.c,
job_mgr.c, node_scheduler.c, reservation.c and acct_policy.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurm.limit_reasons import LIMIT_REASONS
from slurm_rest_api.slurm.reason_text import ReasonText

ENDS_BY: Final[Mapping[str, str]] = {
    "own_jobs": "other jobs of the same user progress or end",
    "other_jobs": "jobs of other users progress or end",
    "time": "a time is reached, or recorded usage decays",
    "user": "the user acts on the job, for example releases it",
    "administrator": "an administrator acts",
    "slurm": "Slurm ends it by itself, as a rule soon",
    "never": "nothing, as the job is: the request has to be changed, or the job cancelled",
}
"""The words of `ReasonText.ends_by`."""

_JOBS: Final = ("other_jobs", "own_jobs")
_CHANGE: Final = " Change the request with `scontrol update`, or cancel the job."

_WAITING: Final[Mapping[str, ReasonText]] = {
    "None": ReasonText("Slurm has given no reason yet. The scheduler may not have considered this job.", ("slurm",)),
    "Priority": ReasonText(
        "Jobs with a higher priority are ahead of it in {partition}. Slurm starts it earlier only where that delays"
        " none of them.",
        _JOBS,
    ),
    "Resources": ReasonText(
        "The resources that it requests are not free at present. It can start when running jobs release them.", _JOBS
    ),
    "Dependency": ReasonText(
        "A job that it depends on has not reached the required state{dependency}.", ("own_jobs", "other_jobs")
    ),
    "DependencyNeverSatisfied": ReasonText(
        "A job that it depends on ended in another way than required{dependency}. It never starts as it is. Change its"
        " dependency with `scontrol update`, or cancel the job.",
        ("never",),
    ),
    "BeginTime": ReasonText(
        "Its earliest start time (`eligible_time`) is not reached. After a requeue, Slurm sets that time one or two"
        " minutes ahead.",
        ("time",),
    ),
    "JobHeldUser": ReasonText("It is held. Its user can release it with {release}.", ("user",)),
    "JobHeldAdmin": ReasonText(
        "It is held with priority 0. Only an administrator or operator can release it.", ("administrator",)
    ),
    "JobHoldMaxRequeue": ReasonText(
        "It is held because it was requeued more often than MaxBatchRequeue allows. An administrator has to find the"
        " cause and release it.",
        ("administrator",),
    ),
    "JobArrayTaskLimit": ReasonText(
        "Its array already runs as many tasks as it may at once ({at_once}). It can start when one of them has ended,"
        " or when the user raises ArrayTaskThrottle.",
        ("own_jobs", "user"),
    ),
    "Licenses": ReasonText("Too few of {licenses} are free. Other jobs or reservations hold them.", _JOBS),
    "Reservation": ReasonText(
        "It waits for {reservation}: that has not started, or its nodes are in use.", ("time", "other_jobs")
    ),
    "ReqNodeNotAvail": ReasonText(
        "A node that it requires is not available: down, drained, not responding, or reserved for another job.",
        ("administrator", "other_jobs"),
    ),
    "NodeDown": ReasonText("A node that it requires is down.", ("administrator",)),
    "PartitionNodeLimit": ReasonText(
        "The number of nodes that it requests is outside the limits of {partition} (MinNodes, MaxNodes), or fewer nodes"
        f" than it requires can be used.{_CHANGE}",
        ("never",),
    ),
    "PartitionTimeLimit": ReasonText(
        f"{{time_limit}} exceeds the limit of {{partition}} (MaxTime). It never starts as it is.{_CHANGE}", ("never",)
    ),
    "PartitionDown": ReasonText(
        "The state of {partition} is DOWN. No jobs start there until an administrator sets it to UP.",
        ("administrator",),
    ),
    "PartitionInactive": ReasonText(
        "The state of {partition} is INACTIVE. No jobs start there until an administrator sets it to UP.",
        ("administrator",),
    ),
    "PartitionConfig": ReasonText(
        "{partition} does not admit it: its limits, or who may use it (accounts, groups, QOS, submit hosts,"
        f" reservation), exclude the job.{_CHANGE}",
        ("never",),
    ),
    "MaxMemPerLimit": ReasonText(
        "It requests more memory than MaxMemPerCPU or MaxMemPerNode allows in {partition}. It never starts as it is."
        f"{_CHANGE}",
        ("never",),
    ),
    "AccountNotAllowed": ReasonText(
        f"{{account}}, or its user's group, may not use {{partition}}.{_CHANGE}", ("never",)
    ),
    "QOSNotAllowed": ReasonText(f"{{qos}} may not be used in {{partition}}.{_CHANGE}", ("never",)),
    "InvalidAccount": ReasonText(
        "The association of {user} in {account} does not exist any more. It can start when an administrator adds it"
        " again.",
        ("administrator",),
    ),
    "InvalidQOS": ReasonText(
        "{qos} does not exist any more, or its user may not use it. An administrator can restore that, or the user can"
        " choose another QOS with `scontrol update`.",
        ("administrator", "user"),
    ),
    "QOSUsageThreshold": ReasonText(
        "The fair-share factor of {account} is below the threshold of {qos} (UsageThreshold). It rises as the recorded"
        " usage decays.",
        ("time",),
    ),
    "AccountingPolicy": ReasonText(
        "A limit of {user}, {account} or {qos} is reached. Slurm does not say which.", _JOBS
    ),
    "AssociationJobLimit": ReasonText("The association has reached its limit of jobs.", ("own_jobs", "other_jobs")),
    "AssociationResourceLimit": ReasonText(
        "The association has reached a limit of resources.", ("own_jobs", "other_jobs")
    ),
    "AssociationTimeLimit": ReasonText(
        "The association has reached a limit of time.", ("time", "own_jobs", "other_jobs")
    ),
    "QOSJobLimit": ReasonText("{qos} has reached its limit of jobs.", ("own_jobs", "other_jobs")),
    "QOSResourceLimit": ReasonText("{qos} has reached a limit of resources.", ("own_jobs", "other_jobs")),
    "QOSTimeLimit": ReasonText("{qos} has reached a limit of time.", ("time", "own_jobs", "other_jobs")),
    "BadConstraints": ReasonText(
        "No node can ever satisfy its request, so Slurm has set its priority to 0. Slurm considers it again after a"
        f" change of the request or of the nodes' features.{_CHANGE}",
        ("never",),
    ),
    "Constraints": ReasonText(
        "No node has at present what its constraints require. It can start when nodes change.",
        ("administrator", "time"),
    ),
    "Cleaning": ReasonText(
        "It was requeued, and Slurm still cleans up after its earlier run (steps, epilog).", ("slurm",)
    ),
    "Prolog": ReasonText("The prolog, a script of the site, still runs on its nodes.", ("slurm",)),
    "FedJobLock": ReasonText(
        "It waits for the lock of its federation, which decides the cluster that starts it.", ("slurm",)
    ),
    "SchedDefer": ReasonText("The scheduler defers new jobs, so it was not considered at submission.", ("slurm",)),
    "BurstBufferResources": ReasonText(
        "There is too little free space in the burst buffer. It can start when other jobs release theirs.", _JOBS
    ),
    "BurstBufferStageIn": ReasonText("The burst buffer copies its data. It can start after that.", ("slurm",)),
    "BurstBufferOperation": ReasonText(
        "An operation of the burst buffer failed. An administrator has to find the cause.", ("administrator",)
    ),
    "ReservationDeleted": ReasonText(
        "The reservation that it was to use was deleted, so it is held. Its user can release it with {release}, or"
        " choose another reservation.",
        ("user",),
    ),
    "ReservationInvalid": ReasonText(
        "It cannot use {reservation} any more, so it is held. Its user can choose another reservation with `scontrol"
        " update`, and an administrator can release it.",
        ("user", "administrator"),
    ),
    "MaxPoweredUpNodes": ReasonText(
        "It needs nodes to be powered up, and as many as the site allows already are (max_powered_nodes). It can start"
        " when others are powered down or have room.",
        _JOBS,
    ),
    "MpiPortsBusy": ReasonText(
        "Too few of the ports that are reserved for MPI (MpiParams) are free on its nodes. Other jobs use them.", _JOBS
    ),
    "NvidiaImexChannels": ReasonText("Other jobs use all IMEX channels of the NVIDIA GPUs.", _JOBS),
    "DeadLine": ReasonText("It cannot end before its deadline, so Slurm cancels it.", ("never",)),
    "JobLaunchFailure": ReasonText(
        "It could not be launched: a file system, account or credential was missing on its nodes.", ("administrator",)
    ),
    "SystemFailure": ReasonText("Slurm, a file system or a network failed.", ("administrator",)),
    # Releases before 24.11 and before 23.02.
    "FrontEndDown": ReasonText("No front-end node is available to run it.", ("administrator",)),
    "PowerNotAvail": ReasonText("Too little electric power is available for it at present.", _JOBS),
    "PowerReserved": ReasonText("The electric power that it needs is reserved for other jobs.", ("time", "other_jobs")),
    "BlockMaxError": ReasonText("A Blue Gene block has too many cnodes in error.", ("administrator",)),
    "BlockFreeAction": ReasonText("A Blue Gene block that it needs is being freed.", ("slurm",)),
    **LIMIT_REASONS,
}

_ENDED: Final[Mapping[str, ReasonText]] = {
    name: ReasonText(text, ())
    for name, text in {
        "None": "Slurm has recorded no reason.",
        "PartitionDown": "Its partition was removed or went down while it ran.",
        "NodeDown": "A node of its allocation failed.",
        "BadConstraints": "Its request could not be satisfied.",
        "SystemFailure": "Slurm, a file system or a network failed.",
        "JobLaunchFailure": "It could not be launched: a file system, account or credential was missing on its nodes.",
        "NonZeroExitCode": "Its script ended with an exit code other than 0.",
        "TimeLimit": "It reached {time_limit}, or a limit of accumulated time, and was ended.",
        "InactiveLimit": "Its client did not respond for longer than InactiveLimit.",
        "RaisedSignal": "A signal ended it.",
        "OutOfMemory": "It used more memory than it had requested.",
        "DeadLine": "It could not end before its deadline.",
        "SchedDefer": "It was to start at once, but the scheduler defers new jobs.",
        "InvalidAccount": "Its account is not valid.",
        "InvalidQOS": "Its QOS is not valid.",
        "DependencyNeverSatisfied": "A job that it depended on ended in another way than required.",
        "BurstBufferOperation": "An operation of the burst buffer failed.",
    }.items()
}


class _Detail(NamedTuple):
    """A text that slurmctld writes in place of a reason. `pattern` finds it with blanks for underscores."""

    pattern: re.Pattern[str]
    name: str
    text: ReasonText | None = None


def _detail(pattern: str, name: str, text: ReasonText | None = None) -> _Detail:
    return _Detail(re.compile(pattern), name, text)


NODES_UNAVAILABLE: Final = ReasonText(
    "Nodes that it needs are down, drained or not responding. An administrator has to return them to service.",
    ("administrator",),
)
"""The text of ReqNodeNotAvail for a job whose required nodes are out of service."""
LIMIT_OF_ZERO: Final = ReasonText(
    "A limit that allows none keeps it from starting. An administrator has to raise the limit.", ("administrator",)
)
"""The text of a limit that is 0, under which no end of another job lets the job start."""
_DETAILS: Final = (
    _detail(
        "Nodes required for job are DOWN",
        "Resources",
        ReasonText(
            "Too many nodes of {partition} are down, drained, or reserved for jobs in partitions with a higher"
            " priority.",
            ("administrator", "other_jobs"),
        ),
    ),
    _detail(
        "ReqNodeNotAvail, ?Reserved for maintenance",
        "ReqNodeNotAvail",
        ReasonText("A maintenance reservation holds nodes that it needs before it could end.", ("time",)),
    ),
    _detail(
        "ReqNodeNotAvail, ?May be reserved",
        "ReqNodeNotAvail",
        ReasonText(
            "Nodes that it needs are not available to it: reserved for other jobs, or drained.",
            ("other_jobs", "time", "administrator"),
        ),
    ),
    _detail(
        "ReqNodeNotAvail, ?UnavailableNodes:",
        "ReqNodeNotAvail",
        NODES_UNAVAILABLE,
    ),
    _detail("launch failure limit exceeded requeued held", "JobHoldMaxRequeue"),
    _detail(
        "launch failed requeued held",
        "JobHeldUser",
        ReasonText(
            "It could not be launched, as a rule because the prolog failed, and is held. Its user can release it with"
            " {release}.",
            ("user",),
        ),
    ),
    _detail(
        "user env retrieval failed requeued held",
        "JobHeldUser",
        ReasonText(
            "Slurm could not read its user's environment (--get-user-env), so it is held. Its user can release it with"
            " {release}.",
            ("user",),
        ),
    ),
    _detail("job requeued in (held|special exit) state", "JobHeldUser"),
    _detail("Reservation .* was deleted", "ReservationDeleted"),
    _detail("Reservation .* is invalid", "ReservationInvalid"),
    _detail("Reservation .*has ended", "TimeLimit", ReasonText("The reservation that it ran in has ended.", ())),
    _detail("Job's QOS ", "QOSNotAllowed"),
    _detail("Job's account ", "AccountNotAllowed"),
    _detail(r"uid \d+ not in group", "AccountNotAllowed"),
    _detail(
        "Requested topology configuration is not available",
        "Resources",
        ReasonText("No free nodes have the topology that it requests.", _JOBS),
    ),
    _detail("burst_buffer/|Stage-out in progress", "BurstBufferOperation"),
)
_OWN_RESERVATION: Final = "Reservation"
_OTHER_RESERVATION: Final = ReasonText(
    "A reservation that it does not use holds nodes that it needs before it could end.", ("time",)
)
_NAME_ENDS: Final = re.compile(r"[,:(]")


class Explained(NamedTuple):
    """A reason of a job: Slurm's name, or its own text where that has no name, the text, and whose action ends it."""

    name: str
    text: str
    ends_by: tuple[str, ...]


def names() -> frozenset[str]:
    """Returns the names of all reasons that have a text."""
    return frozenset({*_WAITING, *_ENDED})


def explain_reason(job: Mapping[str, Any], *, pending: bool) -> Explained:
    """Explains the reason of the published record `job` for a job that is pending, or for one that is not.

    A reason of a pending job that has ended since, such as one that was cancelled, is only named.
    """
    reason = job.get("state_reason") or "None"
    name, text = _known(reason)
    if not pending:
        text = _ENDED.get(name) or text
        if text is None or (text.ends_by and text is not _WAITING["Prolog"]):
            return Explained(name, f"Slurm's last reason was {name}.", ())
        return Explained(name, text.of(job), text.ends_by)
    if name == _OWN_RESERVATION and not job.get("resv_name"):
        text = _OTHER_RESERVATION
    text = text or _ENDED.get(name)
    if text is None:
        return Explained(name, f"Slurm gives the reason {name}, which has no explanation here.", ())
    return Explained(name, text.of(job), text.ends_by)


def _known(reason: str) -> tuple[str, ReasonText | None]:
    """Returns Slurm's name of a reason as squeue prints it, and its text if it has one."""
    words = reason.replace("_", " ")
    for detail in _DETAILS:
        # An underscore may be part of a plug-in's name.
        if detail.pattern.match(words) or detail.pattern.match(reason):
            return detail.name, detail.text or _WAITING.get(detail.name)
    name = _NAME_ENDS.split(reason, maxsplit=1)[0].strip("_ ")
    return name, _WAITING.get(name)
