"""No part of a request makes its answer or its work large: each parameter, path segment and header of each route.

Work is counted in calls of functions, of Python's and of C's. They grow at most with the length of the request.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.archive.sampler_factory import open_sampler
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import job_row, settings_for, write_database
from tests.builders import make_node, make_partition, make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

LONG = 1_000
"""Characters of a long value. Longer ones only cost more in proportion, which the unknown names below show."""

MOST_BYTES = 8 * 1024
"""Most bytes of an error, and of the headers of any answer."""
MOST_CALLS = 60_000
MOST_CALLS_OF_HISTORY = 450_000
"""SQLAlchemy takes some 1,600 calls to write the condition of /history for one of up to 200 partitions."""
MOST_CALLS_BY_CHARACTER = 12


class Costs:
    """Counts calls of functions."""

    def __init__(self) -> None:
        self.calls = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts the calls of this thread from now on."""
        self.calls = 0
        before = sys.getprofile()
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _profile(self, _frame: Any, event: str, _argument: Any) -> None:
        self.calls += event in ("call", "c_call")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A service with every route: a cluster of two jobs, a database, an archive and the pages."""
    folder = tmp_path_factory.mktemp("service")
    write_database(folder / "acct.sqlite", [job_row(7)])
    settings = settings_for(folder / "acct.sqlite", folder / "run")
    more = {"archive_usage_load": True, "archive_path": str(folder / "archive.sqlite"), "serve_index": True}
    settings = settings.model_copy(update={"system": settings.system.model_copy(update=more)})
    paths = RuntimePaths.of(settings)
    paths.make()
    source = FakeSource()
    source.snapshot = make_snapshot(
        jobs=[make_running_job(7, "n1"), make_running_job(8, "n2")],
        nodes=[make_node("n1"), make_node("n2")],
        partitions=[make_partition("main")],
    )
    Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
    open_sampler(settings)
    made = make_client(settings)
    # A worker compiles the templates of a page once.
    assert made.get("/").status_code == 200
    return made


def routes(client: FlaskClient) -> dict[str, dict[str, Any]]:
    """Returns the documented operations by path."""
    return {
        path: operations["get"] for path, operations in client.get("/openapi/openapi.json").get_json()["paths"].items()
    }


def filled(path: str, value: str = "7") -> str:
    """Returns the path with `value` in place of its segments."""
    head, opening, rest = path.partition("{")
    return f"{head}{quote(value, safe='')}{rest.partition('}')[2]}" if opening else path


def check(
    client: FlaskClient,
    path: str,
    query: str = "",
    headers: dict[str, str] | None = None,
    most_calls: int = MOST_CALLS,
) -> TestResponse:
    """Asserts what a request cost."""
    costs = Costs()
    with costs.counted():
        response = client.get(f"{path}?{query}", headers=headers)
    name = f"{path[:60]}?{query[:60]}: {response.status_code}, {len(response.data)} bytes, {costs.calls} calls"
    length = len(path) + len(query) + sum(map(len, (headers or {}).values()))
    assert costs.calls <= most_calls + MOST_CALLS_BY_CHARACTER * length, name
    assert sum(len(key) + len(value) for key, value in response.headers) <= MOST_BYTES, name
    assert response.status_code in (200, 304, 400, 401, 404, 503), name
    if response.status_code >= 400:
        assert len(response.data) <= MOST_BYTES, name
    return response


WRONG = [
    ",".join(f"job_stat{number}" for number in range(LONG // 12)),
    "9" * LONG,
    "\U0001f600" * (LONG // 4),
    "n" + "[0-9]" * (LONG // 10) + "*a" * (LONG // 4),
]
"""Values that no parameter takes, or that only those of any text take."""


def right(name: str, schema: dict[str, Any]) -> list[str]:
    """Returns the most expensive values of a parameter that are right."""
    if "enum" in schema:
        return [schema["enum"][-1]]
    if schema.get("type") == "boolean":
        return ["true"]
    if schema.get("type") in ("integer", "number"):
        return [str(schema.get("maximum", 100))]
    return {
        "node": ["n[1-9999]", ",".join(f"n{number}" for number in range(LONG // 6))],
        "nodes": ["n[1-9999]"],
        "jobid": [",".join(map(str, range(1, 1001))), ",".join(f"{number}_3" for number in range(1, 1001))],
        "id": [",".join(map(str, range(1, 1001))), ",".join(f"{number}_3" for number in range(1, 1001))],
        "array": [",".join(f"{number}_3" for number in range(200))],
        "state": [",".join(["PENDING"] * 200), ",".join(["PENDING+!RUNNING"] * 100)],
        "name": [",".join(f"*a{number}*" for number in range(20)), ",".join(f"n{number}" for number in range(200))],
        "fields": [",".join(["job_id", "name"] * (LONG // 12))],
        "sort": [",".join(["-job_id", "-name"] * (LONG // 12))],
    }.get(name, [",".join(f"a{number}" for number in range(200)), "now-7days", "1"])


def test_every_parameter_of_every_route_has_bounded_costs(client: FlaskClient) -> None:
    asked = 0
    for path, operation in routes(client).items():
        if path.endswith(".csv"):
            # The same parameters as those of the route without the ending.
            continue
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                continue
            name = parameter["name"]
            most_calls = MOST_CALLS_OF_HISTORY if path == "/history" else MOST_CALLS
            for value in WRONG:
                check(client, filled(path), urlencode({name: value}), most_calls=most_calls)
            for value in right(name, parameter["schema"]):
                check(client, filled(path), urlencode({name: value}), most_calls=most_calls)
            asked += len(WRONG)
            many = urlencode([(name, f"wrong_{number}") for number in range(LONG // (len(name) + 12))])
            check(client, filled(path), many, most_calls=most_calls)
    assert asked > 300


def test_every_segment_of_every_path_has_bounded_costs(client: FlaskClient) -> None:
    segments = [path for path in routes(client) if "{" in path]
    for path in [*segments, "/no/{route}", "/pages/{page}", "/pages/static/1/{file}", "/{route}"]:
        for value in WRONG:
            assert check(client, filled(path, value)).status_code >= 400
    assert sorted(segments) == [
        "/accounts/{name}",
        "/history/{id}",
        "/history/{id}/steps",
        "/jobs/{id}",
        "/licenses/{name}",
        "/nodes/{name}",
        "/partitions/{name}",
        "/qos/{name}",
        "/queue/{jobid}",
        "/queue/{jobid}/explain",
        "/reservations/{name}",
    ]


def test_every_header_has_bounded_costs(client: FlaskClient) -> None:
    values = {
        "If-None-Match": [
            ", ".join(f'W/"{number}"' for number in range(LONG // 8)),
            '"' * LONG,
            "*",
            'W/"' + "x" * LONG,
        ],
        "If-Modified-Since": ["x" * LONG, "Thu, 26 Nov 2026 20:40:22 GMT" * 100],
        "Accept": [",".join(f"a/b;q=0.{number}" for number in range(LONG // 12)), "*/*;" * (LONG // 4)],
        "Accept-Encoding": [",".join(f"x{number};q=0.{number}" for number in range(LONG // 12)), ";q=" * (LONG // 3)],
        "Range": ["bytes=" + ",".join(f"{number}-{number}" for number in range(LONG // 10)), "bytes=" + "9" * LONG],
        "Cookie": ["; ".join(f"a{number}=b" for number in range(LONG // 8)), "=" * LONG],
        "Authorization": ["Bearer " + "x" * LONG, "Basic " + "=" * LONG, "x" * LONG],
        "Cache-Control": [",".join(f"x{number}=y" for number in range(LONG // 8)), "max-age=" + "9" * LONG],
        "X-Forwarded-For": [",".join(["192.0.2.1"] * (LONG // 10))],
        "Origin": ["http://" + "x" * LONG],
        "Host": ["x" * LONG],
    }
    for path in ("/queue", "/queue?limit=1", "/usage", "/history", "/health", "/", "/no/route"):
        for header, texts in values.items():
            for text in texts:
                route, _, query = path.partition("?")
                check(client, route, query, headers={header: text})


@pytest.mark.parametrize("path", ["/queue", "/history", "/usage", "/load", "/nodes/n1", "/health"])
def test_unknown_parameters_are_counted(client: FlaskClient, path: str) -> None:
    response = check(client, path, urlencode([(f"p{number}", "1") for number in range(3000)]))
    errors = response.get_json()["errors"]
    assert response.status_code == 400
    assert [error.get("source", {}).get("parameter") for error in errors] == ["p0", "p1", "p2", None]
    assert errors[3]["detail"] == "And 2,997 more parameters are wrong. Correct these first."


@pytest.mark.parametrize("path", ["/queue", "/history", "/usage", "/nodes/n1"])
def test_unknown_fields_are_counted(client: FlaskClient, path: str) -> None:
    response = check(client, path, urlencode({"fields": ",".join(f"job_stat{number}" for number in range(2000))}))
    ((error),) = response.get_json()["errors"]
    assert response.status_code == 400
    assert error["detail"].count("Unknown field") == 3
    assert " And 1,997 more. Known fields: " in error["detail"]
