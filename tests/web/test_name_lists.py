"""Comma lists, name filters and `fields`."""

from __future__ import annotations

import pytest
from pydantic import Field

from slurm_rest_api.errors import BadParameter, BadParameters
from slurm_rest_api.web.name_lists import CommaList, chosen_fields
from slurm_rest_api.web.parameters import Parameters


class Listing(Parameters):
    """A route with a comma list."""

    fields: CommaList | None = Field(None, description="Fields.")


def test_names_are_split_at_commas() -> None:
    assert Listing.model_validate({"fields": "a, b,c"}).fields == ("a", "b", "c")
    assert Listing.model_validate({}).fields is None


@pytest.mark.parametrize("text", ["", ",", "a,,b", "a,"])
def test_empty_names_are_refused(text: str) -> None:
    with pytest.raises(BadParameters, match="Expected names, separated by single commas"):
        Listing.model_validate({"fields": text})


def test_fields_keep_their_order_without_duplicates() -> None:
    assert chosen_fields(("state", "id", "state"), ["id", "name", "state"]) == ("state", "id")
    assert chosen_fields(None, ["id", "name"]) == ("id", "name")


def test_unknown_fields_are_reported_with_the_nearest() -> None:
    with pytest.raises(BadParameter) as caught:
        chosen_fields(("stat", "id", "xyz"), ["id", "state"])
    assert caught.value.parameter == "fields"
    assert caught.value.detail == (
        "Unknown field in `fields`: 'stat'. Did you mean `state`?"
        " Unknown field in `fields`: 'xyz'. Known fields: id, state."
    )
