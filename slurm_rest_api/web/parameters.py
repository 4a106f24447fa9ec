"""Query parameters: declared as pydantic models, refused in words that name what would be accepted."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.errors import BadParameter, BadParameters
from slurm_rest_api.web.name_lists import nearest


class Parameters(OpenAPIModel):
    """Base of every query model: unknown parameters are refused, but for jQuery's cache-buster."""

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
        if details["type"] == "value_error":
            return BadParameter(f"{name}={_shown(details)} is not usable: {details['ctx']['error']}.", parameter=name)
        if details["type"] != "extra_forbidden":
            return BadParameter(f"{name}={_shown(details)} is not usable: {details['msg']}.", parameter=name)
        known = [field.alias or key for key, field in cls.model_fields.items() if field.alias != "_"]
        accepted = f"It knows: {', '.join(known)}." if known else "It takes none."
        told = f"This route does not know the parameter {name!r}.{nearest(name, known)} {accepted}"
        return BadParameter(told, parameter=name)


Query = TypeVar("Query", bound=Parameters)


def as_csv(query: Query) -> Query:
    """A query with a `format` that was asked with the ending `.csv`, under which browsers and spreadsheets save well.

    Raises:
        BadParameter: it names a format too.
    """
    if "format" in query.model_fields_set:
        raise BadParameter("format makes no sense together with the ending .csv.", parameter="format")
    return query.model_copy(update={"format": "csv"})


def _shown(details: ErrorDetails) -> str:
    value = details["input"]
    # Lists are what repeated parameters arrive as.
    return ", ".join(map(repr, value)) if isinstance(value, list) else repr(value)
