"""Every route as every user: private data reaches only its owners, their coordinators and administrators."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from slurm_rest_api.auth.permissions import authorize
from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import Forbidden
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations
from tests.auth.users import (
    ACCOUNT_OF,
    ADMIN,
    JOB_OF,
    PAST_JOB_OF,
    SEES_JOBS_OF,
    USERS,
    WORDS,
    ServiceWithUsers,
    load,
    with_accounting,
)
from tests.builders import make_snapshot
from tests.fakes import FakeSource

# One that exists, for each argument that a path takes.
EXAMPLES: Final = {"jobid": "700002", "id": "700002", "name": "rack001"}
QUERIES: Final = (
    *(f"/queue{query}" for query in (
        "?count=true", "?shape=list", "?format=csv", "?format=table", "?format=ndjson", "?fields=name", "?user=bob",
        "?account=chemistry", "?jobid=700002", "?node=rack001", "?sort=-job_id&limit=1", "?since=0-0",
        "?since=0-0", "/700001", "/700003", "/700002?fields=name", "/700009", "?user=!alice", "?nothing=1",
        "?state=RUNNING",
    )),
    *(f"/queue?group_by={group}" for group in ("user", "account", "partition", "state", "name")),
    *(f"/history{query}" for query in (
        "?user=bob", "?user=2022", "?account=chemistry", "?jobid=600002", "?jobid>=0", "?associd=22", "?associd=0",
        "?node=rack001", "?duplicates=false", "?format=csv", "?limit=1", "?jobname=past-of-bob", "?state=3",
        "?qos=normal", "?offset=1", "?submitafter=1970-01-02", "?node=rack001&duplicates=false",
        "?group_by=user&jobid>=0", "?group_by=account,job_name&submitafter=0", "?group_by=state&qos=normal&format=csv",
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
    """Returns every path with data, without the files of the OpenAPI page."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = {
        re.sub(r"<(\w+)>", lambda match: EXAMPLES[match[1]], rule.rule) for rule in rules if "<path:" not in rule.rule
    }
    assert {"/queue", "/queue/700002", "/nodes.csv", "/metrics"} <= found
    return sorted(path for path in found if not path.startswith("/openapi"))


def contains(text: str, word: str) -> bool:
    """Returns True if `word` is in `text`, and not only as digits of a random version, a hash or a measured number."""
    return re.search(rf"(?<![0-9a-f.]){re.escape(word)}(?![0-9a-f])", text) is not None


def everything(asked: ServiceWithUsers, user: str, begin: str = "/") -> str:
    """Returns the text of all responses to `user`, without values that errors repeat from the request."""
    texts = []
    for path in [*paths(asked.client.application), *QUERIES]:
        if not path.startswith(begin):
            continue
        answer = asked.get_as(user, path)
        text = f"{answer.status_code} {answer.headers} {answer.text}"
        for repeated in re.findall(r"(?<=[/=])(?:\d{6}|past-of-bob)", path) if answer.status_code >= 400 else ():
            text = text.replace(repeated, "")
        texts.append(text)
    return "\n".join(texts)


@pytest.mark.parametrize("user", USERS)
def test_private_jobs_are_visible_to_owners_and_coordinators_only(people: Settings, user: str) -> None:
    text = everything(ServiceWithUsers(people, "jobs"), user)
    for owner in JOB_OF:
        for word in live_words(owner) | past_words(owner):
            assert contains(text, word) == (owner in SEES_JOBS_OF[user]), f"{word} for {user}"
    for count in ("running_jobs", "jobs_running", "slurm_jobs", "slurm_account_jobs", "slurm_partition_jobs",
                  "tasks_running", "tasks_pending", "jobs_pending_by_reason", "_job_tasks"):  # fmt: skip
        assert count not in text
    assert NODES[0] in text
    assert PARTITIONS[0] in text


