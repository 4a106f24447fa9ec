"""/history against `sacct`, field by field, for jobs that came to every kind of end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.contract import HistoryRecord
from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import differences
from tests.cluster.conftest import Jobs
from tests.cluster.sacct_truth import JOB_NOT_TOLD, JOB_ROWS, Facts, read_columns, read_sacct
from tests.cluster.sums_truth import COLUMNS, sums_of, wrong_sums
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import HIDDEN_PARTITION
from tests.testbed.steps import wait_until

ODD_NAME: Final = 'it\'s "odd" \\ café 日本 🚀'
STORED_NAME: Final = ODD_NAME.replace('"', "`")
"""slurmctld keeps double quotes out of job names."""
ENDED: Final = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "REQUEUED")


@dataclass(frozen=True)
class History:
    """One reading of /history between two of sacct; `ids` has the job id of each kind."""

    ids: dict[str, int]
    client: FlaskClient
    ours: dict[str, dict[str, Any]]
    before: dict[str, Facts]
    after: dict[str, Facts]

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The published records of a job, the latest attempt first."""
        return [record for record in self.ours.values() if record["id_job"] == self.ids[kind]]


@pytest.fixture(scope="module")
def history(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    jobs = Jobs(cluster)
    with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
        try:
            cluster.run([
                "scontrol", "create", "reservation=for_alice", "users=alice", "nodes=rack006", "starttime=now",
                "duration=60", "flags=ignore_jobs",
            ])  # fmt: skip
            # slurmctld looks for jobs over their limit every half minute, so this job comes first.
            ids = {"timeout": jobs.running(time=1, partition="long", nodelist="rack007", mem=10)}
            cluster.run(["scontrol", "update", f"jobid={ids['timeout']}", "EndTime=now+1"])
            ids["node_failed"] = jobs.running(nodelist="rack004", no_requeue=True)
            for state in ("down", "resume"):
                cluster.run(["scontrol", "update", "nodename=rack004", f"state={state}", "reason=test"])
            ids |= _submit_running(cluster, jobs) | _submit_ending(cluster, jobs) | _submit_waiting(jobs)
            _settle(cluster, ids)
            client = make_client(settings)
            before = _told(cluster, ids)
            ours = {record["id_record"]: record for record in _answer(client, _about(ids))}
            yield History(ids, client, ours, before, _told(cluster, ids))
        finally:
            jobs.cancel_all()
            cluster.run(["scontrol", "delete", "reservation=for_alice"])


def _submit_running(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    ids = {
        "running": jobs.running(nodelist="rack001", cpus_per_task=4, mem_per_cpu=250, job_name=ODD_NAME,
                                time=90, licenses="matlab:1"),
        "suspended": jobs.running(user="bob", nodelist="rack002", ntasks=2, mem=3000),
        "het": jobs.running(nodelist="rack001", ntasks=2,
                            components=[{"partition": "long", "nodelist": "rack007", "ntasks": 1}]),
        "gpu": jobs.running(user="bob", partition="high", nodelist="rack005", gres="gpu:tesla:1", qos="urgent"),
    }  # fmt: skip
    cluster.suspend(ids["suspended"])
    return ids


def _submit_ending(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    ids = {
        "completed": jobs.submit(wrap="true", job_name="done", comment="with | bars, 'quotes' and ü"),
        "reserved": jobs.submit(wrap="true", reservation="for_alice"),
        "failed": jobs.submit(wrap="exit 3", constraint="avx2"),
        "signalled": jobs.submit(wrap="kill -9 $$"),
        "cancelled": jobs.running(user="carol", partition="long", nodelist="rack007", mem=10),
        "cancelled_waiting": jobs.submit(hold=True),
        "requeued": jobs.running(user="bob", nodelist="rack003"),
        "resized": jobs.running(user="carol", nodelist="rack[003-004]", nodes=2, time="UNLIMITED", partition="long"),
        "hidden": jobs.running(user="mallory", partition="secret"),
    }
    cluster.cancel(ids["cancelled"], ids["cancelled_waiting"])
    cluster.requeue(ids["requeued"])
    cluster.run(["scontrol", "update", f"jobid={ids['resized']}", "numnodes=1"])
    return ids


def _submit_waiting(jobs: Jobs) -> dict[str, int]:
    return {
        "held": jobs.submit(hold=True),
        "many_partitions": jobs.submit(user="bob", partition="main,high", nodelist="rack006", begin="now+1hour"),
        "array": jobs.submit(user="carol", array="0-5%2", partition="long", nodelist="rack007", mem=10),
    }


def _settle(cluster: Cluster, ids: dict[str, int]) -> None:
    """Wait until slurmdbd has what has happened."""
    ends = {
        "timeout": "TIMEOUT", "completed": "COMPLETED", "reserved": "COMPLETED", "failed": "FAILED",
        "signalled": "FAILED",
        "cancelled": "CANCELLED", "cancelled_waiting": "CANCELLED", "requeued": "REQUEUED", "resized": "RESIZING",
        "node_failed": "NODE_FAIL",
        "suspended": "SUSPENDED", "running": "RUNNING", "hidden": "RUNNING", "held": "PENDING",
    }  # fmt: skip

    def states() -> set[tuple[int, str]]:
        told = read_sacct(cluster, "-D", "-j", ",".join(map(str, ids.values())))
        return {(int(facts["JobIDRaw"]), facts["State"].split()[0]) for facts in told}

    wanted = {(ids[kind], state) for kind, state in ends.items()}
    wait_until("slurmdbd to have every job's state", states, lambda seen: wanted <= seen, interval=1)
    # slurmdbd learns of a task that starts before it learns which tasks still wait.
    parts = {f"{ids['array']}_{part}" for part in ("0", "1", "[2-5%2]")}
    wait_until("two tasks of the array to run", lambda: _tasks(cluster, ids["array"]), lambda seen: seen == parts)


def _tasks(cluster: Cluster, array: int) -> set[str]:
    return {facts["JobID"] for facts in read_sacct(cluster, "-j", str(array))}


def _told(cluster: Cluster, ids: dict[str, int]) -> dict[str, Facts]:
    told = read_sacct(cluster, "-D", "-j", ",".join(map(str, ids.values())))
    return {facts["DBIndex"]: facts for facts in told if facts["Partition"] != "secret"}


def _about(ids: dict[str, int]) -> str:
    return f"/history?jobid>={min(ids.values())}&limit=1000&times=epoch"


def _answer(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def test_the_records_are_those_of_sacct(history: History) -> None:
    assert set(history.ours) == set(history.before) == set(history.after)


def test_every_record_is_what_sacct_prints(history: History) -> None:
    wrong = {
        facts["JobID"]: found
        for key, facts in history.before.items()
        if (found := differences(JOB_ROWS, history.ours[key], facts, history.after[key]))
    }

    assert wrong == {}


def test_every_published_field_is_compared() -> None:
    compared = {row.field for row in JOB_ROWS}

    assert compared | set(JOB_NOT_TOLD) == set(HistoryRecord.model_fields)
    assert compared.isdisjoint(JOB_NOT_TOLD)


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        ("completed", ["JOB_COMPLETE"]),
        ("failed", ["JOB_FAILED"]),
        ("signalled", ["JOB_FAILED"]),
        ("cancelled", ["JOB_CANCELLED"]),
        ("cancelled_waiting", ["JOB_CANCELLED"]),
        ("timeout", ["JOB_TIMEOUT"]),
        ("requeued", ["JOB_PENDING", "JOB_REQUEUE"]),
        ("resized", ["JOB_RUNNING", "JOB_RESIZING"]),
        ("running", ["JOB_RUNNING"]),
        ("suspended", ["JOB_SUSPENDED"]),
        ("held", ["JOB_PENDING"]),
        ("hidden", []),
    ],
)
def test_the_attempts_at_a_job(history: History, kind: str, states: list[str]) -> None:
    assert [record["state"] for record in history.records(kind)] == states


def test_requested_memory(history: History) -> None:
    [per_cpu], [per_node] = history.records("running"), history.records("suspended")

    assert (per_cpu["mem_req"], per_cpu["mem_req_per"]) == (250, "cpu")
    assert (per_node["mem_req"], per_node["mem_req_per"]) == (3000, "node")


def test_text_is_what_the_user_typed(history: History) -> None:
    [running], [completed] = history.records("running"), history.records("completed")

    assert (running["job_name"], completed["comment"]) == (STORED_NAME, "with | bars, 'quotes' and ü")


def test_parts_of_ids(history: History) -> None:
    array, het = history.ids["array"], history.ids["het"]
    records = [record for record in history.ours.values() if record["array_job_id"] == array]
    parts = {record["job_id_str"]: (record["array_task_id"], record["array_task_str"]) for record in records}
    components = [record for record in history.ours.values() if record["het_job_id"] == het]

    assert parts == {f"{array}_[2-5%2]": (None, "2-5%2"), f"{array}_0": (0, None), f"{array}_1": (1, None)}
    assert sorted(record["het_job_offset"] for record in components) == [0, 1]


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("duplicates=false", []),
        ("", ["-D"]),
        ("user=alice", ["-D", "-u", "alice"]),
        ("user=2002", ["-D", "-u", "2002"]),
        ("account=biology", ["-D", "-A", "biology"]),
        ("partition=long", ["-D", "-r", "long"]),
        ("qos=urgent", ["-D", "-q", "urgent"]),
        ("jobname=done", ["-D", "--name", "done"]),
        ("state=FAILED,to", ["-D", "-s", "F,TO"]),
        ("state=JOB_CANCELLED&duplicates=false", ["-s", "CA"]),
        ("node=rack[003-004]", ["-D", "-N", "rack[003-004]"]),
        ("user=bob&state=REQUEUED", ["-D", "-u", "bob", "-s", "RQ"]),
    ],
)
def test_a_filter_finds_what_sacct_finds(cluster: Cluster, history: History, query: str, options: list[str]) -> None:
    # Without -j sacct leaves out jobs that were never eligible to start.
    ids = ",".join(map(str, history.ids.values()))
    told = read_sacct(cluster, "-j", ids, "-S", "2020-01-01", "-E", "now", *options)
    expected = {facts["DBIndex"] for facts in told if facts["Partition"] != "secret"}
    ours = _answer(history.client, f"{_about(history.ids)}&{query}")

    assert expected
    assert {record["id_record"] for record in ours} == expected


