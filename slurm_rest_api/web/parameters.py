"""Query parameters as pydantic models, with error messages that name the accepted values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self, TypeVar

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.errors import BadParameter, BadParameters
from slurm_rest_api.web.error_texts import FEW, cut, nearest, shown

_CACHE_BUSTER: Final = "_"


class Parameters(OpenAPIModel):
    """Base of every query model. Ignores empty parameters, refuses unknown ones except jQuery's cache-buster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache_buster: str | None = Field(
        None,
        alias=_CACHE_BUSTER,
        description="Ignored. Pages made with jQuery add it to get past their browser's cache.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(cls._without_empty(data) if isinstance(data, Mapping) else data)
        except ValidationError as error:
            details = error.errors(include_url=False)
            faults = [cls._fault(one) for one in details[:FEW]]
            if len(details) > FEW:
                faults.append(
                    BadParameter(f"And {len(details) - FEW:,} more parameters are wrong. Correct these first.")
                )
            raise BadParameters(faults) from error

    @classmethod
    def _without_empty(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """Removes known parameters without a value, as HTML forms send them, and the cache-buster."""
        known = {field.alias or name for name, field in cls.model_fields.items()}
        found = {name: _not_empty(value) if name in known else value for name, value in data.items()}
        empty = {name for name in known if found.get(name) in ("", [])}
        return {name: value for name, value in found.items() if name not in empty and name != _CACHE_BUSTER}

    @classmethod
    def _fault(cls, details: ErrorDetails) -> BadParameter:
        name = cut(str(details["loc"][0]))
        if details["type"] != "extra_forbidden":
            value = shown(details["input"])
            if isinstance(details["input"], list) and details["type"] != "value_error":
                return BadParameter(f"`{name}` has more than one value: {value}. Send one.", parameter=name)
            expected = str(details["ctx"]["error"]) if details["type"] == "value_error" else details["msg"]
            # Some are whole sentences.
            message = f"Invalid `{name}`: {value}. {expected[0].upper()}{expected[1:].removesuffix('.')}."
            return BadParameter(message, parameter=name)
        known = [field.alias or key for key, field in cls.model_fields.items() if field.alias != _CACHE_BUSTER]
        accepted = f"Known parameters: {', '.join(known)}." if known else "This route has no parameters."
        return BadParameter(f"Unknown parameter: {shown(name)}.{nearest(name, known)} {accepted}", parameter=name)


Query = TypeVar("Query", bound=Parameters)


def as_csv(query: Query) -> Query:
    """Sets `format` to csv, for routes with the ending `.csv`, which browsers use as the file name.

    Raises:
        BadParameter: the query has `format`, too.
    """
    if "format" in query.model_fields_set:
        raise BadParameter("`format` cannot be combined with the ending .csv.", parameter="format")
    return query.model_copy(update={"format": "csv"})


def _not_empty(value: Any) -> Any:
    return [text for text in value if text != ""] if isinstance(value, list) else value
