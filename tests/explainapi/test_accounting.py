"""/queue/{jobid}/explain with the accounting database: dependencies that slurmctld has forgotten, and limits."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.jobs_by_id import JobsById
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ApiError, DatabaseBusy, QueryTooSlow
from slurm_rest_api.explainapi.explanation import explain
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import USERS, job_row, settings_for, write_database
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.jobsapi.test_views import counted_statements

ORIGINS: Final = itertools.count()
ALICE: Final[dict[str, Any]] = {"user_name": "alice", "account": "physics", "qos": "normal"}
LIVE: Final = [
    make_running_job(1, "n1", tres_alloc_str="cpu=4,mem=4G,node=1,billing=4", **ALICE),
    make_job(2, state_reason="Dependency", dependency="afterok:1(unfulfilled),afterok:101(failed),afterany:200_*"
             "(unfulfilled),afterany:200_1(unfulfilled),after:999(unfulfilled),after:106(unfulfilled)", **ALICE),
    make_job(3, state_reason="Dependency", dependency="afterok:1(unfulfilled)", **ALICE),
    make_job(4, state_reason="AssocGrpJobsLimit", **ALICE),
    make_job(5, state_reason="PartitionTimeLimit", time_limit=2880, user_name="nobody", account="none"),
    make_job(6, state_reason="AssocMaxJobsLimit", **ALICE | {"user_name": "bob"}),
]  # fmt: skip
PAST: Final = [
    job_row(101, state=5, exit_code=256),
    job_row(106, partition="secret"),
    job_row(200, id_array_job=200, state=4, array_task_str="0xf0", time_start=0, nodelist="None assigned"),
    job_row(201, id_array_job=200, id_array_task=0),
    job_row(202, id_array_job=200, id_array_task=1, state=6),
]
LIMITS: Final[dict[Any, dict[str, int]]] = {10: {"grp_jobs": 1}, 3: {"max_jobs": 0}}
ASSOCIATIONS: Final = [row | LIMITS.get(row["id_assoc"], {}) for row in USERS]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("explain")
    write_database(folder / "acct.sqlite", PAST, ASSOCIATIONS)
    settings = settings_for(folder / "acct.sqlite", folder / "run")
    paths = RuntimePaths.of(settings)
    paths.make()
    source = FakeSource()
    source.snapshot = make_snapshot(LIVE, [make_node("n1")], [make_partition("main", max_time=86400)])
    Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0).run()
    return settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> FlaskClient:
    return make_client(settings)


@pytest.fixture(scope="module")
def alone(settings: Settings) -> FlaskClient:
    """A service without the accounting database."""
    system = settings.system.model_copy(update={"use_acct_db": False})
    return make_client(settings.model_copy(update={"system": system}))


@pytest.fixture(scope="module")
def broken(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A service whose accounting database cannot be reached."""
    missing = tmp_path_factory.mktemp("broken") / "missing.sqlite"
    database = settings.database.model_copy(update={"db_sqlite_file": missing})
    return make_client(settings.model_copy(update={"database": database}))


def get(client: FlaskClient, job: int, query: str = "", origin: str | None = None) -> dict[str, Any]:
    """Asks as a page of its own origin, for which nothing is cached."""
    headers = {"Origin": origin or f"http://page{next(ORIGINS)}"}
    response = client.get(f"/queue/{job}/explain{query}", headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def states(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["job_id"], one["state"], one["states"], one["source"]) for one in body["data"]["dependencies"]]


def test_dependencies_that_slurmctld_has_forgotten_come_from_the_database(client: FlaskClient) -> None:
    body = get(client, 2)
    assert states(body) == [
        ("1", "RUNNING", {"RUNNING": 1}, "queue"),
        ("101", "FAILED", {"FAILED": 1}, "history"),
        # Tasks 4 to 7 were cancelled while they waited.
        ("200_*", None, {"CANCELLED": 4, "COMPLETED": 1, "TIMEOUT": 1}, "history"),
        ("200_1", "TIMEOUT", {"TIMEOUT": 1}, "history"),
        ("999", None, {}, None),
        # In a hidden partition.
        ("106", None, {}, None),
    ]
    assert body["meta"]["error"] is None


