"""The filters, groups and sums of /queue, and which job a path names, in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from tests.slurmapi.query.reference import Record, Sum, Test, chosen, in_all, number_tests

SHORT_STATES = {"R": "RUNNING", "PD": "PENDING", "CG": "COMPLETING", "CD": "COMPLETED", "S": "SUSPENDED"}


def states(job: Record) -> set[str]:
    return set(job["job_state"].split("+"))


def nodes_of(job: Record) -> list[str]:
    """The nodes of test jobs are written out: `n1,n2`."""
    return list(job["cpus_allocated"]) or (job["nodes"] or "").split(",")


def tasks_of(job: Record) -> set[int]:
    """Returns the task indexes of an array that share a record."""
    if job["array_task_id"] is not None:
        return {job["array_task_id"]}
    found: set[int] = set()
    for part in (job["array_task_str"] or "").partition("%")[0].split(","):
        ends, _, step = part.partition(":")
        first, _, last = ends.partition("-")
        if first:
            found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def in_array(job: Record, text: str) -> bool:
    array, _, task = text.partition("_")
    return job["array_job_id"] == int(array) and (not task or int(task) in tasks_of(job))


ESCAPED = {r"a\,b": "a,b", r"\!a": "!a", r"\ a\ ": " a ", r"a\*b": "a*b", r"a\\b": r"a\b"}
"""Texts of the parameter `name`, each with the only name that it means."""


def has_name(job: Record, text: str) -> bool:
    if text in ESCAPED:
        return bool(job["name"] == ESCAPED[text])
    return chosen(text, lambda name: is_like(job["name"], name))


def is_any_job(job: Record, text: str) -> bool:
    """Returns True if the job has one of the ids `12`, `12_3` and `12+1`."""
    return any(_is_job(job, name.replace(" ", "+")) for name in text.split(","))


def _is_job(job: Record, name: str) -> bool:
    if "_" in name:
        return in_array(job, name)
    if "+" in name:
        return name == f"{job['het_job_id']}+{job['het_job_offset']}"
    return bool(job["job_id"] == int(name))


def is_like(name: str, pattern: str) -> bool:
    """Returns True if the name matches: `*` matches any text, other characters match themselves."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


def expected_after(time: int, text: str) -> bool:
    return time > 0 and time >= int(text)


def expected_before(time: int, text: str) -> bool:
    return 0 < time < int(text)


def gpus_of(job: Record) -> int:
    """Of the test jobs' TRES, which name GPUs either with or without a type. None of the jobs has an allocated GRES."""
    holds = job["job_state"].startswith(("RUNNING", "SUSPENDED"))
    return (tres_gpus_of(job["tres_alloc_str"]) if holds else 0) or tres_gpus_of(job["tres_req_str"])


def tres_gpus_of(tres: str | None) -> int:
    counts = dict(entry.split("=") for entry in (tres or "").split(",") if entry)
    typed = sum(int(count) for name, count in counts.items() if name.startswith("gres/gpu:"))
    return int(counts.get("gres/gpu", typed))


TASKS: Mapping[str | None, int] = {None: 1, "0-6:2%4": 4, "1,4-5": 3, "7": 1}
"""The number of tasks of each text in `tests.slurmapi.query.jobs`."""

SUMS: Mapping[str, Sum] = {
    "cpus": lambda job: job["num_cpus"],
    "nodes": lambda job: job["num_nodes"],
    "memory": lambda job: job["memory"] or 0,
    "gpus": gpus_of,
    "tasks": lambda job: TASKS[job["array_task_str"]],
}
TESTS: Mapping[str, Test] = {
    "user": lambda job, text: chosen(text, lambda name: job["user_name"] == name),
    "account": lambda job, text: chosen(text, lambda name: job["account"] == name),
    "qos": lambda job, text: chosen(text, lambda name: job["qos"] == name),
    "partition": lambda job, text: chosen(text, lambda name: name in job["partition"].split(",")),
    "state": lambda job, text: chosen(text, lambda names: in_all(names, SHORT_STATES, states(job))),
    "name": has_name,
    "reason": lambda job, text: chosen(text, lambda name: job["state_reason"].split(",")[0].lower() == name.lower()),
    "array": lambda job, text: any(in_array(job, name) for name in text.split(",")),
    "node": lambda job, text: bool(set(text.split(",")) & set(nodes_of(job))),
    "submitafter": lambda job, text: expected_after(job["submit_time"], text),
    "submitbefore": lambda job, text: expected_before(job["submit_time"], text),
    "startafter": lambda job, text: expected_after(job["start_time"], text),
    "startbefore": lambda job, text: expected_before(job["start_time"], text),
    "jobid<": lambda job, text: job["job_id"] <= int(text),
    "jobid>": lambda job, text: job["job_id"] >= int(text),
    "jobid": is_any_job,
}
TESTS = {
    **TESTS,
    **number_tests(
        {
            **{name: itemgetter(name) for name in ("num_cpus", "memory", "priority", "time_limit", "run_time")},
            "gpus": gpus_of,
            "tasks": lambda job: TASKS[job["array_task_str"]],
        }
    ),
    **number_tests({name: itemgetter(name) for name in ("submit_time", "start_time")}, unknown=0),
}

GROUPS: Mapping[str, Callable[[Record], list[str]]] = {
    "user": lambda job: [job["user_name"]],
    "account": lambda job: [job["account"] or "(null)"],
    "partition": lambda job: job["partition"].split(","),
    "state": lambda job: [job["job_state"]],
    "qos": lambda job: [job["qos"] or "(null)"],
    "reason": lambda job: [job["state_reason"].split(",")[0]],
    "name": lambda job: [job["name"]],
}
ORDERS = [
    "job_id",
    "user_name",
    "account",
    "partition",
    "name",
    "qos",
    "job_state",
    "state_reason",
    "array_job_id",
    "array_task_id",
    "array_task_str",
    "het_job_id",
    "het_job_offset",
    "submit_time",
    "start_time",
    "end_time",
    "priority",
    "num_cpus",
    "num_nodes",
    "memory",
    "time_limit",
    "run_time",
]


def named(jobs: Iterable[Record], path: str) -> Record | None:
    """Returns the job of `123`, `123_7` (if it is pending: the shared record) or `123+1`."""
    listed = sorted(jobs, key=lambda job: job["job_id"])
    if "_" in path:
        array, task = map(int, path.split("_"))
        tasks = [job for job in listed if job["array_job_id"] == array and task in tasks_of(job)]
        # A started task has its own record.
        return next(iter(sorted(tasks, key=lambda job: job["array_task_id"] is None)), None)
    if "+" in path:
        leader, offset = map(int, path.split("+"))
        return next((job for job in listed if (job["het_job_id"], job["het_job_offset"]) == (leader, offset)), None)
    return next((job for job in listed if job["job_id"] == int(path)), None)
