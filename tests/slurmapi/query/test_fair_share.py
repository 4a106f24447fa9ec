"""The route /fairshare: sshare's figures, filters, changes, private data, and its absence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import OptionalKind, Record
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.auth.users import ServiceWithUsers, with_accounting
from tests.builders import make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

# Printed by sshare 26.05 for the accounts of tests/auth/users.py.
SSHARE = b"""\
Account|User|Partition|RawShares|NormShares|RawUsage|NormUsage|EffectvUsage|FairShare|LevelFS|GrpTRESMins|TRESRunMins
root||||0.000000|40||1.000000||||cpu=0
 chemistry|||1|0.500000|0|0.000000|0.000000||inf||cpu=0
  chemistry|bob||1|1.000000|0|0.000000|0.000000|1.000000|inf||cpu=0
 science|||1|0.500000|40|1.000000|1.000000||0.500000|cpu=1000|cpu=30,gres/gpu=2
  science|carol||parent|0.500000|10|0.250000|0.250000|0.400000|||cpu=0
  physics|||3|0.750000|30|0.750000|0.750000||1.000000||cpu=30
   physics|alice||2|0.500000|30|0.750000|1.000000|0.200000|0.500000||cpu=30
   physics|alice|secret|2|0.500000|0|0.000000|0.000000|0.600000|inf||cpu=0
