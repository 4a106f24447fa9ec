"""The check of what each part of a pyslurm says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.pyslurm.part_trial import wrong_parts
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, RPCError, make_pyslurm

TWO_NODES = {**RUNNING, "num_nodes": 2, "allocated_nodes": "rack[001-002]", "cpus": 4}
HELD = {"cpu_ids": "0-1", "memory": 500, "gres": None}


def faults(pyslurm: Any) -> dict[str, str]:
    return dict(wrong_parts(pyslurm, SNAPSHOT_PARTS, lambda _part: None))


def test_a_right_pyslurm_has_no_faults() -> None:
    layout = {"rack001": HELD, "rack002": HELD}
    steps: list[str] = []
    assert (
        dict(wrong_parts(make_pyslurm([Job(), Job(**{**TWO_NODES, "layout": layout})]), ("jobs",), steps.append)) == {}
    )
    assert steps == ["jobs"]


def test_a_layout_without_a_node_of_the_job() -> None:
    pyslurm = make_pyslurm([Job(**{**TWO_NODES, "layout": {"rack001": HELD}})])
    assert faults(pyslurm) == {"jobs": "pyslurm 25.11.2 gives layouts that lack nodes of the job"}


@pytest.mark.parametrize(
    ("select_type", "is_wrong"), [("select/cons_tres", True), ("select/linear", False), (None, True)]
)
def test_empty_layouts(select_type: str | None, is_wrong: bool) -> None:
    # As the tag v24.11.0 has them for each job.
    pyslurm = make_pyslurm([Job(**{**TWO_NODES, "layout": {}})])
    if select_type is not None:
        pyslurm.slurmctld.Config = SimpleNamespace(load=lambda: SimpleNamespace(select_type=select_type))
    assert faults(pyslurm) == ({"jobs": "pyslurm 25.11.2 gives empty layouts of jobs"} if is_wrong else {})


def test_jobs_that_do_not_run_have_no_layout() -> None:
    assert faults(make_pyslurm([Job(), Job(**{**TWO_NODES, "layout": {}, "state": "SUSPENDED"})])) == {}


@pytest.mark.parametrize(
    ("state", "allocated", "is_wrong"),
    [("ALLOCATED", 8, True), ("MIXED", 8, False), ("ALLOCATED", 16, False), ("ALLOCATED+DRAIN", 2, True)],
)
def test_nodes_that_say_allocated_for_mixed(state: str, allocated: int, is_wrong: bool) -> None:
    pyslurm = make_pyslurm(nodes=[Node(), Node(name="rack002", state=state, allocated_cpus=allocated)])
    assert faults(pyslurm) == ({"nodes": "pyslurm 25.11.2 says ALLOCATED for MIXED"} if is_wrong else {})


def test_an_error_of_one_part_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    pyslurm = make_pyslurm()
    pyslurm.Partitions.answer = OverflowError("value too large to convert to uint16_t")
    pyslurm.Nodes.answer = ValueError("node secret1")
    assert faults(pyslurm) == {
        "partitions": "pyslurm 25.11.2 fails with OverflowError",
        "nodes": "pyslurm 25.11.2 fails with ValueError",
    }
    assert "node secret1" in caplog.text


def test_a_pyslurm_without_an_error_of_its_own() -> None:
    pyslurm = make_pyslurm()
    del pyslurm.RPCError
    assert faults(pyslurm) == {}


def test_a_slurmctld_that_does_not_answer_is_no_fault() -> None:
    pyslurm = make_pyslurm(jobs=RPCError("connect failure", 1800))
    with pytest.raises(SourceUnavailable, match=r"connect failure \(Slurm error 1800\)"):
        faults(pyslurm)
