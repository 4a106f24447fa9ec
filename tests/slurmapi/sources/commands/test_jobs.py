"""Jobs of squeue and scontrol: one load after the other, and jobs that come and go between the two programs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.sources.base import UnchangedJob
from slurm_rest_api.slurmapi.sources.commands import jobs as module
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import PRINT_ALL_SECONDS, JobTexts
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load

TWO_PIECES = PrintedJob(9, name=b"x\n\nJobId=99 JobName=y")
"""A job that makes all jobs after it doubtful."""

LAYOUT = ("Nodes=rack001 CPU_IDs=0-1 Mem=200 GRES=gpu:1(IDX:0)",)


def running(job: PrintedJob) -> PrintedJob:
    return replace(job, state="RUNNING", nodes="rack001", layout=LAYOUT)


def test_jobs_are_published_with_all_fields() -> None:
    jobs = [PrintedJob(1), running(PrintedJob(2, texts={"Comment": b"hello"}))]
    records = by_id(load(PrintingPrograms(jobs)).records())
    for record in records.values():
        JobRecord.model_validate(record, strict=True)
    assert (records[1]["user_name"], records[1]["group_name"], records[1]["cluster"]) == ("alice", "staff", "linux")
    assert (records[2]["comment"], records[2]["gres_allocated"]) == ("hello", {"rack001": {"gpu": 1}})


def test_no_jobs_are_no_records() -> None:
    assert list(load(PrintingPrograms([])).records()) == []


def test_a_pending_job_that_did_not_change_is_not_parsed_again() -> None:
    texts, jobs = JobTexts(), [PrintedJob(job_id, texts={"Comment": b"x"}) for job_id in range(1, 6)]
    first: dict[int, int] = {}
    assert len(by_id(load(PrintingPrograms(jobs), texts).changed_since({}, first))) == 5
    jobs[2] = replace(jobs[2], priority=7)
    second: dict[int, int] = {}
    programs = PrintingPrograms(jobs)
    records = by_id(load(programs, texts).changed_since(first, second))
    assert [job_id for job_id, record in records.items() if isinstance(record, UnchangedJob)] == [1, 2, 3, 4, 5]
    assert records[1] == {"job_id": 1, "partition": "main"}
    assert records[3] == {"job_id": 3, "partition": "main", "priority": 7}
    assert second.keys() == first.keys()
    assert len(programs.calls) == 1


@pytest.mark.parametrize(
    ("state", "run_time"),
    [
        ("COMPLETED", "01:02:03"),
        ("TIMEOUT", "1-00:00:05"),
        ("CANCELLED", "00:00:00"),
        # scontrol prints this for a start after the end.
        ("CANCELLED", "INVALID"),
        ("FAILED", "00:00:07"),
        ("OUT_OF_MEMORY", "00:00:07"),
    ],
)
def test_a_job_that_has_ended_is_not_parsed_again(state: str, run_time: str) -> None:
    texts, before, fingerprints = JobTexts(), dict[int, int](), dict[int, int]()
    ended = replace(PrintedJob(1), state=state, run_time=run_time, nodes="rack001")
    list(load(PrintingPrograms([running(ended)]), texts).changed_since({}, before))
    first = by_id(load(PrintingPrograms([ended]), texts).changed_since(before, fingerprints))[1]
    assert (first["job_state"], first["cpus_allocated"]) == (state, {})
    again = by_id(load(PrintingPrograms([ended]), texts).changed_since(fingerprints, {}))[1]
    assert (again.__class__, again) == (UnchangedJob, {"job_id": 1, "partition": "main"})
    commented = replace(ended, texts={"Comment": b"done"})
    assert by_id(load(PrintingPrograms([commented]), texts).changed_since(fingerprints, {}))[1]["comment"] == "done"


def test_another_account_is_published() -> None:
    texts, fingerprints = JobTexts(), dict[int, int]()
    list(load(PrintingPrograms([PrintedJob(1)]), texts).changed_since({}, fingerprints))
    moved = replace(PrintedJob(1), account="chemistry")
    records = by_id(load(PrintingPrograms([moved]), texts).changed_since(fingerprints, {}))
    assert records[1]["account"] == "chemistry"


@pytest.mark.parametrize(
    "job",
    [
        # In its first second.
        running(PrintedJob(1)),
        replace(running(PrintedJob(1)), state="COMPLETING", run_time="00:01:00"),
        replace(running(PrintedJob(1)), state="CONFIGURING", run_time="00:01:00"),
    ],
)
def test_a_job_that_holds_nodes_without_a_steady_run_time_has_no_fingerprint(job: PrintedJob) -> None:
    fingerprints: dict[int, int] = {}
    list(load(PrintingPrograms([job])).changed_since({}, fingerprints))
    assert fingerprints == {}


TASK = PrintedJob(7, head="ArrayJobId=1 ArrayTaskId=3 ")


@pytest.mark.parametrize(
    ("before", "after", "field", "value"),
    [
        (PrintedJob(1, dependency="afterok:5(unfulfilled)"), {"dependency": "(null)"}, "dependency", None),
        (
            PrintedJob(1, dependency="afterok:5(unfulfilled)"),
            {"dependency": "afterok:5(failed)"},
            "dependency",
            "afterok:5(failed)",
        ),
        (
            PrintedJob(1, head="ArrayJobId=1 ArrayTaskId=1-5%2 ArrayTaskThrottle=2 "),
            {"head": "ArrayJobId=1 ArrayTaskId=3-5%2 ArrayTaskThrottle=2 "},
            "array_task_str",
            "3-5%2",
        ),
        (
            PrintedJob(1, head="HetJobId=1 HetJobOffset=0 "),
            {"head": "HetJobId=1 HetJobOffset=1 "},
            "het_job_offset",
            1,
        ),
        (TASK, {"head": "ArrayJobId=2 ArrayTaskId=3 "}, "array_job_id", 2),
        (replace(running(TASK), run_time="00:00:09"), {"head": "ArrayJobId=1 ArrayTaskId=4 "}, "array_task_id", 4),
        (replace(TASK, state="FAILED", run_time="00:00:09"), {"head": ""}, "array_job_id", None),
    ],
)
def test_a_job_with_references_is_not_parsed_again(
    before: PrintedJob, after: dict[str, str], field: str, value: object
) -> None:
    texts, fingerprints = JobTexts(), dict[int, int]()
    list(load(PrintingPrograms([before]), texts).changed_since({}, fingerprints))
    (again,) = load(PrintingPrograms([before]), texts).changed_since(fingerprints, {})
    assert isinstance(again, UnchangedJob)
    changed = PrintingPrograms([replace(before, **after)])  # type: ignore[arg-type]
    (record,) = load(changed, texts).changed_since(fingerprints, {})
    assert record[field] == value


def test_an_array_that_was_cancelled_while_it_waited_has_no_task() -> None:
    # scontrol prints NO_VAL of slurm.h.
    job = PrintedJob(1, state="CANCELLED", head="ArrayJobId=1 ArrayTaskId=4294967294 ArrayTaskThrottle=2 ")
    record = by_id(load(PrintingPrograms([job])).records())[1]
    assert (record["array_job_id"], record["array_task_id"], record["array_task_str"]) == (1, None, None)


@pytest.mark.parametrize(
    ("job", "task", "text"),
    [
        # `sbatch --array=5`: squeue prints 116_[5] while it waits, and 116_5 when it runs.
        (PrintedJob(116, head="ArrayJobId=116 ArrayTaskId=5 "), None, "5"),
        (running(PrintedJob(116, head="ArrayJobId=116 ArrayTaskId=5 ")), 5, None),
        (PrintedJob(117, head="ArrayJobId=116 ArrayTaskId=5 "), 5, None),
    ],
)
def test_the_only_waiting_task_of_an_array_is_a_text(job: PrintedJob, task: int | None, text: str | None) -> None:
    record = by_id(load(PrintingPrograms([job])).records())[job.job_id]
    assert (record["array_task_id"], record["array_task_str"]) == (task, text)


def test_a_job_that_started_after_scontrol_is_published_with_the_nodes_of_squeue() -> None:
    waiting = PrintedJob(1)
    programs = PrintingPrograms([TWO_PIECES, waiting], squeue=[[TWO_PIECES, running(waiting)]])
    records = by_id(load(programs).records())
    # scontrol has no layout yet, so the CPUs are those of the whole job.
    assert (records[1]["job_state"], records[1]["cpus_allocated"]) == ("RUNNING", {"rack001": 2})
    assert records[1]["nodes"] == "rack001"


def test_a_job_that_ended_after_scontrol_holds_nothing() -> None:
    held = running(PrintedJob(1))
    ended = replace(held, state="COMPLETED")
    programs = PrintingPrograms([TWO_PIECES, held], squeue=[[TWO_PIECES, ended]])
    records = by_id(load(programs).records())
    assert (records[1]["job_state"], records[1]["cpus_allocated"]) == ("COMPLETED", {})


def test_a_job_after_two_pieces_that_squeue_does_not_know_is_gone() -> None:
    old, purged = PrintedJob(1), PrintedJob(2)
    programs = PrintingPrograms([TWO_PIECES, old, purged], squeue=[[TWO_PIECES, old]])
    assert by_id(load(programs).records()).keys() == {TWO_PIECES.job_id, 1}


def test_squeue_prints_all_jobs_if_many_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_IDS", 3)
    for jobs, is_asked in (([PrintedJob(1)], True), ([PrintedJob(job_id) for job_id in range(1, 6)], False)):
        programs = PrintingPrograms([TWO_PIECES, *jobs])
        assert len(by_id(load(programs).records())) == 1 + len(jobs)
        (call,) = (call for call in programs.calls if call[0] == "squeue")
        assert ("-j" in call) is is_asked


def test_jobs_with_optional_lines_are_compared_with_their_one_line_form_once() -> None:
    texts, jobs = JobTexts(), [running(PrintedJob(job_id, texts={"Comment": b"x"})) for job_id in (1, 2)]
    programs = PrintingPrograms(jobs)
    list(load(programs, texts).records())
    assert [call for call in programs.calls if "-o" in call and call[0] == "scontrol"] == [
        ("scontrol", "-o", "-d", "-a", "show", "job", "1"),
        ("scontrol", "-o", "-d", "-a", "show", "job", "2"),
    ]
    programs = PrintingPrograms(jobs)
    records = by_id(load(programs, texts).records())
    assert len(programs.calls) == 1
    assert records[1]["comment"] == "x"


def test_many_jobs_are_compared_with_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """This squeue cannot prove their lines."""
    monkeypatch.setattr(module, "SINGLE_JOBS", 2)
    programs = PrintingPrograms([PrintedJob(job_id, texts={"Comment": b"x"}) for job_id in range(1, 6)])
    programs.unknown_types.add("WorkDir")
    records = by_id(load(programs).records())
    assert [record["comment"] for record in records.values()] == ["x"] * 5
    assert [call[-1] for call in programs.calls if "-o" in call and call[0] == "scontrol"] == ["job"]


def test_many_jobs_are_compared_again_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SINGLE_JOBS", 2)
    now = 100.0
    texts, fingerprints = JobTexts(lambda: now), dict[int, int]()
    jobs = [PrintedJob(job_id, texts={"Comment": b"x"}) for job_id in range(1, 9)]

    def comments(count: int) -> tuple[list[str | None], int]:
        """Returns the comments of the first jobs, and the number of runs of scontrol."""
        nonlocal fingerprints
        programs, known = PrintingPrograms(jobs[:count]), fingerprints
        programs.unknown_types.add("WorkDir")
        fingerprints = {}
        records = by_id(load(programs, texts).changed_since(known, fingerprints))
        return [record.get("comment") for record in records.values() if record.__class__ is dict], len(programs.calls)

    # squeue is asked once, and cannot prove their lines.
    assert comments(4) == (["x"] * 4, 3)
    now += PRINT_ALL_SECONDS - 1
    assert comments(8) == ([None] * 4, 1)
    # Fewer are compared one by one.
    assert comments(6) == (["x"] * 2, 3)
    now += 1
    monkeypatch.setattr(module, "SINGLE_JOBS", 1)
    assert comments(8) == (["x"] * 2, 2)
    assert comments(8) == ([], 1)
