"""Loads without squeue: what squeue printed before is used for jobs whose texts scontrol prints as before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.commands import known_facts
from slurm_rest_api.slurmapi.sources.commands.jobs import JobTexts
from slurm_rest_api.slurmapi.sources.commands.known_facts import KnownFacts
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_JOBS, Rpcs
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load

WAITING = PrintedJob(1, texts={"Comment": b"x"})
RUNNING = PrintedJob(2, state="RUNNING", nodes="rack001", run_time="00:10:00")
LATER = replace(RUNNING, run_time="00:10:05")


class Loads:
    """Loads that follow one another, with a clock that tests set."""

    def __init__(self, *jobs: PrintedJob) -> None:
        self.now = 0.0
        self.texts = JobTexts()
        self.texts.facts = KnownFacts(lambda: self.now)
        self.fingerprints: dict[int, int] = {}
        self.programs = PrintingPrograms(())
        self.rpcs = Rpcs()
        for _load in range(2):
            self.load(*jobs)

    def load(self, *jobs: PrintedJob) -> Mapping[int, Record]:
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


def test_squeue_does_not_run_while_no_text_is_new() -> None:
    loads = Loads(WAITING, RUNNING)
    assert loads.squeue_jobs == ["all"]
    records = loads.load(replace(WAITING, num_cpus=4), LATER)
    assert loads.squeue_jobs == []
    assert loads.rpcs.total == SHOW_JOBS
    assert (records[1]["num_cpus"], records[1]["user_id"], records[1]["comment"]) == (4, 2001, "x")
    assert records[2] == UnchangedJob(job_id=2, partition="main", run_time=605)
    assert loads.load(WAITING, LATER)[1]["num_cpus"] == 2


def test_state_and_nodes_of_a_job_with_the_same_texts_are_those_of_scontrol() -> None:
    loads = Loads(WAITING, RUNNING)
    records = loads.load(replace(WAITING, state="RUNNING", nodes="rack002"), replace(RUNNING, state="COMPLETED"))
    assert loads.squeue_jobs == []
    assert (records[1]["job_state"], records[1]["nodes"]) == ("RUNNING", "rack002")
    assert list(records[1]["cpus_allocated"]) == ["rack002"]
    assert (records[2]["job_state"], records[2]["cpus_allocated"]) == ("COMPLETED", {})


@pytest.mark.parametrize(
    ("job", "asked"),
    [
        (PrintedJob(3), "3"),
        (replace(WAITING, texts={"Comment": b"y"}), "1"),
        (replace(WAITING, user=2002), "1"),
        (replace(WAITING, partition="high"), "1"),
    ],
)
def test_squeue_is_asked_for_a_job_with_new_texts_or_another_owner(job: PrintedJob, asked: str) -> None:
    loads = Loads(WAITING, RUNNING)
    others = (each for each in (WAITING, RUNNING) if each.job_id != job.job_id)
    records = loads.load(*others, job)
    assert loads.squeue_jobs == [asked]
    assert (records[job.job_id]["user_id"], records[job.job_id]["partition"]) == (job.user, job.partition)
    assert records.keys() == {1, 2, job.job_id}
    loads.load(WAITING, RUNNING)
    assert loads.squeue_jobs[0] == "all", "more new texts are likely"


def test_squeue_runs_after_a_minute() -> None:
    loads = Loads(WAITING)
    loads.now = known_facts.LONGEST_SECONDS - 0.1
    loads.load(WAITING)
    assert loads.squeue_jobs == []
    loads.now = known_facts.LONGEST_SECONDS
    loads.load(WAITING)
    assert loads.squeue_jobs == ["all"]


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


def test_a_job_that_runs_after_a_doubtful_one_is_not_converted_again() -> None:
    loads = Loads(WAITING, RUNNING)
    records = loads.load(replace(WAITING, texts={"Comment": b"y"}), LATER)
    assert records[2] == UnchangedJob(job_id=2, partition="main", run_time=605)


def test_a_line_that_a_text_before_it_imitates_changes_no_owner() -> None:
    loads = Loads(WAITING, RUNNING)
    # Before the texts that are compared with those of the last load.
    forged = replace(WAITING, dependency="(null)\n   Partition=secret AllocNode:Sid=x:1")
    records = loads.load(forged, RUNNING)
    assert 1 not in records or records[1]["partition"] == "main"
