"""What filters, orders, groups and pages mean, said once more in plain Python over the whole body."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from typing import Any

Job = dict[str, Any]
SHORT_STATES = {"R": "RUNNING", "PD": "PENDING", "CG": "COMPLETING", "CD": "COMPLETED", "S": "SUSPENDED"}


def job_states(job: Job) -> set[str]:
    return set(job["job_state"].split("+"))


def chosen(text: str, has: Callable[[str], bool]) -> bool:
    """Whether what `has` tells of a record fits `a,b,!c`."""
    names = text.split(",")
    wanted = [name for name in names if name[0] != "!"]
    unwanted = [name[1:] for name in names if name[0] == "!"]
    return (not wanted or any(map(has, wanted))) and not any(map(has, unwanted))


def nodes_of(job: Job) -> list[str]:
    """The nodes of test jobs are written out: `n1,n2`."""
    return list(job["cpus_allocated"]) or (job["nodes"] or "").split(",")


def state_of(name: str) -> str:
    return SHORT_STATES.get(name.upper(), name.upper())


def is_wanted(job: Job, query: dict[str, str]) -> bool:
    """Whether a job meets every filter of `query`."""
    tests: dict[str, Callable[[str], bool]] = {
        "user": lambda text: chosen(text, lambda name: job["user_name"] == name),
        "account": lambda text: chosen(text, lambda name: job["account"] == name),
        "qos": lambda text: chosen(text, lambda name: job["qos"] == name),
        "partition": lambda text: chosen(text, lambda name: name in job["partition"].split(",")),
        "state": lambda text: chosen(text, lambda name: state_of(name) in job_states(job)),
        "name": lambda text: chosen(text, lambda name: fnmatch.fnmatchcase(job["name"], name)),
        "reason": lambda text: chosen(text, lambda name: job["state_reason"].split(",")[0].lower() == name.lower()),
        "array": lambda text: any(in_array(job, name) for name in text.split(",")),
        "node": lambda text: bool(set(text.split(",")) & set(nodes_of(job))),
        "submitafter": lambda text: job["submit_time"] >= int(text) and job["submit_time"] > 0,
        "submitbefore": lambda text: 0 < job["submit_time"] < int(text),
        "startafter": lambda text: job["start_time"] >= int(text) and job["start_time"] > 0,
        "startbefore": lambda text: 0 < job["start_time"] < int(text),
        "jobid<": lambda text: job["job_id"] <= int(text),
    }
    return all(tests[name](value) for name, value in query.items())


def in_array(job: Job, text: str) -> bool:
    array, _, task = text.partition("_")
    return job["array_job_id"] == int(array) and (not task or job["array_task_id"] == int(task))


def ordered(jobs: Iterable[Job], sort: str) -> list[Job]:
    """The jobs in the order of `-priority,submit_time`, ties by id; null comes first, numbers before texts."""
    listed = sorted(jobs, key=lambda job: job["job_id"])
    for field in reversed(sort.split(",") if sort else []):
        name = field.removeprefix("-")
        listed.sort(key=lambda job: rank(job[name]), reverse=field.startswith("-"))
    return listed


def rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, int) else (2, value.encode())


def gpus_of(job: Job) -> int:
    """Of the test jobs' TRES, which name GPUs either with or without a type."""
    tres = job["tres_alloc_str"] or job["tres_req_str"] or ""
    counts = dict(entry.split("=") for entry in tres.split(",") if entry)
    typed = sum(int(count) for name, count in counts.items() if name.startswith("gres/gpu:"))
    return int(counts.get("gres/gpu", typed))


def numbers(jobs: Iterable[Job]) -> dict[str, int]:
    listed = list(jobs)
    return {
        "count": len(listed),
        "cpus": sum(job["num_cpus"] for job in listed),
        "nodes": sum(job["num_nodes"] for job in listed),
        "memory": sum(job["memory"] or 0 for job in listed),
        "gpus": sum(gpus_of(job) for job in listed),
    }


GROUPS: dict[str, Callable[[Job], list[str]]] = {
    "user": lambda job: [job["user_name"]],
    "account": lambda job: [job["account"] or "(null)"],
    "partition": lambda job: job["partition"].split(","),
    "state": lambda job: [job["job_state"]],
    "qos": lambda job: [job["qos"] or "(null)"],
    "reason": lambda job: [job["state_reason"].split(",")[0]],
    "name": lambda job: [job["name"]],
}


def grouped(jobs: Iterable[Job], by: str) -> dict[str, dict[str, int]]:
    listed = list(jobs)
    names = sorted({name for job in listed for name in GROUPS[by](job)})
    return {name: numbers(job for job in listed if name in GROUPS[by](job)) for name in names}
