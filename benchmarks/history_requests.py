"""Lists the requests of the benchmark with the conditions of 2018 and the goals in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from benchmarks.history_rows import RETIRED, Filled

DAY: Final = 86400
PAGE_GOAL, FILTER_GOAL, WINDOW_GOAL = 5.0, 50.0, 500.0
"""Milliseconds in the database: newest page and pages by cursor; what an index serves; what a window bounds."""


@dataclass(frozen=True)
class Request:
    """One request: query string, condition of 2018 on the same rows, and goal in milliseconds.

    `refused`: the request must end at the statement limit with a 504. `deep`: at least 100,000 records match, so a page
    at that depth is measured as well. `classic`: the service of 2018 had this filter, so its query is measured as well.
    """

    name: str
    query: str
    old: str
    goal: float | None = None
    deep: bool = False
    refused: bool = False
    classic: bool = False


def requests(filled: Filled) -> list[Request]:
    """Returns all requests for a filled table."""
    return [*_alone(filled), *_windows(filled), *_pairs(filled)]


def _alone(filled: Filled) -> list[Request]:
    middle = 100_000 + filled.rows // 2
    return [
        Request("newest", "", "TRUE", PAGE_GOAL, deep=True, classic=True),
        Request("user, 8 % of all records", "user=u0", "id_assoc = 1000", FILTER_GOAL, deep=True),
        Request("user, few records", "user=u1500", "id_assoc = 2500", FILTER_GOAL),
        Request("user, old records alone", f"user=u{RETIRED}", f"id_assoc = {1000 + RETIRED}", FILTER_GOAL,
                classic=True),
        Request("user, by uid", "user=20000", "id_user = 20000", deep=True),
        Request("user, unknown", "user=unknown-user", "FALSE", FILTER_GOAL),
        Request("account of 9 users", "account=acct7", "account = 'acct7'", FILTER_GOAL, deep=True),
        Request("account of 300 users", "account=campus", "account = 'campus'", deep=True),
        Request("association", "associd=1000", "id_assoc = 1000", FILTER_GOAL, deep=True, classic=True),
        Request("QOS, 10 %", "qos=urgent", "id_qos = 2", FILTER_GOAL, deep=True),
        Request("QOS, 1,000 records", "qos=spare", "id_qos = 3", FILTER_GOAL),
        Request("partition, 35 %", "partition=part0", "`partition` = 'part0'", FILTER_GOAL, deep=True, classic=True),
        Request("partition, unknown", "partition=nowhere", "`partition` = 'nowhere'", refused=True),
        Request("job name, 0.2 %", "jobname=job7", "job_name = 'job7'", classic=True),
        Request("job name, 100 records", "jobname=seldom", "job_name = 'seldom'"),
        Request("job name, unknown", "jobname=nothing", "job_name = 'nothing'", refused=True),
        Request("state FAILED, 6 %", "state=FAILED", "state = 5", FILTER_GOAL, deep=True, classic=True),
        Request("state NODE_FAIL, 0.05 %", "state=NODE_FAIL", "state = 7", classic=True),
        Request("state RUNNING", "state=RUNNING", "state = 1", FILTER_GOAL),
        Request("state PENDING", "state=0", "state = 0", FILTER_GOAL),
        Request("state PENDING or RUNNING", "state=PENDING,RUNNING", "state IN (0, 1)", FILTER_GOAL),
        Request("node, 0.1 %", "node=node0042", "nodelist = 'node0042'"),
        Request("job id", f"jobid={middle}", f"id_job = {middle}", FILTER_GOAL),
        Request("job ids, 500", f"jobid>={middle}&jobid<{middle + 500}",
                f"id_job >= {middle} AND id_job < {middle + 500}", FILTER_GOAL),
        Request("job ids, half of all", f"jobid<={middle}", f"id_job <= {middle}", FILTER_GOAL, deep=True,
                classic=True),
    ]  # fmt: skip


def _windows(filled: Filled) -> list[Request]:
    then = filled.now - 365 * DAY
    return [
        Request("submitted in the last 7 days", "submitafter=now-7days", f"time_submit >= {filled.now - 7 * DAY}",
                FILTER_GOAL),
        Request("submitted more than a year ago", f"submitbefore={then}", f"time_submit < {then}", FILTER_GOAL,
                deep=True),
        *(
            Request(f"{verb} on a day a year ago", between(word, then, then + DAY),
                    f"time_{word} >= {then} AND time_{word} < {then + DAY}", FILTER_GOAL,
                    classic=word == "start")
            for word, verb in (("submit", "submitted"), ("start", "started"), ("end", "ended"))
        ),
        *(
            Request(f"job name, unknown, {verb} in 30 days", f"jobname=nothing&{word}after=now-30days",
                    f"job_name = 'nothing' AND time_{word} >= {filled.now - 30 * DAY}", WINDOW_GOAL)
            for word, verb in (("submit", "submitted"), ("start", "started"), ("end", "ended"))
        ),
        Request("job name, unknown, 30 days a year ago", f"jobname=nothing&{between('submit', then, then + 30 * DAY)}",
                f"job_name = 'nothing' AND time_submit >= {then} AND time_submit < {then + 30 * DAY}", WINDOW_GOAL),
        Request("node, submitted in 30 days", "node=node0042&submitafter=now-30days",
                f"nodelist = 'node0042' AND time_submit >= {filled.now - 30 * DAY}", WINDOW_GOAL),
        Request("node, unknown, ended on a day a year ago", f"node=nowhere1&{between('end', then, then + DAY)}",
                f"nodelist = 'nowhere1' AND time_end >= {then} AND time_end < {then + DAY}", WINDOW_GOAL),
        Request("state NODE_FAIL, ended in 30 days", "state=NODE_FAIL&endafter=now-30days",
                f"state = 7 AND time_end >= {filled.now - 30 * DAY}", WINDOW_GOAL),
        Request("partition, unknown, submitted in 30 days", "partition=nowhere&submitafter=now-30days",
                f"`partition` = 'nowhere' AND time_submit >= {filled.now - 30 * DAY}", WINDOW_GOAL),
    ]  # fmt: skip


def _pairs(filled: Filled) -> list[Request]:
    week = f"time_submit >= {filled.now - 7 * DAY}"
    return [
        Request("user and state", "user=u0&state=FAILED", "id_assoc = 1000 AND state = 5", FILTER_GOAL),
        Request("user and state PENDING", "user=u0&state=PENDING", "id_assoc = 1000 AND state = 0", FILTER_GOAL),
        Request("user and partition", "user=u5&partition=part3", "id_assoc = 1005 AND `partition` = 'part3'",
                FILTER_GOAL),
        Request("user and job name", "user=u5&jobname=job7", "id_assoc = 1005 AND job_name = 'job7'"),
        Request("user and job name, unknown", "user=u0&jobname=nothing", "id_assoc = 1000 AND job_name = 'nothing'"),
        Request("user and 7 days", "user=u5&submitafter=now-7days", f"id_assoc = 1005 AND {week}", FILTER_GOAL),
        Request("account and state", "account=acct7&state=TIMEOUT", "account = 'acct7' AND state = 6", FILTER_GOAL),
        Request("account and 7 days", "account=acct7&submitafter=now-7days", f"account = 'acct7' AND {week}",
                FILTER_GOAL),
        Request("partition and state", "partition=part2&state=FAILED", "`partition` = 'part2' AND state = 5",
                FILTER_GOAL),
        Request("state and 7 days", "state=FAILED&submitafter=now-7days", f"state = 5 AND {week}", FILTER_GOAL),
        Request("newest, as sacct hides attempts", "duplicates=false", "TRUE", FILTER_GOAL),
        Request("user, as sacct hides attempts", "user=u0&duplicates=false", "id_assoc = 1000", FILTER_GOAL),
    ]  # fmt: skip


def between(word: str, since: int, until: int) -> str:
    """Returns the parameters of a window of `submit`, `start` or `end` times."""
    return urlencode({f"{word}after": since, f"{word}before": until})
