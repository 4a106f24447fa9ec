"""Each accounting route counts among the requests that may use the database, which bounds held threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Pool, create_engine, event

from slurm_rest_api.acctapi.tables import job_table
from slurm_rest_api.config import Settings
from tests.acctapi.rows import EVENT_TABLE, JOB_TABLE, STEP_TABLE, job_row, settings_for
from tests.acctapi.test_history import step, write_steps
from tests.acctapi.test_utilization import database
from tests.conftest import make_client
from tests.waiting import GIVE_UP_SECONDS

_PATHS: Final = (
    "/history?limit=1",
    "/history?group_by=account&submitafter=0",
    "/history/5",
    "/history/5/steps",
    "/accounts",
    "/accounts/root",
    "/qos",
    "/qos/normal",
    "/events",
    "/events?group_by=node",
    "/utilization",
    "/utilization?group_by=account",
    "/users",
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("held")
    file = folder / "acct.sqlite"
    database(file)
    engine, job = create_engine(f"sqlite:///{file}"), job_table(JOB_TABLE)
    with engine.begin() as connection:
        connection.execute(job.insert(), [job_row(5)])
    engine.dispose()
    write_steps(file, [step(5, (1, 0), (1, 0))])
    tables = {"table_step": STEP_TABLE, "table_acct": "acct_table", "table_coord": "acct_coord_table"}
    settings = settings_for(
        file, folder / "run", tables_usage="demo", table_event=EVENT_TABLE, db_pool_size=1, **tables
    )
    # With hidden partitions /events needs a snapshot of the cluster.
    return make_client(Settings.model_validate({**settings.model_dump(), "filter": {}}))


@contextmanager
def held_request(client: FlaskClient, path: str) -> Iterator[list[int]]:
    """Requests `path` in a thread that waits with a connection until the end of the block. The list has its status."""
    reached, released = threading.Event(), threading.Event()
    statuses: list[int] = []

    def wait(*_: Any) -> None:
        reached.set()
        assert released.wait(GIVE_UP_SECONDS)

    def request() -> None:
        statuses.append(client.application.test_client().get(path).status_code)

    event.listen(Pool, "checkout", wait)
    thread = threading.Thread(target=request)
    thread.start()
    try:
        assert reached.wait(GIVE_UP_SECONDS), statuses
        yield statuses
    finally:
        released.set()
        thread.join(GIVE_UP_SECONDS)
        event.remove(Pool, "checkout", wait)


@pytest.mark.parametrize("path", _PATHS)
def test_a_request_that_waits_for_the_database_leaves_no_room_for_another(client: FlaskClient, path: str) -> None:
    with held_request(client, path) as statuses:
        for other in ("/users", path):
            answer = client.get(other)
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), answer.text
            assert answer.get_json()["errors"][0]["title"] == "Accounting database busy"
    assert statuses == [200]
    assert client.get("/users").status_code == 200
