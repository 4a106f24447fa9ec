"""Records that are made from one another have the values that a whole conversion gives."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands import job_shapes as module
from slurm_rest_api.slurmapi.sources.commands.job_record import JobRecords
from slurm_rest_api.slurmapi.sources.commands.job_shapes import ByShape, parts_of, similar_record
from slurm_rest_api.slurmapi.sources.commands.job_text import SEPARATOR, AmbiguousJob, Release, jobs_of, parse_job
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.squeue import line_of, parse_facts
from slurm_rest_api.slurmapi.sources.formats import TimeTexts
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load
from tests.slurmapi.sources.commands.recorded_clusters import RELEASES, RecordedCluster
from tests.slurmapi.sources.commands.test_hostile_jobs import JOBS

NAMES = UserNames(str, str)
OWN_VALUES = {
    "JobId": "123",
    "Priority": "77",
    "SubmitTime": "1700000001",
    "EligibleTime": "Unknown",
    "AccrueTime": "1700000002",
    "StartTime": "1700000003",
    "EndTime": "1700000004",
    "LastSchedEval": "1700000005",
    "AllocNode:Sid": "elsewhere:99",
    "Command": "/other command a=b",
    "SubmitLine": "sbatch --x=y",
    "WorkDir": "(null)",
    "StdIn": "/other/in",
    "StdOut": "/other/out é",
}


def converted(text: str, release: Release) -> Record:
    """Returns the record of a whole conversion. Raises AmbiguousJob for a text that could be read in two ways."""
    job = parse_job(text, release)
    if job.is_ambiguous:
        raise AmbiguousJob
    return JobRecords(NAMES, "linux").record(job, parse_facts(line_of(job)))


def by_shape(like: str, text: str, release: Release) -> Record | None:
    """Returns the record of a text from that of another one, None if they have not the same shape."""
    kept, parts = ByShape[Record](), parts_of(text)
    kept.add(parts_of(like), converted(like, release))
    found = kept.get(parts)
    return None if found is None or parts is None else similar_record(found, parts, TimeTexts())


def waiting_jobs(release: str) -> list[str]:
    """Returns recorded jobs that have a shape and are not ambiguous."""
    cluster, found = RecordedCluster(release), []
    for piece in jobs_of(iter(cluster.output("job").split(SEPARATOR))):
        text = piece.decode(errors="replace")
        with suppress(AmbiguousJob):
            converted(text, cluster.numbers)
            if parts_of(text):
                found.append(text)
    return found


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_jobs_with_other_values(release: str) -> None:
    numbers = RecordedCluster(release).numbers
    for text in waiting_jobs(release):
        other = text
        for key, value in OWN_VALUES.items():
            rest = r"\S+" if key.endswith(("Time", "Eval", "Priority")) else "[^\n]*"
            other = re.sub(rf"(\n   |(?<= )){key}={rest}", rf"\g<1>{key}={value}", other)
        other = re.sub(r"\A[0-9]+ JobName=[^\n]*", "123 JobName=other name ", other)
        assert by_shape(text, other, numbers) == converted(other, numbers) != converted(text, numbers)


def test_releases_of_which_jobs_have_a_shape() -> None:
    assert [release for release in RELEASES if waiting_jobs(release)] == ["17.11", "20.11", "23.02"]


TEXT = PrintedJob(1).several_lines().decode().removeprefix("JobId=").rstrip("\n")


@settings(max_examples=200, deadline=None)
@given(JOBS)
def test_a_hostile_text_has_the_values_of_the_whole_conversion(job: PrintedJob) -> None:
    evil = replace(job, job_id=2, priority=5)
    text = evil.several_lines().removeprefix(b"JobId=").removesuffix(b"\n\n").decode(errors="replace")
    like = replace(evil, name=b"x", texts=dict.fromkeys(evil.texts, b"x")).several_lines()
    with suppress(AmbiguousJob):
        found = by_shape(like.removeprefix(b"JobId=").removesuffix(b"\n\n").decode(), text, (26, 5))
        if found is not None:
            assert found == converted(text, (26, 5))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UserId=alice(2001)", "UserId=bob(2002)"),
        ("Account=physics", "Account=chemistry"),
        ("Reason=None", "Reason=Resources"),
        ("TimeLimit=01:00:00", "TimeLimit=02:00:00"),
        ("Partition=main", "Partition=high"),
        ("NumCPUs=2", "NumCPUs=3"),
        ("JobState=PENDING", "JobState=RUNNING"),
        ("Dependency=(null)", "Dependency=afterok:5(unfulfilled)"),
        ("1 JobName=", "1 ArrayJobId=1 ArrayTaskId=1-5 JobName="),
        ("StdOut=/tmp/slurm.out", "StdOut=/tmp/x\n   TresPerNode=gres/gpu:8"),
    ],
)
def test_a_job_that_differs_in_more_has_another_shape(old: str, new: str) -> None:
    assert by_shape(TEXT, TEXT, (26, 5)) == converted(TEXT, (26, 5))
    assert old in TEXT
    assert by_shape(TEXT, TEXT.replace(old, new), (26, 5)) is None


def test_a_limited_number_of_records_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHAPES", 2)
    kept = ByShape[str]()
    texts = [TEXT.replace("Account=physics", f"Account={name}") for name in "abc"]
    for name, text in zip("abc", texts, strict=True):
        kept.add(parts_of(text), name)
    assert [kept.get(parts_of(text)) for text in texts] == [None, "b", "c"]


@pytest.mark.parametrize("count", [1, 40])
def test_a_line_of_a_similar_job_that_a_text_imitates_is_not_published(count: int) -> None:
    """40 jobs are compared with one run of scontrol, fewer one by one."""
    gpu, output = {"TresPerNode": b"gres/gpu:8"}, b"/tmp/slurm.out\n   TresPerNode=gres/gpu:8"
    real = [PrintedJob(number, name=b"%d" % number, texts=gpu) for number in range(1, count + 1)]
    evil = PrintedJob(100, texts={"StdOut": output})
    for jobs in ([*real, evil], [evil, *real]):
        texts = JobTexts()
        for _load in range(2):
            records = by_id(load(PrintingPrograms(jobs), texts).records())
            found = {job_id: (record["name"], record["tres_per_node"]) for job_id, record in records.items()}
            assert found == {job.job_id: (str(job.job_id), "gres/gpu:8") for job in real} | {100: ("run", None)}
            assert records[100]["std_out"] == output.decode()
