"""The test of a pyslurm: children that crash, hang, exit or fail have different results."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.smoke import (
    ChildEnd,
    SmokeResult,
    controller_result,
    run_child,
    smoke_test,
    symbols_result,
)
from tests.waiting import GIVE_UP_SECONDS, with_longer_limits

SEGFAULT = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


def child(code: str, seconds: float = GIVE_UP_SECONDS) -> ChildEnd:
    return run_child([sys.executable, "-u", "-c", code], os.environ, seconds)


def an_end(step: str = "import", **changes: Any) -> ChildEnd:
    values: dict[str, Any] = {"facts": {}, "exit_code": 0, "signal": None, "timed_out": False, "stderr": ""}
    return ChildEnd(step=step, **{**values, **changes})


def test_finished_child() -> None:
    end = child("""print('{"step": "layout"}\\nnot ours\\n[1]\\n{"jobs": 3, "done": true}')""")
    assert end.finished
    assert (end.step, end.facts["jobs"], end.exit_code, end.signal) == ("layout", 3, 0, None)


def test_crash_is_reported_with_the_step_it_happened_in() -> None:
    end = child('print(\'{"step": "layout"}\');' + SEGFAULT)
    assert (end.finished, end.signal, end.exit_code, end.timed_out) == (False, "SIGSEGV", None, False)
    assert end.describe(1) == "it crashed with SIGSEGV in step 'layout'"


def test_crash_after_everything_was_reported_is_a_crash() -> None:
    end = child('print(\'{"step": "layout", "done": true}\');' + SEGFAULT)
    assert not end.finished
    assert controller_result(end).failure == "Reading the cluster: it crashed with SIGSEGV in step 'layout'"


def test_hang_is_killed_and_reported() -> None:
    code = 'import time; print(\'{"step": "jobs"}\'); time.sleep(3600)'
    limit, end = with_longer_limits(lambda seconds: child(code, seconds), lambda end: end.step == "jobs")
    assert (end.finished, end.timed_out, end.signal, end.step) == (False, True, None, "jobs")
    assert end.describe(limit) == f"it did not finish within {limit:.0f} s in step 'jobs'"


def test_exit_is_reported_with_its_last_output() -> None:
    end = child("import sys; sys.stderr.write('first\\nfatal: no slurm.conf\\n'); sys.exit(1)")
    assert end.describe(1) == "it exited with status 1 in step 'start': fatal: no slurm.conf"


def test_import_error_is_a_failure() -> None:
    result = symbols_result(an_end(facts={"error": "ImportError: undefined symbol: slurm_x"}))
    assert result.failure == "Importing pyslurm: it failed in step 'import': ImportError: undefined symbol: slurm_x"


@pytest.mark.parametrize("end", [an_end(exit_code=None, signal="SIGSEGV"), an_end(exit_code=None, timed_out=True)])
def test_import_that_crashes_or_hangs_is_a_failure(end: ChildEnd) -> None:
    assert symbols_result(end).failure is not None


def test_import_that_slurm_ended_is_untested() -> None:
    result = symbols_result(an_end(exit_code=1, stderr="fatal: no slurm.conf"))
    assert (result.failure, result.tested, len(result.untested)) == (None, [], 1)


@pytest.mark.parametrize(
    ("end", "gap"),
    [
        (an_end(exit_code=1, stderr="fatal: Could not establish a configuration source"), "there is no slurm.conf"),
        (an_end(exit_code=1, stderr="error: cannot create auth context for auth/munge"), "the plugin auth/munge"),
        (an_end(exit_code=1, stderr="some other cause"), "it exited with status 1 in step 'import': some other cause"),
        (an_end("jobs", facts={"unavailable": "Unable to contact slurm controller"}), "Unable to contact"),
        (an_end("nodes", exit_code=None, timed_out=True), "Is slurmctld reachable?"),
        (an_end("layout", facts={"done": True, "layouts": 0, "jobs": 0}), "no job was running"),
    ],
)
def test_untestable_parts_are_reported(end: ChildEnd, gap: str) -> None:
    result = controller_result(end)
    assert result.failure is None
    assert [text for text in result.untested if gap in text]


@pytest.mark.parametrize(
    "end",
    [
        an_end("layout", exit_code=None, signal="SIGSEGV"),
        an_end("layout", exit_code=None, timed_out=True),
        an_end("layout", facts={"error": "ValueError: the layout of job 7 has unknown nodes: ['?']"}),
        an_end("jobs", exit_code=1),
    ],
)
def test_the_effects_of_a_wrong_build_are_failures(end: ChildEnd) -> None:
    assert controller_result(end).failure is not None


def test_complete_test_lists_the_read_records() -> None:
    facts = {"done": True, "jobs": 12, "nodes": 8, "partitions": 3, "layouts": 2}
    result = controller_result(an_end("layout", facts=facts))
    assert result.tested == [
        "loaded from the controller: 12 jobs, 8 nodes, 3 partitions",
        "read the allocation per node of 2 running jobs",
    ]
    assert (result.untested, result.failure) == ([], None)


FAKE_PYSLURM = '''
"""A fake pyslurm."""
import os
__version__ = "25.11.2"
class RPCError(Exception):
    pass
class Job:
    id = 7
    state = "RUNNING"
    num_nodes = 2
    def get_resource_layout_per_node(self):
        {layout}
class Table(dict):
    @classmethod
    def load(cls):
        return cls(cls.content)
class Jobs(Table):
    content = {{7: Job()}}
class Nodes(Table):
    content = {{"n001": object(), "n002": object()}}
class Partitions(Table):
    content = {{"main": object()}}
class slurmctld:
    class Statistics:
        load = staticmethod(lambda: None)
{more}
'''
BOTH = 'return {"n001": {}, "n002": {}}'
LINEAR = """
slurmctld.Config = type("Config", (), {"load": staticmethod(lambda: type("C", (), {"select_type": "select/linear"}))})
"""
CLASSIC_LINEAR = 'config = type("config", (), {"get": lambda self: {"select_type": "select/linear"}})'
CLASSIC = "del slurmctld, RPCError, Nodes\nstatistics = type('statistics', (), {'get': lambda self: {}})"


def smoke(folder: Path, layout: str, more: str = "") -> SmokeResult:
    (folder / "pyslurm.py").write_text(FAKE_PYSLURM.format(layout=layout, more=more), encoding="utf-8")
    return smoke_test(Path(sys.executable), os.environ, extra_path=folder)


@pytest.mark.parametrize(
    ("layout", "more", "failure"),
    [
        (BOTH, "", None),
        ('return {"garbage": {}}', "", "ValueError: the layout of job 7 has unknown nodes"),
        ("os.abort()", "", "it crashed with SIGABRT in step 'layout'"),
        ('raise RPCError("no controller")', "", None),
        # The tag v24.11.0 says so for each job.
        ("return {}", "", "ValueError: the layout of job 7 has 0 of its 2 nodes"),
        ("return {}", LINEAR, None),
        ("return {}", CLASSIC_LINEAR, None),
        ('return {"n001": {}}', LINEAR, "ValueError: the layout of job 7 has 1 of its 2 nodes"),
    ],
)
def test_probe_reads_a_pyslurm(tmp_path: Path, layout: str, more: str, failure: str | None) -> None:
    result = smoke(tmp_path, layout, more)
    assert (result.failure is None) == (failure is None)
    assert (failure or "") in (result.failure or "")
    assert "loaded from the controller: 1 jobs, 2 nodes, 1 partitions" in result.tested


def test_a_pyslurm_is_judged_by_what_it_has(tmp_path: Path) -> None:
    result = smoke(tmp_path, BOTH, CLASSIC)
    assert result.failure is None
    assert result.tested[1:] == [
        "loaded from the controller: 1 jobs, 1 partitions",
        "it lacks Nodes, which Slurm's commands replace",
        "read the allocation per node of 1 running jobs",
    ]
    nothing = smoke(tmp_path, BOTH, "del Jobs, Nodes, Partitions")
    assert "pyslurm 25.11.2 has none of Jobs, Nodes, Partitions" in (nothing.failure or "")


@pytest.mark.parametrize(
    ("error", "is_unavailable"),
    [("ValueError('Unable to contact slurm controller', 1800)", True), ("ValueError('a bad value')", False)],
)
def test_a_classic_error_with_a_number_is_slurmctlds(tmp_path: Path, error: str, is_unavailable: bool) -> None:
    code = f"def fail(cls):\n    raise {error}\ndel RPCError\nJobs.load = classmethod(fail)"
    result = smoke(tmp_path, BOTH, code)
    assert (result.failure is None) == is_unavailable


def test_probe_reports_a_pyslurm_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "pyslurm.py").write_text("raise ImportError('undefined symbol: slurm_free_ctl_conf')", encoding="utf-8")
    result = smoke_test(Path(sys.executable), os.environ, extra_path=tmp_path)
    assert result.failure is not None
    assert "undefined symbol: slurm_free_ctl_conf" in result.failure
