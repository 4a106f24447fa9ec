"""Every route asked as everybody: nothing that is private reaches a user, who still gets what is his own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from slurm_rest_api.auth.permissions import is_allowed
from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.people import (
    ACCOUNT_OF,
    ADMIN,
    JOB_OF,
    PAST_JOB_OF,
    SEES_JOBS_OF,
    USERS,
    WORDS,
    Asked,
    load,
    with_accounting,
)
from tests.fakes import FakeSource

# One that exists, for each argument that a path takes.
EXAMPLES: Final = {"jobid": "700002", "name": "rack001"}
QUERIES: Final = (
    *(f"/queue{query}" for query in (
        "?count=true", "?shape=list", "?format=csv", "?format=table", "?format=ndjson", "?fields=name", "?user=bob",
        "?account=chemistry", "?jobid=700002", "?node=rack001", "?sort=-job_id&limit=1", "?since=0-0",
        "?since=0-0&wait=1", "/700001", "/700003", "/700002?fields=name", "/700009", "?user=!alice", "?nothing=1",
        "?state=RUNNING",
    )),
    *(f"/queue?group_by={group}" for group in ("user", "account", "partition", "state", "name")),
    *(f"/history{query}" for query in (
        "?user=bob", "?user=2022", "?account=chemistry", "?jobid=600002", "?jobid>=0", "?associd=22", "?associd=0",
        "?node=rack001", "?duplicates=false", "?format=csv", "?limit=1", "?jobname=past-of-bob", "?state=3",
        "?qos=normal", "?offset=1", "?submitafter=1970-01-02", "?node=rack001&duplicates=false",
    )),
    *(f"/users{query}" for query in (
        "?user=bob", "?acct=chemistry", "?acct=science", "?deleted=true", "?format=csv", "?limit=1",
    )),
    "/usage?compact=true", "/usage?partition=main", "/nodes?partition=main", "/load?format=csv", "/usage?format=table",
    "/usage?format=ndjson", "/stats?format=ndjson", "/stats?fields=rpc_user_stats",
)  # fmt: skip
NODES: Final = ("feature-of-a-node",)
PARTITIONS: Final = ("qos-of-a-partition",)


@pytest.fixture
def people(settings: Settings, cycle: Cycle, source: FakeSource, tmp_path: Path) -> Settings:
    load(source, cycle)
    return with_accounting(settings, tmp_path)


def live_words(user: str) -> set[str]:
    return {f"live-of-{user}", str(JOB_OF[user])}


def past_words(user: str) -> set[str]:
    return {f"past-of-{user}", str(PAST_JOB_OF[user])}


def paths(app: Flask) -> list[str]:
    """Every path that can be asked for data; the OpenAPI page's own files are none."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = {
        re.sub(r"<(\w+)>", lambda match: EXAMPLES[match[1]], rule.rule) for rule in rules if "<path:" not in rule.rule
    }
    assert {"/queue", "/queue/700002", "/nodes.csv", "/metrics"} <= found
    return sorted(path for path in found if not path.startswith("/openapi"))


def everything(asked: Asked, user: str, begin: str = "/") -> str:
    """The text of all answers to `user`, errors too, without what only repeats the question."""
    told = []
    for path in [*paths(asked.client.application), *QUERIES]:
        if not path.startswith(begin):
            continue
        answer = asked.by(user, path)
        text = f"{answer.status_code} {answer.headers} {answer.text}"
        for repeated in re.findall(r"(?<=[/=])(?:\d{6}|past-of-bob)", path) if answer.status_code >= 400 else ():
            text = text.replace(repeated, "")
        told.append(text)
    return "\n".join(told)


@pytest.mark.parametrize("user", USERS)
def test_private_jobs_are_told_to_their_owners_and_coordinators_alone(people: Settings, user: str) -> None:
    text = everything(Asked(people, "jobs"), user)
    for owner in JOB_OF:
        for word in live_words(owner) | past_words(owner):
            assert (word in text) == (owner in SEES_JOBS_OF[user]), f"{word} for {user}"
    for count in ("running_jobs", "jobs_running", "slurm_jobs", "slurm_account_jobs", "slurm_partition_jobs"):
        assert count not in text
    assert NODES[0] in text
    assert PARTITIONS[0] in text


@pytest.mark.parametrize("user", USERS)
def test_private_usage_closes_figures_and_others_past_jobs(people: Settings, user: str) -> None:
    asked = Asked(people, "usage")
    text = everything(asked, user)
    for owner in JOB_OF:
        for word in past_words(owner):
            assert (word in text) == (owner in SEES_JOBS_OF[user]), f"{word} for {user}"
        assert live_words(owner) <= set(re.findall(r"live-of-\w+|\d{6}", text))
    assert [asked.by(user, path).status_code for path in ("/usage", "/usage.csv", "/load")] == [403] * 3
    assert "slurm_cpus" not in text


