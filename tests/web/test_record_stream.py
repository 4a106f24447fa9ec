"""Lists of records are streamed, and compressed for clients that accept that."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import orjson
import pytest
from flask import Flask, Response

from slurm_rest_api.web.record_stream import listing, rendered_listing

META = {"next": None}
GZIP = {"Accept-Encoding": "gzip, deflate"}
ZSTD = {"Accept-Encoding": "gzip, deflate, br, zstd"}


class Source:
    """Records that are counted when they are read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for place in range(self.number):
            self.read += 1
            yield orjson.dumps({"place": place, "text": f"record {place:09} " * 10})


def answered(source: Source, headers: dict[str, str]) -> Response:
    with Flask(__name__).test_request_context(headers=headers):
        return rendered_listing(source, META)


def test_a_list_is_compressed_for_clients_that_accept_it() -> None:
    plain, zipped = answered(Source(100), {}), answered(Source(100), GZIP)
    body = plain.get_data()
    assert [record["place"] for record in orjson.loads(body)["data"]] == list(range(100))
    assert [answer.content_encoding for answer in (plain, zipped)] == [None, "gzip"]
    assert gzip.decompress(zipped.get_data()) == body
    assert plain.vary.as_set() == zipped.vary.as_set() == {"accept-encoding"}


def test_a_small_list_is_sent_as_it_is() -> None:
    answer = answered(Source(2), GZIP)
    assert "Content-Encoding" not in answer.headers
    assert len(orjson.loads(answer.get_data())["data"]) == 2


@pytest.mark.parametrize("headers", [{}, GZIP, ZSTD], ids=["plain", "gzip", "zstd"])
def test_a_long_list_is_streamed(headers: dict[str, str]) -> None:
    source = Source(20_000)
    pieces = answered(source, headers).iter_encoded()
    next(pieces)
    if headers:
        # The first bytes of a compressed stream are its header.
        next(pieces)
    assert 0 < source.read < 5_000
    assert sum(1 for _ in pieces) > 3
    assert source.read == 20_000


def test_tables_are_compressed_too() -> None:
    records = [{"name": f"n{number}"} for number in range(1000)]
    with Flask(__name__).test_request_context(headers=GZIP):
        answer = listing(records, ["name"], "csv", {"next": "?cursor=x", "truncated": True})
        assert answer.content_encoding == "gzip"
        lines = gzip.decompress(answer.get_data()).decode().split()
    assert lines == ["name", *(record["name"] for record in records)]
    assert answer.headers["X-Truncated"] == "1"
