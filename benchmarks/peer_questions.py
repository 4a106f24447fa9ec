"""Questions that Slurm's own commands answer, each with requests that the response cache has not answered before.

`benchmarks.peers` measures them with one client.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_JOB: Final = "<jobid>"
_MOST_PATHS: Final = 3000
_PAGE: Final = ("job_id", "name", "user_name", "priority", "num_cpus")


@dataclass(frozen=True)
class Question:
    """A question with this service's `paths`, and how others ask it.

    `paths` gets the ids of pending jobs. `request` is their common form. `commands` are lines for sh(1) with `<jobid>`,
    `rest` a path of slurmrestd below its version.
    """

    name: str
    request: str
    paths: Callable[[Sequence[str]], list[str]]
    commands: tuple[str, ...]
    rest: str = ""

    def lines(self, job: str) -> list[tuple[str, str]]:
        """Returns each command as a table has it, and for the job with the id `job`."""
        return [(f"`{line.replace('|', chr(92) + '|')}`", line.replace(_JOB, job)) for line in self.commands]


def _pages(filters: str) -> list[str]:
    """Returns paths of a first page, whose fields and length differ."""
    orders = [",".join(order) for order in itertools.permutations(_PAGE)]
    return [f"/queue?{filters}&fields={order}&limit={limit}" for limit in range(41, 61) for order in orders]


QUESTIONS: Final = (
    Question(
        "why a job waits",
        "`/queue/<jobid>/explain`",
        lambda jobs: [f"/queue/{job}/explain" for job in jobs[:_MOST_PATHS]],
        (f"squeue --start --noheader --jobs={_JOB}", f"sprio --noheader --jobs={_JOB}"),
        f"/job/{_JOB}",
    ),
    Question(
        "what is free",
        "`/availability?cpus=…&mem=…`",
        lambda _: [f"/availability?cpus={cpus}&mem={mem}" for cpus in range(1, 5) for mem in range(100, 800)],
        ("sinfo --noheader --format='%P %a %D %C %m %t'",),
        "/nodes/",
    ),
    Question(
        "pending jobs of highest priority",
        "`/queue?state=PD&sort=-priority&limit=50`",
        lambda _: _pages("state=PD&sort=-priority"),
        ("squeue --all --noheader --states=PENDING --sort=-p --format='%A %j %u %Q %C' | head --lines=50",),
    ),
    Question(
        "newest jobs",
        "`/queue?sort=-job_id&limit=50`",
        lambda _: _pages("sort=-job_id"),
        ("squeue --all --noheader --sort=-i --format='%A %j %u %Q %C' | head --lines=50",),
    ),
    Question(
        "jobs by state",
        "`/queue?group_by=state`",
        # All open pages send this one.
        lambda _: ["/queue?group_by=state"],
        ("squeue --all --noheader --format=%T | sort | uniq --count",),
    ),
    Question(
        "jobs by user",
        "`/queue?group_by=user&priority>=…`",
        lambda _: [f"/queue?group_by=user&priority%3E={number}" for number in range(_MOST_PATHS)],
        ("squeue --all --noheader --format=%u | sort | uniq --count",),
    ),
    Question(
        "jobs of a name, which no index serves",
        "`/queue?name=…&fields=job_id`",
        lambda _: [f"/queue?name=blast_{number}&fields=job_id" for number in range(1, 8 * _MOST_PATHS, 8)],
        ("squeue --all --noheader --name=blast_1 --format=%A",),
    ),
)
