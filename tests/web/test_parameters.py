"""Declared parameters, apart from any route."""

from __future__ import annotations

import pytest
from pydantic import Field

from slurm_rest_api.errors import BadParameters
from slurm_rest_api.web.parameters import Parameters


class Depth(Parameters):
    """A route with one parameter."""

    depth: int = Field(1, ge=0, description="How deep.")


def faults(query: dict[str, str]) -> list[tuple[str | None, str]]:
    with pytest.raises(BadParameters) as caught:
        Depth.model_validate(query)
    return [(fault.parameter, fault.detail) for fault in caught.value.faults]


def test_good_values_are_converted() -> None:
    assert Depth.model_validate({"depth": "3", "_": "1700000000"}).depth == 3
    assert Depth.model_validate({}).depth == 1


def test_bad_values_are_named_with_what_is_expected() -> None:
    ((parameter, detail),) = faults({"depth": "deep"})
    assert parameter == "depth"
    assert detail.startswith("depth='deep' is not usable: ")
    assert "valid integer" in detail
    ((_, detail),) = faults({"depth": "-1"})
    assert "greater than or equal to 0" in detail


def test_unknown_names_come_with_the_nearest_and_all_known_ones() -> None:
    assert faults({"dept": "1"}) == [
        ("dept", "This route does not know the parameter 'dept'. Did you mean 'depth'? It knows: depth.")
    ]


def test_the_schema_of_each_model_is_its_own() -> None:
    assert set(Depth.model_json_schema()["properties"]) == {"_", "depth"}
    assert set(Parameters.model_json_schema()["properties"]) == {"_"}
