"""Clients that ask for changes of the simulated cluster, as its clock goes on: each always has what there is."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.slurmapi.store import record_writer
from tests.property_tests import examples
from tests.slurmapi.query.clients import Client
from tests.slurmapi.query.service import Service

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = st.sampled_from([0, 1, 10, 10, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, DAY, -MINUTE])
SCALES = st.builds(Scale, st.integers(20, 40), st.integers(30, 150), st.integers(0, 2**32))
CLOCKS = st.integers(1_700_000_000, 2_000_000_000)
FIELDS = {
    "/queue": ["", "job_id,job_state", "run_time,user_name", "elapsed_cpu_time", "nodes,start_time,run_time_remaining"],
    "/nodes": ["", "name,state", "alloc_cpus"],
    "/partitions": ["", "state,total_cpus"],
}
FILTERED = {
    "/queue": {"user": "user_name", "account": "account", "partition": "partition", "qos": "qos", "name": "name"},
    "/nodes": {"name": "name"},
    "/partitions": {"name": "name", "state": "state"},
}
STATES = {
    "/queue": ["R", "PD", "CD", "!R", "!PD,!CD", "CG", "F,TO,CA"],
    "/nodes": ["idle", "MIX", "!IDLE", "alloc", "DRAIN", "IDLE,!DRAIN"],
    "/partitions": ["UP", "DOWN"],
}


@pytest.fixture(scope="module", params=[50_000, 40], ids=["all keys", "few keys"])
def remembering(request: pytest.FixtureRequest) -> Iterator[None]:
    """Limits the number of tombstones. With few of them, some versions are too old."""
    with pytest.MonkeyPatch.context() as patch:
        prune = functools.partial(record_writer.prune_tombstones, limit=request.param)
        patch.setattr(record_writer, "prune_tombstones", prune)
        yield


def queries(path: str, body: Mapping[str, dict[str, Any]]) -> st.SearchStrategy[dict[str, str]]:
    """A filter or none, by what some record of the first answer has, and fields or all."""
    values = [
        {parameter: f"{sign}{record[field]}"}
        for parameter, field in FILTERED[path].items()
        for record in list(body.values())[:20]
        for sign in (["", "!"] if parameter != "name" else [""])
        if record[field] is not None
    ]
    filters = st.sampled_from([{}, *({"state": state} for state in STATES[path]), *values])
    fields = st.sampled_from(FIELDS[path]).map(lambda names: {"fields": names} if names else {})
    return st.builds(lambda chosen, named: {**chosen, **named}, filters, fields)


@examples(15)
@given(st.data(), SCALES, CLOCKS)
def test_clients_keep_up_with_the_simulated_cluster(
    shared: Service, remembering: None, data: st.DataObject, scale: Scale, start: int
) -> None:
    now = start
    shared.follow(DemoSource(scale, clock=lambda: now))
    shared.cycle.run()
    clients = []
    for path in data.draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=2, max_size=6)):
        query = data.draw(queries(path, shared.get(path)["data"]))
        clients.append(Client(path, query, clock=path == "/queue" and data.draw(st.booleans())))
    for step in data.draw(st.lists(STEPS, min_size=2, max_size=6)):
        for client in data.draw(st.lists(st.sampled_from(clients), unique=True)):
            client.poll(shared.get)
            assert client.agrees_with(shared.get(client.path, **client.query)), client
        now += step
        if data.draw(st.integers(0, 9)) == 0:
            # Another loader: what it remembers of the store it has to read.
            shared.restart()
        shared.cycle.run()
    for client in clients:
        client.poll(shared.get)
        assert client.agrees_with(shared.get(client.path, **client.query)), client


@examples(15)
@given(SCALES, CLOCKS, st.lists(STEPS, min_size=2, max_size=6))
def test_equal_versions_have_equal_content(shared: Service, scale: Scale, start: int, steps: list[int]) -> None:
    now = start
    shared.follow(DemoSource(scale, clock=lambda: now))
    known: dict[str, dict[str, Any]] = {}
    for step in steps:
        now += step
        shared.cycle.run()
        for path in ("/queue", "/nodes", "/partitions", "/usage", "/usage?compact=true", "/stats"):
            body = shared.get(path)
            before = known.get(path, {"meta": {"version": None}, "data": None})
            assert (body["meta"]["version"] == before["meta"]["version"]) == (body["data"] == before["data"]), path
            known[path] = body
