"""The finding about the comparison of pyslurm with Slurm's commands."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from slurm_rest_api.diagnosis.comparison import COMPARISON_COMMAND, check_comparison
from slurm_rest_api.diagnosis.finding import Finding, render
from tests.waiting import GIVE_UP_SECONDS

EQUAL: dict[str, Any] = {
    "record": {"uncompared": None},
    "summary": "compared 46 jobs, 5 nodes, 2 partitions: equal",
    "named": [],
    "gaps": [],
    "done": True,
}


def compared(*reports: dict[str, Any], then: str = "") -> list[Finding]:
    lines = "".join(json.dumps(report) + "\n" for report in reports)
    code = f"import sys; sys.stdout.write({lines!r}); sys.stdout.flush()\n{then}"
    return check_comparison([sys.executable, "-c", code], os.environ, None, GIVE_UP_SECONDS)


def test_equal_sources() -> None:
    assert compared({"step": "comparison"}, EQUAL) == [
        Finding("comparison", "ok", "pyslurm against Slurm's commands: compared 46 jobs, 5 nodes, 2 partitions: equal.")
    ]


def test_what_was_not_compared_is_said() -> None:
    (finding,) = compared({**EQUAL, "gaps": ["jobs: there was none", "GRES: none was in use"]})
    assert finding.verdict == "ok"
    assert finding.sentence.endswith(" Not compared: jobs: there was none; GRES: none was in use.")


def test_a_difference_is_a_warning_with_the_first_ones() -> None:
    first = "job 17 exit_code: pyslurm '9:0', commands '137:0'"
    summary = "compared 46 jobs, 5 nodes, 2 partitions: 1 of 46 jobs differs from Slurm's commands in exit_code"
    (finding,) = compared({**EQUAL, "summary": summary, "named": [first]})
    assert finding.verdict == "warning"
    assert finding.sentence == f"pyslurm against Slurm's commands: {summary}. The first ones:\n{first}"
    assert f"         {first}\n" in render([finding])
    assert "slurm:commands" in (finding.remedy or "")


def test_no_pyslurm_is_no_finding() -> None:
    assert compared({"absent": True}) == []
    # No pyslurm is installed in the environment of the tests.
    assert check_comparison(COMPARISON_COMMAND, os.environ, "/nonexistent", GIVE_UP_SECONDS) == []


@pytest.mark.parametrize(
    ("reports", "then", "sentence"),
    [
        ([{"error": "libslurmfull.so: cannot open shared object file"}], "", "libslurmfull.so: cannot open shared"),
        ([{"unavailable": "slurmctld cannot be read: timeout."}], "", "slurmctld cannot be read: timeout."),
        ([{"step": "jobs"}], "import os; os.abort()", "it crashed with SIGABRT in step 'jobs'."),
        ([], "sys.exit('error: cannot create auth context for auth/munge')", "cannot load the plugin auth/munge."),
    ],
)
def test_a_comparison_that_fails_is_a_warning(reports: list[dict[str, Any]], then: str, sentence: str) -> None:
    (finding,) = compared(*reports, then=then)
    assert finding.verdict == "warning"
    assert finding.sentence.startswith("pyslurm was not compared with Slurm's commands: ")
    assert sentence in finding.sentence


def test_without_commands_nothing_is_compared() -> None:
    (finding,) = compared({**EQUAL, "record": {"uncompared": "Slurm's command cannot be found: scontrol"}})
    assert finding == Finding(
        "comparison",
        "ok",
        "pyslurm was not compared with Slurm's commands: Slurm's command cannot be found: scontrol.",
    )