"""
NAMES = {
    "root", "chemistry", "chemistry/bob", "science", "science/carol", "physics", "physics/alice",
    "physics/alice/secret",
}  # fmt: skip


def rows(text: bytes = SSHARE) -> list[Record]:
    return [dict(record) for record in parse_fair_share(text.splitlines())]


def load(source: FakeSource, cycle: Cycle, text: bytes = SSHARE) -> None:
    source.snapshot = replace(make_snapshot(), fair_share=rows(text))
    cycle.run()


@pytest.fixture
def on(settings: Settings) -> Settings:
    """The settings with the route switched on."""
    return settings.model_copy(update={"system": settings.system.model_copy(update={"fair_share_seconds": 60.0})})


@pytest.fixture
def client(on: Settings) -> FlaskClient:
    return make_client(on)


def names(client: FlaskClient, query: str = "") -> set[str]:
    return set(client.get(f"/fairshare?{query}").get_json()["data"])


def test_records_are_those_of_sshare(client: FlaskClient, source: FakeSource, cycle: Cycle) -> None:
    load(source, cycle)
    body = client.get("/fairshare").get_json()
    assert set(body["data"]) == NAMES
    assert body["meta"]["total"] == len(NAMES)
    for record in body["data"].values():
        FairShareRecord.model_validate(record)
    alice = body["data"]["physics/alice"]
    assert (alice["raw_shares"], alice["norm_shares"], alice["raw_usage"]) == (2, 0.5, 30)
    assert (alice["norm_usage"], alice["effective_usage"]) == (0.75, 1.0)
    assert (alice["fair_share"], alice["level_fs"], alice["parent_account"]) == (0.2, 0.5, None)
    assert body["data"]["science/carol"]["raw_shares"] == "parent"
    assert body["data"]["chemistry/bob"]["level_fs"] is None
    assert body["data"]["physics"]["parent_account"] == "science"
    assert body["data"]["science"]["tres_run_minutes"] == {"cpu": 30, "gres/gpu": 2}
    assert body["data"]["root"]["raw_shares"] is None


def test_filters_orders_formats_and_groups(client: FlaskClient, source: FakeSource, cycle: Cycle) -> None:
    load(source, cycle)
    assert names(client, "user=alice,bob") == {"physics/alice", "physics/alice/secret", "chemistry/bob"}
    assert names(client, "account=physics&user=!alice") == {"physics"}
    listed = client.get("/fairshare?shape=list&sort=-fair_share,user&limit=2&fields=user,fair_share").get_json()
    assert listed["data"] == [{"user": "bob", "fair_share": 1.0}, {"user": "alice", "fair_share": 0.6}]
    assert listed["meta"]["next"]
    groups = client.get("/fairshare?group_by=account").get_json()["data"]
    assert groups["physics"] == {"count": 3, "raw_usage": 60}
    table = client.get("/fairshare.csv?fields=account,user,level_fs&account=physics").text
    assert table.splitlines() == ["account,user,level_fs", "physics,,1.0", "physics,alice,0.5", "physics,alice,"]
    assert client.get("/fairshare?sort=group_tres_minutes").status_code == 400


def test_etag_and_since_follow_the_figures(client: FlaskClient, source: FakeSource, cycle: Cycle) -> None:
    load(source, cycle)
    first = client.get("/fairshare")
    load(source, cycle)
    assert client.get("/fairshare", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    lines = SSHARE.replace(b"|0.200000|0.500000|", b"|0.300000|0.600000|").splitlines()
    load(source, cycle, b"\n".join(line for line in lines if b"|bob|" not in line))
    changes = client.get(f"/fairshare?since={first.get_json()['meta']['version']}").get_json()
    assert changes["data"].keys() == {"physics/alice"}
    assert changes["meta"]["gone"] == ["chemistry/bob"]


def test_without_the_setting_it_names_the_setting(settings: Settings, source: FakeSource, cycle: Cycle) -> None:
    source.snapshot = make_snapshot()
    cycle.run()
    answer = make_client(settings).get("/fairshare")
    assert answer.status_code == 404
    assert "`system.fair_share_seconds` is 0" in answer.get_json()["errors"][0]["detail"]


def test_before_the_first_reading_it_is_not_loaded(client: FlaskClient, source: FakeSource, cycle: Cycle) -> None:
    unread = OptionalKind(read_at=None, error="sshare: timed out", failing_since=1)
    source.snapshot = replace(make_snapshot(), optional_kinds={"fair_share": unread})
    cycle.run()
    answer = client.get("/fairshare")
    assert answer.status_code == 503
    assert "sshare: timed out" in answer.get_json()["errors"][0]["detail"]
    assert int(answer.headers["Retry-After"]) > 0


OF = {"alice": {"physics/alice", "physics/alice/secret"}, "bob": {"chemistry/bob"}, "dora": set[str]()}
COORDINATED = {"science", "science/carol", "physics", "physics/alice", "physics/alice/secret"}
ACCOUNTS = {"root", "chemistry", "science", "physics"}


@pytest.mark.parametrize(
    ("private", "seen"),
    [
        ((), dict.fromkeys(("alice", "bob", "carol", "dora"), NAMES)),
        (("jobs",), dict.fromkeys(("alice", "bob", "carol", "dora"), NAMES)),
        # assoc_mgr.c: own associations, and all of accounts that the user coordinates.
        (("usage",), {**OF, "carol": COORDINATED}),
        (("users",), {**{user: own | ACCOUNTS for user, own in OF.items()}, "carol": COORDINATED | ACCOUNTS}),
        (("accounts",), {**OF, "carol": COORDINATED}),
        (("users", "accounts"), {**OF, "carol": COORDINATED}),
    ],
)
def test_private_data_leaves_what_slurm_leaves(
    on: Settings, source: FakeSource, cycle: Cycle, tmp_path: Path, private: tuple[str, ...], seen: dict[str, Any]
) -> None:
    load(source, cycle)
    service = ServiceWithUsers(with_accounting(on, tmp_path), *private)
    for user, expected in seen.items():
        answer = service.get_as(user, "/fairshare").get_json()
        assert set(answer["data"]) == expected, (private, user)
        assert answer["meta"]["total"] == len(expected)
    version = service.get_as("alice", "/fairshare").get_json()["meta"]["version"]
    lines = SSHARE.splitlines()
    load(source, cycle, b"\n".join(line for line in lines if b"bob" not in line and b"secret" not in line))
    gone = service.get_as("alice", f"/fairshare?since={version}").get_json()["meta"]["gone"]
    assert set(gone) == seen["alice"] & {"chemistry/bob", "physics/alice/secret"}
    assert set(service.get_as("root", "/fairshare").get_json()["data"]) == NAMES - {
        "chemistry/bob",
        "physics/alice/secret",
    }


def test_associations_of_hidden_partitions_are_hidden(
    client: FlaskClient, source: FakeSource, paths: RuntimePaths
) -> None:
    load(source, Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0))
    assert names(client) == NAMES - {"physics/alice/secret"}
    assert "secret" not in client.get("/fairshare").text
