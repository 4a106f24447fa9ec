"""What every published record has in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LARGEST_NUMBER = 2**53 - 1
"""The largest integer that a JavaScript client reads exactly (RFC 8259, section 6)."""

Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
"""A whole number that is never negative and never unset."""

Unlimited = Literal["UNLIMITED"]
"""What Slurm's INFINITE is published as."""

Yes = Literal["Yes"]
YesNo = Literal["Yes", "No"]


class PublishedRecord(BaseModel):
    """A record whose fields are all present: a fact that is not known is `null`, never a missing key.

    The models describe the records for OpenAPI and for tests. Adapters write plain dictionaries and
    never build a model per record, which would cost more than reading the job.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
