"""The text of one reason of a job, with placeholders that are filled from the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_NO_RESERVATION: Final = "a reservation"


@dataclass(frozen=True)
class ReasonText:
    """Explains a reason: its meaning for a job, and whose action ends it.

    `text` has placeholders such as `{partition}` (see `phrases_of`). `ends_by` has words of `ENDS_BY`, the likeliest
    first. It is empty for the reason of a job that has ended.
    """

    text: str
    ends_by: tuple[str, ...]

    def of(self, job: Mapping[str, Any]) -> str:
        """Returns the text for the published record `job`."""
        text = self.text.format_map(phrases_of(job))
        return text[:1].upper() + text[1:]


def phrases_of(job: Mapping[str, Any]) -> dict[str, str]:
    """Returns the phrase for each placeholder. A value that the job lacks has a general phrase."""
    get = job.get
    partitions = get("partition") or ""
    several = "," in partitions
    licenses = ", ".join(f"{name}:{count}" for name, count in (get("licenses") or {}).items())
    limit = get("time_limit_str")
    return {
        "partition": f"{'partitions' if several else 'partition'} {partitions}" if partitions else "its partition",
        "qos": _named("QOS", get("qos"), "its QOS"),
        "account": _named("account", get("account"), "its account"),
        "user": _named("user", get("user_name"), "its user"),
        "time_limit": f"its time limit of {limit}" if limit else "its time limit",
        "dependency": f" ({get('dependency')})" if get("dependency") else "",
        "licenses": f"the licenses that it requests ({licenses})" if licenses else "the licenses that it requests",
        "reservation": _named("reservation", get("resv_name"), _NO_RESERVATION),
        "at_once": f"{get('array_max_tasks')} tasks" if get("array_max_tasks") else "tasks",
        "release": f"`scontrol release {_job_or_task(job)}`",
    }


def _job_or_task(job: Mapping[str, Any]) -> object:
    """Returns the id that scontrol takes. The number of a whole array would release its other tasks, too."""
    array, task = job.get("array_job_id"), job.get("array_task_id")
    if array and task is not None:
        return f"{array}_{task}"
    return array or job.get("job_id") or "JOBID"


def _named(kind: str, name: object, otherwise: str) -> str:
    return f"{kind} {name}" if name else otherwise
