"""Texts of reasons: complete, and without promises that slurmctld does not keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slurm_rest_api.slurm.reason_texts import ENDS_BY, explain_reason, names

# From Slurm's source, not from the table.
NAMES = {
    name
    for line in (Path(__file__).parent / "reason_names.txt").read_text().splitlines()
    if not line.startswith("#")
    for name in line.split()
}
PENDING_JOB = {
    "job_id": 12,
    "partition": "main",
    "qos": "normal",
    "account": "physics",
    "user_name": "alice",
    "time_limit_str": "2-00:00:00",
    "licenses": {"matlab": 2},
    "array_job_id": None,
    "array_max_tasks": 4,
}


def explained(reason: str, **fields: object) -> tuple[str, tuple[str, ...]]:
    """Returns text and `ends_by` of a pending job with this reason."""
    found = explain_reason({**PENDING_JOB, "state_reason": reason, **fields}, pending=True)
    return found.text, found.ends_by


def test_each_reason_of_each_release_has_a_text() -> None:
    assert len(NAMES) == 221
    assert names() == NAMES


def test_texts_are_whole_sentences_for_jobs_with_and_without_values() -> None:
    for name in NAMES:
        for job in (PENDING_JOB, {}):
            for pending in (True, False):
                text = explain_reason({**job, "state_reason": name}, pending=pending).text
                assert re.fullmatch(r"[A-Z].*\.", text), (name, text)
                assert not {"{", "None"}.intersection(re.findall(r"\{|None", text.replace("was None", ""))), (
                    name,
                    text,
                )
        assert set(explained(name)[1]) <= set(ENDS_BY), name


# pages-review.md, P1.1: "ending jobs of others free nothing" for these.
NEVER = """
    QOSMaxWallDurationPerJobLimit AssocMaxWallDurationPerJobLimit QOSMaxCpuPerJobLimit AssocMaxCpuPerJobLimit
    QOSMaxNodePerJobLimit AssocMaxNodePerJobLimit QOSMaxMemoryPerJob AssocMaxMemPerJob QOSMaxGRESPerJob
    AssocMaxGRESPerJob QOSMaxCpuPerNode AssocMaxCpuPerNode QOSMaxCpuMinutesPerJobLimit AssocMaxCpuMinutesPerJobLimit
    QOSMinCpuNotSatisfied QOSMinGRES PartitionTimeLimit MaxMemPerLimit DependencyNeverSatisfied BadConstraints
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", NEVER)
def test_a_request_above_a_limit_of_its_own_never_starts_as_it_is(name: str) -> None:
    text, ends_by = explained(name)
    assert ends_by == ("never",)
    assert "have ended" not in text


def test_budgets_do_not_wait_for_jobs() -> None:
    # acct_policy.c compares GrpTRESMins with usage_tres_raw, which jobs that end do not lower.
    for name in NAMES:
        if re.fullmatch(r"(Assoc|QOS)Grp\w*(?<!Run)Minutes(Limit)?|(Assoc|QOS)GrpWallLimit", name):
            assert explained(name)[1] == ("time", "administrator"), name


@pytest.mark.parametrize(
    ("reason", "ends_by", "words"),
    [
        # used_limits of the user in the QOS: the reader's own jobs.
        ("QOSMaxJobsPerUserLimit", ("own_jobs",), "user alice runs as many jobs in QOS normal"),
        ("AssocMaxJobsLimit", ("own_jobs",), "allows each user"),
        ("QOSMaxCpuPerUserLimit", ("own_jobs",), "the running jobs of user alice in QOS normal"),
        ("AssocGrpCpuLimit", ("own_jobs", "other_jobs"), "account physics or an account above it"),
        ("Resources", ("other_jobs", "own_jobs"), "not free at present"),
        ("JobHeldUser", ("user",), "scontrol release 12"),
        ("JobHeldAdmin", ("administrator",), "administrator"),
        ("BeginTime", ("time",), "eligible_time"),
        ("JobArrayTaskLimit", ("own_jobs", "user"), "4 tasks"),
        ("Licenses", ("other_jobs", "own_jobs"), "matlab:2"),
        ("PartitionTimeLimit", ("never",), "time limit of 2-00:00:00 exceeds the limit of partition main"),
        ("Reservation", ("time",), "does not use"),
        # state_desc of node_scheduler.c, job_scheduler.c and job_mgr.c in place of a name.
        ("ReqNodeNotAvail,_UnavailableNodes:cx1", ("administrator",), "down, drained"),
        ("ReqNodeNotAvail,_Reserved_for_maintenance", ("time",), "maintenance"),
        (
            "ReqNodeNotAvail,_May_be_reserved_for_other_job",
            ("other_jobs", "time", "administrator"),
            "reserved for other jobs, or drained",
        ),
        (
            "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
            ("administrator", "other_jobs"),
            "partition main are down",
        ),
        ("launch_failed_requeued_held", ("user",), "prolog"),
        ("launch_failure_limit_exceeded_requeued_held", ("administrator",), "MaxBatchRequeue"),
        ("job_requeued_in_held_state", ("user",), "scontrol release 12"),
        ("Reservation_maint_was_deleted", ("user",), "was deleted"),
        ("Job's_QOS_not_permitted_to_use_this_partition_(main_allows_a_not_b)", ("never",), "partition main"),
        ("burst_buffer/lua:_slurm_bb_setup:_exit_1", ("administrator",), "burst buffer"),
        ("SomethingNew", (), "no explanation here"),
    ],
)
def test_texts_name_the_actor(reason: str, ends_by: tuple[str, ...], words: str) -> None:
    text, found = explained(reason)
    assert found == ends_by
    assert words.casefold() in text.casefold()


def test_a_task_of_an_array_is_released_alone() -> None:
    assert "`scontrol release 12_3`" in explained("JobHeldUser", array_job_id=12, array_task_id=3)[0]
    assert "`scontrol release 12`" in explained("JobHeldUser", array_job_id=12, array_task_id=None)[0]


def test_a_job_waits_for_its_own_reservation() -> None:
    text, ends_by = explained("Reservation", resv_name="maint")
    assert "reservation maint" in text
    assert ends_by == ("time", "other_jobs")


def test_next_in_turn_is_not_promised() -> None:
    # job_scheduler.c gives Resources to one job of a partition and pass, but keeps it for others as well.
    assert "next" not in explained("Resources")[0]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("NonZeroExitCode", "Its script ended with an exit code other than 0."),
        ("TimeLimit", "It reached its time limit of 2-00:00:00, or a limit of accumulated time, and was ended."),
        # A job that was cancelled while it was pending keeps its reason.
        ("QOSMaxJobsPerUserLimit", "Slurm's last reason was QOSMaxJobsPerUserLimit."),
        ("SomethingNew", "Slurm's last reason was SomethingNew."),
    ],
)
def test_nothing_ends_the_reason_of_a_job_that_has_ended(reason: str, text: str) -> None:
    found = explain_reason({**PENDING_JOB, "state_reason": reason}, pending=False)
    assert (found.text, found.ends_by) == (text, ())
