"""Query parameters as pydantic models, with error messages that name the accepted values."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.errors import BadParameter, BadParameters
from slurm_rest_api.web.name_lists import nearest


class Parameters(OpenAPIModel):
    """Base of every query model. Refuses unknown parameters, except jQuery's cache-buster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache_buster: str | None = Field(
        None, alias="_", description="Ignored. Pages made with jQuery add it to get past their browser's cache."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise BadParameters([cls._fault(details) for details in error.errors()]) from error

    @classmethod
    def _fault(cls, details: ErrorDetails) -> BadParameter:
        name = str(details["loc"][0])
        if details["type"] != "extra_forbidden":
            expected = str(details["ctx"]["error"]) if details["type"] == "value_error" else details["msg"]
            message = f"Invalid `{name}`: {_shown(details)}. {expected[0].upper()}{expected[1:]}."
            return BadParameter(message, parameter=name)
        known = [field.alias or key for key, field in cls.model_fields.items() if field.alias != "_"]
        accepted = f"Known parameters: {', '.join(known)}." if known else "This route has no parameters."
        return BadParameter(f"Unknown parameter: {name!r}.{nearest(name, known)} {accepted}", parameter=name)


Query = TypeVar("Query", bound=Parameters)


def as_csv(query: Query) -> Query:
    """Sets `format` to csv, for routes with the ending `.csv`, which browsers use as the file name.

    Raises:
        BadParameter: the query has `format`, too.
    """
    if "format" in query.model_fields_set:
        raise BadParameter("`format` cannot be combined with the ending .csv.", parameter="format")
    return query.model_copy(update={"format": "csv"})


def _shown(details: ErrorDetails) -> str:
    value = details["input"]
    # A repeated parameter arrives as a list.
    return ", ".join(map(repr, value)) if isinstance(value, list) else repr(value)
