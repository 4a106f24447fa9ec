"""The published priority factors of a job: fields of /queue that a client requests by name."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class PriorityFactors(PublishedRecord):
    """Weighted factors of a pending job in one partition. Their sum, less `nice`, is the priority. Null: not read."""

    age: Count | None = Field(description="Age: the time since it is eligible.")
    fairshare: Count | None = Field(description="Fair share of the job's association.")
    job_size: Count | None = Field(description="Size of the job.")
    partition: Count | None = Field(description="PriorityJobFactor of the partition.")
    qos: Count | None = Field(description="Priority of the QOS.")
    tres: dict[str, Count] | None = Field(description="TRES, by TRES. Null without PriorityWeightTRES.")
    site: int | None = Field(description="Site factor, null before Slurm 19.05.")
    assoc: Count | None = Field(description="Priority of the association, null before Slurm 19.05.")
    nice: int | None = Field(description="Nice value, which lowers the priority.")


FACTORS: Final = tuple(PriorityFactors.model_fields)
FACTOR_OF_FIELD: Final = {f"priority_{name}": name for name in FACTORS}
"""The fields of /queue with their factors."""
