"""/accounts against `sacctmgr show account` and `sacctmgr show assoc`, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.reference_contract import AccountRecord
from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import Row, differences
from tests.cluster.sacct_truth import ASSOC_ROWS
from tests.conftest import make_client
from tests.testbed.cluster import Cluster


def _names(text: str) -> list[str]:
    return sorted(set(text.split(",")) - {"", "None"})


ACCOUNT_ROWS = [
    Row("name", "account"), Row("description", "descr"), Row("organization", "org"),
    Row("coordinators", "coordinators", _names), Row("flags", "flags", _names),
]  # fmt: skip
LIMIT_ROWS = [
    Row("name", "account"), Row("parent_account", "parentname", lambda text: text or None),
    *(row for row in ASSOC_ROWS if row.field not in ("user", "acct", "partition")),
]  # fmt: skip
DERIVED = {"level", "children", "users", "user_count", "effective_limits", "deleted"}


@pytest.fixture(scope="module")
def accounting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client; a tree of three levels has limits at each, coordinators, and users."""
    _manage(
        cluster,
        "add account upper parent=root description=some_text organization=some_org maxwall=2-00:00:00 maxjobs=50"
        " maxtresperjob=cpu=64,gres/gpu=2 grptres=cpu=512 qos=normal,urgent defaultqos=normal fairshare=7 grpjobs=40"
        " maxtrespernode=cpu=9",
    )
    _manage(
        cluster,
        "add account middle parent=upper maxsubmit=100 maxjobsaccrue=9 grpwall=1000 qos-=urgent grptres=cpu=100"
        " maxtresperjob=cpu=32 grptresmins=cpu=5 grptresrunmins=cpu=7 grpjobsaccrue=3 grpsubmit=4 priority=5"
        " minpriothres=2 maxtresmins=cpu=1000 maxtresrunmins=cpu=500 comment=noted fairshare=parent",
    )
    _manage(cluster, "add account lower parent=middle flags=UsersAreCoords")
    _manage(cluster, "add user alice account=middle")
    _manage(cluster, "add user bob account=lower")
    _manage(cluster, "add coordinator account=middle names=carol")
    try:
        with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
            yield make_client(settings)
    finally:
        _manage(cluster, "delete account lower,middle,upper")


def _manage(cluster: Cluster, words: str) -> None:
    cluster.run(["sacctmgr", "-i", *words.split()])


def _ours(client: FlaskClient) -> dict[str, dict[str, Any]]:
    response = client.get("/accounts")
    assert response.status_code == 200, response.text
    return {record["name"]: record for record in response.get_json()["data"]}


def _printed(cluster: Cluster, rows: list[Row], *words: str) -> list[dict[str, str]]:
    columns = [row.slurm for row in rows]
    printed = cluster.run(["sacctmgr", "-nP", "show", *words, f"format={','.join(columns)}"]).stdout
    return [dict(zip(columns, line.split("|"), strict=True)) for line in printed.splitlines()]


def test_every_account_is_what_sacctmgr_prints(cluster: Cluster, accounting: FlaskClient) -> None:
    told = {facts["account"]: facts for facts in _printed(cluster, ACCOUNT_ROWS, "account", "withcoord")}
    ours = _ours(accounting)
    wrong = {name: found for name in told if (found := differences(ACCOUNT_ROWS, ours[name], told[name], told[name]))}

    assert set(ours) == set(told) >= {"root", "upper", "middle", "lower"}
    assert wrong == {}


def test_limits_and_parents_are_those_of_the_association(cluster: Cluster, accounting: FlaskClient) -> None:
    rows = [*LIMIT_ROWS, Row("users", "user")]
    told = {facts["account"]: facts for facts in _printed(cluster, rows, "assoc") if not facts["user"]}
    ours = _ours(accounting)
    wrong = {name: found for name in told if (found := differences(LIMIT_ROWS, ours[name], told[name], told[name]))}

    assert set(ours) == set(told)
    assert wrong == {}
    assert {row.field for row in (*ACCOUNT_ROWS, *LIMIT_ROWS)} | DERIVED == set(AccountRecord.model_fields)


def test_coordinators_are_those_of_the_json(cluster: Cluster, accounting: FlaskClient) -> None:
    document = json.loads(cluster.run(["sacctmgr", "--json", "show", "account", "withcoord"]).stdout)
    told = {
        one["name"]: (one["description"], one["organization"], sorted({who["name"] for who in one["coordinators"]}))
        for one in document["accounts"]
    }
    ours = {
        name: (one["description"], one["organization"], one["coordinators"]) for name, one in _ours(accounting).items()
    }

    assert ours == told
    assert told["middle"][2] == ["carol"]


def test_the_tree_its_users_and_the_limits_that_hold(accounting: FlaskClient) -> None:
    ours = _ours(accounting)
    assert {
        name: (ours[name]["level"], ours[name]["children"], ours[name]["users"]) for name in ours if name != "root"
    }["middle"] == (2, ["lower"], ["alice"])
    limits = {(one["limit"], one["tres"], one["account"]): one["value"] for one in ours["lower"]["effective_limits"]}
    assert limits[("GrpTRES", "cpu", "upper")] == 512
    assert limits[("GrpTRES", "cpu", "middle")] == 100
    assert {key: value for key, value in limits.items() if key[0] == "MaxTRES"} == {
        ("MaxTRES", "cpu", "middle"): 32,
        ("MaxTRES", "gres/gpu", "upper"): 2,
    }
    detail = accounting.get("/accounts/lower").get_json()["data"]
    assert [row["user"] for row in detail["associations"]] == ["bob"]
