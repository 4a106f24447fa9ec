"""References of jobs to other jobs, and taking out those that lead to hidden ones; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slurm_rest_api.slurm import hostlist
from slurm_rest_api.slurmapi.sources.base import Record

# The job that gave its id to an array or to a heterogeneous job ("pack" up to Slurm 19.05).
_GROUP_FIELDS = ("array_job_id", "het_job_id", "pack_job_id")
_GROUP_SET_FIELDS = ("het_job_id_set", "pack_job_id_set")

_LINK_FIELDS = ("dependency", *_GROUP_FIELDS, *_GROUP_SET_FIELDS)

_LEADING_ID = re.compile(r"\d+")
_TERM = re.compile(r"([,?]?)([^,?]+)")


class JobLinks:
    """Remembers which job ids are visible and which are hidden, while the jobs of a snapshot are walked.

    An id is hidden when its job is, or when it is only known as the array or heterogeneous id of hidden jobs.
    """

    def __init__(self) -> None:
        self._visible: set[int] = set()
        self._visible_groups: set[int] = set()
        self._hidden: set[int] = set()
        self._hidden_groups: set[int] = set()

    def add_visible(self, job: Record) -> bool:
        """Remember a job that is shown; whether it may refer to another job at all, as few do."""
        self._visible.add(job["job_id"])
        get = job.get
        for field in _LINK_FIELDS:
            if get(field):
                self._visible_groups.update(_groups(job))
                return True
        return False

    def add_hidden(self, job: Record) -> None:
        """Remember a job that is not shown."""
        self._hidden.add(job["job_id"])
        self._hidden_groups.update(_groups(job))

    def are_open(self, job: Record) -> bool:
        """Whether `job` refers to an id of which the walk has not told yet whether it is hidden."""
        return any(
            job_id not in self._visible and job_id not in self._hidden for job_id in _references(job, job["job_id"])
        )

    def without_hidden(self, job: Record) -> Record:
        """The job without references to hidden jobs: the same object, or a copy where something changed."""
        if not any(self._is_hidden(job_id) for job_id in _references(job, job["job_id"])):
            return job
        shown = dict(job)
        for field in _GROUP_FIELDS:
            if (job_id := job.get(field)) and self._is_hidden(job_id):
                shown[field] = None
        for field in _GROUP_SET_FIELDS:
            if (text := job.get(field)) and any(self._is_hidden(job_id) for job_id in _ids_of_set(text)):
                shown[field] = None
        if dependency := job.get("dependency"):
            shown["dependency"] = self._shown_dependency(dependency)
            # The command line repeats the dependency as the user wrote it.
            if shown["dependency"] != dependency and job.get("submit_line"):
                shown["submit_line"] = None
        return shown

    def _is_hidden(self, job_id: int) -> bool:
        if job_id in self._hidden:
            return True
        return job_id in self._hidden_groups and job_id not in self._visible and job_id not in self._visible_groups

    def _shown_dependency(self, text: str) -> str | None:
        """`afterok:1(unfulfilled),after:2:3+5` without hidden jobs; terms without a job are left (`singleton`)."""
        shown = ""
        for separator, term in _TERM.findall(text):
            kind, *references = term.split(":")
            kept = [reference for reference in references if not self._is_hidden(_leading_id(reference))]
            if kept or not references:
                shown += (separator if shown else "") + ":".join([kind, *kept])
        return shown or None


def _groups(job: Record) -> Iterator[int]:
    return (job[field] for field in _GROUP_FIELDS if job.get(field))


def _references(job: Record, own_id: int) -> Iterator[int]:
    for job_id in _groups(job):
        if job_id != own_id:
            yield job_id
    for field in _GROUP_SET_FIELDS:
        if text := job.get(field):
            yield from _ids_of_set(text)
    if dependency := job.get("dependency"):
        for _, term in _TERM.findall(dependency):
            yield from filter(None, map(_leading_id, term.split(":")[1:]))


def _leading_id(reference: str) -> int:
    """The job id of `12(unfulfilled)`, `12_3`, `12_*` or `12+5` (minutes); 0 when there is none."""
    found = _LEADING_ID.match(reference)
    return int(found.group()) if found else 0


def _ids_of_set(text: str) -> list[int]:
    """The job ids of `100-102,105`; none of a text that is not such a set."""
    try:
        names = hostlist.expand(text if text.startswith("[") else f"[{text}]")
    except ValueError:
        return []
    return [int(name) for name in names if name.isdecimal()]
