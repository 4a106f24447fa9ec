"""Account coordinators and private rows on slurmdbd's own tables, compared with sacctmgr and sacct."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from slurm_rest_api.acctapi.factory import open_accounting
from tests.auth.users import ServiceWithUsers
from tests.cluster.accounting_database import READER, real_accounting
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.waiting import wait_for

# A tree of accounts of this test alone; bob coordinates the one in the middle.
_TREE: Final = (("top", "root"), ("middle", "top"), ("below", "middle"), ("beside", "top"))


@pytest.fixture(scope="module")
def tree(cluster: Cluster) -> Iterator[None]:
    for account, parent in _TREE:
        cluster.run(["sacctmgr", "-i", "add", "account", account, f"parent={parent}"])
    cluster.run(["sacctmgr", "-i", "add", "coordinator", "account=middle", "names=bob"])
    yield
    cluster.run(["sacctmgr", "-i", "delete", "coordinator", "account=middle", "names=bob"])
    for account, _parent in reversed(_TREE):
        cluster.run(["sacctmgr", "-i", "delete", "account", account])


@pytest.mark.usefixtures("tree")
def test_coordinators_are_those_of_sacctmgr(cluster: Cluster, tmp_path: Path) -> None:
    assert coordinated_by(cluster, "bob") == {"middle", "below"}
    with real_accounting(cluster, tmp_path) as settings:
        accounting = open_accounting(settings)
        assert accounting is not None
        assert accounting.coordinators.of("bob") == {"middle", "below"}
        assert accounting.coordinators.of("alice") == frozenset()
        accounting.database.close()


@pytest.fixture
def flagged(cluster: Cluster, tree: None) -> Iterator[None]:
    """The users of the topmost account are its coordinators: mallory, not alice and carol below."""
    runs = (("mallory", "top"), ("alice", "middle"), ("carol", "below"))
    for user, account in runs:
        cluster.run(["sacctmgr", "-i", "add", "user", user, f"account={account}"])
    cluster.run(["sacctmgr", "-i", "modify", "account", "top", "set", "flags=UsersAreCoords"])
    # Until its restart slurmdbd knows only the accounts directly below as coordinated.
    restart(cluster, "slurmdbd")
    yield
    cluster.run(["sacctmgr", "-i", "modify", "account", "top", "set", "flags=NoUsersAreCoords"])
    for user, account in runs:
        cluster.run(["sacctmgr", "-i", "delete", "user", user, f"account={account}"])


@pytest.mark.usefixtures("flagged")
def test_users_whom_a_flag_makes_coordinators_are_those_of_sacctmgr(cluster: Cluster, tmp_path: Path) -> None:
    with real_accounting(cluster, tmp_path) as settings:
        accounting = open_accounting(settings)
        assert accounting is not None
        found = {user: accounting.coordinators.of(user) for user in ("alice", "bob", "carol", "mallory")}
        own = {user: accounting.coordinators.member_of(user) for user in ("alice", "bob", "mallory", "nobody")}
        accounting.database.close()
    assert found == {user: coordinated_by(cluster, user) for user in found}
    assert found["mallory"] == {"top", "middle", "below", "beside"}
    assert found["alice"] == found["carol"] == set()
    # The accounts that a user runs under, with those above. To coordinate an account is not to run under it.
    assert own == {
        "alice": {"physics", "middle", "top", "root"},
        "bob": {"physics", "root"},
        "mallory": {"hidden", "top", "root"},
        "nobody": set(),
    }


def restart(cluster: Cluster, daemon: str) -> None:
    cluster.daemons.stop(daemon)
    cluster.daemons.start(daemon)


def coordinated_by(cluster: Cluster, user: str) -> set[str]:
    printed = cluster.run(["sacctmgr", "-nP", "show", "user", user, "withcoord", "format=coordinators"]).stdout
    return set(filter(None, printed.strip().split(",")))


@pytest.mark.usefixtures("tree")
def test_without_a_right_to_the_table_nobody_coordinates_anything(cluster: Cluster, tmp_path: Path) -> None:
    with real_accounting(cluster, tmp_path) as settings:
        cluster.sql(f"REVOKE SELECT ON acct_coord_table FROM '{READER}_real'@'%'")
        accounting = open_accounting(settings)
        assert accounting is not None
        assert accounting.coordinators.of("bob") == accounting.coordinators.member_of("bob") == frozenset()
        accounting.database.close()


def test_the_server_itself_is_asked_for_own_records_only(cluster: Cluster, jobs: Jobs, tmp_path: Path) -> None:
    """The general log has the condition in every statement that finds records; nothing is sorted out afterwards."""
    for user in ("alice", "bob"):
        jobs.submit(user=user, wrap="true")
    wait_for(
        "both records",
        lambda: {user for [user] in owners(cluster)} >= {"alice", "bob"},
    )
    with real_accounting(cluster, tmp_path) as settings:
        asked = ServiceWithUsers(settings, "jobs")
        asked.get_as("alice", "/history")
        cluster.sql("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
        try:
            records = asked.get_as("alice", "/history?limit=1000").get_json()["data"]
            foreign = asked.get_as("alice", "/history?user=bob").get_json()["data"]
        finally:
            cluster.sql("SET GLOBAL general_log = OFF")
    told = cluster.sql(
        "SELECT REPLACE(CONVERT(argument USING utf8mb4), '\\n', ' ') FROM mysql.general_log"
        f" WHERE user_host LIKE '{READER}%' AND CONVERT(argument USING utf8mb4) LIKE '%job_table%'"
    )
    table = settings.database.table_assoc
    mine = {number for [number] in cluster.sql(f"SELECT id_assoc FROM {table} WHERE user = 'alice'")}
    finding = [text for [text] in told if "ORDER BY" in text]
    assert finding
    for text in finding:
        assert any(f"id_assoc IN ({number}" in text or f"id_assoc = {number}" in text for number in mine), text
    assert {record["user_name"] for record in records} == {"alice"}
    assert foreign == []


def owners(cluster: Cluster) -> list[list[str]]:
    printed = cluster.run(["sacct", "-aXnP", "--format=user"]).stdout
    return [[line] for line in printed.splitlines()]
