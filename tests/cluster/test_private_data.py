"""slurm.conf's PrivateData switched on: what the service's user needs, and whether users see the same here as there."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import yaml

from slurm_rest_api.config import Settings
from tests.cluster.accounting_database import real_accounting
from tests.cluster.conftest import Jobs, StartService
from tests.cluster.past_usage import SINCE, TRES, UNTIL, past_usage, read_sreport
from tests.testbed.cluster import Cluster
from tests.testbed.service import SERVICE
from tests.testbed.slurmnodes import SERVICE_USER
from tests.waiting import GIVE_UP_SECONDS, wait_for

WORDS: Final = ("accounts", "events", "jobs", "nodes", "partitions", "reservations", "usage", "users")
FILES: Final = ("/etc/slurm/slurm.conf", "/etc/slurm/slurmdbd.conf")
USERS: Final = ("alice", "bob", "carol")
COORDINATOR: Final = "bob"
COORDINATED: Final = "biology"
"""An account in which the coordinator has no association."""
RESERVATIONS: Final = {
    "of_alice": "users=alice",
    "without_bob": "users=-bob",
    "of_biology": "accounts=biology",
    "without_physics": "accounts=-physics",
    "of_root_account": "accounts=root",
    "of_both": "accounts=physics users=alice,bob",
    "but_biology": "accounts=-biology users=alice,carol",
    "of_qos": "qos=normal",
    "of_group": "groups=root",
}
"""Reservations, with who may use them."""
KEY: Final = "/var/tmp/private-data-jwt.key"
# slurmctld keeps the jobs of an earlier run for an hour.
NAME: Final = f"private-data-{time.time_ns()}"

Ask = Callable[[str, str], tuple[int, Any]]
"""A user's answer for a path: its status and its data."""


@contextmanager
def private_data(cluster: Cluster, *words: str) -> Iterator[None]:
    """slurmctld and slurmdbd keep these private, until afterwards."""
    before = {file: cluster.path(file).read_text() for file in FILES}
    try:
        for file, text in before.items():
            cluster.path(file).write_text(f"{text}PrivateData={','.join(words)}\n")
        read_anew(cluster)
        yield
    finally:
        for file, text in before.items():
            cluster.path(file).write_text(text)
        read_anew(cluster)


def read_anew(cluster: Cluster) -> None:
    cluster.daemons.stop("slurmdbd")
    cluster.daemons.start("slurmdbd")
    cluster.run(["scontrol", "reconfigure"])
    cluster.daemons.wait_answers("slurmctld")


@contextmanager
def operator(cluster: Cluster) -> Iterator[None]:
    """The service's user is an operator of Slurm, as `check` says how to make one."""
    new = [SERVICE_USER, "account=root", "adminlevel=operator", "maxsubmitjobs=0"]
    cluster.run(["sacctmgr", "-i", "add", "user", *new])
    try:
        wait_for("slurmctld to know the operator", lambda: f"UserName={SERVICE_USER}(" in known_users(cluster))
        yield
    finally:
        cluster.run(["sacctmgr", "-i", "delete", "user", SERVICE_USER])


def known_users(cluster: Cluster) -> str:
    return cluster.run(["scontrol", "show", "assoc_mgr", "flags=users"]).stdout


def checked(cluster: Cluster, user: str = SERVICE_USER) -> tuple[int, str]:
    done = cluster.run([SERVICE, "check"], user=user, check=False)
    return done.returncode, " ".join(done.stdout.split())


def test_check_reports_an_account_that_sees_some_jobs(cluster: Cluster, jobs: Jobs) -> None:
    jobs.submit(user="alice", hold=True)
    with private_data(cluster, "jobs"):
        status, text = checked(cluster)
        assert status == 0
        # Nothing fails: the jobs are just not there.
        assert ": 0 jobs, 8 nodes" in text
        assert (
            f"slurmctld hides jobs from ordinary users (PrivateData in slurm.conf), including {SERVICE_USER}." in text
        )
        assert f"sacctmgr add user {SERVICE_USER} account=root adminlevel=operator" in text
        assert "This check ran as root" in checked(cluster, "root")[1]


