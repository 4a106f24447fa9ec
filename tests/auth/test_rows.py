"""Row filtering: for any query, a user's response is the part of the administrator's response that they may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import ASSOC_TABLE, JOB_TABLE, job_row, write_database
from tests.auth.users import (
    ACCOUNT_OF,
    ADMIN,
    ASSOCIATIONS,
    COORDINATORS,
    JOB_OF,
    USERS,
    ServiceWithUsers,
    live_job,
    load,
    other_job,
    with_accounting,
)
from tests.builders import make_job
from tests.fakes import FakeSource
from tests.property_tests import examples

_UIDS: Final = {"alice": 2021, "bob": 2022, "carol": 2023}
_ACCOUNTS: Final = ("physics", "science", "chemistry", "root", None)
_COORDINATED: Final = {"carol": {"science", "physics"}}


def is_visible(record: dict[str, Any], user: str) -> bool:
    """Returns True if a published job belongs to `user` or to an account that they coordinate."""
    return record["user_name"] == user or record["account"] in _COORDINATED.get(user, ())


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> ServiceWithUsers:
    """A service with jobs of every user under every account, live and past, some without an association."""
    folder = tmp_path_factory.mktemp("crowd")
    settings = Settings.model_validate({"system": {"runtime_dir": folder / "runtime", "use_acct_db": True}})
    RuntimePaths.of(settings).make()
    source = FakeSource()
    cycle = Cycle(source, StoreWriter(RuntimePaths.of(settings).store), hidden=[], refresh_seconds=3600.0)
    owners = [(user, acct) for user in _UIDS for acct in _ACCOUNTS]
    live = [
        make_job(number, user_name=user, account=acct, name=f"n{number % 3}", num_cpus=number % 4, qos="normal")
        for number, (user, acct) in enumerate(owners * 3, 1)
    ]
    load(source, cycle, live)
    associations = [
        *(row for row in ASSOCIATIONS if not row.get("user")),
        *(
            {"id_assoc": 30 + number, "user": user, "acct": acct, "deleted": number % 2}
            for number, (user, acct) in enumerate(owners)
            if acct is not None
        ),
    ]
    known = {(row["user"], row["acct"]): row["id_assoc"] for row in associations if row.get("user")}
    past = [
        job_row(
            number,
            id_user=_UIDS[user],
            account=acct or "",
            id_assoc=known.get((user, acct), 0) if number % 5 else 0,
            state=number % 4,
            nodelist=f"rack00{number % 3}",
            job_name=f"n{number % 3}",
        )
        for number, (user, acct) in enumerate(owners * 4, 1)
    ]
    file = folder / "acct.sqlite"
    write_database(file, past, associations, COORDINATORS)
    database = {"db_sqlite_file": str(file), "table_job": JOB_TABLE, "table_assoc": ASSOC_TABLE}
    section = type(settings.database).model_validate(database)
    return ServiceWithUsers(settings.model_copy(update={"database": section}), "jobs")


_QUEUE: Final = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["alice", "!alice", "bob,carol", "dora"]),
        "account": st.sampled_from(["physics", "!science", "chemistry"]),
        "name": st.sampled_from(["n1", "n*"]),
        "jobid": st.sampled_from(["1", "7"]),
        "state": st.sampled_from(["PENDING", "R"]),
        "sort": st.sampled_from(["-num_cpus", "account,-job_id"]),
    },
)
_HISTORY: Final = st.fixed_dictionaries(
    {"limit": st.just("1000")},
    optional={
        "user": st.sampled_from(["alice", "bob", "2021", "2022", "nobody"]),
        "account": st.sampled_from(["physics", "science", "chemistry"]),
        "associd": st.sampled_from(["0", "30", "31", "35", "999"]),
        "state": st.sampled_from(["COMPLETED", "RUNNING,PENDING"]),
        "node": st.sampled_from(["rack001", "rack[000-002]"]),
        "jobname": st.sampled_from(["n0", "n1"]),
        "submitafter": st.just("1970-01-01T04:00"),
        "endbefore": st.just("1970-01-01T12:00"),
    },
)


def url(path: str, query: dict[str, str]) -> str:
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


@examples(60)
@given(user=st.sampled_from(USERS), query=_QUEUE)
def test_a_user_gets_their_part_of_the_queue(crowd: ServiceWithUsers, user: str, query: dict[str, str]) -> None:
    whole = crowd.get_as(ADMIN, url("/queue", query)).get_json()["data"]
    answer = crowd.get_as(user, url("/queue", query))
    visible = {key: record for key, record in whole.items() if is_visible(record, user)}
    assert list(answer.get_json()["data"].items()) == list(visible.items())
    assert answer.get_json()["meta"]["total"] == len(visible)
    unsorted = {name: value for name, value in query.items() if name != "sort"}
    grouped = crowd.get_as(user, url("/queue", {**unsorted, "group_by": "account"})).get_json()["data"]
    counted = Counter(record["account"] or "(null)" for record in visible.values())
    assert {name: entry["count"] for name, entry in grouped.items()} == counted


@examples(60)
@given(user=st.sampled_from(USERS), query=_HISTORY)
def test_a_user_gets_their_part_of_the_history(crowd: ServiceWithUsers, user: str, query: dict[str, str]) -> None:
    whole = crowd.get_as(ADMIN, url("/history", query)).get_json()["data"]
    visible = [record["id_record"] for record in whole if belongs(record, user)]
    # Other fields of the records change with time.
    assert [record["id_record"] for record in crowd.get_as(user, url("/history", query)).get_json()["data"]] == visible
    sums = crowd.get_as(
        user, url("/history", {"associd": ",".join(map(str, range(100))), **query, "group_by": "account"})
    )
    counted = Counter(record["account"] for record in whole if belongs(record, user))
    assert {entry["account"]: entry["jobs"] for entry in sums.get_json()["data"]} == counted


def belongs(record: dict[str, Any], user: str) -> bool:
    # This host has no user alice: a record without an association has an owner only through its account.
    return is_visible(record, user) and (record["id_assoc"] != 0 or record["account"] in _COORDINATED.get(user, ()))


@pytest.mark.parametrize("user", ["alice", "carol"])
@pytest.mark.parametrize("path", ["/queue?sort=-num_cpus&limit=4", "/history?limit=4"])
def test_paging_returns_each_visible_record_once(crowd: ServiceWithUsers, user: str, path: str) -> None:
    key = "job_id" if path.startswith("/queue") else "id_job"
    whole = [record[key] for record in of(crowd.get_as(user, path.replace("limit=4", "limit=1000")).get_json()["data"])]
    assert len(whole) > 8
    assert [record[key] for page in pages(crowd, user, path) for record in page] == whole


def pages(asked: ServiceWithUsers, user: str, path: str | None) -> Iterator[list[dict[str, Any]]]:
    while path is not None:
        answer = asked.get_as(user, path).get_json()
        yield of(answer["data"])
        path = answer["meta"]["next"]


def of(data: Any) -> list[dict[str, Any]]:
    return list(data.values()) if isinstance(data, dict) else data


@pytest.fixture
def people(settings: Settings, cycle: Cycle, source: FakeSource, tmp_path: Path) -> ServiceWithUsers:
    load(source, cycle)
    return ServiceWithUsers(with_accounting(settings, tmp_path), "jobs")


@pytest.fixture
def turn(source: FakeSource, cycle: Cycle) -> Callable[..., None]:
    """Returns a function that loads the cluster again, with the given jobs."""
    return lambda *jobs: load(source, cycle, list(jobs))


def since(asked: ServiceWithUsers, user: str, version: str) -> tuple[set[str], list[str], bool]:
    answer = asked.get_as(user, f"/queue?since={version}").get_json()
    return set(answer["data"]), answer["meta"]["gone"], answer["meta"]["full"]


def version_of(asked: ServiceWithUsers, user: str) -> str:
    version: str = asked.get_as(user, "/queue").get_json()["meta"]["version"]
    return version


def test_since_leaves_out_changes_of_other_users(people: ServiceWithUsers, turn: Callable[..., None]) -> None:
    before = {user: version_of(people, user) for user in (*USERS, ADMIN)}
    turn(live_job("alice", name="renamed"), live_job("carol"), other_job())
    assert since(people, "alice", before["alice"]) == ({"700001"}, [], False)
    assert since(people, "bob", before["bob"]) == ({"700004"}, ["700002"], False)
    assert since(people, "carol", before["carol"]) == ({"700001"}, [], False)
    assert since(people, "dora", before["dora"]) == (set(), [], False)
    assert since(people, ADMIN, before[ADMIN]) == ({"700001", "700004"}, ["700002"], False)


def test_a_job_that_leaves_an_account_is_gone_for_its_coordinator(
    people: ServiceWithUsers, turn: Callable[..., None]
) -> None:
    before = {user: version_of(people, user) for user in (*USERS, ADMIN)}
    turn(live_job("alice", account="chemistry"), live_job("bob"), live_job("carol"))
    assert since(people, "carol", before["carol"]) == (set(), ["700001"], False)
    assert since(people, "alice", before["alice"]) == ({"700001"}, [], False)
    assert since(people, "bob", before["bob"]) == (set(), [], False)
    assert since(people, ADMIN, before[ADMIN]) == ({"700001"}, [], False)
    turn(live_job("bob"), live_job("carol"))
    assert since(people, "carol", before["carol"]) == (set(), ["700001"], False)
    assert since(people, ADMIN, before[ADMIN]) == (set(), ["700001"], False)


def test_a_version_of_another_user_gets_a_full_response(people: ServiceWithUsers) -> None:
    for user in (ADMIN, "alice", "carol"):
        assert since(people, "bob", version_of(people, user)) == ({"700002"}, [], True)


@pytest.mark.parametrize(
    "path", ["/queue", "/queue?limit=2", "/queue?count=true", "/usage", "/usage.csv", "/queue.csv"]
)
def test_an_etag_is_valid_only_for_its_user(people: ServiceWithUsers, path: str) -> None:
    tags = {user: people.get_as(user, path).headers["ETag"] for user in (*USERS, ADMIN)}
    assert len(set(tags.values())) == len(tags)
    for user, own in tags.items():
        assert people.get_as(user, path, **{"If-None-Match": own}).status_code == 304
        for other in set(tags.values()) - {own}:
            answer = people.get_as(user, path, **{"If-None-Match": other})
            assert answer.status_code == 200
            assert "private" in answer.headers["Cache-Control"]
            assert "Authorization" in answer.headers["Vary"]


def test_a_cached_response_is_sent_only_to_its_user(people: ServiceWithUsers) -> None:
    for _ in range(2):
        for user, own in JOB_OF.items():
            found = set(people.get_as(user, "/queue?sort=-job_id&limit=9").get_json()["data"])
            assert str(own) in found
            assert found <= {str(JOB_OF[other]) for other in ACCOUNT_OF if other == user or user == "carol"}


def test_filtered_responses_are_not_written_to_body_files(people: ServiceWithUsers, paths: RuntimePaths) -> None:
    for path in ("/queue", "/usage", "/stats", "/metrics"):
        people.get_as("alice", path)
    prepared = {file.name.partition("-")[0] for file in paths.prepared.glob("*.json")}
    assert prepared == {"shown_metrics", "stats"}