@pytest.mark.parametrize("user", USERS)
def test_private_users_are_told_to_themselves_and_their_coordinators(people: Settings, user: str) -> None:
    asked = Asked(people, "users")
    text = everything(asked, user, "/users") + everything(asked, user, "/stats")
    for owner in JOB_OF:
        assert (f'"{owner}"' in text) == (owner in SEES_JOBS_OF[user] | {user}), f"{owner} for {user}"
        assert (f"rpc_user_stats.{owner}." in text) == (owner == user)


@pytest.mark.parametrize("user", USERS)
def test_private_accounts_are_told_to_their_members_and_coordinators(people: Settings, user: str) -> None:
    text = everything(Asked(people, "accounts"), user, "/users")
    known = {"alice": {"physics"}, "bob": {"chemistry"}, "carol": {"science", "physics"}, "dora": set[str]()}[user]
    assert {name for name in ("root", *ACCOUNT_OF.values()) if f'"{name}"' in text} == known
    assert "slurm_account_jobs" not in everything(Asked(people, "accounts"), user, "/metrics")


@pytest.mark.parametrize(("private", "trace"), [("nodes", NODES[0]), ("partitions", PARTITIONS[0])])
@pytest.mark.parametrize("user", USERS)
def test_private_nodes_and_partitions_are_refused(people: Settings, private: str, trace: str, user: str) -> None:
    asked = Asked(people, private)
    text = everything(asked, user)
    assert trace not in text
    assert "slurm_partition_nodes" not in text
    assert asked.by(user, f"/{private}").status_code == 403
    assert asked.by(user, "/usage").status_code == 403
    assert live_words("bob") <= set(re.findall(r"live-of-\w+|\d{6}", text))


@pytest.mark.parametrize("private", [[], list(WORDS)])
def test_an_administrator_sees_all(people: Settings, private: list[str]) -> None:
    text = everything(Asked(people, *private), ADMIN)
    words = {word for user in JOB_OF for word in live_words(user) | past_words(user)}
    for word in (*words, *NODES, *PARTITIONS, "running_jobs", "slurm_account_jobs", '"chemistry"'):
        assert word in text


def test_everyone_sees_all_where_nothing_is_private(people: Settings) -> None:
    asked = Asked(people)
    assert asked.by("dora", "/queue").text == asked.by(ADMIN, "/queue").text
    assert len(asked.by("dora", "/history").get_json()["data"]) == 4


@pytest.mark.parametrize("word", WORDS)
def test_nobody_is_answered_without_a_name(people: Settings, word: str) -> None:
    asked = Asked(people, word)
    for path in [*paths(asked.client.application), *QUERIES]:
        if not path.startswith("/health"):
            assert asked.client.get(path).status_code == 401, path


@pytest.mark.parametrize("path", ["/queue/700002", "/queue/700002?fields=name"])
def test_what_is_private_is_refused_like_what_does_not_exist(people: Settings, path: str) -> None:
    asked = Asked(people, "jobs")
    private, absent = asked.by("alice", path), asked.by("alice", path.replace("700002", "700008"))
    assert (private.status_code, absent.status_code) == (404, 404)
    assert private.text.replace("700002", "700008") == absent.text


def test_without_the_database_nobody_coordinates_anything(people: Settings, tmp_path: Path) -> None:
    (tmp_path / "acct.sqlite").unlink()
    assert set(Asked(people, "jobs").by("carol", "/queue").get_json()["data"]) == {str(JOB_OF["carol"])}


def test_without_the_use_of_a_database_there_are_no_coordinators(
    settings: Settings, cycle: Cycle, source: FakeSource
) -> None:
    load(source, cycle)
    assert set(Asked(settings, "jobs").by("carol", "/queue").get_json()["data"]) == {str(JOB_OF["carol"])}


def test_a_route_that_nobody_has_thought_of_is_closed() -> None:
    user = Principal("alice", "user")
    assert not is_allowed(user, "/something-new", ["jobs"])
    assert is_allowed(user, "/", ["jobs"])
    assert is_allowed(user, "/something-new", [])


@pytest.mark.parametrize(
    "path", ["/nodes", "/nodes/rack001", "/nodes.csv", "/nodes.ndjson/x", "//nodes", "/nodes/../queue", "/nodes/"]
)
def test_what_lies_below_a_closed_route_is_closed_too(path: str) -> None:
    assert not is_allowed(Principal("alice", "user"), path, ["nodes"])


def test_every_route_says_what_closes_it(people: Settings) -> None:
    for path in paths(Asked(people).client.application):
        assert is_allowed(Principal("alice", "user"), path, ["none of the words"]), f"{path} is not in permissions.py"
