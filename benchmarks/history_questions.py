"""Asks the service and Slurm's commands the same questions about sums, efficiency, steps, events and usage.

A question is measured in seconds of wall clock and of processor time: of the client or the service, of slurmdbd, and of
the database server.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psutil
import pymysql
from flask.testing import FlaskClient

from benchmarks.figures import Figure
from benchmarks.history_measure import ProcessorTime, Statements, Timing, measure
from benchmarks.history_requests import DAY, between
from benchmarks.history_rows import CAMPUS_FROM, FIRST_ASSOC, Filled
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import CLUSTER
from tests.testbed.steps import TestbedError, say, step

_COMMAND_SECONDS: Final = 60
_USAGE: Final = "JobID,State,ElapsedRaw,TotalCPU,MaxRSS,AllocTRES,ReqMem"
_OF_SUMS: Final = "Account,User,State,ElapsedRaw,AllocTRES,Planned"


@dataclass(frozen=True)
class Question:
    """One question: the path of the service, and the commands of Slurm that answer it. `goal` is in milliseconds."""

    name: str
    path: str
    commands: Sequence[Sequence[str]] = ()
    goal: float | None = None


@dataclass(frozen=True)
class Told:
    """One run of a command: seconds of wall clock and of processor time, and the lines that it printed.

    `ended` is False if it failed, or was ended after a minute.
    """

    command: str
    seconds: float
    cpu: float
    lines: int
    ended: bool


@dataclass
class Answered:
    """The measurements of one question. `first` is its first request, of which a worker keeps sums and names."""

    question: Question
    ours: Timing
    first: Timing
    theirs: list[Told] = field(default_factory=list)


def daemon(cluster: Cluster, name: str) -> psutil.Process:
    """Returns the process of a daemon of the cluster.

    Raises:
        TestbedError: it does not run.
    """
    pid = cluster.daemons.pid(name)
    if pid is None:
        raise TestbedError(f"{name} does not run.")
    return psutil.Process(pid)


def questions(connection: pymysql.Connection[Any], filled: Filled) -> list[Question]:
    """Returns the questions for a filled database."""
    since, until = filled.now - 30 * DAY, filled.now
    month = between("submit", since, until)
    ended = between("end", since, until)
    times = ("-S", _time(since), "-E", _time(until))
    in_month = ("sacct", "-X", "-D", "-P", "-n", "--allusers", *times, "-o", _OF_SUMS)
    sizes = ("sreport", "-n", "-P", "job", "SizesByAccount", f"start={_time(since)}", f"end={_time(until)}")
    year = filled.now - filled.now % DAY - 365 * DAY
    window = f"since={year}&until={year + 365 * DAY}"
    whole_year = (f"start={_time(year)}", f"end={_time(year + 365 * DAY)}")
    ids = _ended_jobs(connection)
    some = ("-n", "-P", "--allusers", "-o", _USAGE)
    week = filled.now - 7 * DAY
    few = "fields=account,jobs,states,cpu_hours"
    return [
        Question("sums of a month by account", f"/history?group_by=account&{month}", [in_month, sizes], 300),
        Question("jobs and CPU hours of a month by account", f"/history?group_by=account&{month}&{few}"),
        Question("sums of a month by account, by end", f"/history?group_by=account&{ended}"),
        Question("sums of a month by user", f"/history?group_by=user&{month}&limit=2000"),
        Question("sums of a month by day", f"/history?group_by=day&{month}"),
        Question("efficiency of a month by account",
                 f"/history?group_by=account&{month}&fields=account,cpu_efficiency,mem_efficiency"),
        Question("100 jobs with their efficiency", f"/history?{ended}&limit=100",
                 [("sacct", *some, "-j", ",".join(map(str, ids)))], 20),
        Question("steps of one job", f"/history/{ids[0]}/steps", [("sacct", *some, "-j", str(ids[0]))]),
        Question("events of a week", f"/events?since={week}&limit=1000",
                 [("sacctmgr", "-n", "-P", "show", "event", f"start={_time(week)}")]),
        Question("downtime of a week by node", f"/events?since={week}&group_by=node&limit=1000"),
        Question("usage of a year by day, 1,000 associations",
                 f"/utilization?group_by=account&step=day&{window}&limit=10000", goal=300),
        Question("usage of a year in all by account and user",
                 f"/utilization?group_by=account,user&step=total&{window}&limit=10000",
                 [("sreport", "-n", "-P", "-t", "seconds", "cluster", "AccountUtilizationByUser", *whole_year)]),
        Question("usage of a year of the cluster by day", f"/utilization?step=day&{window}&limit=1000"),
    ]  # fmt: skip


def ask(
    cluster: Cluster,
    client_of: Callable[[Question], FlaskClient],
    statements: Statements,
    asked: Sequence[Question],
    times: int,
) -> list[Answered]:
    """Asks every question `times` times of the service, and once of each command."""
    database = ProcessorTime(daemon(cluster, "mariadb"))
    behind = ProcessorTime(daemon(cluster, "mariadb"), daemon(cluster, "slurmdbd"), psutil.Process())
    found = []
    for question in asked:
        with step(f"ask for {question.name}"):
            client = client_of(question)
            first = measure(client, statements, question.path, 1, database)
            ours = measure(client, statements, question.path, times, database)
            answered = Answered(question, ours, first)
            for command in question.commands:
                answered.theirs.append(_run(cluster, command, behind))
            found.append(answered)
            say(_row(answered))
    return found


def table(found: Sequence[Answered]) -> str:
    """Returns the measurements as a Markdown table."""
    head = [
        "The same questions to Slurm's commands. *Processor*: milliseconds of one request in the service, and in the"
        " database server for it; of a command: its own, those of slurmdbd and of the database server together."
        " × says how many times more processor time the command took. *First*: milliseconds of the first request, which"
        " reads what a worker keeps for the others. A command that runs for a minute is ended,"
        " without an answer.",
        "",
        "| question | first ms | p50 ms | service ms | database ms | records | goal | command | ms | processor ms |"
        " lines | × |",
        "|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *map(_row, found)])


def asked_figures(found: Sequence[Answered], least: float) -> list[Figure]:
    """Returns a figure of each question with a goal or a command. `least` is the milliseconds of an index look-up."""
    figures = []
    for answered in found:
        commands = [told for told in answered.theirs if told.ended]
        best = min(commands, key=lambda told: told.seconds, default=None)
        if answered.ours.status == 200 and (answered.theirs or answered.question.goal is not None):
            figures.append(
                Figure(
                    f"accounting: {answered.question.name}",
                    statistics.median(answered.ours.answers),
                    "" if best is None else f"`{best.command}`",
                    None if best is None else 1000 * best.seconds,
                    "one index look-up",
                    least,
                    answered.question.goal,
                )
            )
    return figures


def _row(answered: Answered) -> str:
    ours, goal = answered.ours, answered.question.goal
    median, first = _ms(statistics.median(ours.answers)), _ms(answered.first.answers[0])
    if ours.status != 200:
        median = f"{ours.status} after {median}"
    left = [answered.question.name, first, median, _ms(ours.service_cpu), _ms(ours.database_cpu)]
    left += [f"{ours.records:,}", "" if goal is None else f"{goal:g}"]
    if not answered.theirs:
        return f"| {' | '.join(left)} | | | | | |"
    lines = []
    for told in answered.theirs:
        times = 1000 * told.cpu / ours.cpu if ours.cpu else 0
        right = [
            f"`{told.command}`",
            _ms(1000 * told.seconds),
            _ms(1000 * told.cpu),
            f"{told.lines:,}",
            f"{times:,.0f}",
        ]
        lines.append(f"| {' | '.join([*left, *right])} |")
        left = [""] * len(left)
    return "\n".join(lines)


def _run(cluster: Cluster, command: Sequence[str], behind: ProcessorTime) -> Told:
    behind.start()
    began = time.perf_counter()
    run = cluster.run(["timeout", str(_COMMAND_SECONDS), *command], timeout=10 * _COMMAND_SECONDS, check=False)
    seconds, cpu = time.perf_counter() - began, behind.seconds()
    name = " ".join(word for word in command[:5] if word[0] != "-")
    return Told(name, seconds, cpu, run.stdout.count("\n"), run.returncode == 0)


def _ended_jobs(connection: pymysql.Connection[Any]) -> list[int]:
    """Returns the ids of a hundred jobs that have ended, and have steps."""
    owner = FIRST_ASSOC + CAMPUS_FROM
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT job.id_job FROM `{CLUSTER}_job_table` AS job FORCE INDEX (association)"
            f" JOIN `{CLUSTER}_step_table` AS step ON step.job_db_inx = job.job_db_inx"
            " WHERE job.id_assoc = %s AND job.time_end > 0 AND job.state = 3 ORDER BY job.job_db_inx DESC LIMIT 100",
            [owner],
        )
        return [int(number) for (number,) in cursor.fetchall()]


def _time(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment))


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"
