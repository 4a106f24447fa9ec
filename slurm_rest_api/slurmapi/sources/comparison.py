"""Compares the records of pyslurm with those of Slurm's commands, part by part.

pyslurm is read before and after the commands. A value counts as a difference if both readings of pyslurm share it and
the commands have another one. What changes between the readings is no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurmapi.sources.base import Record, Snapshot

Records = Mapping[str, Record]
Reading = Mapping[str, Records]
"""The compared records of one moment, by part (`jobs`) and key (`17`)."""

JOBS_OF_A_STATE: Final = 200
"""Jobs that are compared in each state. A state is a base state with its flags."""

STATES: Final = 40
"""States of which jobs are compared."""

RECORDS: Final = 5000
"""Records of another part that are compared."""

DIFFERENCES: Final = 1000
"""Differences of a part that are kept during a comparison."""

NAMED: Final = 3
"""Differences of a part that are reported with their values."""

_LONGEST: Final = 80
"""Letters of a value in a report."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": (
        *("job_state", "partition", "user_id", "account", "qos", "nodes", "num_nodes", "num_cpus"),
        *("cpus_allocated", "cpus_alloc_layout", "mem_allocated", "gres_allocated"),
        *("exit_code", "derived_ec", "time_limit", "submit_time", "start_time", "end_time"),
        *("tres_req_str", "tres_alloc_str", "tres_per_node", "tres_per_job", "min_memory_cpu", "min_memory_node"),
        *("array_job_id", "array_task_id", "array_task_str"),
    ),
    "nodes": (
        *("state_base", "state_flags", "partitions", "cpus", "effective_cpus", "alloc_cpus", "threads"),
        *("real_memory", "alloc_mem", "gres", "gres_used"),
    ),
    "partitions": (
        *("state", "nodes", "total_nodes", "total_cpus", "max_time", "default_time", "flags", "tres_fmt_str"),
        *("allow_accounts", "allow_groups", "allow_qos", "priority_tier"),
    ),
    "statistics": (
        *("jobs_submitted", "jobs_started", "jobs_completed", "jobs_canceled", "jobs_failed"),
        *("schedule_cycle_counter", "bf_cycle_counter"),
    ),
}
"""The compared fields by part: those that decide who sees a record, what it holds and how it ended.

Both sources have each of them on every release. User's texts are not among them.
"""

_COUNTERS: Final = frozenset(("statistics",))
"""Parts with counters. A value between those of the two readings of pyslurm is right."""

_NOUNS: Final = {"jobs": "job", "nodes": "node", "partitions": "partition", "statistics": "statistics"}


class Difference(NamedTuple):
    """One field of one record that differs. `pyslurm` and `commands` are bounded texts of its values."""

    key: str
    field: str
    pyslurm: str
    commands: str


@dataclass(frozen=True)
class PartResult:
    """The result of the comparison of one part.

    Attributes:
        compared: Number of records that all readings have.
        differing: Number of these that differ.
        fields: The fields that differ, the most frequent one first.
        named: Texts of the first differences. They have names of nodes and ids of jobs, so they are for the
            administrator.
        gaps: Texts that say what could not be compared.
    """

    compared: int
    differing: int = 0
    fields: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    def reason(self, part: str) -> str | None:
        """Returns why a part cannot be taken from pyslurm, None if it can. The text names no node or job."""
        if not self.differing:
            return None
        names = ", ".join(self.fields[:NAMED]) + (" and other fields" if len(self.fields) > NAMED else "")
        verb = "differs" if self.differing == 1 else "differ"
        return f"{self.differing} of {_counted(self.compared, part)} {verb} from Slurm's commands in {names}"


Result = Mapping[str, PartResult]
"""The result by part. A part that a reading lacks has no result."""


def reading_of(snapshot: Snapshot, wanted: Reading | None = None) -> Reading:
    """Returns the compared fields of a snapshot, of the records in `wanted`, or of a bounded choice (None).

    The choice has jobs of each state, so that a rare one is not missed on a cluster with many jobs.
    """
    jobs = {str(job["job_id"]): job for job in _chosen(snapshot.jobs, None if wanted is None else wanted["jobs"])}
    return {
        "jobs": {key: _compared("jobs", job) for key, job in jobs.items()},
        "nodes": _by_name("nodes", snapshot.nodes, wanted),
        "partitions": _by_name("partitions", snapshot.partitions, wanted),
        "statistics": {"": _compared("statistics", snapshot.statistics)},
    }


def _chosen(jobs: Iterable[Record], wanted: Collection[str] | None) -> Iterator[Record]:
    states: Counter[str] = Counter()
    # The iteration goes on to the end, because a source may free its memory or end a program there.
    for job in jobs:
        if wanted is not None:
            if str(job["job_id"]) in wanted:
                yield job
            continue
        state = job["job_state"] or ""
        if states[state] < JOBS_OF_A_STATE and (state in states or len(states) < STATES):
            states[state] += 1
            yield job


def _by_name(part: str, records: Iterable[Record], wanted: Reading | None) -> Records:
    named = {str(record["name"]): record for record in records}
    names = sorted(named)[:RECORDS] if wanted is None else [name for name in wanted[part] if name in named]
    return {name: _compared(part, named[name]) for name in names}


def _compared(part: str, record: Record) -> Record:
    return {field: record[field] for field in FIELDS[part] if field in record}


