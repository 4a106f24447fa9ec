"""A small cluster of four users. Each private value in it occurs nowhere else.

Accounts: root over science and chemistry, science over physics. Alice works for physics, bob for chemistry. Carol
coordinates science and works for it. Dora can log in but has nothing in the cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.base import Record
from tests.acctapi.rows import ASSOC_TABLE, JOB_TABLE, job_row, write_database
from tests.auth.clients import auth_client
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.fakes import FakeSource

ADMIN: Final = "root"
USERS: Final = ("alice", "bob", "carol", "dora")
WORDS: Final = ("jobs", "usage", "users", "accounts", "nodes", "partitions")

ACCOUNT_OF: Final = {"alice": "physics", "bob": "chemistry", "carol": "science"}
JOB_OF: Final = {"alice": 700001, "bob": 700002, "carol": 700003}
PAST_JOB_OF: Final = {"alice": 600001, "bob": 600002, "carol": 600003}
SEES_JOBS_OF: Final = {"alice": {"alice"}, "bob": {"bob"}, "carol": {"carol", "alice"}, "dora": set[str]()}
ASSOCIATIONS: Final[list[dict[str, Any]]] = [
    {"id_assoc": 1},
    {"id_assoc": 10, "acct": "science", "parent_acct": "root"},
    {"id_assoc": 11, "acct": "physics", "parent_acct": "science"},
    {"id_assoc": 12, "acct": "chemistry", "parent_acct": "root"},
    *(
        {"id_assoc": number, "user": user, "acct": acct, "is_def": 1}
        for number, (user, acct) in enumerate(ACCOUNT_OF.items(), 21)
    ),
]
COORDINATORS: Final = [("science", "carol")]


def live_job(user: str, **changes: Any) -> Record:
    """Returns the live job of `user`."""
    fields = {"name": f"live-of-{user}", "user_name": user, "account": ACCOUNT_OF[user], **changes}
    return make_running_job(JOB_OF[user], "rack001", 1, 100, **fields)


def past_jobs() -> list[dict[str, Any]]:
    """Returns rows of slurmdbd's job table: one job of each user, and one of bob's without an association."""
    rows = [
        job_row(PAST_JOB_OF[user], job_name=f"past-of-{user}", account=acct, id_assoc=number, id_user=2000 + number)
        for number, (user, acct) in enumerate(ACCOUNT_OF.items(), 21)
    ]
    return [*rows, job_row(600009, job_name="past-of-bob", account="chemistry", id_assoc=0, id_user=2022)]


def load(source: FakeSource, cycle: Cycle, jobs: list[Record] | None = None) -> None:
    """Fills the store with `jobs`, by default one of each user."""
    rpcs = {user: {"id": 1, "user_name": user, "count": 1} for user in USERS}
    source.snapshot = make_snapshot(
        [live_job(user) for user in JOB_OF] if jobs is None else jobs,
        [make_node(features="feature-of-a-node")],
        [make_partition(allow_qos="qos-of-a-partition")],
        {"jobs_pending": 1, "rpc_user_stats": rpcs},
    )
    cycle.run()


def with_accounting(settings: Settings, folder: Path) -> Settings:
    """Adds the accounting database with the users' past jobs to `settings`."""
    file = folder / "acct.sqlite"
    write_database(file, past_jobs(), ASSOCIATIONS, COORDINATORS)
    database = {"db_sqlite_file": str(file), "table_job": JOB_TABLE, "table_assoc": ASSOC_TABLE}
    system = settings.system.model_copy(update={"use_acct_db": True})
    return settings.model_copy(update={"system": system, "database": type(settings.database).model_validate(database)})


class ServiceWithUsers:
    """A service behind a reverse proxy that sets REMOTE_USER."""

    def __init__(self, settings: Settings, *private: str) -> None:
        self.client: FlaskClient = auth_client(settings, mode="proxy", admins=[ADMIN], private_data=list(private))

    def get_as(self, user: str, path: str, **headers: str) -> TestResponse:
        """Returns the response to `user`."""
        return self.client.get(path, environ_overrides={"REMOTE_USER": user}, headers=headers)


def other_job() -> Record:
    """Returns a new job of bob's."""
    return make_job(700004, name="new-of-bob", user_name="bob", account="chemistry")
