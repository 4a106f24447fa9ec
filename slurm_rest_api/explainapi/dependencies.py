"""Parses the dependencies of a job: `afterok:12(unfulfilled),after:13_*+5(unfulfilled)?singleton(unfulfilled)`.

Source: _depend_list2str() of src/slurmctld/job_scheduler.c, 17.11 to 26.05. Fulfilled ones are not in the text. Before
20.02 it has no conditions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from slurm_rest_api.web.job_ids import JobId

MAX_DEPENDENCIES: Final = 100
"""Most dependencies whose jobs are looked up."""

_ONE: Final = re.compile(
    r"(?P<type>[a-z]+)(?::(?P<job>\d{1,10})(?:_(?:(?P<task>\d{1,10})|\*))?(?:\+(?P<minutes>\d{1,9}))?)?"
    r"(?:\((?P<condition>\w+)\))?",
    re.ASCII,
)


class Dependency(NamedTuple):
    """One dependency. `job` is None for `singleton`, `text` is its job as Slurm writes it (`12`, `12_3`, `12_*`)."""

    type: str
    job: JobId | None
    text: str | None
    minutes: int | None
    condition: str | None


def parse_dependencies(text: str | None) -> list[Dependency]:
    """Returns the dependencies in a text, in its order. A part of another form has its text as type, and no job."""
    return [_parse(part) for part in re.split("[,?]", text or "") if part]


def looked_up(dependencies: Sequence[Dependency]) -> list[JobId]:
    """Returns the jobs of the first `MAX_DEPENDENCIES` dependencies, each once."""
    return list(dict.fromkeys(found.job for found in dependencies[:MAX_DEPENDENCIES] if found.job is not None))


def _parse(part: str) -> Dependency:
    match = _ONE.fullmatch(part)
    if match is None:
        return Dependency(part, None, None, None, None)
    job, task, minutes = match["job"], match["task"], match["minutes"]
    if job is None:
        return Dependency(match["type"], None, None, None, match["condition"])
    name = part.partition(":")[2].partition("(")[0].partition("+")[0]
    found = JobId(int(job), task=None if task is None else int(task))
    return Dependency(match["type"], found, name, None if minutes is None else int(minutes), match["condition"])
