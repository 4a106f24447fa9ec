"""Published fields and parameters of the sums of /history, which `group_by` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord
from slurm_rest_api.web.error_texts import shown
from slurm_rest_api.web.name_lists import list_schema, parse_few_names, parsed_with

GroupName = Literal["user", "account", "partition", "qos", "state", "job_name", "day"]
GROUP_NAMES: Final[tuple[str, ...]] = get_args(GroupName)

_MOST_GROUPINGS: Final = 2


def _groups(texts: Sequence[str]) -> tuple[str, ...]:
    names = parse_few_names(texts)
    unknown = [name for name in names if name not in GROUP_NAMES]
    if unknown or len(set(names)) < len(names) or len(names) > _MOST_GROUPINGS:
        fault = f"there is no group {shown(unknown[0])}. " if unknown else ""
        raise ValueError(f"{fault}expected one or two of {', '.join(GROUP_NAMES)}")
    return names


Groups = Annotated[
    tuple[str, ...],
    parsed_with(_groups),
    list_schema("One or two, separated by commas.", "account", "user", pattern=f"^({'|'.join(GROUP_NAMES)})$"),
]


class HistorySumRecord(PublishedRecord):
    """Sums over the job records of one group, with `group_by`. Of the first seven fields it has those of `group_by`."""

    user: str | None = Field(None, description="User, as `user_name` of a record.")
    account: str | None = Field(None, description="Account, as in a record.")
    partition: str | None = Field(
        None, description="Partition. A job that is pending for more than one is in the group of each."
    )
    qos: str | None = Field(None, description="Name of the QOS.")
    state: str | None = Field(None, description="State, as `state_name` of a record.")
    job_name: str | None = Field(None, description="Name of the job.")
    day: str | None = Field(
        None,
        description="Day in the time zone of the service: that of the end if the query bounds the end, else of the"
        " start if it bounds the start, else of the submission.",
        examples=["2026-11-24"],
    )
    jobs: Count = Field(description="Number of job records: attempts, with `duplicates=false` jobs.")
    states: dict[str, Count] = Field(
        description="Number of job records by state, as `state_name`. States without records are left out.",
        examples=[{"COMPLETED": 17, "FAILED": 2}],
    )
    elapsed: Count = Field(description="Seconds that the jobs ran: `elapsed` of the records, added up.")
    cpu_hours: float = Field(ge=0, description="elapsed times the allocated CPUs, in hours.")
    gpu_hours: float = Field(ge=0, description="elapsed times the allocated GPUs (gres/gpu), in hours.")
    mem_hours: float = Field(ge=0, description="elapsed times the allocated memory, in MiB hours.")
    wait_jobs: Count = Field(
        description="Number of job records with a wait: they started, and their `time_eligible` is known."
    )
    wait_mean: float | None = Field(
        ge=0, description="Mean of their waits in seconds, from `time_eligible` to `time_start` (Planned of sacct)."
    )
    wait_median: Count | None = Field(
        description="Median of their waits in seconds: the wait that half of them did not exceed (nearest rank), within"
        " 5 %, from a histogram."
    )
    wait_p90: Count | None = Field(description="The wait in seconds that 90 % of them did not exceed, within 5 %.")
    cpu_efficiency: float | None = Field(
        None,
        ge=0,
        description="Only if `fields` names it: it takes longer than all other fields."
        " cpu_time of the ended jobs divided by elapsed times their CPUs, both added up: jobs weigh as much"
        " as the CPU hours that they held. Jobs without cpu_time are left out. Null without any, and unless"
        " `database.table_step` is set.",
    )
    mem_efficiency: float | None = Field(
        None,
        ge=0,
        description="Only if `fields` names it."
        " max_rss of the ended jobs divided by their memory, both times elapsed and added up. Jobs without"
        " max_rss are left out. Null as cpu_efficiency.",
    )


SUM_FIELDS: Final = tuple(name for name in HistorySumRecord.model_fields if name not in GROUP_NAMES)


EFFICIENCY_FIELDS: Final = frozenset(("cpu_efficiency", "mem_efficiency"))
"""Fields for which the steps of all records are read."""


def default_sum_fields(groups: Sequence[str]) -> tuple[str, ...]:
    """Returns the fields of a sum without `fields`: those that the job table has."""
    return tuple(name for name in sum_fields(groups) if name not in EFFICIENCY_FIELDS)


def sum_fields(groups: Sequence[str]) -> tuple[str, ...]:
    """Returns the fields of a sum for `group_by`: first the groups."""
    return (*groups, *SUM_FIELDS)