def test_sums_are_those_of_the_lines_of_sacct(cluster: Cluster, history: History) -> None:
    ids = ",".join(map(str, history.ids.values()))
    first = min(record["time_submit"] for record in history.ours.values())
    last = max(record["time_end"] or 0 for record in history.ours.values())
    window = ["-S", f"{datetime.fromtimestamp(first):%FT%T}", "-E", f"{datetime.fromtimestamp(last):%FT%T}"]  # noqa: DTZ006
    cases = (
        (f"jobid>={min(history.ids.values())}", ["-j", ids], "Submit"),
        (f"jobid>={min(history.ids.values())}&user=bob", ["-j", ids, "-u", "bob"], "Submit"),
        # Of these states sacct lists the jobs that ended within the window.
        (f"endafter={first}&endbefore={last + 1}&state={','.join(ENDED)}", ["-s", ",".join(ENDED), *window], "End"),
    )
    groupings = ("user", "account", "partition", "qos", "state", "job_name", "day", "account,user", "partition,state")
    for query, options, day_of in cases:
        before = _lines(cluster, *options)
        ours = {groups: _summed(history.client, groups, query) for groups in groupings}
        after = _lines(cluster, *options)
        for groups, sums in ours.items():
            assert sums
            assert wrong_sums(sums, sums_of(before, groups, day_of), sums_of(after, groups, day_of)) == [], query
    assert {*ENDED} <= {state for (state,) in ours["state"]}


