"""/jobs against `squeue`, `scontrol show job` and `sacct -j`, for jobs that came to every kind of end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.factory import open_accounting
from slurm_rest_api.auth.data_scope import EVERYTHING
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import Snapshot
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from slurm_rest_api.web.job_ids import parse_job_id_list
from tests.acctapi.rows import job_row
from tests.cluster.accounting_database import JOB_TABLE, accounting_database, real_accounting, recorded
from tests.cluster.comparison import Row, differences
from tests.cluster.conftest import Jobs
from tests.cluster.sacct_truth import JOB_ROWS, Facts, read_sacct
from tests.cluster.test_source_commands import programs
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import HIDDEN_PARTITION
from tests.testbed.steps import wait_until
from tests.testbed.truth import parse_record

_ENDED: Final = {
    "completed": "COMPLETED", "failed": "FAILED", "failed_137": "FAILED", "signalled": "FAILED",
    "cancelled": "CANCELLED", "cancelled_waiting": "CANCELLED", "late": "TIMEOUT", "requeued": "COMPLETED",
}  # fmt: skip
_EXITS: Final = {"completed": (0, 0), "failed": (3, 0), "failed_137": (137, 0), "signalled": (0, 9), "requeued": (0, 0)}


@dataclass(frozen=True)
class Polled:
    """Jobs by their kind, and a service that can be given any snapshot of slurmctld."""

    cluster: Cluster
    ids: dict[str, int]
    client: FlaskClient
    snapshot: Snapshot
    load: Callable[[Snapshot], None]

    def get(self, *ids: str, fields: str = "") -> dict[str, Any]:
        """Returns the response to these ids."""
        response = self.client.get("/jobs", query_string={"id": ",".join(ids), "fields": fields})
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.get_json()
        return body

    def from_queue(self, *ids: str) -> dict[str, Any]:
        """Returns the response while slurmctld has all jobs."""
        self.load(self.snapshot)
        return self.get(*ids)

    def from_history(self, *ids: str) -> dict[str, Any]:
        """Returns the response after slurmctld has forgotten all jobs."""
        self.load(replace(self.snapshot, jobs=[]))
        return self.get(*ids)


@pytest.fixture(scope="module")
def polled(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polled]:
    folder = tmp_path_factory.mktemp("polled")
    jobs = Jobs(cluster)
    with real_accounting(cluster, folder / "run") as settings:
        try:
            ids = _submit(cluster, jobs)
            loaded = programs(cluster, folder / "bin").load()
            # Jobs can be read once, and each test needs all of them.
            snapshot = replace(loaded, jobs=list(loaded.jobs), changed_since=None, seconds_waited=None)
            load = _loader(settings)
            yield Polled(cluster, ids, make_client(settings), snapshot, load)
        finally:
            jobs.cancel_all()


def _loader(settings: Settings) -> Callable[[Snapshot], None]:
    paths = RuntimePaths.of(settings)
    paths.make()
    source = FakeSource()
    cycle = Cycle(source, StoreWriter(paths.store), hidden=[HIDDEN_PARTITION], refresh_seconds=3600.0)

    def load(snapshot: Snapshot) -> None:
        # A cycle changes the records of its snapshot.
        source.snapshot = copy.deepcopy(snapshot)
        cycle.run()

    return load


def _submit(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    small = {"partition": "long", "nodelist": "rack007", "mem": 10}
    ids = {
        "completed": jobs.submit(wrap="true"),
        "failed": jobs.submit(wrap="exit 3"),
        "failed_137": jobs.submit(wrap="exit 137"),
        "signalled": jobs.submit(wrap="kill -9 $$"),
        "cancelled_waiting": jobs.submit(hold=True),
        "held": jobs.submit(hold=True),
        "array": jobs.submit(array="0-7%1", **small),
        "hidden": jobs.submit(user="mallory", partition=HIDDEN_PARTITION, wrap="true"),
        "cancelled": jobs.running(**small),
        "late": jobs.running(**small),
        "requeued": jobs.running(wrap='[ -n "$SLURM_RESTART_COUNT" ] || sleep 600', **small),
        "het": jobs.running(nodelist="rack001", mem=10, components=[{**small, "ntasks": 1}]),
    }
    cluster.run(["scontrol", "update", f"jobid={ids['late']}", "EndTime=now+1"])
    cluster.cancel(ids["cancelled"], ids["cancelled_waiting"])
    cluster.requeue(ids["requeued"])
    cluster.wait_state(f"{ids['array']}_0", {"RUNNING"})
    cluster.run(["scancel", f"{ids['array']}_0", f"{ids['array']}_5"])
    cluster.wait_state(f"{ids['array']}_1", {"RUNNING"})
    # A job waits for two minutes after it was requeued unless its start is set.
    cluster.run(["scontrol", "update", f"jobid={ids['requeued']}", "StartTime=now"], check=False)
    for kind, state in _ENDED.items():
        cluster.wait_state(ids[kind], {state})
        cluster.wait_accounted(ids[kind], state)
    cluster.wait_accounted(ids["hidden"], "COMPLETED")
    # slurmdbd learns of a task that starts before it learns which tasks still wait.
    parts = {f"{ids['array']}_{part}" for part in ("0", "1", "[2-4,6-7%1]")}
    wait_until(
        "slurmdbd to have two tasks of the array", lambda: {*_sacct(cluster, ids["array"])}, lambda seen: seen == parts
    )
    cluster.wait_accounted(ids["het"], "RUNNING")
    wait_until(
        "the reason of the held job",
        lambda: _scontrol(cluster, str(ids["held"]))["Reason"],
        lambda seen: seen == "JobHeldUser",
    )
    return ids


def _sacct(cluster: Cluster, job: int) -> dict[str, Facts]:
    return {facts["JobID"]: facts for facts in read_sacct(cluster, "-j", str(job))}


def _rows(rows: list[Row]) -> list[Row]:
    """The fields of /jobs that sacct has."""
    same = {"exit_code", "exit_signal", "derived_exit_code"}
    other = {
        "state_name": "state", "time_submit": "submit_time", "time_start": "start_time", "time_end": "end_time",
        "nodelist": "nodes", "restart_cnt": "restarts", "id_job": "job_id",
    }  # fmt: skip
    return [replace(row, field=other.get(row.field, row.field)) for row in rows if row.field in same | other.keys()]


def test_ended_jobs_are_the_same_from_both_sources_and_as_sacct_prints_them(polled: Polled) -> None:
    texts = [str(polled.ids[kind]) for kind in _ENDED]
    queue, history = polled.from_queue(*texts), polled.from_history(*texts)
    assert {record["source"] for record in queue["data"].values()} == {"queue"}
    assert list(queue["data"]) == list(history["data"]) == texts
    for kind, state in _ENDED.items():
        ours, theirs = queue["data"][str(polled.ids[kind])], history["data"][str(polled.ids[kind])]
        # slurmctld may learn of the signal after it has reported the end of a job that it killed to slurmdbd.
        signal = {"exit_signal": theirs["exit_signal"]} if kind in ("cancelled", "late") else {}
        assert theirs == {**ours, "source": "history", "reason": None, **signal}, kind
        assert (ours["state"], ours["phase"], ours["runaway"]) == (state, "ended", False)
        facts = _sacct(polled.cluster, polled.ids[kind])[str(polled.ids[kind])]
        assert differences(_rows(JOB_ROWS), theirs, facts, facts) == [], kind
        if kind in _EXITS:
            assert (ours["exit_code"], ours["exit_signal"]) == _EXITS[kind]
    assert queue["data"][str(polled.ids["requeued"])]["restarts"] == 1
    assert queue["data"][str(polled.ids["cancelled_waiting"])]["start_time"] is None


def test_jobs_of_slurmctld_are_as_squeue_and_scontrol_print_them(polled: Polled) -> None:
    array, het = polled.ids["array"], polled.ids["het"]
    asked = [str(polled.ids["held"]), f"{array}_0", f"{array}_1", f"{het}+0", f"{het}+1"]
    body = polled.from_queue(*asked, f"{array}_7", f"{array}_5")
    assert body["data"].keys() == {*asked, f"{array}_7"}
    # Slurm keeps no record of a task that is cancelled while it waits.
    assert body["meta"]["unknown"] == [f"{array}_5"]
    assert {text: body["data"][text]["phase"] for text in asked} == dict(
        zip(asked, ["pending", "ended", "active", "active", "active"], strict=True)
    )
    assert (body["data"][f"{array}_7"]["state"], body["data"][f"{array}_7"]["reason"]) == (
        "PENDING", "JobArrayTaskLimit"
    )  # fmt: skip
    for text in asked:
        told = _scontrol(polled.cluster, text)
        record = body["data"][text]
        assert (record["state"], record["reason"] or "None") == (told["JobState"], told["Reason"]), text
        assert (record["submit_time"], record["nodes"]) == (int(told["SubmitTime"]), _word(told.get("NodeList"))), text
        if record["phase"] == "active":
            assert record["start_time"] == int(told["StartTime"]), text
        if record["phase"] == "ended":
            assert f"{record['exit_code']}:{record['exit_signal']}" == told["ExitCode"], text


def test_whole_arrays_and_heterogeneous_jobs_are_those_of_squeue_and_sacct(polled: Polled) -> None:
    array, het = str(polled.ids["array"]), str(polled.ids["het"])
    for body in (polled.from_queue(array, het), polled.from_history(array, het)):
        states = {text: record["state"] for text, record in body["data"].items()}
        assert {text: state for text, state in states.items() if text.startswith(het)} == {
            f"{het}+0": "RUNNING", f"{het}+1": "RUNNING"
        }  # fmt: skip
        tasks = {text.partition("%")[0].rstrip("]"): state for text, state in states.items() if text.startswith(array)}
        assert tasks == {f"{array}_0": "CANCELLED", f"{array}_1": "RUNNING", f"{array}_[2-4,6-7": "PENDING"}


def test_hidden_and_impossible_ids_are_unknown(polled: Polled) -> None:
    hidden = str(polled.ids["hidden"])
    for body in (polled.from_queue(hidden, "0", "4294967294"), polled.from_history(hidden, "0", "4294967294")):
        assert (body["data"], body["meta"]["unknown"]) == ({}, [hidden, "0", "4294967294"])
    assert polled.client.get(f"/jobs/{hidden}").status_code == 404


def _scontrol(cluster: Cluster, text: str) -> Mapping[str, str]:
    printed = cluster.run(["scontrol", "-o", "show", "job", text], env={"SLURM_TIME_FORMAT": "%s"}).stdout
    return parse_record(printed.splitlines()[0])


def _word(text: str | None) -> str | None:
    return None if text in (None, "", "(null)") else text


@pytest.mark.parametrize(
    ("release", "keys"),
    [
        ("15.08", {"id_job", "array_job"}),
        ("18.08", {"id_job", "array_job"}),
        ("26.05", {"id_job", "array_job", "het_job"}),
    ],
)
def test_records_of_every_release_are_found_by_the_keys_of_slurmdbd(
    cluster: Cluster, tmp_path: Path, release: str, keys: set[str]
) -> None:
    leaders = {"het_job_id": 8, "pack_job_id": 8}
    rows = [
        *(job_row(number, id_job=number) for number in range(100, 1100)),
        job_row(7, id_job=7, id_array_job=7, state=0, time_end=0, array_task_str="0x6"),
        job_row(6, id_job=6, id_array_job=7, id_array_task=0),
        job_row(8, id_job=8, het_job_offset=0, pack_job_offset=0, **leaders),
        job_row(9, id_job=9, het_job_offset=1, pack_job_offset=1, **leaders),
    ]
    ids = "101,7_0,7_2,7_5,8" + ("" if release == "15.08" else "+1,8+0")
    asked = parse_job_id_list([ids, ",".join(map(str, range(2000, 2900)))])
    with accounting_database(cluster.database, release) as database:
        # Until 21.08 a column had to have a value.
        database.insert(JOB_TABLE, [{name: value for name, value in row.items() if value is not None} for row in rows])
        accounting = open_accounting(database.settings(tmp_path))
        assert accounting is not None
        with recorded(database) as statements:
            found = accounting.jobs.find(asked, [], EVERYTHING, names=False)
        assert {attempt.job for attempt in found.attempts} == {101, 6, 7, 8} | ({9} if release != "15.08" else set())
        assert [attempt.component for attempt in found.attempts if attempt.job == 9] in ([], [1])
        [statement] = [text for text in statements if "FORCE INDEX" in text]
        used = {row[5] for row in database.sql(f"EXPLAIN {statement}") if row[2] == JOB_TABLE}
        # The key of heterogeneous jobs is not forced before 20.02. In a small table MariaDB reads all records instead.
        assert used - {None, "pack_job"} == keys
