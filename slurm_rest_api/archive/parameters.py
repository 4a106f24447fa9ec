"""The query parameters of /load."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.web.name_lists import CommaList
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

_LONGEST = 10**10


class LoadParameters(Parameters):
    """Parameters of /load. A range is given by `time` and `offset`, or by `since` and `until`."""

    time: int | None = Field(
        None,
        ge=0,
        le=_LONGEST,
        description="The last so many seconds; without it and `since`, the newest sample alone.",
    )
    offset: int | None = Field(None, ge=0, le=_LONGEST, description="Up to so many seconds ago, instead of now.")
    since: TimeParam | None = Field(None, description="From this time on; without it, of the day before `until`.")
    until: TimeParam | None = Field(None, description="Before this time; without it, until now.")
    step: int | None = Field(
        None,
        ge=1,
        le=_LONGEST,
        description="Seconds that one sample of the answer stands for: means, with `…_min` and `…_max`. Without it each"
        " sample, or of a long range the narrowest step that fits.",
    )
    partition: CommaList | None = Field(None, description="Only these partitions under `partitions`.")
    fields: CommaList | None = Field(
        None, description="Only these fields; `partitions.partition_load` for one of each partition."
    )
    format: Format = Field(
        "json",
        description="All but json come without the envelope; csv, tsv and table with a column for each field of each"
        " partition.",
    )