def test_check_reports_refused_nodes_and_partitions_but_not_for_an_operator(cluster: Cluster) -> None:
    with private_data(cluster, *WORDS):
        status, text = checked(cluster)
        assert status == 1
        assert "Access/permission denied (Slurm error 2002)" in text
        assert "slurmctld hides nodes or partitions from this user" in text
        assert "hides jobs, nodes, partitions, reservations from ordinary users" in text
        with operator(cluster):
            status, text = checked(cluster)
            assert status == 0
            assert f"{SERVICE_USER} has the AdminLevel Operator and sees everything" in text
            assert "but this service shows them to all its users" in text


@pytest.fixture(scope="module")
def jobs_of_all(cluster: Cluster) -> Iterator[None]:
    jobs = Jobs(cluster)
    for user in USERS:
        jobs.running(user=user, job_name=NAME)
        cluster.wait_accounted(jobs.submit(user=user, job_name=NAME, wrap="true"), "COMPLETED")
    cluster.run(["sacctmgr", "-i", "add", "coordinator", f"account={COORDINATED}", f"names={COORDINATOR}"])
    yield
    cluster.run(["sacctmgr", "-i", "delete", "coordinator", f"account={COORDINATED}", f"names={COORDINATOR}"])
    jobs.cancel_all()


@pytest.fixture(scope="module")
def reservations(cluster: Cluster) -> Iterator[None]:
    for number, (name, who) in enumerate(RESERVATIONS.items(), 20):
        made = [f"reservation={name}", "nodes=rack001", f"starttime=now+{number}days", "duration=10", *who.split()]
        cluster.run(["scontrol", "create", *made])
    yield
    for name in RESERVATIONS:
        cluster.run(["scontrol", "delete", f"reservation={name}"])


@pytest.fixture(scope="module")
def ask(
    cluster: Cluster,
    start: StartService,
    jobs_of_all: None,
    reservations: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ask]:
    """Slurm and the service keep the same private; the latter runs as an operator."""
    cluster.run(["install", "-m", "0400", "-o", SERVICE_USER, "/etc/slurm/jwt.key", KEY])
    folder = tmp_path_factory.mktemp("runtime")
    with private_data(cluster, *WORDS), operator(cluster), real_accounting(cluster, folder) as settings:
        service = start(configuration(settings))
        tokens = {user: cluster.token(user) for user in (*USERS, SERVICE_USER)}

        def asking(user: str, path: str) -> tuple[int, Any]:
            request = urllib.request.Request(f"{service.url}{path}", headers={"X-SLURM-USER-TOKEN": tokens[user]})
            try:
                with urllib.request.urlopen(request, timeout=GIVE_UP_SECONDS) as reply:
                    return reply.status, json.load(reply)["data"]
            except urllib.error.HTTPError as error:
                return error.code, None

        wait_for("the first load", lambda: asking("alice", "/queue")[0] == 200)
        yield asking
        service.stop()


def configuration(settings: Settings) -> str:
    """The configuration of a service in the cluster's root that reads the same database."""
    database = settings.database.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump({
        "system": {"refresh_seconds": 1, "use_acct_db": True},
        "database": {**database, "db_pass": settings.database.db_pass.get_secret_value()},
        "auth": {"mode": "jwt", "jwt_key_file": KEY, "admins": [SERVICE_USER], "private_data": list(WORDS)},
    })  # fmt: skip


@pytest.mark.parametrize("user", USERS)
def test_a_user_sees_what_slurms_commands_show(cluster: Cluster, ask: Ask, user: str) -> None:
    def printed(*command: str) -> set[str]:
        return set(cluster.run(command, user=user).stdout.split())

    queued = printed("squeue", "--all", "--states=all", f"--name={NAME}", "--noheader", "--format=%i")
    assert len(queued) == (4 if user == COORDINATOR else 2)
    assert set(ask(user, f"/queue?name={NAME}")[1]) == queued
    recorded = printed("sacct", "--allusers", "-XnP", f"--name={NAME}", "--format=jobid")
    assert {str(record["id_job"]) for record in ask(user, f"/history?jobname={NAME}")[1]} == recorded == queued
    associations = printed("sacctmgr", "-nP", "show", "assoc", "format=user,account")
    shown = {f"{one['user']}|{one['acct']}" for one in ask(user, "/users")[1]}
    # /users has no rows of accounts themselves.
    assert shown == {line for line in associations if not line.startswith("|")}
    for path, command in (("/nodes", "nodes"), ("/partitions", "partitions")):
        assert cluster.run(["scontrol", "show", command], user=user, check=False).returncode != 0
        assert ask(user, path)[0] == 403
    assert (len(shown) > 1) == (user == COORDINATOR)


