"""Job ids in a query: lists of `123`, `12_3` and `12+1`, and comparisons such as `<=987654`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from slurm_rest_api.web.name_lists import list_schema, parsed_with, split_names
from slurm_rest_api.web.operator_params import Comparison, parse_comparison

MAX_JOB_IDS: Final = 1000
"""Maximum job ids in one request."""

MAX_COMPARISONS: Final = 20

# A plus sign that was not percent-encoded arrives as a space.
_JOB_ID: Final = re.compile(r"(\d{1,10})(?:([_+ ])(\d{1,10}))?", re.ASCII)
_EXPECTED: Final = "a job id such as 123, 12_3 (array task) or 12+1 (component of a heterogeneous job)"


class JobId(NamedTuple):
    """A job id as squeue prints it. `task` is an array index, `component` an offset in a heterogeneous job."""

    job: int
    task: int | None = None
    component: int | None = None

    @property
    def text(self) -> str:
        """The id as squeue prints it."""
        if self.component is not None:
            return f"{self.job}+{self.component}"
        return str(self.job) if self.task is None else f"{self.job}_{self.task}"


@dataclass(frozen=True)
class JobIdFilter:
    """Matches the jobs `ids` (any job if empty) that meet all `comparisons`."""

    ids: tuple[JobId, ...]
    comparisons: tuple[Comparison, ...] = ()

    def jobs(self) -> list[int]:
        """Returns the ids without a task or component, sorted."""
        return sorted(found.job for found in self.ids if found.task is None and found.component is None)

    def tasks(self) -> list[tuple[int, int]]:
        """Returns array id and task index of each array task, sorted."""
        return sorted((found.job, found.task) for found in self.ids if found.task is not None)

    def components(self) -> list[tuple[int, int]]:
        """Returns leader id and offset of each component of a heterogeneous job, sorted."""
        return sorted((found.job, found.component) for found in self.ids if found.component is not None)


def parse_job_id(text: str) -> JobId:
    """Parses `123`, `12_3` or `12+1`.

    Raises:
        ValueError: `text` is no job id.
    """
    match = _JOB_ID.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {_EXPECTED}")
    job, separator, part = int(match[1]), match[2], match[3]
    if separator is None:
        return JobId(job)
    return JobId(job, task=int(part)) if separator == "_" else JobId(job, component=int(part))


def parse_job_ids(texts: Sequence[str]) -> JobIdFilter:
    """Parses the values of `jobid`: ids and comparisons, separated by commas.

    Raises:
        ValueError: one is neither, or there are more than MAX_JOB_IDS ids or MAX_COMPARISONS comparisons.
    """
    names = split_names(texts)
    comparisons = tuple(parse_comparison(name) for name in names if name[0] in "<>")
    ids = dict.fromkeys(_id_of(name) for name in names if name[0] not in "<>")
    if len(ids) > MAX_JOB_IDS:
        raise ValueError(f"expected at most {MAX_JOB_IDS} job ids in one request, got {len(ids)}")
    if len(comparisons) > MAX_COMPARISONS:
        raise ValueError(f"expected at most {MAX_COMPARISONS} comparisons, got {len(comparisons)}")
    return JobIdFilter(tuple(ids), comparisons)


def parse_job_id_list(texts: Sequence[str]) -> tuple[JobId, ...]:
    """Parses job ids without comparisons, separated by commas. Each is returned once.

    Raises:
        ValueError: one is no job id, or there are more than MAX_JOB_IDS.
    """
    ids = tuple(dict.fromkeys(map(parse_job_id, split_names(texts))))
    if len(ids) > MAX_JOB_IDS:
        raise ValueError(f"expected at most {MAX_JOB_IDS} job ids in one request, got {len(ids)}")
    return ids


def _id_of(text: str) -> JobId:
    try:
        return parse_job_id(text.removeprefix("=").lstrip())
    except ValueError:
        raise ValueError(f"expected {_EXPECTED}, or a comparison such as <=123") from None


JobIdFilterParam = Annotated[
    JobIdFilter,
    parsed_with(parse_job_ids),
    list_schema(
        "One or more, separated by commas.",
        "123",
        "12_3",
        pattern=r"^((<=|>=|<|>)\s*\d{1,10}|=?\s*\d{1,10}([_+ ]\d{1,10})?)$",
    ),
]
"""A query parameter: `5,12_3` means either of these jobs. A job has to meet every comparison."""

JobIdsParam = Annotated[
    tuple[JobId, ...],
    parsed_with(parse_job_id_list),
    list_schema("One or more, separated by commas.", "123", "12_3", pattern=r"^\d{1,10}([_+ ]\d{1,10})?$"),
]
"""A query parameter: `5,12_3` means these jobs."""
