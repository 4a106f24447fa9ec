"""The formats of /usage and /stats say what their JSON says: a row a partition, a row a figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from tests.builders import make_job, make_node, make_partition
from tests.property_tests import examples
from tests.slurmapi.query import reference
from tests.slurmapi.query.nodes import usage_queries
from tests.slurmapi.query.routes import Cluster, clusters
from tests.slurmapi.query.service import Service

fewer = examples(40)


def text(api: Service, path: str, **query: Any) -> str:
    response = api.client.get(path, query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_data(as_text=True)


def spreadsheet(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every figure of a JSON value with the dotted path to it."""
    if not isinstance(value, dict):
        yield ".".join(path), value
        return
    for name, inner in value.items():
        yield from leaves(inner, (*path, name))


@pytest.fixture
def loaded(api: Service) -> Service:
    jobs = {number: make_job(number, user_name="ada", partition="main") for number in (1, 2)}
    nodes = [make_node("n1", partitions=["main"], state="IDLE"), make_node("n2", partitions=["=long"], state="MIXED")]
    api.load(jobs, nodes=nodes, partitions=[make_partition("main"), make_partition("=long")])
    return api


@fewer
@given(clusters(), usage_queries)
def test_a_row_has_the_figures_of_its_partition(shared: Service, cluster: Cluster, query: dict[str, str]) -> None:
    shared.reset()
    cluster.load_into(shared)
    whole = shared.get("/usage", **query)["data"]["partitions"]
    rows = text(shared, "/usage", **query, format="ndjson")
    assert [json.loads(line) for line in rows.splitlines()] == [{"partition": key, **whole[key]} for key in whole]
    query.pop("node", None)
    heading, *lines = spreadsheet(text(shared, "/usage.csv", **query))
    assert heading[0] == "partition"
    assert len(set(heading)) == len(heading)
    figures = {key: dict(leaves({name: whole[key][name] for name in whole[key] if name != "nodes"})) for key in whole}
    assert [line[0] for line in lines] == list(figures)
    for line in lines:
        row = dict(zip(heading[1:], line[1:], strict=True))
        assert {name for name, value in row.items() if value} <= figures[line[0]].keys()
        assert row == {name: reference.cell(figures[line[0]].get(name)) for name in row}
        assert figures[line[0]].keys() <= row.keys()
    tsv = text(shared, "/usage", **query, format="tsv").splitlines()
    assert [row.split("\t") for row in tsv] == [heading, *lines]


def test_fields_are_columns_in_the_order_asked_for(loaded: Service) -> None:
    fields = "partitions.jobs_pending,partitions.nodes_by_state,partitions.state"
    # A partition may be named like a formula.
    assert spreadsheet(text(loaded, "/usage.csv", fields=fields)) == [
        ["partition", "jobs_pending", "nodes_by_state.IDLE", "nodes_by_state.MIXED", "state"],
        ["main", "2", "1", "", "UP"],
        ["'=long", "0", "", "1", "UP"],
    ]
    none = text(loaded, "/usage.csv", fields=fields, partition="nothing")
    assert spreadsheet(none) == [["partition", "jobs_pending", "nodes_by_state", "state"]]
    assert spreadsheet(text(loaded, "/usage.csv", fields="partitions")) == spreadsheet(text(loaded, "/usage.csv"))


def test_table_has_the_default_columns(loaded: Service) -> None:
    heading, main, long = text(loaded, "/usage", format="table").splitlines()
    assert heading.split()[:4] == ["PARTITION", "STATE", "TOTAL_NODES", "TOTAL_CPUS"]
    assert main.split()[:3] == ["main", "UP", "1"]
    # Nothing but a spreadsheet takes it for a formula.
    assert long.startswith("=long ")


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("format=csv&fields=total_load", "fields", "`format=json` has it"),
        ("format=ndjson&fields=partitions.state,total_load", "fields", "this is a field of the whole cluster"),
        ("format=table&fields=partitions.nodes", "fields", "`format=ndjson` have them"),
        ("format=tsv&fields=partitions.nodes.running_jobs", "fields", "without its nodes"),
        ("format=csv&node=n1", "node", "without its nodes"),
    ],
)
def test_field_without_a_column_is_a_400(loaded: Service, query: str, parameter: str, words: str) -> None:
    answer = loaded.client.get(f"/usage?{query}")
    (fault,) = answer.get_json()["errors"]
    assert (answer.status_code, fault["source"]) == (400, {"parameter": parameter})
    assert words in fault["detail"]


def test_statistics_table_has_names_and_values(api: Service) -> None:
    calls = {"REQUEST_PING": {"id": 1008, "count": 3}}
    exits = {"end_of_job_queue": 4, "max_time": 0}
    api.load({}, statistics={"jobs_pending": 7, "rpc_type_stats": calls, "bf_exit": exits, "job_states_ts": None})
    figures: list[tuple[str, int | None]] = [
        ("jobs_pending", 7),
        ("rpc_type_stats.REQUEST_PING.id", 1008),
        ("rpc_type_stats.REQUEST_PING.count", 3),
        ("bf_exit.end_of_job_queue", 4),
        ("bf_exit.max_time", 0),
        ("job_states_ts", None),
    ]
    as_csv = text(api, "/stats.csv")
    rows = [[name, reference.cell(value)] for name, value in figures]
    assert spreadsheet(as_csv) == [["name", "value"], *rows]
    assert text(api, "/stats", format="csv") == as_csv
    lines = [json.loads(line) for line in text(api, "/stats", format="ndjson").splitlines()]
    assert lines == [{"name": name, "value": value} for name, value in figures]
    table = text(api, "/stats", format="table", fields="bf_exit,jobs_pending")
    assert table.splitlines() == [
        "NAME                     VALUE",
        "bf_exit.end_of_job_queue 4",
        "bf_exit.max_time         0",
        "jobs_pending             7",
    ]
    assert api.get("/stats?fields=jobs_pending")["data"] == {"jobs_pending": 7}
    (fault,) = api.client.get("/stats?fields=jobs_pendin").get_json()["errors"]
    assert "Did you mean `jobs_pending`?" in fault["detail"]


@pytest.mark.parametrize("path", ["/usage.csv", "/stats.csv", "/usage?format=table"])
def test_an_unchanged_table_is_a_304(loaded: Service, path: str) -> None:
    first = loaded.client.get(path)
    assert first.content_type.startswith("text/")
    assert loaded.client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/usage.csv", "/stats.csv"])
def test_csv_ending_excludes_the_format_parameter(loaded: Service, path: str) -> None:
    (fault,) = loaded.client.get(f"{path}?format=csv").get_json()["errors"]
    assert "cannot be combined with the ending .csv" in fault["detail"]
