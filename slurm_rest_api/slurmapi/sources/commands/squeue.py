"""Reads the facts that decide which users see a job and what it holds, from squeue or from scontrol.

squeue prints them with a separator and without any text of a user, so no user can change them (`-o` of squeue(1)).
scontrol has the same facts. They are the job's own if its text is whole (see `time_marks.py`) and not ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.sources.commands.job_text import JobText
from slurm_rest_api.slurmapi.sources.commands.job_values import account_name
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms

SEPARATOR: Final = "\x1f"
"""Unit separator of ASCII. No name of an account, partition, QOS or node contains it."""

FORMAT: Final = SEPARATOR.join(("%A", "%U", "%G", "%T", "%P", "%a", "%q", "%N"))
"""Job id, uid, gid, state, partition, account, QOS, nodes."""

ALL_JOBS: Final = ("-a", "-h", "-t", "all", "-o", FORMAT)
"""Arguments for every job, with hidden partitions and finished jobs, and without a header."""

_FIELDS: Final = FORMAT.count(SEPARATOR)
_ABSENT: Final = ("", "(null)", "N/A")
_BORDER: Final = SEPARATOR.encode()


class JobFacts(NamedTuple):
    """The facts of one job. `partition` is a comma-separated list for a pending job with more than one."""

    user_id: int
    group_id: int
    state: str
    partition: str | None
    account: str | None
    qos: str | None
    nodes: str | None

    @property
    def owner(self) -> tuple[int, int, str | None, str | None, str | None]:
        """The facts that rarely change: uid, gid, partition, account and QOS."""
        return self.user_id, self.group_id, self.partition, self.account, self.qos


def read_facts(programs: SlurmPrograms, job_ids: Iterable[int]) -> dict[int, bytes]:
    """Returns the facts of jobs by id, of all jobs if `job_ids` is empty. Jobs that are gone are left out.

    Raises:
        SourceUnavailable: slurmctld did not answer.
    """
    wanted = ",".join(map(str, job_ids))
    arguments = (*ALL_JOBS, "-j", wanted) if wanted else ALL_JOBS
    facts: dict[int, bytes] = {}
    try:
        for line in programs.lines("squeue", *arguments):
            found = job_id_and_facts(line)
            if found is not None:
                facts[found[0]] = found[1]
    except ProgramFailed as error:
        # squeue fails so if it is asked for one job, and this one is gone.
        if not wanted or "Invalid job id" not in error.message:
            raise
    return facts


def job_id_and_facts(line: bytes) -> tuple[int, bytes] | None:
    """Splits a line of squeue into the job id and the rest, None for a line of another form."""
    job_id, _, facts = line.partition(_BORDER)
    return (int(job_id), facts) if job_id.isdigit() and facts.count(_BORDER) == _FIELDS - 1 else None


def parse_facts(facts: bytes) -> JobFacts:
    """Returns the facts of a line after its job id.

    Raises:
        ValueError: uid or gid is not a number.
    """
    user, group, state, *texts = facts.decode(errors="replace").split(SEPARATOR)
    partition, account, qos, nodes = (None if text in _ABSENT else text for text in texts)
    return JobFacts(int(user), int(group), state, partition, account, qos, nodes)


def present(text: str) -> str | None:
    """Returns a text of Slurm, None where Slurm prints a word for no text."""
    return None if text in _ABSENT else text


def state_of(facts: bytes) -> bytes:
    """Returns the state of a line after its job id."""
    return facts.split(_BORDER, 3)[2]


def line_of(job: JobText) -> bytes:
    """Returns what squeue prints about a job of scontrol, after the job id."""
    f = job.fields
    owner = (str(account_name(f.get(key))[1]) for key in ("UserId", "GroupId"))
    others = (f.get(key, "") for key in ("JobState", "Partition", "Account", "QOS", "NodeList"))
    return SEPARATOR.join((*owner, *others)).encode()


def agrees(job: JobText, facts: JobFacts) -> bool:
    """Return True if scontrol and squeue have the same owner, partition, account and QOS."""
    return parse_facts(line_of(job)).owner == facts.owner


def has_moved(job: JobText, facts: JobFacts) -> bool:
    """Return True if scontrol and squeue have seen the job in another state."""
    return job.fields.get("JobState") != facts.state
