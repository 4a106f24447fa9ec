"""/history against `sacct`: forms of array ids, exit codes, and names that are hard to ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.diagnosis.database import check_database
from tests.cluster.accounting_database import (
    ASSOC_TABLE,
    JOB_TABLE,
    accounting_database,
    real_accounting,
)
from tests.cluster.history_model import population
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.waiting import wait_for

ARRAYS: Final = ("0-10000:100", "0-10:2", "0-12:2%3", "1,100", "0-15:5", "0-20:4", "0-9,20,40", "5-9%2")
CODES: Final = "0-3,125-130,137,143,253-255"
NAMES: Final = ("a,b", "!a", "a*b", "a b", r"a\\b")


@dataclass(frozen=True)
class Submitted:
    """Waiting arrays, the array whose tasks ended with `CODES`, and jobs by their odd names."""

    arrays: list[int]
    codes: int
    named: dict[str, int]
    latin: int
    client: FlaskClient


@pytest.fixture(scope="module")
def submitted(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitted]:
    jobs = Jobs(cluster)
    with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
        try:
            arrays = [jobs.submit(hold=True, array=array) for array in ARRAYS]
            codes = jobs.submit(wrap="exit $SLURM_ARRAY_TASK_ID", array=CODES, mem=10)
            named = {name: jobs.submit(hold=True, job_name=name) for name in NAMES}
            latin = _with_latin_1_name(cluster)
            wait_for("the tasks to end", lambda: _ended(cluster, codes) == 15)
            wait_for("slurmdbd to have all jobs", lambda: len(_sacct(cluster, [*arrays, *named.values(), latin])) == 14)
            yield Submitted(arrays, codes, named, latin, make_client(settings))
            cluster.cancel(latin)
        finally:
            jobs.cancel_all()


def _with_latin_1_name(cluster: Cluster) -> int:
    script = """sbatch --parsable --hold -D / -o /dev/null -J "$(printf 'f\\374r')" --wrap true"""
    return int(cluster.run(["bash", "-c", script], user="alice").stdout)


def _sacct(cluster: Cluster, ids: list[int], columns: str = "JobID%300,JobName,ExitCode,State") -> list[list[str]]:
    """Returns what sacct prints of jobs, with array ids of any length."""
    argv = ["sacct", "-X", "-n", "-P", "--allusers", "-o", columns, "-j", ",".join(map(str, ids))]
    return [line.split("|") for line in cluster.run(argv, env={"SLURM_BITSTR_LEN": "0"}).stdout.splitlines()]


def _ended(cluster: Cluster, array: int) -> int:
    return sum(state in ("COMPLETED", "FAILED") for _, _, _, state in _sacct(cluster, [array]))


def records(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    response = client.get("/history", query_string={"limit": 100, **query})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def test_pending_tasks_are_written_as_by_sacct(cluster: Cluster, submitted: Submitted) -> None:
    ours = {record["job_id_str"] for record in records(submitted.client, jobid=submitted.arrays)}
    assert ours == {row[0] for row in _sacct(cluster, submitted.arrays)}
    assert f"{submitted.arrays[0]}_[0-10000:100]" in ours


def test_exit_codes_are_those_of_sacct(cluster: Cluster, submitted: Submitted) -> None:
    asked = ",".join(f"{submitted.codes}_{code}" for code in range(256))
    ours = {
        row["job_id_str"]: f"{row['exit_code']}:{row['exit_signal']}" for row in records(submitted.client, jobid=asked)
    }
    assert ours == {row[0]: row[2] for row in _sacct(cluster, [submitted.codes])}
    assert ours[f"{submitted.codes}_137"] == "137:0"
    assert len(ours) == 15


def test_a_pending_task_is_found_in_the_record_of_its_array(submitted: Submitted) -> None:
    array = submitted.arrays[0]
    assert [row["id_job"] for row in records(submitted.client, jobid=f"{array}_700,{array}_701")] == [array]
    assert records(submitted.client, jobid=f"{array}_701") == []


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_asked_for(submitted: Submitted, name: str) -> None:
    escaped = re.sub(r"(\W)", r"\\\1", name)
    ids = [row["id_job"] for row in records(submitted.client, jobname=escaped, submitafter="now-1hour")]
    assert submitted.named[name] in ids
    assert not {job for other, job in submitted.named.items() if other != name} & set(ids)


def test_a_name_that_is_not_utf8_is_the_one_of_sacct(cluster: Cluster, submitted: Submitted) -> None:
    [record] = records(submitted.client, jobid=submitted.latin)
    assert record["job_name"] == _sacct(cluster, [submitted.latin])[0][1]
    found = records(submitted.client, jobname=record["job_name"], submitafter="now-1hour")
    assert submitted.latin in [row["id_job"] for row in found]


def test_bytes_that_are_not_utf8_are_replaced(cluster: Cluster, tmp_path: Path) -> None:
    """The database of an old cluster, in Latin-1, keeps the bytes that slurmdbd sends."""
    with accounting_database(cluster.database, "20.11", "latin1") as database:
        rows = population("20.11", 4, seed=1)[:4]
        names = [b"f\xfcr", "für".encode(), b"for", b"f\xfc\xe4r"]
        texts = {"job_name": "x", "id_assoc": 5, "partition": "main", "state": 3}
        database.insert(JOB_TABLE, [{**row, **texts, "id_job": number} for number, row in enumerate(rows, 1)])
        for number, name in enumerate(names, 1):
            database.sql(f"UPDATE `{JOB_TABLE}` SET job_name = x'{name.hex()}' WHERE id_job = {number}")
        client = make_client(database.settings(tmp_path))
        found = {row["id_job"]: row["job_name"] for row in records(client)}
        assert found == {1: "f\ufffdr", 2: "für", 3: "for", 4: "f\ufffd\ufffdr"}
        for number, name in found.items():
            assert [row["id_job"] for row in records(client, jobname=name)] == [number]
            assert [row["id_job"] for row in records(client, jobname=name, duplicates="false")] == [number]


def test_a_cluster_with_a_dot_in_its_name_is_read_and_checked(cluster: Cluster, tmp_path: Path) -> None:
    job, assoc = "dotted.one_job_table", "dotted.one_assoc_table"
    with accounting_database(cluster.database) as database:
        database.insert(JOB_TABLE, population("26.05", 20, seed=1))
        expected = len(records(make_client(database.settings(tmp_path / "before"))))
        database.sql(f"RENAME TABLE `{JOB_TABLE}` TO `{job}`, `{ASSOC_TABLE}` TO `{assoc}`")
        database.grant((job, assoc, "qos_table", "tres_table"))
        settings = database.settings(tmp_path / "run", table_job=job, table_assoc=assoc)
        client = make_client(settings)
        assert len(records(client)) == expected > 0
        for query in ("user=bob&duplicates=false", "jobid=1000,1001_1", "submitbefore=now", "node=rack001"):
            assert client.get(f"/history?{query}").status_code == 200
        assert client.get("/history").get_json()["meta"]["cluster"] == "dotted.one"
        assert {finding.verdict for finding in check_database(settings.database)} == {"ok"}
