"""squeue proves optional lines only where no text before them has a newline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest

from slurm_rest_api.slurmapi.sources.commands import jobs as module
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.squeue_texts import NOTHING, SqueueTexts, needed_types
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load

FIELDS = {
    "Comment": "comment",
    "Extra": "extra",
    "TresPerJob": "tres_per_job",
    "TresPerNode": "tres_per_node",
    "TresPerTask": "tres_per_task",
}
COMMENTS = [PrintedJob(job_id, texts={"Comment": b"x"}) for job_id in range(1, 6)]

# Printed by squeue of Slurm 26.05 for `-O JobID:0~word~,Name:0~word~,Foo:0~word~,StdOut:0~word~,WorkDir:0~word~`.
RECORDED = (
    b"JOBID~word~NAME~word~~word~STDOUT~word~WORK_DIR~word~\n"
    b"11709~word~wrap~word~~word~slurm-%A_%a.out~word~/tmp~word~\n"
    b"11708~word~u\nv~word~~word~/tmp/%x.out~word~/tmp~word~\n"
    b"11707~word~wrap~word~~word~/tmp/a\n   TresPerNode=gres/gpu:8~word~/tmp~word~\n"
    b"11705~word~qe.scf_199~word~~word~/home/shared/qe.scf-%j.out~word~/~word~\n"
)


class RecordedPrograms(SlurmPrograms):
    """Prints a recorded output of squeue with another word."""

    def __init__(self, text: bytes) -> None:
        super().__init__(None)
        self._printed = text

    @contextmanager
    def running(
        self, separator: bytes, program: str, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Iterator[bytes]]:
        """Returns the pieces."""
        # Other users of the host see the arguments of a command.
        assert separator.decode() not in " ".join(arguments)
        assert separator.decode() in variables["SQUEUE_FORMAT2"]
        yield iter(self._printed.replace(b"~word~", separator).split(separator))


def test_recorded_rows() -> None:
    text = RECORDED.replace(b"~word~~word~", b"~word~")
    found = SqueueTexts().read(RecordedPrograms(text), ("Name", "StdOut", "WorkDir"), ())
    assert found.job_ids == {11709, 11705}


def test_a_type_that_squeue_does_not_know_is_not_read_again() -> None:
    texts = SqueueTexts()
    assert not texts.read(RecordedPrograms(RECORDED), ("Name", "Foo", "StdOut", "WorkDir"), ()).job_ids
    assert (texts.can_read({"Name", "Foo"}), texts.can_read({"Name"})) == (False, True)


@pytest.mark.parametrize("text", [b"", b"JOBID\n", b"             JOBID                NAME\n 7     x\n"])
def test_a_squeue_without_a_suffix_is_not_asked_again(text: bytes) -> None:
    texts = SqueueTexts()
    assert not texts.read(RecordedPrograms(text), ("Name",), ()).job_ids
    assert not texts.can_read({"Name"})


class FailingPrograms(SlurmPrograms):
    """Prints nothing but an error."""

    def __init__(self, message: str) -> None:
        super().__init__(None)
        self._message = message

    @contextmanager
    def running(
        self, separator: bytes, program: str, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Iterator[bytes]]:
        """Returns an iterator that raises the error."""
        yield self._failing(program)

    def _failing(self, program: str) -> Iterator[bytes]:
        yield from ()
        raise ProgramFailed(program, 1, self._message)


def test_a_squeue_that_refuses_the_form_is_not_asked_again() -> None:
    texts = SqueueTexts()
    assert not texts.read(FailingPrograms("squeue: error: Invalid job format specification"), ("Name",), ()).job_ids
    assert not texts.can_read({"Name"})


def test_a_slurmctld_that_does_not_answer_ends_the_load() -> None:
    with pytest.raises(ProgramFailed):
        SqueueTexts().read(FailingPrograms("slurm_load_jobs error: Unable to contact slurm controller"), ("Name",), ())


@pytest.mark.parametrize("row", [b"7~word~x", b"~word~x~word~\n", b"x\n7~word~x~word~\n"])
def test_rows_after_one_of_another_form_prove_nothing(row: bytes) -> None:
    rows = b"JOBID~word~NAME~word~\n1~word~a~word~\n" + row + b"\n8~word~a~word~\n"
    assert SqueueTexts().read(RecordedPrograms(rows), ("Name",), ()).job_ids == {1}


def test_a_job_that_is_there_twice_needs_two_rows_without_a_newline() -> None:
    rows = b"JOBID~word~NAME~word~\n1~word~a~word~\n1~word~a\nb~word~\n2~word~a~word~\n2~word~a~word~\n"
    assert SqueueTexts().read(RecordedPrograms(rows), ("Name",), ()).job_ids == {2}


def piece(job: PrintedJob) -> bytes:
    return job.several_lines().removeprefix(b"JobId=").removesuffix(b"\n\n")


@pytest.mark.parametrize(
    ("texts", "types"),
    [
        ({}, None),
        ({"Comment": b"x"}, {"WorkDir"}),
        ({"AdminComment": b"x", "Comment": b"y"}, {"WorkDir", "admin_comment"}),
        ({"OOMKillStep": b"0"}, {"StdOut", "WorkDir", "Name"}),
        ({"OOMKillStep": b"0", "TresPerNode": b"gres/gpu:1"}, {"StdOut", "WorkDir", "Name"}),
        (
            {"TresPerNode": b"gres/gpu:1", "TresPerTask": b"cpu=1"},
            {"StdOut", "WorkDir", "Name", "tres-per-node"},
        ),
        # squeue prints no text of these.
        ({"Extra": b"x", "StdErr": b"y"}, {"WorkDir"}),
        ({"TresPerNode": b"gres/gpu:1\n   Unknown=1"}, None),
        ({"StdOut": b"/tmp/x\n   Unknown=1"}, None),
        ({"StdOut": b"/tmp/x\n   words"}, None),
    ],
)
def test_types_that_prove_the_lines_of_a_job(texts: dict[str, bytes], types: set[str] | None) -> None:
    assert needed_types(piece(PrintedJob(1, texts=texts))) == types


# Printed by scontrol of Slurm 22.05 from Features on, for `sbatch --gpus=1`.
GPU_JOB = b"""
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)
   Command=(null)
   WorkDir=/tmp
   StdErr=/tmp/slurm-6.out
   StdIn=/dev/null
   StdOut=/tmp/slurm-6.out
   Power=
   TresPerJob=gres:gpu:1
   """


def test_no_text_imitates_a_line_after_that_of_power() -> None:
    assert NOTHING.proves(6, GPU_JOB)
    assert not NOTHING.proves(6, GPU_JOB.replace(b"   Power=\n", b""))
    assert not NOTHING.proves(6, GPU_JOB.replace(b"   StdErr=", b"   Comment=x\n   StdErr="))
    assert not NOTHING.proves(6, GPU_JOB.replace(b"   Power=", b"   BurstBuffer=x\n   Power="))


def test_the_empty_line_at_the_end_of_a_job_is_no_text() -> None:
    """Slurm 24.05 to 25.05 print one."""
    assert needed_types(piece(PrintedJob(1, texts={"Comment": b"x"})) + b"\n   ") == frozenset({"WorkDir"})


@pytest.mark.parametrize("line", [b'CronJob=Yes CrontabSpec="* * * * *"', b"BatchFeatures=a", b"Unknown=1"])
def test_lines_before_features_are_not_proven(line: bytes) -> None:
    text = piece(PrintedJob(1, texts={"Comment": b"x"}))
    assert needed_types(text.replace(b"\n   Partition=", b"\n   " + line + b"\n   Partition=")) is None


@pytest.mark.parametrize("known", [True, False])
def test_many_jobs_cost_one_squeue(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """In the first load squeue is asked early, for all jobs. Later it is asked for the new ones."""
    monkeypatch.setattr(module, "SINGLE_JOBS", 2)
    texts = JobTexts()
    if known:
        list(load(PrintingPrograms([PrintedJob(9, texts={"Comment": b"x"})]), texts).records())
    programs = PrintingPrograms([*COMMENTS, PrintedJob(9, texts={"Comment": b"x"})])
    records = by_id(load(programs, texts).records())
    assert [record["comment"] for record in records.values()] == ["x"] * 6
    scontrol, squeue = programs.calls
    assert ("-o" in scontrol, "-j" in squeue) == (False, known)
    again = PrintingPrograms(programs.scontrol)
    assert [record["comment"] for record in load(again, texts).records()] == ["x"] * 6
    assert [call[0] for call in again.calls] == ["scontrol"]


@pytest.mark.parametrize(
    "evil",
    [
        PrintedJob(0, texts={"StdOut": b"/tmp/x\n   TresPerNode=gres/gpu:8"}),
        PrintedJob(0, texts={"StdOut": b"/tmp/x\n   OOMKillStep=1\n   TresPerNode=gres/gpu:8"}),
        PrintedJob(0, texts={"WorkDir": b"/tmp/x\n   Comment=fake"}),
        PrintedJob(0, texts={"Comment": b"x\n   Extra=fake"}),
        PrintedJob(0, texts={"TresPerJob": b"gres/gpu:1\n   TresPerTask=gres/gpu:8"}),
        PrintedJob(0, name=b"a\n   Unknown=1", texts={"TresPerJob": b"gres/gpu:1"}),
    ],
)
def test_an_imitated_line_is_not_proven(monkeypatch: pytest.MonkeyPatch, evil: PrintedJob) -> None:
    """Others have the same lines, and their own ones are proven."""
    monkeypatch.setattr(module, "SINGLE_JOBS", 2)
    attacks = [replace(evil, job_id=job_id) for job_id in (21, 22, 23, 24)]
    honest = {"Comment": b"x", "Extra": b"y", "OOMKillStep": b"1", "TresPerJob": b"z", "TresPerNode": b"gres/gpu:1"}
    real = [PrintedJob(job_id, texts=honest) for job_id in (11, 12, 13, 31, 32)]
    # With the comments first, squeue is asked for fewer texts before the others are read.
    for jobs in ([*real, *attacks], [*attacks, *real], [*COMMENTS, *attacks, *real]):
        texts = JobTexts()
        for _load in range(3):
            records = by_id(load(PrintingPrograms(jobs), texts).records())
            for job in real:
                assert (records[job.job_id]["comment"], records[job.job_id]["tres_per_node"]) == ("x", "gres/gpu:1")
            for job in attacks:
                found = records.get(job.job_id, {})
                assert not found.get("kill_step_when_oom")
                for key, name in FIELDS.items():
                    assert found.get(name) in (None, job.texts.get(key, b"").decode())
        assert not texts.proven.keys() & {21, 22, 23, 24}
