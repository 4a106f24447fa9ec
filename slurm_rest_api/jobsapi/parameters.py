"""The query parameters of /jobs."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.web.job_ids import JobIdsParam
from slurm_rest_api.web.name_lists import CommaList
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format


class JobParameters(Parameters):
    """Parameters of /jobs/{id}."""

    fields: CommaList | None = Field(
        None, description="Only these fields, in this order. There are more than are sent."
    )


class JobsParameters(JobParameters):
    """Parameters of /jobs."""

    id: JobIdsParam | None = Field(
        None,
        description="Ids of jobs, at most 1,000 in one request: 123, 12_3 (array task), 12+1 (component of a"
        " heterogeneous job), 12 (all tasks of an array, all components of a heterogeneous job).",
    )
    format: Format = Field(
        "json",
        description="Format of the body. csv, tsv, ndjson and table have no `meta`: ids without an answer have a row"
        " with the phase `unknown` or `unanswered`.",
    )


class JobPath(OpenAPIModel):
    """The path of a job."""

    id: str = Field(description="Job id: 123, 12_3 (array task) or 12+1 (component of a heterogeneous job).")
