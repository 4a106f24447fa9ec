"""The results of the comparison with Slurm's commands in the test of a pyslurm."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.smoke import ChildEnd, SmokeResult, comparison_result, smoke_test
from slurm_rest_api.pyslurm_build.state import State, read_state, write_state

RECORD = {"identity": {}, "compared_at": 1.0, "uncompared": None, "result": {"jobs": {}, "nodes": {}}}
EQUAL = {
    "faults": {},
    "record": RECORD,
    "usable": ["jobs", "nodes", "partitions", "statistics"],
    "summary": "compared 46 jobs, 5 nodes, 2 partitions: equal",
    "named": [],
    "gaps": [],
    "done": True,
}
NAMED = "node rack001 state_base: pyslurm 'ALLOCATED', commands 'MIXED'"
WRONG = {
    **EQUAL,
    "summary": "compared 46 jobs, 5 nodes, 2 partitions: 1 of 5 nodes differs from Slurm's commands in state_base",
    "named": [NAMED],
}


def an_end(facts: dict[str, Any], **changes: Any) -> ChildEnd:
    values: dict[str, Any] = {"exit_code": 0, "signal": None, "timed_out": False, "stderr": ""}
    return ChildEnd(step="comparison", facts=facts, **{**values, **changes})


def test_equal_sources_are_reported_with_their_numbers() -> None:
    assert comparison_result(an_end(EQUAL)) == SmokeResult(
        ["with Slurm's commands: compared 46 jobs, 5 nodes, 2 partitions: equal"], proof=RECORD
    )


def test_a_part_that_differs_is_named_and_the_others_are_taken() -> None:
    result = comparison_result(an_end({**WRONG, "usable": ["jobs", "partitions", "statistics"]}))
    assert result.failure is None
    assert result.tested == [
        f"with Slurm's commands: {WRONG['summary']}",
        f"  {NAMED}",
        "The service reads nodes with Slurm's commands",
    ]


def test_a_part_that_pyslurm_lacks_is_named_with_the_reason() -> None:
    faults = {"nodes": "pyslurm 22.5.3 says ALLOCATED for MIXED", "licenses": "another reason"}
    result = comparison_result(an_end({**EQUAL, "usable": ["jobs", "partitions"], "faults": faults}))
    assert result.tested[1:] == [
        "The service reads nodes with Slurm's commands, because pyslurm 22.5.3 says ALLOCATED for MIXED"
    ]


def test_a_pyslurm_of_which_no_part_can_be_taken_is_a_failure() -> None:
    result = comparison_result(an_end({**WRONG, "usable": ["statistics"]}))
    assert result.failure == f"It gives none of jobs, nodes, partitions rightly: {WRONG['summary']}; {NAMED}"
    lacking = {**EQUAL, "usable": ["statistics"], "faults": dict.fromkeys(("jobs", "nodes", "partitions"), "a reason")}
    result = comparison_result(an_end(lacking))
    assert result.failure == f"It gives none of jobs, nodes, partitions rightly: a reason; {EQUAL['summary']}"


@pytest.mark.parametrize(
    ("end", "gap"),
    [
        (an_end({**EQUAL, "gaps": ["jobs: there was none"]}), "jobs: there was none"),
        (
            an_end({**EQUAL, "record": {**RECORD, "uncompared": "no scontrol"}, "gaps": ["no scontrol"]}),
            "no scontrol",
        ),
        (an_end({"unavailable": "slurmctld cannot be read: no answer."}), "slurmctld cannot be read: no answer."),
        (an_end({}, timed_out=True, exit_code=None), "it did not finish within 300 s in step 'comparison'"),
        (
            an_end({}, exit_code=1, stderr="ImportError: x"),
            "it exited with status 1 in step 'comparison': ImportError: x",
        ),
    ],
)
def test_what_could_not_be_compared_is_untested(end: ChildEnd, gap: str) -> None:
    result = comparison_result(end)
    assert result.failure is None
    assert result.untested == [f"comparing it with Slurm's commands: {gap}"]


def test_a_crash_is_a_failure() -> None:
    result = comparison_result(an_end({}, exit_code=None, signal="SIGSEGV"))
    assert result.failure == "Comparing it with Slurm's commands: it crashed with SIGSEGV in step 'comparison'"


# Everything that probe.py reads, and nothing that the comparison needs.
EMPTY = """
__version__ = "25.11.2"
class Jobs(dict):
    load = classmethod(lambda cls: cls())
Nodes = Partitions = Jobs
class slurmctld:
    class Statistics:
        load = staticmethod(lambda: None)
"""


@pytest.mark.parametrize("has_commands", [True, False])
def test_a_host_without_commands_still_tests_the_rest(tmp_path: Path, has_commands: bool) -> None:
    (tmp_path / "pyslurm.py").write_text(EMPTY)
    (tmp_path / "bin").mkdir()
    for name in ("scontrol", "squeue", "sdiag") if has_commands else ():
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho slurm 25.11.7\n")
        (tmp_path / "bin" / name).chmod(0o755)
    environ = {**os.environ, "PATH": str(tmp_path / "bin")}
    result = smoke_test(Path(sys.executable), environ, tmp_path, commands=tmp_path / "bin" if has_commands else None)
    assert result.failure is None
    assert "loaded from the controller: 0 jobs, 0 nodes, 0 partitions" in result.tested
    expected = (
        "pyslurm has no part that can be compared" if has_commands else "they are missing (scontrol, squeue, sdiag)"
    )
    assert result.untested[-1] == f"comparing it with Slurm's commands: {expected}"


def test_a_state_keeps_the_comparison(tmp_path: Path) -> None:
    state = State("key", "25.11.2", [], "25.11.7", proof=RECORD)
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    # Releases before this one have recorded none.
    (tmp_path / "slurm-rest-api-pyslurm.json").write_text(json.dumps({"key": "k", "installed": "1", "untested": []}))
    found = read_state(tmp_path)
    assert found is not None
    assert found.proof is None
