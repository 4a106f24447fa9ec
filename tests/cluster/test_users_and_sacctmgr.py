"""/users against `sacctmgr show assoc`, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.contract import AssociationRecord
from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import differences
from tests.cluster.sacct_truth import ASSOC_NOT_TOLD, ASSOC_ROWS, read_associations
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def users(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client; below the account `sciences` limits are set, inherited and overridden at every level."""
    _manage(
        cluster,
        "add account sciences parent=root maxwall=2-00:00:00 maxjobs=50 maxtresperjob=cpu=64,gres/gpu=2"
        " grptres=cpu=512 qos=normal,urgent defaultqos=normal fairshare=7",
    )
    _manage(cluster, "add account optics parent=sciences maxsubmit=100 maxjobsaccrue=9 grpwall=1000 qos-=urgent")
    _manage(cluster, "add user alice account=optics maxjobs=3 maxtresperjob=cpu=8 priority=5 qos+=urgent")
    _manage(
        cluster,
        "add user bob account=optics partition=high fairshare=parent grpsubmit=4 maxtrespernode=cpu=4"
        " maxtresmins=cpu=1000 maxtresrunmins=cpu=500 grptresmins=mem=5 grptresrunmins=cpu=7"
        " minpriothresh=2 comment=visitor",
    )
    _manage(cluster, "add user carol account=sciences partition=secret")
    try:
        with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
            yield make_client(settings)
    finally:
        _manage(cluster, "delete account optics,sciences")


def _manage(cluster: Cluster, words: str) -> None:
    cluster.run(["sacctmgr", "-i", *words.split()])


def _answer(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def test_every_association_is_what_sacctmgr_prints(cluster: Cluster, users: FlaskClient) -> None:
    told = {int(facts["id"]): facts for facts in read_associations(cluster) if facts["partition"] != "secret"}
    ours = {record["id_assoc"]: record for record in _answer(users, "/users")}
    wrong = {key: found for key in told if (found := differences(ASSOC_ROWS, ours[key], told[key], told[key]))}

    assert set(ours) == set(told)
    assert wrong == {}


def test_every_published_field_is_compared() -> None:
    compared = {row.field for row in ASSOC_ROWS}

    assert compared | set(ASSOC_NOT_TOLD) == set(AssociationRecord.model_fields)
    assert compared.isdisjoint(ASSOC_NOT_TOLD)


def test_default_accounts_are_those_of_sacctmgr(cluster: Cluster, users: FlaskClient) -> None:
    printed = cluster.run(["sacctmgr", "-nP", "show", "user", "format=user,defaultaccount"]).stdout
    told = dict(line.split("|") for line in printed.splitlines())
    records = _answer(users, "/users")

    assert {record["user"]: record["default_account"] for record in records} == told
    assert all(record["is_default"] == (record["acct"] == told[record["user"]]) for record in records)


def test_parents_of_accounts(users: FlaskClient) -> None:
    parents = {record["acct"]: record["parent_account"] for record in _answer(users, "/users")}

    assert parents["optics"] == "sciences"
    assert (parents["physics"], parents["root"]) == ("root", None)


def test_an_association_that_is_removed(cluster: Cluster, users: FlaskClient) -> None:
    [before] = _answer(users, "/users?user=alice&acct=optics")
    # A row that had no job and is younger than a day is removed altogether; this is what becomes of the others.
    cluster.sql(f"UPDATE testbed_assoc_table SET deleted = 1 WHERE id_assoc = {before['id_assoc']}")
    try:
        wait_for(
            "the service to read the associations again", lambda: not _answer(users, "/users?user=alice&acct=optics")
        )
        [record] = _answer(users, "/users?user=alice&acct=optics&deleted=true")
        assert (record["id_assoc"], record["deleted"], before["deleted"]) == (before["id_assoc"], True, False)
    finally:
        cluster.sql(f"UPDATE testbed_assoc_table SET deleted = 0 WHERE id_assoc = {before['id_assoc']}")