@pytest.mark.parametrize("user", USERS)
def test_private_usage_hides_past_jobs_of_others_and_keeps_sums_of_the_cluster(people: Settings, user: str) -> None:
    asked = ServiceWithUsers(people, "usage")
    text = everything(asked, user)
    for owner in JOB_OF:
        for word in past_words(owner):
            assert contains(text, word) == (owner in SEES_JOBS_OF[user]), f"{word} for {user}"
        assert live_words(owner) <= set(re.findall(r"live-of-\w+|\d{6}", text))
    # Sums of the cluster stay, as sinfo shows them: the pages Now, Nodes and Load need them.
    assert [asked.get_as(user, path).status_code for path in ("/usage", "/usage.csv")] == [200] * 2
    assert asked.get_as(user, "/load").status_code != 403
    assert "slurm_cpus" not in text


@pytest.mark.parametrize("user", USERS)
def test_private_users_are_visible_to_themselves_and_coordinators(people: Settings, user: str) -> None:
    asked = ServiceWithUsers(people, "users")
    text = everything(asked, user, "/users") + everything(asked, user, "/stats")
    for owner in JOB_OF:
        assert (f'"{owner}"' in text) == (owner in SEES_JOBS_OF[user] | {user}), f"{owner} for {user}"
        assert (f"rpc_user_stats.{owner}." in text) == (owner == user)


@pytest.mark.parametrize("user", USERS)
def test_private_accounts_are_visible_to_members_and_coordinators(people: Settings, user: str) -> None:
    text = everything(ServiceWithUsers(people, "accounts"), user, "/users")
    known = {"alice": {"physics"}, "bob": {"chemistry"}, "carol": {"science", "physics"}, "dora": set[str]()}[user]
    assert {name for name in ("root", *ACCOUNT_OF.values()) if f'"{name}"' in text} == known
    assert "slurm_account_jobs" not in everything(ServiceWithUsers(people, "accounts"), user, "/metrics")


@pytest.mark.parametrize(("private", "trace"), [("nodes", NODES[0]), ("partitions", PARTITIONS[0])])
@pytest.mark.parametrize("user", USERS)
def test_private_nodes_and_partitions_are_refused(people: Settings, private: str, trace: str, user: str) -> None:
    asked = ServiceWithUsers(people, private)
    text = everything(asked, user)
    assert trace not in text
    assert "slurm_partition_nodes" not in text
    assert asked.get_as(user, f"/{private}").status_code == 403
    assert asked.get_as(user, "/usage").status_code == 403
    assert live_words("bob") <= set(re.findall(r"live-of-\w+|\d{6}", text))


@pytest.mark.parametrize("private", [[], list(WORDS)])
def test_an_administrator_sees_everything(people: Settings, private: list[str]) -> None:
    text = everything(ServiceWithUsers(people, *private), ADMIN)
    words = {word for user in JOB_OF for word in live_words(user) | past_words(user)}
    for word in (*words, *NODES, *PARTITIONS, "running_jobs", "slurm_account_jobs", '"chemistry"'):
        assert word in text


def test_every_user_sees_everything_without_private_data(people: Settings) -> None:
    asked = ServiceWithUsers(people)
    assert asked.get_as("dora", "/queue").text == asked.get_as(ADMIN, "/queue").text
    assert len(asked.get_as("dora", "/history").get_json()["data"]) == 4


@pytest.mark.parametrize("word", WORDS)
def test_every_path_needs_authentication(people: Settings, word: str) -> None:
    asked = ServiceWithUsers(people, word)
    for path in [*paths(asked.client.application), *QUERIES]:
        if not path.startswith("/health"):
            assert asked.client.get(path).status_code == 401, path


@pytest.mark.parametrize("path", ["/queue/700002", "/queue/700002?fields=name"])
def test_a_private_job_gets_the_same_404_as_a_missing_one(people: Settings, path: str) -> None:
    asked = ServiceWithUsers(people, "jobs")
    private, absent = asked.get_as("alice", path), asked.get_as("alice", path.replace("700002", "700008"))
    assert (private.status_code, absent.status_code) == (404, 404)
    assert private.text.replace("700002", "700008") == absent.text


