"""Conditional requests (RFC 9110, section 13): what exists, what does not, and what cannot be answered."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.http import http_date

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.builders import make_job, make_node, make_partition, make_snapshot
from tests.fakes import FakeSource

LISTS = [
    "/queue",
    "/nodes",
    "/partitions",
    "/stats",
    "/usage",
    "/queue?user=ada",
    "/nodes?count=true",
    "/usage?partition=main",
]
RECORDS = ["/queue/7", "/nodes/rack001", "/partitions/main"]
MISSING = ["/queue/8", "/queue/7_1", "/nodes/rack002", "/partitions/other", "/no-such-route", "/history", "/users"]
INVALID = ["/queue?nothing=1", "/queue?limit=x", "/queue/abc", "/nodes?sort=nothing", "/usage?fields=nothing"]
LATER = http_date(4_000_000_000)
LONG_AGO = http_date(1_000_000_000)
# Each is true of a client that has the current representation of some resource.
NOT_MODIFIED = [{"If-None-Match": "*"}, {"If-None-Match": '"x", *'}, {"If-Modified-Since": LATER}]
REQUIRED = [{"If-Match": '"x"'}, {"If-Match": 'W/"x"'}, {"If-Unmodified-Since": LONG_AGO}]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource(make_snapshot([make_job(7)], [make_node("rack001")], [make_partition("main")]))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [*NOT_MODIFIED, *REQUIRED], ids=str)
def test_preconditions_change_no_error(client: FlaskClient, cycle: Cycle, headers: dict[str, str], method: str) -> None:
    # RFC 9110, 13.2.1: a server MUST ignore preconditions if the response without them is no 2xx.
    cycle.run()
    for route in (*MISSING, *INVALID):
        plain = client.open(route, method=method)
        asked = client.open(route, method=method, headers=headers)
        assert plain.status_code in (400, 404), route
        assert (asked.status_code, asked.data) == (plain.status_code, plain.data), route


@pytest.mark.parametrize("headers", [*NOT_MODIFIED, *REQUIRED], ids=str)
def test_preconditions_before_the_first_load_are_a_503(client: FlaskClient, headers: dict[str, str]) -> None:
    for route in (*LISTS, *RECORDS):
        answer = client.get(route, headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), route


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_existing_representations_are_a_304(client: FlaskClient, cycle: Cycle, method: str) -> None:
    cycle.run()
    for route in (*LISTS, *RECORDS):
        etag = client.open(route, method=method).headers["ETag"]
        for headers in ({"If-None-Match": "*"}, {"If-None-Match": etag}):
            answer = client.open(route, method=method, headers=headers)
            assert (answer.status_code, answer.data) == (304, b""), (route, headers)
            assert answer.headers["ETag"] == etag
        # A date of another web host may be later than this host's newer data, so no date is a validator.
        for headers in ({"If-Modified-Since": LATER}, {"If-None-Match": '"another"', "If-Modified-Since": LATER}):
            assert client.open(route, method=method, headers=headers).status_code == 200, (route, headers)


def test_tag_of_one_record_is_none_of_another(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    etag = client.get("/nodes/rack001").headers["ETag"]
    assert client.get("/nodes/rack002", headers={"If-None-Match": etag}).status_code == 404
    assert client.get("/partitions/main", headers={"If-None-Match": etag}).status_code == 200


def test_required_representations(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    for route in (*LISTS, *RECORDS):
        etag = client.get(route).headers["ETag"]
        # RFC 9110, 13.1.1: If-Match compares strongly, and these validators are weak.
        for headers in ({"If-Match": etag}, *REQUIRED):
            answer = client.get(route, headers=headers)
            assert answer.status_code == 412, (route, headers)
            assert answer.get_json()["errors"][0]["title"] == "Precondition failed"
        for headers in ({"If-Match": "*"}, {"If-Unmodified-Since": LATER}, {"If-Unmodified-Since": "no date"}):
            assert client.get(route, headers=headers).status_code == 200, (route, headers)
        # 13.2.2: If-Match holds, so If-None-Match decides. If-Unmodified-Since is ignored with If-Match.
        both = {"If-Match": "*", "If-None-Match": etag, "If-Unmodified-Since": LONG_AGO}
        assert client.get(route, headers=both).status_code == 304
