"""Texts of users that look like fields, like jobs of their own, or like jobs of others."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands import jobs as module
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from tests.slurmapi.sources.commands.printed_jobs import PrintedJob, PrintingPrograms, by_id, load

FIELDS = {
    "Command": "command",
    "WorkDir": "work_dir",
    "AdminComment": "admin_comment",
    "SystemComment": "system_comment",
    "Comment": "comment",
    "Extra": "extra",
    "StdOut": "std_out",
    "StdIn": "std_in",
}

KEYS = (
    b"UserId=root(0) GroupId=root(0) NumCPUs=9999",
    b"SLUID=s1 ",
    b"HetJobIdSet=1-9",
    b"Priority=1 Nice=-9 Account=secret QOS=high",
    b"JobState=RUNNING Reason=None Dependency=(null)",
    b"NodeList=rack009",
    b"Nodes=rack009 CPU_IDs=0-9 Mem=9 GRES=gpu:9",
    b"Reservation=maint",
    b"Features=a DelayBoot=00:00:09",
    b"Command=/fake",
    b"SubmitLine=fake",
    b"WorkDir=/fake",
    b"Comment=fake",
    b"Extra=fake",
    b"StdErr=/fake",
    b"StdIn=/fake",
    b"StdOut=/fake",
    b"Power=",
    b"GresEnforceBind=Yes",
    b"OOMKillStep=1",
    b"TresPerNode=gres/gpu:8",
    b"TresPerTask=gres/gpu:8",
    b"Unknown=1",
    b"JobId=1 JobName=other",
    b"JobId=2 JobName=other",
    b"JobId=99 ArrayJobId=9 ArrayTaskId=1 JobName=",
    PrintedJob(1, name=b"imitated").several_lines().strip(),
    PrintedJob(2, name=b"imitated").several_lines().strip(),
    PrintedJob(3, name=b"imitated").several_lines().strip(),
    PrintedJob(1, name=b"imitated", texts={"Comment": b"fake"}).several_lines().strip(),
    PrintedJob(2, name=b"imitated").one_line().strip(),
    PrintedJob(77, name=b"imitated", user=0).several_lines().strip(),
)
SEPARATORS = (b" ", b"\n   ", b"\n", b"\n\n", b"\n     ", b"  ", b"\t", b"\x1f", b"|", b",", b'"', b"'", b"\\n", b"\r")
PIECES = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from(SEPARATORS),
    st.sampled_from((b"f\xfcr", b"a b", "é".encode(), b"x", b"=", b"(null)", b"\xff\xfe")),
    st.binary(max_size=6).map(lambda text: text.replace(b"\0", b"")),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=7).map(b"".join)


def settled(text: bytes) -> bytes:
    """Returns a text without blanks at its ends. scontrol removes those of the last text of a job."""
    return text.strip() or b"x"


JOBS = st.builds(
    PrintedJob,
    job_id=st.just(0),
    name=TEXTS.map(settled),
    user=st.sampled_from((2001, 2002)),
    group=st.just(2001),
    partition=st.sampled_from(("main", "secret")),
    account=st.sampled_from(("physics", "chemistry")),
    priority=st.sampled_from((10, 20)),
    texts=st.dictionaries(st.sampled_from(sorted(FIELDS)), TEXTS.map(settled), max_size=3),
)


def decoded(text: bytes) -> str | None:
    """Returns the published form of a text."""
    return None if text == b"(null)" else text.decode(errors="replace")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keeps thousands of warnings about hostile jobs out of the report."""
    caplog.set_level("ERROR")


def check(record: Record, job: PrintedJob) -> None:
    """Asserts that each field of a record is the job's own one, or null where only texts are concerned."""
    assert (record["user_id"], record["group_id"]) == (job.user, job.group)
    assert (record["partition"], record["account"], record["qos"]) == (job.partition, job.account, "normal")
    assert (record["job_state"], record["nodes"]) == (job.state, job.nodes or None)
    assert (record["cpus_allocated"], record["gres_allocated"]) == ({}, {})
    assert (record["num_cpus"], record["priority"], record["nice"]) == (2, job.priority, 0)
    assert (record["time_limit"], record["submit_time"], record["resv_name"]) == (60, 1795714026, None)
    assert (record["features"], record["kill_step_when_oom"], record["gres_enforce_bind"]) == ([], False, None)
    assert (record["tres_per_node"], record["tres_per_task"], record["het_job_id_set"]) == (None, None, None)
    assert record["name"] in (decoded(job.name), None)
    usual = {"Command": b"/bin/run.sh", "WorkDir": b"/tmp", "StdOut": b"/tmp/slurm.out", "StdIn": b"/dev/null"}
    for key, name in FIELDS.items():
        text = job.texts.get(key, usual.get(key))
        assert record[name] in ((None if text is None else decoded(text)), None), key