def test_dependencies_are_at_most_one_statement(client: FlaskClient) -> None:
    get(client, 4)
    for job, expected in ((2, 1), (3, 0), (1, 0)):
        with counted_statements() as counted:
            get(client, job)
        assert len(counted) == expected, counted


def test_limits_come_from_the_database_and_their_use_from_the_snapshot(client: FlaskClient) -> None:
    data = get(client, 4)["data"]
    [limit] = data["limits"]
    assert (limit["name"], limit["is_reason"], limit["text"]) == (
        "GrpJobs", True, "1 of 1 running jobs of account physics."
    )  # fmt: skip
    # The limit is reached, and not what it waits for.
    assert [(one["name"], one["is_reason"]) for one in get(client, 3)["data"]["limits"]] == [("GrpJobs", False)]
    assert get(client, 1)["data"]["limits"] == []
    assert get(client, 4, "?fields=limits")["data"] == {"limits": [limit]}


def test_a_limit_of_zero_waits_for_an_administrator(client: FlaskClient) -> None:
    data = get(client, 6)["data"]
    assert [(one["name"], one["limit"]) for one in data["limits"] if one["is_reason"]] == [("MaxJobs", 0)]
    assert data["ends_by"] == ["administrator"]
    assert data["text"] == "A limit that allows none keeps it from starting. An administrator has to raise the limit."


def test_without_accounting_the_snapshot_answers_alone(alone: FlaskClient) -> None:
    body = get(alone, 2)
    assert [state for _, state, _, _ in states(body)] == ["RUNNING", None, None, None, None, None]
    assert (body["data"]["limits"], body["meta"]["error"]) == ([], None)
    assert [one["name"] for one in get(alone, 5)["data"]["limits"]] == ["MaxTime"]


def test_a_database_that_is_away_leaves_states_and_limits_unknown(broken: FlaskClient) -> None:
    response = broken.get("/queue/2/explain")
    body = response.get_json()
    assert response.status_code == 200
    assert states(body) == [
        ("1", "RUNNING", {"RUNNING": 1}, "queue"),
        *((job, None, {}, None) for job in ("101", "200_*", "200_1", "999", "106")),
    ]
    detail = body["meta"]["error"]["detail"]
    assert detail.startswith("The accounting database cannot be reached.")
    assert detail.count("cannot be reached") == 1
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    # Limits of partitions need no database.
    body = get(broken, 5)
    assert [one["name"] for one in body["data"]["limits"]] == ["MaxTime"]
    assert body["meta"]["error"]["detail"] == detail


def test_a_database_that_is_not_needed_is_no_error(broken: FlaskClient) -> None:
    for path in ("/queue/1/explain", "/queue/3/explain?fields=reason,dependencies"):
        response = broken.get(path)
        assert response.get_json()["meta"]["error"] is None
        assert "ETag" in response.headers


def test_a_busy_or_slow_database_is_an_error(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for failure in (DatabaseBusy("Busy.", retry_after=1), QueryTooSlow("Too slow.", retry_after=10)):

        def fail(*_: Any, error: ApiError = failure, **__: Any) -> None:
            raise error

        monkeypatch.setattr(JobsById, "find", fail)
        body = get(client, 2)
        assert body["meta"]["error"] == {"detail": failure.detail}
        assert [source for *_, source in states(body)] == ["queue", None, None, None, None, None]


def test_an_array_with_too_many_records_has_unknown_states(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_rest_api.acctapi.jobs_by_id.MAX_ATTEMPTS", 1)
    body = get(client, 2)
    assert [source for *_, source in states(body)] == [None] * 6
    assert body["meta"]["error"] is None


def test_an_equal_request_is_computed_once(
    client: FlaskClient, broken: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def counting(*arguments: Any, **options: Any) -> Any:
        computed.append(arguments[1])
        return explain(*arguments, **options)

    monkeypatch.setattr("slurm_rest_api.explainapi.views.explain", counting)
    assert get(client, 4, origin="http://page") == get(client, 4, origin="http://page")
    assert computed == ["4"]
    # The database may answer the next one.
    assert get(broken, 4, origin="http://page") == get(broken, 4, origin="http://page")
    assert computed == ["4", "4", "4"]
