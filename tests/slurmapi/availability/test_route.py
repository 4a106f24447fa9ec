"""The route /availability: from the store to the response."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.auth.permissions import authorize
from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import Forbidden
from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.availability.contract import AvailabilityAnswer
from slurm_rest_api.slurmapi.availability.model import Request
from slurm_rest_api.slurmapi.availability.read import availability
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.node_order import fold
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import OptionalKind
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.slurmapi.availability.records import Record, node, partition, reservation

QUERY = "/availability?cpus=8&mem=32000&gpus=1&gpu_type=a100&nodes=1&time=4:00:00&account=physics&qos=normal"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Returns the settings of one service for all tests."""
    return Settings.model_validate({"system": {"runtime_dir": tmp_path_factory.mktemp("runtime")}})


@pytest.fixture(scope="module")
def client(settings: Settings) -> FlaskClient:
    """Returns a client of that service."""
    return make_client(settings)


@pytest.fixture(scope="module")
def paths(settings: Settings) -> RuntimePaths:
    """Creates its runtime directory."""
    found = RuntimePaths.of(settings)
    found.make()
    return found


@pytest.fixture(scope="module")
def load(paths: RuntimePaths) -> Any:
    """Returns a function that loads nodes and reservations into the store. The partition `secret` is hidden."""
    source = FakeSource()
    cycle = Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0)

    def run(nodes: list[Record], reservations: list[Record] | None = None) -> None:
        entries = [partition("main"), partition("long", max_time=3600), partition("secret")]
        loaded = make_snapshot(nodes=nodes, partitions=entries)
        kinds = {} if reservations is None else {"reservations": OptionalKind(1)}
        source.snapshot = replace(loaded, reservations=reservations, optional_kinds=kinds)
        cycle.run()

    return run


def gpu_node(name: str, used: int, **fields: Any) -> Record:
    return node(name, gres=["gpu:a100:4"], gres_used=[f"gpu:a100:{used}"] if used else [], **fields)


def test_it_answers_for_each_partition(load: Any, client: FlaskClient) -> None:
    usual = {"partitions": ["main", "long", "secret"]}
    load([gpu_node("n1", 3, **usual), gpu_node("n2", 4, **usual), gpu_node("n3", 0, partitions=["secret"])], [])
    response = client.get(QUERY)
    body = response.get_json()
    AvailabilityAnswer.model_validate(body)
    assert sorted(body["data"]) == ["long", "main"]
    main, long = body["data"]["main"], body["data"]["long"]
    assert (main["answer"], main["nodes"], main["fitting_nodes"], main["short"]["gpus"]) == ("now", "n1", 2, 1)
    assert (long["answer"], long["limits"]) == ("never", [{"limit": "MaxTime", "value": 3600, "requested": 14400}])
    assert body["meta"]["total"] == 2
    assert response.headers["X-Total-Count"] == "2"
    assert list(client.get(f"{QUERY}&partition=main&fields=nodes,answer").get_json()["data"].items()) == [
        ("main", {"nodes": "n1", "answer": "now"})
    ]
    assert list(client.get(f"{QUERY}&partition=!main").get_json()["data"]) == ["long"]
    assert client.get(f"{QUERY}&partition=secret").get_json()["data"] == {}


def test_the_etag_is_that_of_the_answer(load: Any, client: FlaskClient) -> None:
    load([node("n1")], [])
    etag = client.get("/availability").headers["ETag"]
    assert client.get("/availability", headers={"If-None-Match": etag}).status_code == 304
    # The reservation changes neither nodes nor partitions that are read.
    load([node("n1")], [{**RESERVATION, "name": "course"}])
    changed = client.get("/availability", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.get_json()["data"]["main"]["short"]["reserved"] == 1


RESERVATION = {**reservation("n1", end=10**9), "state": "ACTIVE", "groups": None, "partition": None}


def test_an_equal_request_is_computed_once_for_each_load(
    load: Any, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def counting(*arguments: Any) -> Any:
        computed.append(arguments)
        return availability(*arguments)

    monkeypatch.setattr("slurm_rest_api.slurmapi.availability.views.availability", counting)
    load([node("n1")], [])
    bodies = [client.get(path).data for path in ("/availability?cpus=3&mem=5", "/availability?mem=5&cpus=3")]
    assert (len(computed), bodies[0]) == (1, bodies[1])
    load([node("n1", alloc_cpus=16)], [])
    assert client.get("/availability?cpus=3&mem=5").get_json()["data"]["main"]["free_nodes"] == 0
    assert len(computed) == 2


def test_formats(load: Any, client: FlaskClient) -> None:
    load([node("n1")], [])
    csv = client.get("/availability.csv?fields=partition,answer,nodes").get_data(as_text=True)
    assert csv.splitlines() == ["partition,answer,nodes", "long,never,", "main,now,n1"]
    rows = client.get("/availability?format=csv").get_data(as_text=True).splitlines()
    assert "short.cpus" in rows[0].split(",")
    assert client.get("/availability?format=table").get_data(as_text=True).startswith("PARTITION ANSWER")
    assert len(client.get("/availability?format=ndjson").data.splitlines()) == 2


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("gpu_type=a100&gpus=0", "gpu_type"), ("time=0", "time"), ("cpus=0", "cpus"), ("fields=node", "fields")],
)
def test_wrong_parameters(load: Any, client: FlaskClient, query: str, parameter: str) -> None:
    load([node("n1")], [])
    response = client.get(f"/availability?{query}")
    assert response.status_code == 400
    assert response.get_json()["errors"][0]["source"]["parameter"] == parameter


