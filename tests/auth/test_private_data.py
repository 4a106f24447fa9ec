"""Every route asked as every role: nothing that is private reaches a user, and an administrator misses nothing."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from slurm_rest_api.auth.permissions import may_ask
from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.cycle import Cycle
from tests.acctapi.rows import job_row, write_database
from tests.auth.asking import asking_client
from tests.builders import make_job, make_node, make_partition, make_snapshot
from tests.fakes import FakeSource

# Text that appears in answers only where data of that kind is shown.
TRACES: Final = {
    "jobs": ("job-trace", "past-trace"),
    "usage": ("past-trace",),
    "users": ("user-trace",),
    "accounts": ("account-trace",),
    "nodes": ("feature-trace",),
    "partitions": ("qos-trace",),
}


@pytest.fixture
def traced(settings: Settings, cycle: Cycle, source: FakeSource, tmp_path: Any) -> Settings:
    """A cluster and an accounting database in which each kind of data has left its trace."""
    job = make_job(7, name="job-trace", user_name="user-trace", account="account-trace")
    node = make_node(features="feature-trace", reason="broken", reason_user="user-trace")
    partition = make_partition(allow_accounts="account-trace", allow_qos="qos-trace")
    rpcs = {"user-trace": {"id": 1, "user_name": "user-trace", "count": 1}}
    source.snapshot = make_snapshot([job], [node], [partition], {"jobs_pending": 1, "rpc_user_stats": rpcs})
    cycle.run()
    file = tmp_path / "acct.sqlite"
    users: list[dict[str, Any]] = [
        {"id_assoc": 1},
        {"id_assoc": 10, "acct": "account-trace", "parent_acct": "root"},
        {"id_assoc": 2, "user": "user-trace", "acct": "account-trace", "is_def": 1},
    ]
    write_database(file, [job_row(1, job_name="past-trace", account="account-trace")], users)
    database = {"db_sqlite_file": str(file), "table_job": "demo_job_table", "table_assoc": "demo_assoc_table"}
    system = settings.system.model_copy(update={"use_acct_db": True})
    section = type(settings.database).model_validate(database)
    return settings.model_copy(update={"system": system, "database": section})


# One that exists, for each argument that a path takes.
EXAMPLES: Final = {"jobid": "7", "name": "rack001"}


def paths(app: Flask) -> list[str]:
    """Every path that can be asked for data; the OpenAPI page's own files are none."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = {
        re.sub(r"<(\w+)>", lambda match: EXAMPLES[match[1]], rule.rule) for rule in rules if "<path:" not in rule.rule
    }
    assert {"/queue", "/queue/7", "/nodes.csv", "/metrics"} <= found
    return sorted(path for path in found if not path.startswith("/openapi"))


def everything(client: FlaskClient, user: str) -> str:
    """The text of all answers to `user`, errors too."""
    asked = [
        *paths(client.application),
        "/queue?user=user-trace",
        "/queue/8",
        "/history?user=user-trace",
        "/queue?nothing=1",
    ]
    answers = [client.get(path, environ_overrides={"REMOTE_USER": user}) for path in asked]
    return "\n".join(f"{answer.status_code} {answer.headers} {answer.text}" for answer in answers)


@pytest.mark.parametrize("private", TRACES)
def test_a_user_sees_no_trace_of_what_is_private(traced: Settings, private: str) -> None:
    client = asking_client(traced, mode="proxy", admins=["root"], private_data=[private])
    for trace in TRACES[private]:
        assert trace not in everything(client, "alice")


def test_an_administrator_sees_all_and_so_does_everyone_where_nothing_is_private(traced: Settings) -> None:
    strict = asking_client(traced, mode="proxy", admins=["root"], private_data=list(TRACES))
    plain = asking_client(traced, mode="proxy", admins=["root"])
    for trace in {trace for traces in TRACES.values() for trace in traces}:
        assert trace in everything(strict, "root")
        assert trace in everything(plain, "alice")


def test_a_route_that_nobody_has_thought_of_is_closed() -> None:
    user = Principal("alice", "user")
    assert not may_ask(user, "/something-new", ["jobs"])
    assert may_ask(user, "/", ["jobs"])
    assert may_ask(user, "/something-new", [])


@pytest.mark.parametrize(
    "path", ["/queue", "/queue/7", "/queue.csv", "/queue.ndjson/x", "//queue", "/queue/../nodes", "/queue/"]
)
def test_what_lies_below_a_closed_route_is_closed_too(path: str) -> None:
    assert not may_ask(Principal("alice", "user"), path, ["jobs"])


def test_every_route_says_what_it_shows(traced: Settings) -> None:
    client = asking_client(traced, mode="proxy")
    for path in paths(client.application):
        assert may_ask(Principal("alice", "user"), path, ["none of the words"]), f"{path} is not in permissions.py"
