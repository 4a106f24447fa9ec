"""Query models and their error messages."""

from __future__ import annotations

import pytest
from pydantic import Field

from slurm_rest_api.errors import BadParameters
from slurm_rest_api.web.parameters import Parameters


class Depth(Parameters):
    """A route with one parameter."""

    depth: int = Field(1, ge=0, description="How deep.")


def faults(query: dict[str, str | list[str]]) -> list[tuple[str | None, str]]:
    with pytest.raises(BadParameters) as caught:
        Depth.model_validate(query)
    return [(fault.parameter, fault.detail) for fault in caught.value.faults]


def test_good_values_are_converted() -> None:
    assert Depth.model_validate({"depth": "3", "_": "1700000000"}).depth == 3
    assert Depth.model_validate({}).depth == 1


def test_an_invalid_value_is_shown_with_the_expectation() -> None:
    assert faults({"depth": "deep"}) == [
        ("depth", "Invalid `depth`: 'deep'. Input should be a valid integer, unable to parse string as an integer.")
    ]
    assert faults({"depth": "-1"}) == [("depth", "Invalid `depth`: '-1'. Input should be greater than or equal to 0.")]


def test_empty_value_is_none() -> None:
    assert Depth.model_validate({"depth": ""}) == Depth.model_validate({})
    assert Depth.model_validate({"depth": ""}).model_fields_set == set()


def test_parameter_without_a_list_has_one_value() -> None:
    assert faults({"depth": ["1", "2"]}) == [("depth", "`depth` has more than one value: '1', '2'. Send one.")]
    assert Depth.model_validate({"_": ["1", "2"]}).depth == 1


def test_long_values_are_cut_in_messages() -> None:
    ((_, detail),) = faults({"depth": "x" * 1000})
    assert len(detail) < 400


def test_an_unknown_parameter_gets_the_nearest_and_all_known_ones() -> None:
    assert faults({"dept": ""})[0][0] == "dept"
    assert faults({"dept": "1"}) == [
        ("dept", "Unknown parameter: 'dept'. Did you mean `depth`? Known parameters: depth.")
    ]


def test_each_model_has_its_own_schema() -> None:
    assert set(Depth.model_json_schema()["properties"]) == {"_", "depth"}
    assert set(Parameters.model_json_schema()["properties"]) == {"_"}
