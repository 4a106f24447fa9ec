"""/history/{id} and /history/{id}/steps against `sacct`, field by field, for jobs that came to different ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.step_contract import StepRecord
from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import Row, differences
from tests.cluster.sacct_truth import Facts, cpu_time, read_columns, tres
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.waiting import wait_for

_SCRIPT: Final = (
    "srun -n2 --job-name=both sh -c 'exit $((SLURM_PROCID * 7))'; srun -n1 -J killed sh -c 'kill -9 $$';"
    " dd if=/dev/zero of=/tmp/steps-$SLURM_JOB_ID bs=1M count=20; cat /tmp/steps-$SLURM_JOB_ID > /dev/null;"
    " rm /tmp/steps-$SLURM_JOB_ID; sleep 2.5"
)


def _text(text: str) -> str | None:
    return text or None


def _mebibytes(text: str) -> float | None:
    return round(int(text) / 2**20, 3) if text not in ("", "0") else None


def _counted(name: str) -> Any:
    """Returns the conversion of a list of TRES in bytes to MiB of one. Absent is null."""

    def convert(text: str) -> float | None:
        found = dict(part.split("=") for part in text.split(",") if part)
        return None if name not in found else round(int(found[name].removesuffix("M")) / 2**20, 3)

    return convert


def _memory(text: str) -> float | None:
    found: float | None = _counted("mem")(text)
    return found or None


def _measured(text: str) -> str | None:
    """Returns the node or task of the largest memory. sacct names one for a memory of 0, too."""
    return text or None


STEP_ROWS: Final = [
    Row("step_id_str", "JobID"),
    Row("step_name", "JobName"),
    Row("state_name", "State", lambda text: text.partition(" by ")[0]),
    Row("kill_requid", "State", lambda text: int(text.partition(" by ")[2]) if " by " in text else None),
    Row("exit_code", "ExitCode", lambda text: int(text.partition(":")[0])),
    Row("exit_signal", "ExitCode", lambda text: int(text.partition(":")[2])),
    Row("nodelist", "NodeList"),
    Row("nodes_alloc", "NNodes", int),
    Row("tasks", "NTasks", int),
    Row("tres_alloc", "AllocTRES", tres),
    Row("time_start", "Start", int),
    Row("time_end", "End", lambda text: int(text) if text.isdigit() else None),
    Row("elapsed", "ElapsedRaw", int, moving=True),
    Row("suspended", "Suspended", lambda text: 0 if text == "00:00:00" else None),
    Row("max_rss", "MaxRSS", _mebibytes),
    Row("total_rss", "TRESUsageInTot", _memory),
    Row("disk_read", "TRESUsageInTot", _counted("fs/disk")),
    Row("disk_written", "TRESUsageOutTot", _counted("fs/disk")),
    Row("container", "Container", _text),
    Row("submit_line", "SubmitLine", _text),
    Row("std_in", "StdIn", _text),
    Row("std_out", "StdOut", _text),
    Row("std_err", "StdErr", _text),
]
# sacct cuts microseconds.
_CPU_TIME: Final = Row("cpu_time", "TotalCPU", cpu_time)
_WHERE: Final = [Row("max_rss_node", "MaxRSSNode", _measured), Row("max_rss_task", "MaxRSSTask", int)]
"""Compared where memory was measured: sacct prints node and task of 0 bytes, too."""

_NOT_TOLD: Final = {
    "id_record", "id_job", "step_id", "state", "timelimit", "cpu_efficiency", "mem_efficiency", "gpu_util", "gpu_mem",
    "energy",
}  # fmt: skip
"""Parts of other fields, what is computed, and what the test cluster does not measure."""


@dataclass(frozen=True)
class Ended:
    """Jobs by kind."""

    ids: dict[str, str]
    client: FlaskClient
    cluster: Cluster

    def sacct(self, job: str, *options: str) -> list[Facts]:
        """Returns sacct's lines of the steps of all attempts at a job, by their job's record and their id."""
        columns = ["DBIndex", *dict.fromkeys(row.slurm for row in (*STEP_ROWS, _CPU_TIME, *_WHERE))]
        lines = read_columns(self.cluster, columns, "-D", "-j", job, "--expand-patterns", *options)
        return [facts for facts in lines if "." in facts["JobID"]]

    def steps(self, job: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/history/{job.replace('+', '%2B')}/steps?times=epoch")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.get_json()["data"]
        return found


@pytest.fixture(scope="module")
def ended(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    jobs = Jobs(cluster)
    with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
        try:
            requeued = jobs.running(nodelist="rack003", wrap="srun -J once sleep 300")
            wait_for("its step", lambda: f"{requeued}.0" in _printed(cluster, "JobID", requeued))
            cluster.requeue(requeued)
            array = jobs.submit(array="0-1", wrap="srun true", job_name="tasks", output="/tmp/%A_%a-%x.out")
            script = jobs.submit(wrap=_SCRIPT, ntasks=2, nodes=2, mem=100, acctg_freq="task=1", output="/tmp/o-%j-%s")
            ids = {"requeued": str(requeued), "task": f"{array}_1", "array": str(array), "script": str(script)}
            found = Ended(ids, make_client(settings), cluster)
            cluster.wait_accounted(script, "COMPLETED")
            wait_for("the first attempt", lambda: "REQUEUED" in _states(cluster, requeued))
            wait_for("the tasks", lambda: _states(cluster, array).count("COMPLETED") == 2)
            # It waits two minutes before it starts again.
            cluster.run(["scancel", str(requeued)])
            wait_for("its second attempt", lambda: "CANCELLED" in " ".join(_states(cluster, requeued)))
            yield found
        finally:
            jobs.cancel_all()


def _printed(cluster: Cluster, column: str, job: int, *options: str) -> list[str]:
    return [facts[column] for facts in read_columns(cluster, [column], "-D", "-j", str(job), *options)]


def _states(cluster: Cluster, job: int) -> list[str]:
    return _printed(cluster, "State", job, "-X")


@pytest.mark.parametrize("kind", ["requeued", "task", "array", "script"])
def test_every_step_is_what_sacct_prints(ended: Ended, kind: str) -> None:
    job = ended.ids[kind]
    before, ours, after = ended.sacct(job), ended.steps(job), ended.sacct(job)
    found = {(record["id_record"], record["step_id_str"]): record for record in ours}
    keys = [(facts["DBIndex"], facts["JobID"]) for facts in before]

    assert len(ours) == len(found)
    assert sorted(found) == sorted(keys)
    assert len(ours) == {"requeued": 2, "task": 2, "array": 4, "script": 3}[kind]
    wrong = {}
    for key, first, last in zip(keys, before, after, strict=True):
        rows = [*STEP_ROWS, *(_WHERE if found[key]["max_rss"] is not None else [])]
        if lines := differences(rows, found[key], first, last):
            wrong[key] = lines
        assert found[key]["cpu_time"] == pytest.approx(cpu_time(first["TotalCPU"]), abs=0.0011)
    assert wrong == {}


def test_every_published_field_is_compared() -> None:
    assert {row.field for row in (*STEP_ROWS, _CPU_TIME, *_WHERE)} | _NOT_TOLD == set(StepRecord.model_fields)


def test_ends_of_steps(ended: Ended) -> None:
    batch, both, killed = ended.steps(ended.ids["script"])
    assert [(step["step_id"], step["state_name"]) for step in (batch, both, killed)] == [
        ("batch", "COMPLETED"), ("0", "FAILED"), ("1", "CANCELLED"),
    ]  # fmt: skip
    assert (both["exit_code"], both["tasks"], both["nodes_alloc"]) == (7, 2, 2)
    assert 9 in (killed["exit_signal"], killed["exit_code"] - 128)
    if batch["disk_written"] is not None:
        assert batch["disk_written"] >= 20
        assert batch["disk_read"] >= 20


def test_attempts_are_those_of_sacct(ended: Ended) -> None:
    for kind, count in (("requeued", 2), ("task", 1), ("array", 2), ("script", 1)):
        job = ended.ids[kind]
        printed = read_columns(ended.cluster, ["DBIndex", "Submit"], "-X", "-D", "-j", job)
        ours = ended.client.get(f"/history/{job}?fields=id_record,id_job,job_id_str").get_json()["data"]
        assert len(ours) == count
        assert {record["id_record"] for record in ours} == {facts["DBIndex"] for facts in printed}
    newest, first = ended.client.get(f"/history/{ended.ids['requeued']}").get_json()["data"]
    assert (newest["state_name"], first["state_name"]) == ("CANCELLED", "REQUEUED")
    latest = ended.client.get(f"/history/{ended.ids['requeued']}?duplicates=false").get_json()["data"]
    assert latest == [newest]
