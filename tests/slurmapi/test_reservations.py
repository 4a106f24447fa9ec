"""Reservations and licenses: from a source's records to the responses of the routes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.contract.license import LicenseRecord
from slurm_rest_api.slurmapi.contract.reservation import ReservationRecord
from slurm_rest_api.slurmapi.responses import responder
from slurm_rest_api.slurmapi.responses.records import Body, execute
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import OptionalKind, Record, Snapshot
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from slurm_rest_api.web import response_cache
from tests.builders import make_job, make_node, make_partition, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

NOW = int(time.time())
DAY = 86400
LINE = (
    "ReservationName={name} StartTime={start} EndTime={end} Duration=02:00:00 Nodes={nodes} NodeCnt={count} CoreCnt=8 "
    "Features=(null) PartitionName={partition} Flags={flags} TRES=cpu=8 Users={users} Groups=(null) "
    "Accounts={accounts} Licenses=(null) State=ACTIVE BurstBuffer=(null) MaxStartDelay=(null) Comment=(null)"
)


def line(name: str, start: int, hours: int = 2, **fields: object) -> bytes:
    values = {"nodes": "n1", "count": 1, "partition": "(null)", "flags": "SPEC_NODES", "users": "(null)"}
    values |= {"accounts": "(null)", **fields}
    return LINE.format(name=name, start=start, end=start + hours * 3600, **values).encode()


RESERVATIONS = [
    line("class", NOW - 3600, users="alice,bob", nodes="n[1-2]", count=2),
    line("service", NOW + 2 * DAY, flags="MAINT,PURGE_COMP=00:05:00", users="root", nodes="n[1-3]", count=3),
    line("far", NOW + 30 * DAY, accounts="physics", nodes="n2", flags="TIME_FLOAT"),
    line("over", NOW - DAY, users="-bob"),
    line("secret", NOW - 3600, nodes="n3", users="root"),
    line("of_secret", NOW - 3600, partition="secret", users="root"),
]
FAIR_SHARE = [b"Account|User|Partition|RawShares|FairShare", b"physics|alice||1|0.5"]
LICENSES = [b"LicenseName=ansys Total=4 Used=1 Free=3 Reserved=1 Remote=no"]


def snapshot(**fields: Any) -> Snapshot:
    nodes = [
        make_node("n1", sockets=1, cores_per_socket=4),
        make_node("n2", sockets=1, cores_per_socket=4),
        make_node("n3", partitions=["secret"]),
    ]
    found = make_snapshot([make_job(1, resv_name="secret")], nodes, [make_partition("main"), make_partition("secret")])
    records: list[Record] = [dict(record) for record in parse_reservations(RESERVATIONS)]
    licenses: list[Record] = [dict(record) for record in parse_licenses(LICENSES)]
    kinds = {"reservations": OptionalKind(NOW), "licenses": OptionalKind(NOW)}
    return replace(found, **{"reservations": records, "licenses": licenses, "optional_kinds": kinds} | fields)


class Service:
    """A service whose collector hides the partition `secret`."""

    def __init__(self, settings: Settings) -> None:
        paths = RuntimePaths.of(settings)
        paths.make()
        self.source = FakeSource()
        self._cycle = Cycle(self.source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0)
        self.client: FlaskClient = make_client(settings)

    def load(self, loaded: Snapshot) -> None:
        self.source.snapshot = loaded
        self._cycle.run()

    def get(self, path: str) -> Any:
        response = self.client.get(path)
        assert response.status_code == 200, response.data
        return response.get_json()


@pytest.fixture
def service(settings: Settings) -> Service:
    found = Service(settings)
    found.load(snapshot())
    return found


def test_records_meet_the_contract(service: Service) -> None:
    data = service.get("/reservations")["data"]
    for record in data.values():
        ReservationRecord.model_validate(record)
    for record in service.get("/licenses")["data"].values():
        LicenseRecord.model_validate(record)
    states = {name: record["state"] for name, record in data.items()}
    assert states == {"class": "ACTIVE", "service": "UPCOMING", "far": "UPCOMING", "over": "PAST"}
    assert (data["class"]["duration"], data["service"]["purge_comp_time"]) == (7200, 300)
    assert data["service"]["flags"] == ["MAINT", "PURGE_COMP"]
    ansys = service.get("/licenses/ansys")["data"]
    assert [ansys[name] for name in ("total", "used", "free", "reserved", "remote")] == [4, 1, 3, 1, False]


def test_hidden_partitions_are_in_no_reservation(service: Service) -> None:
    data = service.get("/reservations")["data"]
    # A part of its nodes is hidden: what remains is counted.
    maintenance = data["service"]
    assert (maintenance["nodes"], maintenance["node_cnt"], maintenance["core_cnt"]) == ("n[1-2]", 2, 8)
    assert maintenance["tres_str"] is None
    assert service.client.get("/reservations/secret").status_code == 404
    assert service.client.get("/reservations/of_secret").status_code == 404
    # The job names only what it may.
    assert service.get("/queue/1")["data"]["resv_name"] is None


def test_nodes_name_their_reservations(service: Service) -> None:
    nodes = service.get("/nodes")["data"]
    assert {name: node["reservations"] for name, node in nodes.items()} == {
        "n1": ["class", "service"],
        # slurmctld keeps the nodes of a floating reservation in the state RESERVED.
        "n2": ["class", "service", "far"],
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("active=true", {"class"}),
        ("active=false", {"service", "far", "over"}),
        ("user=alice", {"class"}),
        ("account=physics", {"far"}),
        ("flag=maint", {"service"}),
        ("node=n2", {"class", "service", "far"}),
        ("partition=main", {"class", "service", "far", "over"}),
        ("startafter=now%2B1days&startbefore=now%2B3days", {"service"}),
        ("endbefore=now", {"over"}),
    ],
)
def test_filters(service: Service, query: str, names: set[str]) -> None:
    assert set(service.get(f"/reservations?{query}")["data"]) == names


def test_groups_and_formats(service: Service) -> None:
    groups = service.get("/reservations?group_by=state")["data"]
    assert groups["ACTIVE"] == {"count": 1, "nodes": 2, "cores": 8}
    assert service.client.get("/reservations.csv?fields=name,state&sort=start_time").text.split() == [
        "name,state",
        "over,PAST",
        "class,ACTIVE",
        "service,UPCOMING",
        "far,UPCOMING",
    ]
    assert service.get("/licenses?count=true")["data"] == {"count": 1, "total": 4, "used": 1, "free": 3, "reserved": 1}
    etag = service.client.get("/licenses").headers["ETag"]
    assert service.client.get("/licenses", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/queue?user=alice", "/reservations?active=true", "/licenses?name=ansys", "/fairshare?account=physics"]
)
def test_an_equal_request_is_answered_from_the_cache_until_the_next_change(
    service: Service, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each route of the snapshot is cached: the new ones as /queue is."""
    monkeypatch.setattr(response_cache, "DEFAULT_LIFETIME_SECONDS", 3600.0)
    computed: list[Any] = []

    def counted(*args: Any) -> Body:
        computed.append(args)
        return execute(*args)

    monkeypatch.setattr(responder, "execute", counted)
    service.load(snapshot(fair_share=[dict(record) for record in parse_fair_share(FAIR_SHARE)]))
    first, again = service.client.get(path), service.client.get(path)
    assert (first.status_code, again.data, len(computed)) == (200, first.data, 1)
    assert again.headers["ETag"] == first.headers["ETag"]
    service.load(snapshot(fair_share=[]))
    assert (service.client.get(path).status_code, len(computed)) == (200, 2)


