"""The diagnosis over a real Slurm and a real accounting database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.diagnosis.database import check_database
from slurm_rest_api.diagnosis.finding import Finding
from tests.testbed.cluster import Cluster
from tests.testbed.service import SERVICE

PASSWORD = "check-Pa55"
ACCOUNT = "check_reader"


@pytest.fixture
def reader(cluster: Cluster) -> Iterator[str]:
    """An account without any right; gone when the test ends."""
    cluster.sql(f"CREATE OR REPLACE USER '{ACCOUNT}'@'%' IDENTIFIED BY '{PASSWORD}';")
    yield ACCOUNT
    cluster.sql(f"DROP USER '{ACCOUNT}'@'%';")


def table(cluster: Cluster, ending: str) -> str:
    return next(row[0] for row in cluster.sql("SHOW TABLES;") if row[0].endswith(ending))


def grant(cluster: Cluster, rights: str, scope: str) -> None:
    cluster.sql(f"GRANT {rights} ON {scope} TO '{ACCOUNT}'@'%';")


def checked(cluster: Cluster, coordinators: bool = False, **changes: object) -> list[Finding]:
    facts = cluster.database
    settings = {
        "db_host": facts.host,
        "db_port": facts.port,
        "db_name": facts.name,
        "db_user": ACCOUNT,
        "db_pass": PASSWORD,
        "table_assoc": table(cluster, "_assoc_table"),
        "table_job": table(cluster, "_job_table"),
    }
    findings = check_database(DatabaseSettings.model_validate({**settings, **changes}), coordinators=coordinators)
    assert PASSWORD not in repr(findings)
    return findings


def verdicts(findings: list[Finding]) -> list[str]:
    return [finding.verdict for finding in findings]


def test_an_account_that_may_read_the_four_tables_is_right(cluster: Cluster, reader: str) -> None:
    for name in (table(cluster, "_assoc_table"), table(cluster, "_job_table"), "qos_table", "tres_table"):
        grant(cluster, "SELECT", f"`{cluster.database.name}`.`{name}`")
    findings = checked(cluster)
    assert verdicts(findings) == ["ok"] * 6
    assert f"Connected as {reader} at 127.0.0.1:{cluster.database.port}" in findings[0].sentence
    assert findings[5].sentence == "The account has no more rights than it needs."


def test_rights_beyond_reading_are_a_warning(cluster: Cluster, reader: str) -> None:
    grant(cluster, "SELECT, DELETE", f"`{cluster.database.name}`.*")
    findings = checked(cluster)
    assert verdicts(findings) == ["ok"] * 5 + ["warning"]
    assert f"SELECT on {cluster.database.name}.*, DELETE on {cluster.database.name}.*" in findings[5].sentence


def test_a_missing_right_is_told_with_the_grant_that_mends_it(cluster: Cluster, reader: str) -> None:
    assoc, job = table(cluster, "_assoc_table"), table(cluster, "_job_table")
    grant(cluster, "SELECT", f"`{cluster.database.name}`.`{assoc}`")
    findings = checked(cluster)
    assert verdicts(findings) == ["ok", "ok", "problem", "problem", "problem", "ok"]
    assert [finding.remedy for finding in findings[2:5]] == [
        f"GRANT SELECT ON `{cluster.database.name}`.`{name}` TO '{reader}'@'<this host>';"
        for name in (job, "qos_table", "tres_table")
    ]


def test_a_right_that_only_coordinators_need_is_looked_at_where_there_are_any(cluster: Cluster, reader: str) -> None:
    for name in (table(cluster, "_assoc_table"), table(cluster, "_job_table"), "qos_table", "tres_table"):
        grant(cluster, "SELECT", f"`{cluster.database.name}`.`{name}`")
    findings = checked(cluster, coordinators=True)
    assert verdicts(findings) == [*["ok"] * 5, "warning", "ok"]
    assert findings[5].sentence == (
        f"acct_coord_table: {reader} may not read acct_coord_table, or the table does not exist. Until then"
        " coordinators of accounts see no more than other users."
    )
    assert findings[5].remedy is not None
    cluster.sql(findings[5].remedy.replace("<this host>", "%"))
    findings = checked(cluster, coordinators=True)
    assert verdicts(findings) == ["ok"] * 7
    assert findings[5].sentence == "acct_coord_table is readable."


def test_each_optional_table_is_told_with_its_grant_and_its_route(cluster: Cluster, reader: str) -> None:
    for name in (table(cluster, "_assoc_table"), table(cluster, "_job_table"), "qos_table", "tres_table"):
        grant(cluster, "SELECT", f"`{cluster.database.name}`.`{name}`")
    optional = {
        "table_step": (table(cluster, "_step_table"), "/history/{id}/steps and what jobs used in /history"),
        "table_acct": ("acct_table", "/accounts"),
        "table_coord": ("acct_coord_table", "/accounts"),
        "table_event": (table(cluster, "_event_table"), "/events"),
    }
    settings = {setting: name for setting, (name, _) in optional.items()}
    findings = checked(cluster, coordinators=False, **settings)
    problems = [finding for finding in findings if finding.verdict == "problem"]
    assert [finding.sentence for finding in problems] == [
        f"`database.{setting}`, for {part}: {reader} may not read {name}, or the table does not exist."
        for setting, (name, part) in optional.items()
    ]
    for finding in problems:
        assert finding.remedy is not None
        cluster.sql(finding.remedy.replace("<this host>", "%"))
    assert set(verdicts(checked(cluster, coordinators=False, **settings))) == {"ok"}

    event = f"`{cluster.database.name}`.`{settings['table_event']}`"
    cluster.sql(f"REVOKE SELECT ON {event} FROM '{ACCOUNT}'@'%';")
    grant(cluster, "SELECT (time_start, time_end, node_name)", event)
    [finding] = [found for found in checked(cluster, coordinators=False, **settings) if found.verdict != "ok"]
    assert finding.verdict == "problem"
    assert f"`database.table_event`, for /events: {reader} may not read all columns" in finding.sentence
    assert finding.remedy == f"GRANT SELECT ON {event} TO '{reader}'@'<this host>';"


def test_a_missing_table_is_told_with_those_that_there_are(cluster: Cluster, reader: str) -> None:
    grant(cluster, "SELECT", f"`{cluster.database.name}`.*")
    findings = checked(cluster, table_job="nowhere_job_table")
    assert findings[2].verdict == "problem"
    assert "has no table nowhere_job_table" in findings[2].sentence
    assert findings[2].remedy is not None
    assert table(cluster, "_job_table") in findings[2].remedy


def test_packets_that_are_too_small_are_told(cluster: Cluster, reader: str) -> None:
    grant(cluster, "SELECT", f"`{cluster.database.name}`.*")
    usual = cluster.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    cluster.sql("SET GLOBAL max_allowed_packet = 524288")
    try:
        findings = checked(cluster)
    finally:
        cluster.sql(f"SET GLOBAL max_allowed_packet = {usual}")
    [problem] = [finding for finding in findings if finding.verdict == "problem"]
    assert problem.sentence == "`max_allowed_packet` of the server is too small: 524288 bytes."
    assert problem.remedy == "Set it to at least 1048576 in the server's configuration."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"db_pass": "wrong"}, "refused the account check_reader: wrong password, or no such account"),
        ({"db_user": "nobody_at_all"}, "refused the account nobody_at_all: wrong password, or no such account"),
        ({}, "check_reader has no rights in the database"),
    ],
)
def test_a_refused_login_is_told(cluster: Cluster, reader: str, changes: dict[str, str], words: str) -> None:
    findings = checked(cluster, coordinators=False, **changes)
    assert verdicts(findings) == ["problem"]
    assert words in findings[0].sentence


def test_the_command_says_that_the_testbed_can_run_the_service(cluster: Cluster) -> None:
    done = cluster.run([SERVICE, "check"], check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok       controller: One load took " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("This host can run the service")