def _summed(client: FlaskClient, groups: str, query: str) -> dict[tuple[str, ...], dict[str, Any]]:
    response = client.get(f"/history?group_by={groups}&{query}")
    assert response.status_code == 200, response.text
    return {tuple(record[name] for name in groups.split(",")): record for record in response.get_json()["data"]}


def _lines(cluster: Cluster, *options: str) -> list[Facts]:
    told = read_columns(cluster, COLUMNS, "-X", "-D", *options)
    return [facts for facts in told if facts["Partition"] != HIDDEN_PARTITION]


def test_all_pages_together_give_each_record_once(history: History) -> None:
    path: str | None = _about(history.ids).replace("limit=1000", "limit=3")
    found: list[str] = []
    while path is not None:
        response = history.client.get(path)
        body = response.get_json()
        found += [record["id_record"] for record in body["data"]]
        path = body["meta"]["next"]
        assert (path is None) or (path in response.headers["Link"])

    assert len(found) == len(set(found))
    assert set(found) == set(history.ours)


def test_records_that_come_meanwhile_move_no_page(cluster: Cluster, history: History, jobs: Jobs) -> None:
    body = history.client.get("/history?limit=5").get_json()
    found = [record["id_record"] for record in body["data"]]
    expected = [record["id_record"] for record in _answer(history.client, "/history?limit=1000")]
    while body["meta"]["next"] is not None:
        if len(found) < 15:
            job = jobs.submit(hold=True)
            wait_until(f"slurmdbd to have job {job}", lambda job=job: _tasks(cluster, job), bool)  # type: ignore[misc]
        body = history.client.get(body["meta"]["next"]).get_json()
        found += [record["id_record"] for record in body["data"]]

    assert found == expected
