"""The word after the times of scontrol: which jobs it proves, and what a load does with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.commands.job_text import SEPARATOR, jobs_of
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_JOBS, Rpcs
from slurm_rest_api.slurmapi.sources.commands.time_marks import TimeMarks
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load
from tests.slurmapi.sources.commands.test_hostile_jobs import JOBS

WAITING = PrintedJob(1, texts={"Comment": b"x"})
RUNNING = PrintedJob(2, state="RUNNING", nodes="rack001", run_time="00:10:00")
LATER = replace(RUNNING, run_time="00:10:05")


class Loads:
    """Loads that follow one another."""

    def __init__(self, *jobs: PrintedJob) -> None:
        self.texts = JobTexts()
        self.fingerprints: dict[int, int] = {}
        self.programs = PrintingPrograms(())
        self.rpcs = Rpcs()
        self.load(*jobs)

    def load(self, *jobs: PrintedJob) -> dict[int, Record]:
        """Returns the jobs of the next load, with those that did not change."""
        self.programs, self.rpcs = PrintingPrograms(jobs), Rpcs()
        known, self.fingerprints = self.fingerprints, {}
        source = load(self.programs, self.texts, rpcs=self.rpcs)
        return by_id(source.changed_since(known, self.fingerprints))

    @property
    def squeue_jobs(self) -> list[str]:
        """The jobs of each run of squeue in the last load, `all` for all."""
        calls = [call for call in self.programs.calls if call[0] == "squeue"]
        return [call[call.index("-j") + 1] if "-j" in call else "all" for call in calls]


def pieces_of(marks: TimeMarks, jobs: list[PrintedJob]) -> list[tuple[bytes, bool]]:
    mark = marks.time_format.removeprefix("%s").encode()
    printed = b"".join(job.several_lines(mark) for job in jobs)
    return list(marks.checked(jobs_of(iter(printed.split(SEPARATOR)))))


@settings(max_examples=200, deadline=None)
@given(st.lists(JOBS, min_size=1, max_size=4))
def test_each_proven_piece_is_one_whole_job(jobs: list[PrintedJob]) -> None:
    numbered = [replace(job, job_id=number) for number, job in enumerate(jobs, start=1)]
    marks = TimeMarks()
    mark = marks.time_format.removeprefix("%s").encode()
    whole = [job.several_lines(mark).removeprefix(b"JobId=").removesuffix(b"\n\n") for job in numbered]
    proven = [piece for piece, is_whole in pieces_of(marks, numbered) if is_whole]
    assert proven == whole[: len(proven)]


def test_usual_jobs_are_all_proven() -> None:
    assert [is_whole for _piece, is_whole in pieces_of(TimeMarks(), [WAITING, RUNNING])] == [True, True]


@pytest.mark.parametrize("key", ["name", "comment"])
def test_a_border_in_a_text_proves_nothing_from_its_job_on(key: str) -> None:
    text = b"x\n\nJobId=99 JobName=y\n   SubmitTime=1 EligibleTime=1"
    evil = PrintedJob(3, name=text) if key == "name" else PrintedJob(3, texts={"Comment": text})
    pieces = pieces_of(TimeMarks(), [WAITING, evil, RUNNING])
    # In a name the first piece has no line of its own, so nothing is known about the text before it.
    proven = [] if key == "name" else [True]
    assert [is_whole for _piece, is_whole in pieces] == proven + [False] * (4 - len(proven))


def test_times_are_published_without_the_word() -> None:
    record = by_id(load(PrintingPrograms([WAITING]), texts := JobTexts()).records())[1]
    assert (record["submit_time"], record["eligible_time"]) == (1795714026, 1796491626)
    assert texts.marks.time_format.removeprefix("%s") not in str(record)


@pytest.mark.parametrize(
    "job",
    [
        PrintedJob(3, user=2002, partition="high", account="chemistry"),
        PrintedJob(3, state="RUNNING", nodes="rack001"),
        replace(WAITING, user=2002),
        replace(WAITING, state="RUNNING", nodes="rack002", num_cpus=4),
        replace(RUNNING, state="COMPLETED"),
    ],
)
def test_squeue_does_not_run_for_new_jobs(job: PrintedJob) -> None:
    loads = Loads(WAITING, RUNNING)
    others = [each for each in (WAITING, LATER) if each.job_id != job.job_id]
    records = loads.load(*others, job)
    assert (loads.squeue_jobs, loads.rpcs.total) == ([], SHOW_JOBS)
    found = records[job.job_id]
    owner = (found["user_id"], found["group_id"], found["partition"], found["account"], found["qos"])
    assert owner == (job.user, job.group, job.partition, job.account, "normal")
    assert (found["job_state"], found["nodes"], found["num_cpus"]) == (job.state, job.nodes or None, job.num_cpus)
    if LATER in others:
        assert records[2] == UnchangedJob(job_id=2, partition="main", run_time=605)


@pytest.mark.parametrize("account", ["x Reservation=maint", "a b", "x QOS=high WCKey=y"])
def test_squeue_says_the_owner_of_a_job_with_an_odd_account(account: str) -> None:
    loads = Loads()
    records = loads.load(PrintedJob(3, account=account))
    assert loads.squeue_jobs == ["3"]
    assert 3 not in records or (records[3]["account"], records[3]["qos"], records[3]["resv_name"]) == (
        account,
        "normal",
        None,
    )


def imitating(job: PrintedJob) -> PrintedJob:
    """Returns the job that waits, with another job in its last text."""
    return replace(WAITING, texts={"StdOut": b"/tmp/x\n\n" + job.several_lines().strip()})


def test_a_text_that_imitates_a_job_that_is_gone_makes_no_job() -> None:
    loads = Loads(WAITING, RUNNING)
    attack = imitating(RUNNING)
    for _load in range(3):
        records = loads.load(attack)
        assert records.keys() == {1}
        assert records[1]["job_state"] == "PENDING"


def test_a_run_time_that_a_text_imitates_is_not_published() -> None:
    loads = Loads(WAITING, RUNNING)
    attack = imitating(replace(RUNNING, run_time="9-00:00:00"))
    for _load in range(3):
        assert loads.load(attack, LATER)[2]["run_time"] == 605


def test_a_line_that_a_text_before_it_imitates_changes_no_owner() -> None:
    loads = Loads(WAITING, RUNNING)
    forged = replace(WAITING, dependency="(null)\n   Partition=secret AllocNode:Sid=x:1")
    records = loads.load(forged, RUNNING)
    assert 1 not in records or records[1]["partition"] == "main"
