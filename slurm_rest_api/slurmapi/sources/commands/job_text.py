"""Splits what `scontrol -d show job` prints about one job into its fields.

The form is that of _sprint_job_info() of src/scontrol/info_job.c (until 24.05 slurm_sprint_job_info() of
src/api/job_info.c). Every line after the first starts with three spaces and a key. Texts of users are alone on their
line or last on it, so only a text with a newline can imitate a field. The lines have a fixed order in every release,
which reveals most imitations. For the others `JobText.is_ambiguous` is true (see `job_proof.py`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

SEPARATOR: Final = b"\n\nJobId="
"""Bytes between two jobs."""

Release = tuple[int, int]
"""Major and minor number of a Slurm release: 23.02 is (23, 2)."""

_BORDER: Final = "\n   "
_HEAD: Final = re.compile(
    r"(?:JobId=)?(\d+)(?: ArrayJobId=(\d+) ArrayTaskId=(\S+)(?: ArrayTaskThrottle=(\d+))?)?"
    r"(?: (?:Het|Pack)JobId=(\d+) (?:Het|Pack)JobOffset=(\d+))? JobName=(.*)",
    re.DOTALL,
)
_KEY: Final = re.compile(r"[A-Z][A-Za-z_:/]*")

_LINES: Final = (
    "SLUID",
    "PackJobIdSet",
    "HetJobIdSet",
    "UserId GroupId MCS_label",
    "Priority Nice Account QOS WCKey",
    "JobState Reason FailedNode Dependency",
    "Requeue Restarts BatchFlag Reboot ExitCode",
    "DerivedExitCode",
    "RunTime TimeLimit TimeMin",
    "SubmitTime EligibleTime",
    "AccrueTime",
    "ResizeTime",
    "StartTime EndTime Deadline",
    "CronJob CrontabSpec",
    "CrontabSpec",
    "PreemptEligibleTime PreemptTime",
    "PreemptTime SuspendTime SecsPreSuspend",
    "SuspendTime SecsPreSuspend LastSchedEval Scheduler",
    "LastSchedEval Scheduler",
    "Partition AllocNode:Sid",
    "ReqNodeList ExcNodeList",
    "NodeList SchedNodeList",
    "BatchFeatures BatchHost",
    "BatchHost",
    "StepMgrEnabled",
    "FedOrigin FedViableSiblings FedActiveSiblings",
    "NumNodes NumCPUs NumTasks CPUs/Task ReqB:S:C:T",
    "TRES",
    "ReqTRES",
    "AllocTRES",
    "Socks/Node NtasksPerN:B:S:C CoreSpec ThreadSpec",
    "JOB_GRES",
    "CPUs",
    "  Nodes",
    "MinCPUsNode MinMemoryCPU MinMemoryNode MinMemoryTRES MinTmpDiskNode MemUpdate",
    "Features DelayBoot Gres Reservation",
    "ClusterFeatures",
    "Prefer",
    "Gres Reservation",
    "Reservation",
    "Shared Contiguous Licenses Network",
    "OverSubscribe Exclusive Contiguous Licenses LicensesAlloc Network",
    "Command",
    "SubmitLine",
    "WorkDir",
    "AdminComment",
    "SystemComment",
    "Comment",
    "Extra",
    "StdErr",
    "StdIn",
    "StdOut",
    "SegmentSize SpreadSegments ConsolidateSegments",
    "Switches",
    "BurstBuffer",
    "BurstBufferState",
    "CPU_min_freq CPU_max_freq Governor",
    "CPU_max_freq Governor",
    "Governor",
    "Power SICP",
    "GresAllowTaskSharing GresEnforceBind GresOneTaskPerSharing KillOInInvalidDependent KillOnInvalidDependent"
    " SpreadJob ExpeditedRequeue",
    "GresEnforceBind GresOneTaskPerSharing KillOInInvalidDependent KillOnInvalidDependent SpreadJob ExpeditedRequeue",
    "GresOneTaskPerSharing KillOInInvalidDependent KillOnInvalidDependent SpreadJob ExpeditedRequeue",
    "KillOInInvalidDependent SpreadJob",
    "KillOnInvalidDependent SpreadJob ExpeditedRequeue",
    "SpreadJob ExpeditedRequeue",
    "ExpeditedRequeue",
    "OOMKillStep",
    "CpusPerTres",
    "MemPerTres",
    "TresBind",
    "TresFreq",
    "TresPerJob",
    "TresPerNode",
    "TresPerSocket",
    "TresPerTask",
    "MailUser MailType",
    "NtasksPerTRES",
    "ContainerType Container ContainerID",
    "Container ContainerID",
    "SELinuxContext",
    "ResvPorts",
)
"""The keys of each line, in the order of the lines. Lines come and go between releases, their order stays."""

_PLACES: Final = {line.split(" ")[0] if line[0] != " " else line: place for place, line in enumerate(_LINES)}
_SINGLE: Final = frozenset(line for line in _LINES if " " not in line.strip())
_LAYOUT: Final = "  Nodes"
_TO_THE_END: Final = frozenset(("Dependency", "WCKey", "MCS_label", "CrontabSpec", "AllocNode:Sid", "Network"))
"""Keys whose value is the rest of the line, because it may contain spaces."""

_UNFORGEABLE: Final = frozenset(key for key in _PLACES if _PLACES[key] < _PLACES["Features"]) - {
    "CronJob",
    "CrontabSpec",
    "BatchFeatures",
    "FedOrigin",
} | {"Features", "Gres", "Shared", "OverSubscribe", "Command", "WorkDir", "Power"}
"""First keys of lines that no text before them can imitate, because another line has to be between the two."""

_SINCE: Final = {"SLUID": (25, 11), "SubmitLine": (25, 11)}
"""Lines that jobs have from a release on, and none has before."""

_POWER_UNTIL: Final = (23, 11)
"""Every job has a line of Power until this release, and none has afterwards."""

_NO_TASKS_PER_TRES: Final = re.compile(r"(?:NtasksPerTRES:\S*)?")
"""The line of NtasksPerTRES has another separator in 20.11. Releases from 21.08 to 23.11 print an empty one."""

_BLOCK: Final = ("UserId", "Priority", "JobState", "RunTime", "Partition", "NodeList", "NumNodes", "Features")
_BATCH: Final = ("StdErr", "StdIn", "StdOut")
_WITH_A_SPACE: Final = ("AdminComment", "SystemComment", "Comment", "Extra")
"""Before 25.11 scontrol adds a space to these."""

_FREE: Final = frozenset(_PLACES) - _UNFORGEABLE - frozenset((*_BATCH, *_SINCE))
"""First keys of lines that a text with a newline can imitate."""

_NOT_FREE: Final = "|".join(sorted(frozenset(_PLACES) - _FREE - {_LAYOUT}))
_KNOWN: Final = frozenset(key for line in _LINES for key in line.split(" "))
# Without `Power=` these releases end a job with an empty line: print of a job in src/scontrol/info_job.c.
_EMPTY_LINE_SINCE: Final = (24, 5)
_EMPTY_LINE_UNTIL: Final = (25, 11)
_FREE_LINE: Final = re.compile(rf"\n   (?! |(?:{_NOT_FREE})=)[A-Z][A-Za-z_:/]*=".encode())
_FLAGS: Final = frozenset(_LINES[_PLACES["GresAllowTaskSharing"]].split(" "))


class AmbiguousJob(ValueError):
    """The text can be read in more than one way."""


class JobText(NamedTuple):
    """The fields of one job as text.

    Attributes:
        job_id: The job id.
        name: The job's name.
        fields: Values by key.
        layout: The lines `Nodes=… CPU_IDs=… Mem=… GRES=…`.
        is_ambiguous: True if a text with a newline could have made one of the lines.
    """

    job_id: int
    name: str
    fields: dict[str, str]
    layout: list[str]
    is_ambiguous: bool


def parse_job(text: str, release: Release, *, is_whole: bool = True) -> JobText:
    """Splits the text of one job, with or without `JobId=` at the start.

    Args:
        text: The text.
        release: Slurm release of scontrol.
        is_whole: False if the text ends before the line of Command.

    Raises:
        AmbiguousJob: A text of a user imitates fields.
    """
    first, *lines = text.rstrip("\n").split(_BORDER)
    if is_whole and _EMPTY_LINE_SINCE <= release < _EMPTY_LINE_UNTIL and lines and not lines[-1]:
        lines.pop()
    fields: dict[str, str] = {}
    layout: list[str] = []
    place, last = -1, ""
    is_ambiguous = False
    for line in lines:
        key, equals, value = line.partition("=")
        here = _PLACES.get(key)
        if here is None:
            if equals and _KEY.fullmatch(key):
                # A line of a newer release, or a text.
                is_ambiguous, last = True, key
                fields[key] = value
            elif place >= _PLACES["Power"] and _NO_TASKS_PER_TRES.fullmatch(line):
                continue
            elif last:
                fields[last] += _BORDER + line
            else:
                first += _BORDER + line
            continue
        if here < place or (here == place and key != _LAYOUT):
            raise AmbiguousJob(f"{key} is there twice, or too late")
        place, last = here, key
        if key == _LAYOUT:
            layout.append(line[2:])
        elif key in _SINGLE:
            fields[key] = value
        else:
            pairs = _features(line) if key == "Features" else _pairs(line)
            if not fields.keys().isdisjoint(pairs):
                raise AmbiguousJob(f"a key of the line {line} is there twice")
            fields.update(pairs)
        if key in _FREE:
            is_ambiguous = True
    _check_lines(fields, release, is_whole)
    return _joined(first, fields, layout, is_ambiguous, release)


def _joined(first: str, fields: dict[str, str], layout: list[str], is_ambiguous: bool, release: Release) -> JobText:
    head = _HEAD.fullmatch(first)
    if head is None:
        raise AmbiguousJob("the first line has another form")
    job_id, array, task, throttle, het, offset, name = head.groups()
    if ("HetJobIdSet" in fields or "PackJobIdSet" in fields) and het is None:
        raise AmbiguousJob("the job is not heterogeneous")
    known = {"ArrayJobId": array, "ArrayTaskId": task, "ArrayTaskThrottle": throttle, "HetJobId": het}
    known["HetJobOffset"] = offset
    # Not a key of scontrol: the record of the array itself, which has its waiting tasks.
    known["ArrayRecord"] = "1" if array == job_id else None
    if release < (25, 11):
        for key in _WITH_A_SPACE:
            if key in fields:
                fields[key] = fields[key].removesuffix(" ")
    fields.update((key, value) for key, value in known.items() if value is not None)
    return JobText(int(job_id), name, fields, layout, is_ambiguous)


def _check_lines(fields: dict[str, str], release: Release, is_whole: bool) -> None:
    """Checks the lines that every job has, so that none of them is an imitation."""
    expected = [*_BLOCK]
    # A job that an older slurmctld started has no SLUID.
    unexpected = [] if release >= _SINCE["SLUID"] else ["SLUID"]
    if is_whole:
        expected += ["Command", "WorkDir"]
        (expected if release >= _SINCE["SubmitLine"] else unexpected).append("SubmitLine")
        (expected if fields.get("BatchFlag", "0") != "0" else unexpected).extend(_BATCH)
    if release > _POWER_UNTIL:
        unexpected.append("Power")
    if any(key not in fields for key in expected) or any(key in fields for key in unexpected):
        raise AmbiguousJob(f"of {expected} not all are there, or one of {unexpected} is")


@functools.lru_cache(maxsize=8192)
def _pairs(line: str) -> Mapping[str, str]:
    """Returns the fields of a line with more than one key. A word without a key belongs to the value before it.

    Most jobs share most lines, so the results are cached.
    """
    words = line.split(" ")
    fields: dict[str, str] = {}
    last = ""
    for index, word in enumerate(words):
        key, equals, value = word.partition("=")
        if not equals or not _KEY.fullmatch(key):
            fields[last] += f" {word}"
            continue
        if key in fields:
            raise AmbiguousJob(f"{key} is there twice")
        last = key
        if key in _TO_THE_END:
            fields[key] = " ".join((value, *words[index + 1 :]))
            break
        # Releases before 25.11 separate the flags by commas.
        value, *more = value.split(",") if key in _FLAGS else (value,)
        fields[key] = value
        fields.update(flag.partition("=")[::2] for flag in more)
    return fields


@functools.lru_cache(maxsize=1024)
def _features(line: str) -> Mapping[str, str]:
    """Returns the fields of the line of Features, which other keys follow."""
    fields: dict[str, str] = {}
    rest = line
    for key in ("Reservation", "Gres", "DelayBoot"):
        before, found, value = rest.rpartition(f" {key}=")
        if found and " " not in value:
            fields[key] = value
            rest = before
    fields["Features"] = rest.removeprefix("Features=")
    return fields


def jobs_of(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the jobs between separators, without `JobId=` of the first one and the newlines of the last one."""
    first = next(pieces, b"")
    if not first.startswith(b"JobId="):
        # "No jobs in the system".
        first = b""
    first = first.removeprefix(b"JobId=")
    for piece in pieces:
        yield first
        first = piece
    if first:
        yield first.removesuffix(b"\n\n")


def job_id_of(job: bytes) -> int | None:
    """Returns the job id at the start of a text without `JobId=`. None if there is none."""
    digits = job[: job.find(b" ")]
    return int(digits) if digits.isdigit() and len(digits) < 12 else None


def is_ambiguous(job: bytes) -> bool:
    """Return True if a text with a newline could have made one of the job's lines, as `JobText.is_ambiguous`."""
    return _FREE_LINE.search(job) is not None


def is_known(key: str) -> bool:
    """Return True if a line of scontrol begins with this key."""
    return key in _PLACES


def is_free(key: str) -> bool:
    """Return True if a text with a newline can imitate the line that begins with this known key."""
    return key in _FREE


def without_ambiguous(job: JobText) -> JobText:
    """Returns a job without the values that a text with a newline could have made or cut."""
    lines = (line for line in _LINES if line.split(" ")[0] in _FREE)
    doubtful = {"Command", "SubmitLine", "WorkDir", *_BATCH}.union(*(line.split(" ") for line in lines))
    return job._replace(fields={key: value for key, value in job.fields.items() if key in _KNOWN - doubtful})