def test_without_a_reachable_database_there_are_no_coordinators(people: Settings, tmp_path: Path) -> None:
    (tmp_path / "acct.sqlite").unlink()
    assert set(ServiceWithUsers(people, "jobs").get_as("carol", "/queue").get_json()["data"]) == {str(JOB_OF["carol"])}


def test_without_a_configured_database_there_are_no_coordinators(
    settings: Settings, cycle: Cycle, source: FakeSource
) -> None:
    load(source, cycle)
    assert set(ServiceWithUsers(settings, "jobs").get_as("carol", "/queue").get_json()["data"]) == {
        str(JOB_OF["carol"])
    }


RESERVED_FOR: Final = {
    "for-science": {"accounts": ["science"]},
    "for-physics": {"accounts": ["physics"]},
    "not-for-physics": {"accounts": ["-physics"]},
    "for-bob": {"users": ["bob"]},
    "for-all": {"qos": ["normal"]},
}
SEES_RESERVATIONS: Final = {
    # An account may use the reservations of those above it.
    "alice": {"for-science", "for-physics", "for-all"},
    "bob": {"not-for-physics", "for-bob", "for-all"},
    # Coordinates physics, and has no association there.
    "carol": {"for-science", "not-for-physics", "for-all"},
    "dora": {"for-all"},
}


@pytest.mark.parametrize("user", USERS)
def test_private_reservations_follow_the_accounts_of_the_database(
    people: Settings, source: FakeSource, cycle: Cycle, tmp_path: Path, user: str
) -> None:
    [record] = parse_reservations([
        b"ReservationName=r StartTime=1 EndTime=2 Duration=00:00:01 Nodes=(null) NodeCnt=0 CoreCnt=0 Features=(null) "
        b"PartitionName=(null) Flags= TRES=(null) Users=(null) Groups=(null) Accounts=(null) Licenses=(null) "
        b"State=ACTIVE BurstBuffer=(null) MaxStartDelay=(null) Comment=(null)"
    ])  # fmt: skip
    source.snapshot = replace(
        make_snapshot(), reservations=[{**record, "name": name, **who} for name, who in RESERVED_FOR.items()]
    )
    cycle.run()
    asked = ServiceWithUsers(people, "reservations")
    assert set(asked.get_as(user, "/reservations").get_json()["data"]) == SEES_RESERVATIONS[user]
    assert set(asked.get_as(ADMIN, "/reservations").get_json()["data"]) == RESERVED_FOR.keys()
    (tmp_path / "acct.sqlite").unlink()
    # Without the database the accounts of users are unknown.
    left = set(ServiceWithUsers(people, "reservations").get_as(user, "/reservations").get_json()["data"])
    assert left == {"for-all", *(["for-bob"] if user == "bob" else [])}


def test_an_unlisted_route_is_refused_once_anything_is_private() -> None:
    user = Principal("alice", "user")
    with pytest.raises(Forbidden) as caught:
        authorize(user, "/something-new", ["users", "jobs"])
    assert caught.value.detail == "Your role may not read /something-new (`auth.private_data`: users, jobs)."
    authorize(user, "/", ["jobs"])
    authorize(user, "/something-new", [])
    authorize(Principal("root", "admin"), "/something-new", ["jobs"])


@pytest.mark.parametrize(
    "path", ["/nodes", "/nodes/rack001", "/nodes.csv", "/nodes.ndjson/x", "//nodes", "/nodes/../queue", "/nodes/"]
)
def test_paths_below_a_refused_route_are_refused(path: str) -> None:
    with pytest.raises(Forbidden) as caught:
        authorize(Principal("alice", "user"), path, ["jobs", "nodes"])
    assert caught.value.detail == "Your role may not read /nodes (`auth.private_data`: nodes)."


def test_every_route_is_listed_in_permissions(people: Settings) -> None:
    unlisted = []
    for path in paths(ServiceWithUsers(people).client.application):
        try:
            authorize(Principal("alice", "user"), path, ["a word of no route"])
        except Forbidden:
            unlisted.append(path)
    assert unlisted == []