@settings(max_examples=150, deadline=None)
@given(
    st.lists(JOBS, min_size=1, max_size=4),
    st.sampled_from(((26, 5), (26, 5), (20, 11))),
    # With 0 all are proven by squeue, or by the form in one line of all jobs.
    st.sampled_from((module.SINGLE_JOBS, 0)),
)
def test_no_text_changes_any_field_but_its_own(
    jobs: list[PrintedJob], release: tuple[int, int], single_jobs: int
) -> None:
    numbered = [replace(job, job_id=number) for number, job in enumerate(jobs, start=1)]
    texts = JobTexts()
    for _load in range(2):
        with patch.object(module, "SINGLE_JOBS", single_jobs):
            records = by_id(load(PrintingPrograms(numbered), texts, release).records())
        assert records.keys() <= {job.job_id for job in numbered}
        for job in numbered:
            if job.job_id in records:
                check(records[job.job_id], job)


@settings(max_examples=60, deadline=None)
@given(st.lists(JOBS, min_size=1, max_size=3))
def test_texts_of_others_hide_no_job(jobs: list[PrintedJob]) -> None:
    numbered = [replace(job, job_id=number) for number, job in enumerate(jobs, start=1)]
    victim = PrintedJob(len(numbered) + 1, name=b"victim", texts={"Comment": b"mine"})
    records = by_id(load(PrintingPrograms([*numbered, victim])).records())
    assert records[victim.job_id]["name"] == "victim"
    assert records[victim.job_id]["comment"] == "mine"


@settings(max_examples=60, deadline=None)
@given(JOBS)
def test_a_release_with_json_publishes_every_text(job: PrintedJob) -> None:
    record = by_id(load(PrintingPrograms([replace(job, job_id=1)])).records())[1]
    assert record["name"] == decoded(job.name)
    for key, text in job.texts.items():
        assert record[FIELDS[key]] == decoded(text), key


EVIL = b"evil UserId=root(0) GroupId=root(0) NumCPUs=9999"


def test_a_name_that_looks_like_fields_is_a_name() -> None:
    record = by_id(load(PrintingPrograms([PrintedJob(1, name=EVIL)])).records())[1]
    assert record["name"] == EVIL.decode()
    check(record, PrintedJob(1, name=EVIL))


def test_a_whole_job_in_a_name_makes_no_job() -> None:
    attack = PrintedJob(1, name=b"x\n" + PrintedJob(2, user=0).several_lines() + b"JobId=3 JobName=y", user=2002)
    victim = PrintedJob(2, name=b"victim")
    for jobs in ([attack, victim], [victim, attack]):
        records = by_id(load(PrintingPrograms(jobs)).records())
        assert records.keys() == {1, 2}
        check(records[1], attack)
        check(records[2], victim)
        assert records[2]["name"] == "victim"


def test_an_imitated_optional_line_is_not_a_field() -> None:
    job = PrintedJob(1, texts={"StdOut": b"/tmp/x\n   TresPerNode=gres/gpu:8"})
    record = by_id(load(PrintingPrograms([job])).records())[1]
    assert (record["gres"], record["tres_per_node"]) == ([], None)
    assert record["std_out"] == "/tmp/x\n   TresPerNode=gres/gpu:8"


def test_without_json_a_doubtful_text_is_null() -> None:
    job = PrintedJob(1, name=b"a b=c", texts={"Comment": b"x\n   Extra=fake"})
    programs = PrintingPrograms([job])
    record = by_id(load(programs, release=(25, 11)).records())[1]
    assert record["comment"] == "x\n   Extra=fake"


def test_the_answer_about_a_doubtful_job_is_remembered() -> None:
    texts = JobTexts()
    job = PrintedJob(1, name=b"x\n   UserId=root(0)")
    assert by_id(load(PrintingPrograms([job]), texts).records())[1]["name"] == "x\n   UserId=root(0)"
    programs = PrintingPrograms([job])
    assert by_id(load(programs, texts).records())[1]["name"] == "x\n   UserId=root(0)"
    assert not [call for call in programs.calls if "--json" in call]


def test_doubtful_jobs_are_asked_for_in_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SINGLE_JOBS", 2)
    jobs = [PrintedJob(job_id, name=b"x\n   UserId=root(0)") for job_id in range(1, 6)]
    texts, counts = JobTexts(), []
    for _load in range(3):
        counts.append(len(list(load(PrintingPrograms(jobs), texts).records())))
    assert counts == [2, 4, 5]


def test_a_remembered_answer_is_not_used_for_a_job_that_changed() -> None:
    texts = JobTexts()
    job = PrintedJob(1, name=b"x\n   UserId=root(0)")
    list(load(PrintingPrograms([job]), texts).records())
    changed = replace(job, name=b"y\n   UserId=root(0)")
    assert by_id(load(PrintingPrograms([changed]), texts).records())[1]["name"] == "y\n   UserId=root(0)"