@pytest.fixture(scope="module")
def used(cluster: Cluster, ask: Ask) -> Iterator[None]:
    """slurmdbd has usage of two past days."""
    with past_usage(cluster):
        yield


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("user", [*USERS, SERVICE_USER])
def test_a_user_sees_the_usage_of_sreport_and_the_events_and_accounts_of_sacctmgr(
    cluster: Cluster, ask: Ask, user: str
) -> None:
    report = ("account,login,tresname,used", user)
    lines = read_sreport(cluster, "AccountUtilizationByUser", SINCE, UNTIL, *report)
    printed = {tuple(line[:3]): int(line[3]) for line in lines if int(line[3])}
    window = f"tres={TRES}&step=total&since={int(SINCE.timestamp())}&until={int(UNTIL.timestamp())}"
    by_user = ask(user, f"/utilization?group_by=account,user&{window}")[1]
    found = {(one["account"], one["user"], one["tres"]): one["allocated"] for one in by_user}
    assert found == {key: seconds for key, seconds in printed.items() if key[1]}
    assert {name for _, name, _ in found} == {"bob": {"bob", "carol"}, SERVICE_USER: set(USERS)}.get(user, {user})
    by_account = ask(user, f"/utilization?group_by=account&{window}")[1]
    of_accounts = {(one["account"], "", one["tres"]): one["allocated"] for one in by_account}
    # Of their own account sreport prints the user alone.
    assert of_accounts.items() >= {key: seconds for key, seconds in printed.items() if not key[1]}.items()
    lines = read_sreport(cluster, "Utilization", SINCE, UNTIL, "tresname,al", user)
    whole = {one["tres"]: one["allocated"] for one in ask(user, f"/utilization?{window}")[1]}
    assert whole == {tres: int(seconds) for tres, seconds in lines}
    # sreport refuses workload keys to all but operators.
    keys = {one["user"] for one in ask(user, f"/utilization?group_by=wckey,user&{window}")[1]}
    assert keys == {"carol": set(), SERVICE_USER: {"alice", "bob"}}.get(user, {user})

    refused = cluster.run(["sacctmgr", "-nP", "show", "event"], user=user, check=False).returncode != 0
    assert ask(user, "/events")[0] == (403 if refused else 200)
    shown = cluster.run(["sacctmgr", "-nP", "show", "account", "format=account"], user=user, check=False)
    accounts = set(shown.stdout.split()) if shown.returncode == 0 else set()
    # They are refused, or those that the user coordinates. The service adds those that the user runs under.
    own = {"alice": {"physics"}, "bob": {"physics"}, "carol": {"biology"}}.get(user, set())
    assert {one["name"] for one in ask(user, "/accounts")[1]} == accounts | own


@pytest.mark.parametrize("user", USERS)
def test_a_user_sees_the_reservations_that_scontrol_shows(cluster: Cluster, ask: Ask, user: str) -> None:
    lines = cluster.run(["scontrol", "-o", "-a", "show", "res"], user=user).stdout.splitlines()
    shown = {line.split()[0].partition("=")[2] for line in lines} & RESERVATIONS.keys()
    assert shown & {"of_alice", "of_biology"} == {"alice": {"of_alice"}, "carol": {"of_biology"}}.get(user, set())
    # The service does not know the members of groups.
    assert set(ask(user, "/reservations")[1]) & RESERVATIONS.keys() == shown - {"of_group"}
    assert {name: ask(user, f"/reservations/{name}")[0] for name in RESERVATIONS} == {
        name: 200 if name in shown - {"of_group"} else 404 for name in RESERVATIONS
    }


def test_calls_of_others_are_shown_by_sdiag_and_not_here(cluster: Cluster, ask: Ask) -> None:
    cluster.run(["squeue"], user="bob")
    assert "bob" in cluster.run(["sdiag"], user="alice").stdout
    calls = {entry["user_name"] for entry in ask("alice", "/stats")[1]["rpc_user_stats"].values()}
    assert calls <= {"alice"}