def differences(part: str, before: Records, commands: Records, after: Records) -> dict[tuple[str, str], Difference]:
    """Returns the differences of a part, by key and field, at most DIFFERENCES."""
    found: dict[tuple[str, str], Difference] = {}
    for key in sorted(before.keys() & after.keys()):
        if len(found) >= DIFFERENCES:
            break
        if key not in commands:
            found[key, ""] = Difference(key, "", "present", "absent")
            continue
        for field in FIELDS[part]:
            first, value, last = (reading[key].get(field) for reading in (before, commands, after))
            if first == last and _differs(part, field, first, value):
                found[key, field] = Difference(key, field, _text(first), _text(value))
            elif first != last and part in _COUNTERS and not _is_between(first, value, last):
                found[key, field] = Difference(key, field, f"{_text(first)} to {_text(last)}", _text(value))
    return found


def _differs(part: str, field: str, pyslurm: Any, commands: Any) -> bool:
    # The commands publish null for what they do not have. Select plugins without cores give no list of CPUs.
    if commands is None or (field == "cpus_alloc_layout" and not any(commands.values())):
        return False
    if part == "nodes" and field in ("state_flags", "gres", "gres_used", "partitions"):
        return sorted(pyslurm or ()) != sorted(commands)
    return bool(pyslurm != commands)


def _is_between(first: Any, value: Any, last: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(min(first, last) <= value <= max(first, last))
    except TypeError:
        return False


def compare(rounds: Sequence[tuple[Reading, Reading, Reading]]) -> Result:
    """Compares one or more rounds of readings: pyslurm, the commands, pyslurm again.

    A field that differs in every round is a difference. On a busy cluster a job may start and end between two readings,
    and leave a node as it was.

    Raises:
        ValueError: There is no round.
    """
    if not rounds:
        raise ValueError("There is no reading to compare. Read pyslurm and Slurm's commands first.")
    return {
        part: _part_result(part, rounds)
        for part in FIELDS
        if all(part in reading for readings in rounds for reading in readings)
    }


def _part_result(part: str, rounds: Sequence[tuple[Reading, Reading, Reading]]) -> PartResult:
    *earlier, last = (differences(part, *(reading[part] for reading in readings)) for readings in rounds)
    lasting = [found for place, found in last.items() if all(place in others for others in earlier)]
    before, commands, after = (reading[part] for reading in rounds[-1])
    present = before.keys() & after.keys()
    compared = [commands[key] for key in present & commands.keys()]
    fields = Counter(found.field or "presence" for found in lasting)
    return PartResult(
        compared=len(present),
        differing=len({found.key for found in lasting}),
        fields=tuple(field for field, _count in fields.most_common()),
        named=tuple(_named(part, found) for found in lasting[:NAMED]),
        gaps=tuple(text for text, covers in _GAPS.get(part, ()) if not covers(compared)),
    )


def _named(part: str, found: Difference) -> str:
    where = " ".join(filter(None, (_NOUNS[part], found.key, found.field)))
    return f"{where}: pyslurm {found.pyslurm}, commands {found.commands}"


def _text(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_GAPS: Final[Mapping[str, tuple[tuple[str, Callable[[Sequence[Record]], bool]], ...]]] = {
    "jobs": (
        ("jobs: there was none", bool),
        ("CPUs and memory by node: no job held nodes", lambda jobs: any(job["cpus_allocated"] for job in jobs)),
        (
            "exit codes: no job ended with a code or signal",
            lambda jobs: any(job["exit_code"] not in (None, "0:0") for job in jobs),
        ),
    ),
    "nodes": (
        ("nodes: there was none", bool),
        ("allocated CPUs and memory of nodes: all nodes were free", lambda nodes: any(n["alloc_cpus"] for n in nodes)),
        (
            "GRES: none was in use",
            lambda nodes: (
                not any(node["gres"] for node in nodes)
                or any(not gres.endswith(":0") for node in nodes for gres in node["gres_used"] or ())
            ),
        ),
    ),
    "partitions": (("partitions: there was none", bool),),
}
"""By part, what a comparison may lack, and a test for records that cover it."""


def summary(result: Result) -> str:
    """Returns the result in one line: `compared 46 jobs, 5 nodes, 2 partitions: equal`."""
    counts = [_counted(found.compared, part) for part, found in result.items() if part != "statistics"]
    if not counts and "statistics" in result:
        counts = ["the statistics"]
    reasons = [reason for part, found in result.items() if (reason := found.reason(part))]
    return f"compared {', '.join(counts) or 'nothing'}: {'; '.join(reasons) or 'equal'}"


def _counted(count: int, part: str) -> str:
    return f"{count} {_NOUNS[part] if count == 1 else part}"


def to_json(result: Result) -> dict[str, Any]:
    """Returns the result as JSON values."""
    return {part: asdict(found) for part, found in result.items()}


def from_json(record: Mapping[str, Any]) -> Result:
    """Returns the result that `to_json` made.

    Raises:
        TypeError, ValueError, AttributeError: The record has another form.
    """
    return {
        part: PartResult(
            compared=int(found["compared"]),
            differing=int(found["differing"]),
            **{name: tuple(map(str, found[name])) for name in ("fields", "named", "gaps")},
        )
        for part, found in record.items()
    }
