"""Every filter, order, page and group is what the same is in Python over the whole body."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from tests.slurmapi.asking import reference
from tests.slurmapi.asking.jobs import SORTS, jobs, queries
from tests.slurmapi.asking.service import Service

fewer = settings(max_examples=60, deadline=None)


def whole(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["data"].values())


@fewer
@given(jobs(), st.lists(queries, min_size=1, max_size=6))
def test_filters_leave_what_they_name(
    shared: Service, cluster: dict[int, Record], questions: list[dict[str, str]]
) -> None:
    shared.reset()
    shared.load(cluster)
    everything = whole(shared.get("/queue"))
    for query in questions:
        answer = shared.get("/queue", **query)
        assert whole(answer) == [job for job in everything if reference.is_wanted(job, query)], query
        assert answer["meta"]["total"] == len(answer["data"])


@fewer
@given(jobs(), queries, st.sampled_from(SORTS), st.integers(1, 5))
def test_pages_are_the_sorted_list_cut_in_pieces(
    shared: Service, cluster: dict[int, Record], query: dict[str, str], sort: str, limit: int
) -> None:
    shared.reset()
    shared.load(cluster)
    wanted = [job for job in whole(shared.get("/queue")) if reference.is_wanted(job, query)]
    expected = [job["job_id"] for job in reference.ordered(wanted, sort)]
    asked: dict[str, Any] = {**query, "limit": limit, "shape": "list", "fields": "job_id"}
    body = shared.get("/queue", **asked, **({"sort": sort} if sort else {}))
    pages = [body["data"]]
    while body["meta"]["next"] is not None:
        assert body["meta"]["total"] == len(expected)
        body = shared.get(body["meta"]["next"])
        pages.append(body["data"])
    assert [job["job_id"] for page in pages for job in page] == expected
    assert all(len(page) == limit for page in pages[:-1])


@fewer
@given(jobs(), queries)
def test_counts_and_groups_add_up(shared: Service, cluster: dict[int, Record], query: dict[str, str]) -> None:
    shared.reset()
    shared.load(cluster)
    wanted = [job for job in whole(shared.get("/queue")) if reference.is_wanted(job, query)]
    assert shared.get("/queue", **query, count="true")["data"] == reference.numbers(wanted)
    for by in reference.GROUPS:
        assert shared.get("/queue", **query, group_by=by)["data"] == reference.grouped(wanted, by), by


@fewer
@given(jobs(), st.lists(st.sampled_from(["job_id", "name", "cpus_allocated", "req_nodes", "user_name"]), min_size=1))
def test_fields_are_those_of_the_record_in_the_order_asked_for(
    shared: Service, cluster: dict[int, Record], fields: list[str]
) -> None:
    shared.reset()
    shared.load(cluster)
    everything = shared.get("/queue")["data"]
    answer = shared.get("/queue", fields=",".join(fields))["data"]
    assert answer == {key: {field: job[field] for field in fields} for key, job in everything.items()}
    assert all(list(record) == list(dict.fromkeys(fields)) for record in answer.values())


@fewer
@given(jobs(), jobs(), st.sampled_from(SORTS))
def test_a_record_that_stays_is_seen_once_whatever_comes_and_goes(
    shared: Service, before: dict[int, Record], after: dict[int, Record], sort: str
) -> None:
    asked: dict[str, Any] = {"limit": 2, "shape": "list", "fields": "job_id"} | ({"sort": sort} if sort else {})
    shared.reset()
    shared.load(before)
    body = shared.get("/queue", **asked)
    seen = [job["job_id"] for job in body["data"]]
    staying = {job_id: job for job_id, job in before.items() if job_id not in after}
    shared.load({**after, **staying})
    while body["meta"]["next"] is not None:
        body = shared.get(body["meta"]["next"])
        seen += [job["job_id"] for job in body["data"]]
    ended_early = len(before) <= 2
    assert ended_early or all(seen.count(job_id) == 1 for job_id in staying)
