"""Cursors and links to the next page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.operator_params import ComparingRequest
from slurm_rest_api.web.paging import add_link_header, decode_cursor, encode_cursor, next_link


def whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError
    return value


@given(st.integers(0, 2**63 - 1))
def test_a_cursor_is_decoded_to_its_key(key: int) -> None:
    assert decode_cursor(encode_cursor(key), whole) == key


@given(st.text(max_size=30))
def test_invented_cursors_are_refused(text: str) -> None:
    try:
        assert isinstance(decode_cursor(text, whole), int)
    except BadParameter as error:
        # An invented text may be a cursor by chance, so both outcomes are right.
        assert error.parameter == "cursor"  # noqa: PT017
        assert error.detail == (  # noqa: PT017
            f"Invalid `cursor`: {text!r}. Use the cursor of a response's meta.next unchanged."
        )


def test_a_cursor_of_another_route_is_refused() -> None:
    with pytest.raises(BadParameter, match=r"Use the cursor of a response's meta\.next unchanged\."):
        decode_cursor(encode_cursor(["a"]), whole)


def test_the_next_link_is_the_request_with_another_cursor() -> None:
    app = Flask(__name__)
    app.request_class = ComparingRequest
    query = "jobid<=9&jobid>2&user=a%26b&cursor=old&offset=5&_=17"
    with app.test_request_context(f"/history?{query}", base_url="http://host/slurm/"):
        link = urlsplit(next_link("new"))
    assert (link.scheme, link.netloc, link.path) == ("", "", "/slurm/history")
    assert parse_qs(link.query) == {"jobid": ["<=9", ">2"], "user": ["a&b"], "cursor": ["new"]}


def test_the_link_header_has_rel_next() -> None:
    response = Response()
    add_link_header(response, "/history?cursor=x")
    assert response.headers["Link"] == '</history?cursor=x>; rel="next"'


def test_a_link_that_no_proxy_would_buffer_is_not_in_a_header() -> None:
    response = Response()
    add_link_header(response, f"/queue?node={'n1,' * 1000}&cursor=x")
    assert "Link" not in response.headers
