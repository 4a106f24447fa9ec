"""Any combination of filters of /history answers what plain Python finds in the same rows, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cluster import history_model as model
from tests.cluster.accounting_database import JOB_TABLE, accounting_database
from tests.cluster.history_model import Row, answer, population
from tests.conftest import make_client
from tests.testbed.cluster import Cluster

RELEASES: Final = ("15.08", "20.11", "26.05")
_COUNT: Final = 400
_MOST: Final = 1000
_STATES: Final = [str(number) for number in model.STATES]

_moments = st.integers(model.BEGIN - 86400, model.BEGIN + model.SPAN_SECONDS + 3 * 86400)
_signs = st.sampled_from(("=", "<", ">", "<=", ">="))
_ids = st.integers(990, 1010 + _COUNT)
_job_ids = st.tuples(_signs, _ids).map(lambda pair: f"{pair[0]}{pair[1]}")
_lists = st.lists(
    st.one_of(_ids.map(str), st.builds("{}_{}".format, _ids, st.integers(0, 6))), min_size=1, max_size=40
).map(lambda ids: f"={','.join(ids)}")
_FILTERS: Final[dict[str, st.SearchStrategy[Any]]] = {
        "user": st.sampled_from(("alice", "bob", "gone", "root", "nobody-known", "Alice", "2001", "0", "987654",
                                 "alice,root", "2001,0", "")),
        "account": st.sampled_from(("physics", "biology", "root", "visitors", "Physics", "none", "biology,visitors")),
        "partition": st.sampled_from((*model.PARTITIONS, "mai", "main,long", "long,secret", r"main\,long")),
        "jobname": st.sampled_from((*(name.replace(" ", "\\ ") for name in model.NAMES), "ALIGN", "a", "%", "axb,a_b")),
        "qos": st.lists(st.sampled_from(("normal", "urgent", "spare", "none")), min_size=1, max_size=3).map(",".join),
        "associd": st.sampled_from((*map(str, model.OWNERS), "7", "12345", "4,99,0")),
        "node": st.sampled_from([text for text, nodes in model.NODES.items() if nodes]),
        "state": st.lists(st.sampled_from(_STATES), min_size=1, max_size=3).map(",".join),
        "jobid": st.lists(st.one_of(_job_ids, _lists), min_size=1, max_size=2),
        **{f"{word}{side}": _moments for word in ("submit", "start", "end") for side in ("after", "before")},
        "duplicates": st.sampled_from(("true", "false")),
    }  # fmt: skip
# Few at a time: many together find nothing.
_queries = st.lists(st.sampled_from(list(_FILTERS)), unique=True, max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({name: _FILTERS[name] for name in names})
)
_RELAXED: Final = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


class History:
    """A client, and all rows of the table that it reads; hypothesis prints it when it has found something."""

    def __init__(self, client: FlaskClient, rows: list[Row]) -> None:
        self.client = client
        self.rows = rows

    def __repr__(self) -> str:
        return f"<{len(self.rows)} rows>"


@pytest.fixture(scope="module", params=RELEASES)
def history(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    with accounting_database(cluster.database, request.param) as database:
        rows = population(request.param, _COUNT, seed=26)
        database.insert(JOB_TABLE, rows)
        yield History(make_client(database.settings(tmp_path_factory.mktemp("run"))), rows)


def path_of(query: dict[str, Any]) -> str:
    """The path with these parameters; comparisons are written as people type them."""
    comparisons = [f"jobid{text}" for text in query.get("jobid", ())]
    return "/history?" + "&".join([urlencode({name: query[name] for name in query if name != "jobid"}), *comparisons])


def read(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, f"{path}: {response.text}"
    body: dict[str, Any] = response.get_json()
    return body


def records(body: dict[str, Any]) -> list[str]:
    return [record["id_record"] for record in body["data"]]


@settings(_RELAXED, max_examples=100)
@given(query=_queries)
def test_an_answer_is_what_plain_python_finds(history: History, query: dict[str, Any]) -> None:
    body = read(history.client, path_of({**query, "limit": _MOST, "fields": "id_record"}))

    assert records(body) == answer(history.rows, query)
    assert (body["meta"]["next"], body["meta"]["truncated"]) == (None, False)


# A page of fewer records only adds requests. tests/acctapi has pages of one record.
@settings(_RELAXED, max_examples=25)
@given(query=_queries, limit=st.integers(20, 80))
def test_pages_give_each_record_once(history: History, query: dict[str, Any], limit: int) -> None:
    expected = answer(history.rows, query)
    path: str | None = path_of({**query, "limit": limit, "fields": "id_record"})
    found: list[str] = []
    while path is not None:
        body = read(history.client, path)
        found += records(body)
        path = body["meta"]["next"]
        assert len(body["data"]) == limit or path is None

    assert found == expected


@settings(_RELAXED, max_examples=40)
@given(query=_queries, limit=st.integers(1, 20), offset=st.integers(0, 500))
def test_an_offset_skips_records(history: History, query: dict[str, Any], limit: int, offset: int) -> None:
    body = read(history.client, path_of({**query, "limit": limit, "offset": offset, "fields": "id_record"}))

    assert records(body) == answer(history.rows, query)[offset : offset + limit]


def test_the_population_has_something_for_every_filter(history: History) -> None:
    rows = history.rows
    everything = len(answer(rows, {}))

    assert 300 < everything < len(rows)
    assert 0 < len(answer(rows, {"duplicates": "false"})) < everything
    assert 0 < len(answer(rows, {"user": "bob", "node": "rack[001-003]"})) < len(answer(rows, {"user": "bob"}))
    assert {row["id_array_job"] for row in rows} - {0}
