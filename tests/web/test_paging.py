"""Cursors and links between pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.operator_params import ComparingRequest
from slurm_rest_api.web.paging import decode_cursor, encode_cursor, link_header, next_link


def whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError
    return value


@given(st.integers(0, 2**63 - 1))
def test_a_cursor_comes_back_as_it_went(place: int) -> None:
    assert decode_cursor(encode_cursor(place), whole) == place


@given(st.text(max_size=30))
def test_made_up_cursors_are_refused(text: str) -> None:
    try:
        assert isinstance(decode_cursor(text, whole), int)
    except BadParameter as error:
        # A made-up text may be a cursor by chance, so both ways out are right.
        assert (error.parameter, repr(text) in error.detail) == ("cursor", True)  # noqa: PT017


def test_a_cursor_of_another_kind_is_refused() -> None:
    with pytest.raises(BadParameter, match=r"expected the cursor of an answer's meta\.next, unchanged"):
        decode_cursor(encode_cursor(["a"]), whole)


def test_the_next_link_is_this_request_elsewhere() -> None:
    app = Flask(__name__)
    app.request_class = ComparingRequest
    query = "jobid<=9&jobid>2&user=a%26b&cursor=old&offset=5&_=17"
    with app.test_request_context(f"/history?{query}", base_url="http://host/slurm/"):
        link = urlsplit(next_link("new"))
    assert (link.scheme, link.netloc, link.path) == ("", "", "/slurm/history")
    assert parse_qs(link.query) == {"jobid": ["<=9", ">2"], "user": ["a&b"], "cursor": ["new"]}


def test_the_link_header_names_its_relation() -> None:
    assert link_header("/history?cursor=x") == '</history?cursor=x>; rel="next"'
