"""Base classes and types of the published models."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel

Choice = TypeVar("Choice")

LARGEST_NUMBER = 2**53 - 1
"""The largest integer that a JavaScript client reads exactly (RFC 8259, section 6)."""

Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
"""A whole number, not negative and not null."""

LargeCount = Count | Annotated[str, Field(pattern=r"^\d+$")]
"""A whole number that may be above 2^53 - 1: then it is text, because clients in JavaScript would round it."""

Unlimited = Literal["UNLIMITED"]
"""The published form of Slurm's INFINITE."""

Yes = Literal["Yes"]
YesNo = Literal["Yes", "No"]


def large_count(value: int) -> int | str:
    """Returns a whole number as a `LargeCount`."""
    return value if value <= LARGEST_NUMBER else str(value)


class OpenAPIModel(BaseModel):
    """Base of every model in the OpenAPI document. Computes its JSON schema once per process."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Returns pydantic's JSON schema of this model. Callers must not change it.

        flask-openapi3 asks for the schema of each model once per route, and for that of a query at each request.
        """
        return cls._computed_schema(*args, **kwargs)

    @classmethod
    @functools.cache
    def _computed_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().model_json_schema(*args, **kwargs)


class PublishedModel(OpenAPIModel):
    """Base of the parts of responses.

    No response is validated while the service runs. So pydantic builds the validator of such a model when the OpenAPI
    document or a test needs it.
    """

    model_config = ConfigDict(defer_build=True)


class PublishedChoice(RootModel[Choice], Generic[Choice]):
    """Base of responses that have one of several forms. Its validator is built as that of `PublishedModel`."""

    model_config = ConfigDict(defer_build=True)


class PublishedRecord(PublishedModel):
    """Base of published records. All fields are present: an unknown value is `null`, not a missing key.

    The models describe the records for OpenAPI and tests. Adapters create dictionaries, because a model per record
    would cost more than reading the job.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
