"""Every filter, order, page and group of every route is what the same is in Python over the whole body."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property_tests import examples
from tests.slurmapi.query import jobs, reference, reference_jobs
from tests.slurmapi.query.nodes import usage_queries
from tests.slurmapi.query.reference_nodes import part_of_usage
from tests.slurmapi.query.routes import ROUTES, Cluster, Route, clusters
from tests.slurmapi.query.service import Service

fewer = examples(40)
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


def loaded(service: Service, cluster: Cluster) -> Service:
    service.reset()
    cluster.load_into(service)
    return service


def records(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["data"].values())


@every_route
@fewer
@given(st.data())
def test_filters_select_what_the_reference_selects(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    everything = records(api.get(route.path))
    for query in data.draw(st.lists(route.queries, min_size=1, max_size=6)):
        answer = api.get(route.path, **query)
        wanted = route.wanted(everything, query)
        assert list(answer["data"].items()) == [(str(record[route.key]), record) for record in wanted], query
        assert api.get(route.path, **query, shape="list")["data"] == wanted
        assert answer["meta"]["total"] == len(wanted)


@every_route
@fewer
@given(st.data())
def test_pages_make_up_the_sorted_list(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    query, sort, limit = data.draw(route.queries), data.draw(route.sorts()), data.draw(st.integers(1, 5))
    expected = reference.ordered(route.wanted(records(api.get(route.path)), query), route.key, sort)
    asked: dict[str, Any] = {**query, "shape": "list", **({"sort": sort} if sort else {})}
    assert api.get(route.path, **asked)["data"] == expected
    assert api.get(route.path, **{**asked, "shape": "object"})["data"] == {str(r[route.key]): r for r in expected}
    body = api.get(route.path, **asked, limit=limit)
    pages = [body["data"]]
    while body["meta"]["next"] is not None:
        assert body["meta"]["total"] == len(expected)
        body = api.get(body["meta"]["next"])
        pages.append(body["data"])
    assert [record for page in pages for record in page] == expected
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == max(1, -(-len(expected) // limit))


@every_route
def test_every_order_is_tried(api: Service, route: Route) -> None:
    api.load({})
    detail = api.client.get(f"{route.path}?sort=nothing").get_json()["errors"][0]["detail"]
    assert detail.partition("Sortable fields: ")[2].rstrip(".").split(", ") == route.orders


@every_route
@fewer
@given(st.data())
def test_counts_and_groups_add_up(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    query = data.draw(route.queries)
    wanted = route.wanted(records(api.get(route.path)), query)
    assert api.get(route.path, **query, count="true")["data"] == reference.numbers(wanted, route.sums)
    for by, names_of in route.groups.items():
        expected = reference.grouped(wanted, names_of, route.sums)
        answer = api.get(route.path, **query, group_by=by)
        assert list(answer["data"].items()) == list(expected.items()), by
        assert answer["meta"]["total"] == len(wanted)
        listed = [{by: name, **entry} for name, entry in expected.items()]
        assert api.get(route.path, **query, group_by=by, shape="list")["data"] == listed


@every_route
@fewer
@given(st.data())
def test_fields_come_in_the_requested_order(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    query, fields = data.draw(route.queries), data.draw(route.some_fields())
    wanted = route.wanted(records(api.get(route.path)), query)
    answer = api.get(route.path, **query, fields=",".join(fields))["data"]
    assert answer == {str(record[route.key]): reference.with_fields(record, fields) for record in wanted}
    assert all(list(record) == list(dict.fromkeys(fields)) for record in answer.values())


@every_route
@fewer
@given(st.data())
def test_record_that_stays_is_on_exactly_one_page(shared: Service, route: Route, data: st.DataObject) -> None:
    before, after, sort = data.draw(clusters()), data.draw(clusters()), data.draw(route.sorts())
    asked: dict[str, Any] = {"limit": 2, "shape": "list", **({"sort": sort} if sort else {})}
    api = loaded(shared, before)
    everything = api.get(route.path)["data"]
    body = api.get(route.path, **asked)
    seen = [record[route.key] for record in body["data"]]
    after.load_into(api)
    # What is the same in both has kept its place.
    staying = [
        record[route.key] for key, record in api.get(route.path)["data"].items() if everything.get(key) == record
    ]
    while body["meta"]["next"] is not None:
        body = api.get(body["meta"]["next"])
        seen += [record[route.key] for record in body["data"]]
    assert len(everything) <= 2 or all(seen.count(key) == 1 for key in staying)


@every_route
@fewer
@given(st.data())
def test_single_record_equals_that_of_the_whole_body(shared: Service, route: Route, data: st.DataObject) -> None:
    api = loaded(shared, data.draw(clusters()))
    body = api.get(route.path)["data"]
    fields = data.draw(route.some_fields())
    for name, record in body.items():
        assert api.get(f"{route.path}/{quote(name)}")["data"] == record
        chosen = api.get(f"{route.path}/{quote(name)}", fields=",".join(fields))["data"]
        assert list(chosen.items()) == list(reference.with_fields(record, dict.fromkeys(fields)).items())
    absent = data.draw(st.sampled_from(["41", "n1", "long"]))
    if absent not in body and (absent.isdigit() or route.path != "/queue"):
        assert api.client.get(f"{route.path}/{absent}").status_code == 404


@fewer
@given(clusters(), st.lists(jobs.PATHS, min_size=1, max_size=8))
def test_job_has_the_ids_that_squeue_prints(shared: Service, cluster: Cluster, paths: list[str]) -> None:
    api = loaded(shared, cluster)
    everything = records(api.get("/queue"))
    for path in paths:
        response = api.client.get(f"/queue/{path}")
        expected = reference_jobs.named(everything, path)
        assert response.status_code == (404 if expected is None else 200), path
        assert response.get_json().get("data") == expected


@fewer
@given(clusters(), usage_queries)
def test_part_of_the_usage_equals_that_of_the_whole(shared: Service, cluster: Cluster, query: dict[str, str]) -> None:
    api = loaded(shared, cluster)
    whole, part = api.get("/usage"), api.get("/usage", **query)
    assert part["data"] == part_of_usage(whole["data"], query)
    assert part["meta"]["total"] == len(part["data"]["partitions"])
