"""pyslurm is compared with Slurm's commands on the real cluster, with jobs that run and jobs that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.service import SERVICE

# Wraps the objects of a class. An attribute of them gets another value.
_WRAP = """
import sys
import pyslurm
from slurm_rest_api.slurmapi.sources import proof_trial

class Wrapped:
    def __init__(self, found):
        self.__dict__["found"] = found
    def __getattr__(self, name):
        value = getattr(self.found, name)
        return wrong(value) if name == attribute else value

def wrap(kind):
    load = getattr(pyslurm, kind).load
    class Wrong:
        load = staticmethod(lambda: {key: Wrapped(found) for key, found in load_all().items()})
    load_all = load
    setattr(pyslurm, kind, Wrong)

"""
_MAIN = "proof_trial.main([])"
FAULTS = {
    # As 25.11.2 and older ones without the adjustments of build.sh.
    "128 is taken off": ('attribute = "exit_code"; wrong = lambda code: code % 128; wrap("Jobs")', "jobs", "exit_code"),
    "GRES in use are lost": (
        'attribute = "raw_gres_used"; wrong = lambda _: None; wrap("Nodes")',
        "nodes",
        "gres_used",
    ),
    "the limit is in minutes": (
        'attribute = "max_time"; wrong = lambda t: t // 60 if isinstance(t, int) else t; wrap("Partitions")',
        "partitions",
        "max_time",
    ),
}


def compared(cluster: Cluster, fault: str = "") -> dict[str, Any]:
    """Returns the merged report of the comparison."""
    argv = [f"{VENV_IN_ROOT}/bin/python", "-c", f"{_WRAP}{fault}\n{_MAIN}"]
    lines = cluster.run(argv, env={"PYTHONPATH": CHECKOUT_IN_ROOT}).stdout.splitlines()
    facts: dict[str, Any] = {}
    for line in lines:
        facts |= json.loads(line)
    assert facts["done"] is True
    return facts


@pytest.fixture
def odd(cluster: Cluster, jobs: Jobs) -> int:
    """Submits a job with GRES that runs, and one that ends with 130. Returns the id of the latter."""
    jobs.running(gres="gpu:tesla:1", mem=100)
    failed = jobs.running(ntasks=2, mem=100)
    cluster.finish(failed, 130)
    return failed


def test_pyslurm_is_as_the_commands(cluster: Cluster, odd: int) -> None:
    facts = compared(cluster)
    assert facts["summary"].endswith("equal"), facts["named"]
    assert (facts["named"], facts["gaps"]) == ([], [])
    assert {"jobs", "nodes", "partitions", "statistics"} == set(facts["usable"])
    result = facts["record"]["result"]
    assert result["jobs"]["compared"] >= 2
    names = set(cluster.run(["sinfo", "-a", "-h", "-N", "-o", "%N"]).stdout.split())
    assert result["nodes"]["compared"] == len(names)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_pyslurm_is_found(cluster: Cluster, odd: int, fault: str) -> None:
    code, part, field = FAULTS[fault]
    facts = compared(cluster, code)
    assert {"jobs", "nodes", "partitions", "statistics"} - set(facts["usable"]) == {part}
    assert facts["record"]["result"][part]["fields"] == [field]
    if field == "exit_code":
        # Other jobs of this cluster may have failed as well, and the first ones are named.
        assert any(text.endswith(" exit_code: pyslurm '2:0', commands '130:0'") for text in facts["named"])


def test_check_says_what_was_compared(cluster: Cluster, odd: int) -> None:
    done = cluster.run([SERVICE, "check"], check=False)
    [line] = [line for line in done.stdout.splitlines() if " comparison: " in line]
    assert line.startswith("ok       comparison: pyslurm against Slurm's commands: compared "), done.stdout