def test_a_model_without_a_number_is_one_gpu(load: Any, client: FlaskClient) -> None:
    load([gpu_node("n1", 4)], [])
    assert client.get("/availability?gpu_type=a100").get_json()["data"]["main"]["short"]["gpus"] == 1


def test_reservations_that_are_not_read_are_named(load: Any, client: FlaskClient) -> None:
    load([node("n1")])
    assert client.get("/availability").get_json()["data"]["main"]["unchecked"] == ["Reservations"]


def test_a_private_reservation_keeps_its_nodes_and_does_not_exist(load: Any, paths: RuntimePaths) -> None:
    load([node("n1"), node("n2")], [{**RESERVATION, "name": "course"}])
    bob = DataScope(frozenset(("reservations",)), "bob")
    request = Request(reservation="course")
    with StoreReader(paths.store).view() as view:
        assert view is not None
        now = 10**9
        hidden, shown = (availability(view, request, now, scope)[-1] for scope in (bob, EVERYTHING))
        (main,) = [one for one in availability(view, Request(), 1_795_651_200, bob) if one["partition"] == "main"]
    assert [limit["limit"] for limit in hidden["limits"]][:1] == ["Reservation"]
    assert shown["limits"] == []
    assert main["nodes"] == "n2"


def test_nodes_are_read_in_one_document(load: Any, paths: RuntimePaths) -> None:
    load([node(f"n{number}", alloc_cpus=number % 8) for number in range(2000)], [])
    steps = itertools.count()
    with StoreReader(paths.store).view() as view:
        assert view is not None
        view._statements._connection.set_progress_handler(lambda: next(steps) * 0, 100)
        found = availability(view, Request(cpus=8), 1_795_651_200, EVERYTHING)
    assert [one["free_nodes"] for one in found if one["partition"] == "main"] == [2000]
    # It reads one document, and no row for each node.
    assert next(steps) * 100 < 2000


def test_a_request_calls_no_function_for_each_node(load: Any, paths: RuntimePaths) -> None:
    load([node(f"n{number}", alloc_cpus=number % 8) for number in range(2000)], [])
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    with StoreReader(paths.store).view() as view:
        assert view is not None
        availability(view, Request(cpus=8), 1_795_651_200, EVERYTHING)
        sys.setprofile(count)
        try:
            found = availability(view, Request(cpus=4), 1_795_651_200, EVERYTHING)
        finally:
            sys.setprofile(None)
    assert [one["nodes"] for one in found if one["partition"] == "main"] == ["n[0-1999]"]
    assert calls < 1000


@given(st.sets(st.from_regex(r"\A(n|rack|b1-)?[0-9]{1,4}(c|-ib)?\Z|\Alogin\Z"), max_size=30))
def test_a_folded_hostlist_has_the_same_names(names: set[str]) -> None:
    assert set(expand(fold(names))) == names
    assert fold(["n1", "n2", "n10", "n9", "n03", "login"]) == "login,n[1-2,9,03,10]"
    assert fold([f"rack{number:03}" for number in range(1, 151)]) == "rack[001-150]"


@pytest.mark.parametrize("word", ["nodes", "partitions"])
def test_private_nodes_and_partitions_close_the_route(word: str) -> None:
    with pytest.raises(Forbidden):
        authorize(Principal("alice", "user"), "/availability.csv", [word])
    authorize(Principal("alice", "user"), "/availability", ["jobs", "reservations", "users"])