def test_a_kind_that_is_off_is_a_404(service: Service) -> None:
    service.load(replace(snapshot(), reservations=None, optional_kinds={"licenses": OptionalKind(NOW)}))
    response = service.client.get("/reservations")
    assert response.status_code == 404
    assert "`system.reservations`" in response.get_json()["errors"][0]["detail"]
    assert service.get("/nodes/n1")["data"]["reservations"] is None


def test_a_kind_that_fails_keeps_its_records_and_says_why(service: Service) -> None:
    failed = OptionalKind(NOW - 60, "slurmctld cannot be read.", NOW - 30)
    service.load(replace(snapshot(), optional_kinds={"reservations": failed, "licenses": OptionalKind(NOW)}))
    body = service.get("/reservations")
    assert set(body["data"]) == {"class", "service", "far", "over"}
    assert body["meta"]["stale"] is True
    assert body["meta"]["error"] == {
        "detail": "slurmctld cannot be read.",
        "since": NOW - 30,
        "loaded_at": NOW - 60,
    }
    assert service.get("/licenses")["meta"]["stale"] is False
    facts = service.get("/health")["data"]["parts"]["snapshot"]["facts"]
    assert facts["optional_kinds"]["reservations"]["error"] == "slurmctld cannot be read."


def test_a_removed_reservation_is_gone(service: Service) -> None:
    version = service.get("/reservations")["meta"]["version"]
    changed = snapshot()
    assert changed.reservations is not None
    service.load(replace(changed, reservations=changed.reservations[1:]))
    assert service.get(f"/reservations?since={version}")["meta"]["gone"] == ["class"]


@pytest.mark.parametrize(
    ("user", "accounts", "names"),
    [
        ("alice", frozenset(("physics",)), {"class", "far", "over"}),
        ("bob", frozenset(), {"class"}),
        ("carol", frozenset(), {"over"}),
    ],
)
def test_private_reservations(
    service: Service, monkeypatch: pytest.MonkeyPatch, user: str, accounts: frozenset[str], names: set[str]
) -> None:
    """`_validate_user_access` of reservation.c: users see the reservations that they may use."""
    # Coordinators of an account without an association there may not use its reservations.
    scope = DataScope(frozenset(("reservations",)), user, frozenset(("physics",)), accounts)
    monkeypatch.setattr(responder, "current_scope", lambda: scope)
    assert set(service.get("/reservations")["data"]) == names
    assert service.client.get("/reservations/service").status_code == 404
    assert "reservations" not in service.get("/nodes/n1")["data"]
    assert all("reservations" not in node for node in service.get("/nodes")["data"].values())
    version = service.get("/reservations")["meta"]["version"]
    assert service.get(f"/reservations?since={version}")["meta"]["gone"] == []


def test_metrics(service: Service) -> None:
    lines = service.client.get("/metrics").text.splitlines()
    for expected in (
        'slurm_reservations{state="active"} 1.0',
        'slurm_reservation_nodes{state="upcoming"} 3.0',
        'slurm_licenses_free{license="ansys"} 3.0',
    ):
        assert expected in lines
