"""Comma lists, name filters and `fields`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from slurm_rest_api.errors import BadParameter, BadParameters
from slurm_rest_api.web.name_lists import (
    CommaList,
    NameFilter,
    chosen_fields,
    parse_few_names,
    parse_name_filter,
    parse_names,
    split_pattern,
)
from slurm_rest_api.web.parameters import Parameters


class Listing(Parameters):
    """A route with a comma list."""

    fields: CommaList | None = Field(None, description="Fields.")


def test_names_are_split_at_commas() -> None:
    assert Listing.model_validate({"fields": "a, b,c"}).fields == ("a", "b", "c")
    assert Listing.model_validate({}).fields is None


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a,b", "", "c"], ["a", "b", "c"]),
        ([r"a\,b,c"], ["a,b", "c"]),
        ([r"\ a\ , b"], [" a ", "b"]),
        ([r"a\\,b"], ["a\\", "b"]),
        ([r"\!a"], ["!a"]),
        ([r"a\*"], ["a*"]),
        ([r"\ä\🚀\-"], ["ä🚀-"]),
        # Before an ASCII letter, a digit or `_`, and at the end, it is a character of the name.
        ([r"DOMAIN\user,a\1,a\_b"], ["DOMAIN\\user", "a\\1", "a\\_b"]),
        (["a\\"], ["a\\"]),
    ],
)
def test_any_name_can_be_written(texts: list[str], names: list[str]) -> None:
    assert Listing.model_validate({"fields": texts}).fields == tuple(names)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_escaped_names_come_back_to_the_letter(names: list[str]) -> None:
    # The expression that docs/api/conventions.md recommends.
    text = ",".join(re.sub(r"(\W)", r"\\\1", name) for name in names)
    assert parse_names([text]) == tuple(names)
    assert parse_few_names([text]) == tuple(names)
    assert parse_name_filter([text]) == NameFilter(tuple(names), ())
    assert [split_pattern(name) for name in parse_name_filter([text], str).include] == [(name,) for name in names]


def test_stars_of_patterns_are_those_without_a_backslash() -> None:
    assert split_pattern(r"a*b\*c") == ("a", "b*c")
    assert split_pattern("*") == ("", "")


def test_exclusions_are_refused_where_there_are_none() -> None:
    with pytest.raises(ValueError, match=r"names cannot be excluded here. Write \\! for a name that begins with !"):
        parse_few_names(["a,!b"])
    with pytest.raises(ValueError, match="at most 200 names"):
        parse_few_names([",".join("a" * 201)])


@pytest.mark.parametrize("texts", ["", [], [""], ["", ""]])
def test_empty_parameter_is_no_list(texts: str | list[str]) -> None:
    assert Listing.model_validate({"fields": texts}).fields is None


@pytest.mark.parametrize("text", [",", "a,,b", "a,", " "])
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
