"""The source `slurm:commands` on the real cluster: hostile texts, jobs that come and go, RPCs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.host import PROGRAMS
from slurm_rest_api.slurmapi.contract import JobRecord, NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import ClusterSource, Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.commands.optional_records import OptionalRecords
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.source import CommandsSource, open_commands
from slurm_rest_api.slurmapi.sources.parts import all_from
from slurm_rest_api.slurmapi.sources.slurm_source import SlurmSource
from tests.builders import with_collected_fields
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs

# A user with no other RPCs.
OTHER = "daemon"

SECONDS = 300.0
"""Time limit of one command. Only a failure takes this long."""

HOSTILE = {
    "fields": "evil UserId=root(0) GroupId=root(0) NumCPUs=9999",
    "block": "x\n   UserId=root(0) GroupId=root(0) MCS_label=N/A\n   Priority=1 Nice=0 Account=secret QOS=high",
    "job": "x\n\nJobId=1 JobName=y\n   UserId=root(0)",
    "latin": "f\udcfcr",
    "latin_lines": "\udcff\n   SLUID=s1",
    "separators": "a,b | c\x1fd\t\"e\" 'f' \\n",
}
"""Names of jobs. Bytes that are not UTF-8 are written as surrogates (PEP 383)."""


def published(text: str) -> str:
    """Returns the published form of a text with surrogates."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def programs(
    cluster: Cluster, folder: Path, before: dict[str, Sequence[str]] | None = None, user: str = "root"
) -> CommandsSource:
    """Opens commands that run inside the root. `before` has a command that runs before each run of a program."""
    folder.mkdir()
    for program in PROGRAMS:
        command = shlex.join(cluster.shell.argv([f"/usr/bin/{program}"], user))
        first = "\n".join((before or {}).get(program, ()))
        (folder / program).write_text(f'#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n{first}\nexec {command} "$@"\n')
        (folder / program).chmod(0o755)
    return open_commands(str(folder), SECONDS)


@pytest.fixture
def source(cluster: Cluster, tmp_path: Path) -> CommandsSource:
    return programs(cluster, tmp_path / "bin")


def jobs_of(source: CommandsSource) -> dict[int, Record]:
    """Loads the cluster. No job may be there twice."""
    records = list(source.load().jobs)
    found = {record["job_id"]: record for record in records}
    assert len(found) == len(records)
    return found


def test_all_records_have_the_declared_types(source: CommandsSource, jobs: Jobs) -> None:
    jobs.running(nodelist="rack001", ntasks=2)
    jobs.submit(hold=True, array="0-3%2", comment="x")
    snapshot = source.load()
    checked = []
    for model, records in (
        (JobRecord, snapshot.jobs),
        (NodeRecord, with_collected_fields(snapshot.nodes)),
        (PartitionRecord, snapshot.partitions),
        (StatisticsRecord, [snapshot.statistics]),
    ):
        for record in records:
            model.model_validate(record, strict=True)
            checked.append(model)
    assert set(checked) == {JobRecord, NodeRecord, PartitionRecord, StatisticsRecord}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_changes_no_other_field(kind: str, source: CommandsSource, jobs: Jobs) -> None:
    options: dict[str, Any] = {"hold": True, "ntasks": 3, "comment": "mine", "nice": 5}
    usual, evil = jobs.submit(job_name="usual", **options), jobs.submit(job_name=HOSTILE[kind], **options)
    found = jobs_of(source)
    own = {"job_id", "name", "submit_time", "eligible_time", "alloc_sid", "last_sched_eval", "priority", "std_out"}
    assert found[evil]["name"] == published(HOSTILE[kind])
    different = {name for name in found[usual] if found[usual][name] != found[evil][name]}
    assert different <= own | {"std_err"}


def test_hostile_texts_make_no_fields(source: CommandsSource, jobs: Jobs) -> None:
    comment = "c\n   Extra=fake\n   StdErr=/x"
    output = "/tmp/x\n   TresPerNode=gres/gpu:8"
    job = jobs.submit(hold=True, comment=comment, output=output)
    record = jobs_of(source)[job]
    assert (record["comment"], record["extra"]) == (comment, None)
    assert (record["gres"], record["tres_per_node"], record["std_out"]) == ([], None, output)


def test_an_array_with_a_hostile_name_is_published(source: CommandsSource, jobs: Jobs) -> None:
    job = jobs.submit(hold=True, array="0-3", job_name=HOSTILE["block"])
    assert jobs_of(source)[job]["name"] == HOSTILE["block"]


