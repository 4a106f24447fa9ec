"""Every format of every route says what the JSON says, as a reader of that format reads it."""

from __future__ import annotations

import csv
import functools
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property_tests import examples
from tests.slurmapi.query import reference
from tests.slurmapi.query.routes import ROUTES, Cluster, Route, clusters
from tests.slurmapi.query.service import Service

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
fewer = examples(40)


def loaded(service: Service, cluster: Cluster) -> Service:
    service.reset()
    cluster.load_into(service)
    return service


def spreadsheet(text: str, delimiter: str = ",") -> list[list[str]]:
    """Read as RFC 4180 has it; the reader refuses what is not well formed."""
    return list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))


def rows(records: list[dict[str, Any]], fields: list[str]) -> list[list[str]]:
    return [[reference.cell(record.get(field)) for field in fields] for record in records]


@functools.cache
def documented(api: Service) -> dict[str, Any]:
    schemas: dict[str, Any] = api.client.get("/openapi/openapi.json").get_json()["components"]["schemas"]
    return schemas


def text(api: Service, path: str, **query: Any) -> str:
    response = api.client.get(path, query_string=query)
    assert response.status_code == 200
    return response.get_data(as_text=True)


@every_route
@fewer
@given(st.data())
def test_formats_hold_the_requested_fields_and_records(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    query, sort, fields = data.draw(route.queries), data.draw(route.sorts()), data.draw(route.some_fields())
    fields = list(dict.fromkeys(fields))
    asked = {**query, "fields": ",".join(fields), **({"sort": sort} if sort else {})}
    whole = list(api.get(route.path)["data"].values())
    wanted = reference.ordered(route.wanted(whole, query), route.key, sort)
    assert text(api, route.path, **asked, format="ndjson") == "".join(
        json.dumps(reference.with_fields(record, fields), separators=(",", ":"), ensure_ascii=False) + "\n"
        for record in wanted
    )
    as_csv = text(api, route.path, **asked, format="csv")
    assert spreadsheet(as_csv) == [fields, *rows(wanted, fields)]
    assert text(api, f"{route.path}.csv", **asked) == as_csv
    lines = [[reference.one_line(cell) for cell in row] for row in rows(wanted, fields)]
    as_tsv = text(api, route.path, **asked, format="tsv")
    assert [line.split("\t") for line in as_tsv.split("\n")] == [fields, *lines, [""]]
    plain = [[reference.one_line(reference.plain(record.get(field))) for field in fields] for record in wanted]
    table = text(api, route.path, **asked, format="table")
    assert table.split("\n") == [*reference.aligned([[field.upper() for field in fields], *plain]), ""]


@every_route
@fewer
@given(st.data())
def test_counts_and_groups_come_in_every_format(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    query, by = data.draw(route.queries), data.draw(st.sampled_from(sorted(route.groups)))
    wanted = route.wanted(list(api.get(route.path)["data"].values()), query)
    groups = reference.grouped(wanted, route.groups[by], route.sums)
    records = [{by: name, **entry} for name, entry in groups.items()]
    fields = list(records[0]) if records else [by, "count", *route.sums]
    assert spreadsheet(text(api, f"{route.path}.csv", **query, group_by=by)) == [fields, *rows(records, fields)]
    ndjson = text(api, route.path, **query, group_by=by, format="ndjson")
    assert [json.loads(line) for line in ndjson.splitlines()] == records
    total = reference.numbers(wanted, route.sums)
    assert spreadsheet(text(api, f"{route.path}.csv", **query, count="true")) == [
        list(total),
        [str(number) for number in total.values()],
    ]


@every_route
@fewer
@given(clusters())
def test_csv_has_every_field_by_default(shared: Service, route: Route, cluster: Cluster) -> None:
    columns = documented(shared)[route.record]["properties"]
    api = loaded(shared, cluster)
    records = list(api.get(route.path)["data"].values())
    heading, *lines = spreadsheet(text(api, f"{route.path}.csv"))
    assert sorted(heading) == sorted(columns)
    assert lines == rows(records, heading)
    ndjson = text(api, route.path, format="ndjson")
    assert [json.loads(line) for line in ndjson.splitlines()] == records


@every_route
@fewer
@given(st.data())
def test_pages_of_a_format_are_linked_and_make_up_the_whole(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    sort, limit = data.draw(route.sorts()), data.draw(st.integers(1, 4))
    asked = {"format": "csv", **({"sort": sort} if sort else {})}
    expected = spreadsheet(text(api, route.path, **asked))
    response = api.client.get(route.path, query_string={**asked, "limit": limit})
    read = spreadsheet(response.get_data(as_text=True))
    while "Link" in response.headers:
        assert response.headers["X-Total-Count"] == str(len(expected) - 1)
        response = api.client.get(response.headers["Link"].removeprefix("<").partition(">")[0])
        read += spreadsheet(response.get_data(as_text=True))[1:]
    assert read == expected
