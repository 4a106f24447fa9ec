"""The published record of a limit, and its text."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord

Scope = Literal["job", "node", "own", "account", "qos"]


class LimitUse(PublishedRecord):
    """A limit that holds for a pending job, and what is used of it now."""

    name: str = Field(
        description="Name in sacctmgr (`MaxJobsPerUser`, `GrpTRES`) or, of a partition, in slurm.conf (`MaxTime`)."
        " `TotalNodes` is the number of nodes of a partition."
    )
    tres: str | None = Field(description="TRES that it limits: `cpu`, `mem`, `gres/gpu`. Null for jobs and time.")
    text: str = Field(description="The limit and its use in a sentence: `8 of 8 running jobs in QOS normal.`")
    is_reason: bool = Field(description="True if it is the limit that the job's reason names.")
    holder_type: Literal["qos", "account", "association", "partition"] | None = Field(
        description="What the limit is set for. Null if it may not be shown."
    )
    holder: str | None = Field(description="Name of the QOS, account or partition. `alice in physics`: an association.")
    scope: Scope = Field(
        description="What counts. `job`: this job's request. `node`: its request on a node. `own`: running jobs of its"
        " user. `account`: those of an account, with the accounts below it. `qos`: all in the QOS."
    )
    limit: Count | None = Field(description="The limit in `unit`. Null if it may not be shown.")
    used: Count | None = Field(description="Used now by the jobs that count, in `unit`. Null: see `unknown`.")
    own: Count | None = Field(description="The part of `used` of the job's own user. Null if it is not known.")
    requested: Count | None = Field(
        description="Requested by this job, in `unit`. Slurm may allocate more, such as whole cores. Null if none, or "
        "if it is all memory of a node."
    )
    unit: str = Field(description="`jobs`, `CPUs`, `MiB`, `nodes`, `minutes`, `CPU minutes`, `gres/gpu`, `percent` …")
    unknown: str | None = Field(description="Why `limit` or `used` is null, where it is not a request alone.")


_UNITS: Final = {"cpu": "CPUs", "mem": "MiB", "node": "nodes", "billing": "billing units", "energy": "joules"}
_NOUNS: Final = {**_UNITS, "mem": "MiB of memory"}
_OF_ONE: Final = {"cpu": "CPU", "mem": "MiB", "node": "node", "billing": "billing", "energy": "joule"}
_COUNTED: Final = {"jobs": "running jobs", "submitted": "pending and running jobs"}


def unit_of(measure: str, tres: str | None) -> str:
    """Returns the unit of a limit: `CPUs` for the TRES cpu, `CPU minutes` for TRES minutes."""
    if tres is None:
        return "jobs" if measure in _COUNTED else "minutes"
    return _UNITS.get(tres, tres) if measure == "tres" else f"{_OF_ONE.get(tres, tres)} minutes"


def noun_of(measure: str, tres: str | None) -> str:
    """Returns what a limit counts, in a sentence: `running jobs`, `MiB of memory`, `CPU minutes`."""
    if tres is None:
        return _COUNTED.get(measure, "minutes")
    return _NOUNS.get(tres, tres) if measure == "tres" else unit_of(measure, tres)


def use_text(limit: int, used: int | None, requested: int | None, noun: str, where: str) -> str:
    """Returns the sentence for a limit on several jobs. `where` is such as `in QOS normal`."""
    sentence = f"{used} of {limit} {noun} {where}" if used is not None else f"At most {limit} {noun} {where}"
    return f"{sentence}, and this job asks for {requested}." if requested is not None else f"{sentence}."


def request_text(limit: int, requested: int | None, noun: str, holder: str, *, each: str, at_least: bool) -> str:
    """Returns the sentence for a limit on one job. `requested` is None for a job without a limit of its own."""
    asked = f"This job asks for {requested} {noun}{each}" if requested is not None else "This job has no time limit"
    return f"{asked}, and {holder} allows {'no fewer than' if at_least else 'at most'} {limit}."


def record(**fields: Any) -> dict[str, Any]:
    """Returns the record with null for the fields that are not given."""
    return {**dict.fromkeys(LimitUse.model_fields), "is_reason": False, **fields}