def test_a_job_that_starts_between_the_programs_is_published_running(
    cluster: Cluster, tmp_path: Path, jobs: Jobs
) -> None:
    job = jobs.submit(hold=True, nodelist="rack001", ntasks=2)
    scontrol = shlex.join(cluster.shell.argv(["/usr/bin/scontrol"]))
    release = f"{scontrol} release {job}"
    wait = f"until {scontrol} show job {job} | grep -q JobState=RUNNING; do sleep 0.1; done"
    source = programs(cluster, tmp_path / "bin", {"scontrol": [f'case "$*" in *"show job") {release}; {wait};; esac']})
    record = jobs_of(source)[job]
    assert (record["job_state"], record["nodes"], record["cpus_allocated"]) == ("RUNNING", "rack001", {"rack001": 2})


def test_a_job_that_ends_between_the_programs_holds_nothing(cluster: Cluster, tmp_path: Path, jobs: Jobs) -> None:
    job = jobs.running(nodelist="rack001", ntasks=2)
    scancel = shlex.join(cluster.shell.argv(["/usr/bin/scancel", str(job)]))
    scontrol = shlex.join(cluster.shell.argv(["/usr/bin/scontrol", "show", "job", str(job)]))
    wait = f"until {scontrol} | grep -q JobState=CANCELLED; do sleep 0.1; done"
    source = programs(cluster, tmp_path / "bin", {"scontrol": [f'case "$*" in *"show job") {scancel}; {wait};; esac']})
    record = jobs_of(source)[job]
    assert (record["job_state"], record["cpus_allocated"]) == ("CANCELLED", {})


def test_a_job_that_comes_between_the_programs_is_published(cluster: Cluster, tmp_path: Path, jobs: Jobs) -> None:
    first = jobs.submit(hold=True)
    sbatch = shlex.join(cluster.shell.argv(["/usr/bin/sbatch", "-H", "-D", "/", "-o", "/dev/null", "--wrap", "true"]))
    source = programs(
        cluster, tmp_path / "bin", {"scontrol": [f'case "$*" in *"show job") {sbatch} >/dev/null;; esac']}
    )
    found = jobs_of(source)
    new = max(found)
    cluster.cancel(*(job for job in found if job > first))
    assert (new > first, found[new]["job_state"], found[new]["user_id"]) == (True, "PENDING", 0)


def test_unchanged_jobs_are_named_as_such(source: CommandsSource, jobs: Jobs) -> None:
    job = jobs.submit(hold=True, comment="x", gres="gpu:tesla:1", partition="high")

    def changed_since(known: dict[int, int]) -> tuple[dict[int, Record], dict[int, int]]:
        fingerprints: dict[int, int] = {}
        snapshot = source.load()
        assert snapshot.changed_since is not None
        return {record["job_id"]: record for record in snapshot.changed_since(known, fingerprints)}, fingerprints

    before, known = changed_since({})
    assert before[job]["gres"] == ["gpu:tesla:1"]
    after, known = changed_since(known)
    if after[job].__class__ is not UnchangedJob:
        # The scheduler looked at the job between the two loads.
        after, _ = changed_since(known)
    assert after[job] == UnchangedJob(job_id=job, partition="high")


def test_a_load_costs_the_published_number_of_rpcs(cluster: Cluster, tmp_path: Path, jobs: Jobs) -> None:
    jobs.submit(hold=True, job_name=HOSTILE["block"])
    jobs.submit(hold=True, comment="x")
    jobs.running(nodelist="rack001")
    commands = programs(cluster, tmp_path / "bin", user=OTHER)
    optional = OptionalRecords(SlurmPrograms(str(tmp_path / "bin"), SECONDS), {"reservations": 0.0, "licenses": 0.0})
    sources: list[ClusterSource] = [commands, SlurmSource(all_from("commands"), {"commands": commands}, optional)]

    def calls() -> int:
        return sum(entry["count"] for entry in cluster.sdiag_json()["rpcs_by_user"] if entry["user"] == OTHER)

    found = []
    for source in [commands, *sources]:
        # All texts are new in the first load, and known in the others.
        before = calls()
        list(source.load().jobs)
        found.append(calls() - before)
        assert found[-1] == source.rpcs_of_last_load
    # One RPC for reservations, one for licenses.
    assert found[2] - found[1] == 2
