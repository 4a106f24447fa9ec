"""Query parameters of /load."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.web.name_lists import CommaList
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

_LONGEST = 10**10


class LoadParameters(Parameters):
    """Parameters of /load. A time range is given by `time` and `offset`, or by `since` and `until`."""

    time: int | None = Field(
        None,
        ge=0,
        le=_LONGEST,
        description="Length of the range in seconds. Without `time`, `since` and `until`: the newest sample only.",
    )
    offset: int | None = Field(None, ge=0, le=_LONGEST, description="Seconds between the end of the range and now.")
    since: TimeParam | None = Field(None, description="Start of the range. Default: one day before `until`.")
    until: TimeParam | None = Field(None, description="End of the range, exclusive. Default: now.")
    step: int | None = Field(
        None,
        ge=1,
        le=_LONGEST,
        description="Seconds that one sample of the response represents: means, with `…_min` and `…_max`. Default: each"
        " sample, or for a long range the narrowest step that fits.",
    )
    partition: CommaList | None = Field(None, description="Only these partitions under `partitions`.")
    fields: CommaList | None = Field(
        None, description="Only these fields. `partitions.partition_load` names a field of each partition."
    )
    format: Format = Field(
        "json",
        description="Only json has the envelope. csv, tsv and table have a column for each field of each partition.",
    )
