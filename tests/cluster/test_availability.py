"""`/availability` against `sbatch --test-only`: where it says "now", Slurm would start the job at once."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any

import pytest

from tests.cluster.answers import fresh
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service

# Query of the service, and the options of sbatch that ask for the same.
REQUESTS = [
    ("cpus=1&mem=100", ["-c1", "--mem=100"]),
    ("cpus=2&mem=100&nodes=2", ["-N2", "--ntasks-per-node=1", "-c2", "--mem=100"]),
    ("cpus=1&mem=100&gpus=1", ["-c1", "--mem=100", "--gres=gpu:1"]),
    ("cpus=1&mem=100&gpus=2&gpu_type=tesla", ["-c1", "--mem=100", "--gres=gpu:tesla:2"]),
    ("cpus=1&mem=100&gpus=99", ["-c1", "--mem=100", "--gres=gpu:99"]),
    ("cpus=4096&mem=100", ["-c4096", "--mem=100"]),
    ("cpus=1&mem=99999999", ["-c1", "--mem=99999999"]),
    ("cpus=1&mem=100&nodes=900", ["-N900", "--ntasks-per-node=1", "--mem=100"]),
]
_START = re.compile(r"to start at (\S+) using")
SOON = 90
"""Seconds within which a start is one at once: --test-only plans in whole minutes."""


def start_of(cluster: Cluster, partition: str, options: list[str]) -> float | None:
    """Returns the start that Slurm names, in seconds from now. None if it refuses the job."""
    argv = ["sbatch", "--test-only", "-D", "/tmp", "-p", partition, "-t", "10", *options, "--wrap=true"]
    ran = cluster.run(argv, check=False)
    match = _START.search(ran.stderr + ran.stdout)
    if ran.returncode or match is None:
        return None
    return datetime.fromisoformat(match[1]).astimezone().timestamp() - time.time()


@pytest.mark.parametrize(("query", "options"), REQUESTS, ids=lambda value: value if isinstance(value, str) else "")
def test_it_agrees_with_test_only(cluster: Cluster, service: Service, query: str, options: list[str]) -> None:
    answers: list[dict[str, Any]] = fresh(service, f"/availability?{query}&time=10&user=root")
    compared = 0
    for name, record in answers[0].items():
        if record["unchecked"]:
            continue
        start = start_of(cluster, name, options)
        compared += 1
        if record["answer"] == "now":
            assert start is not None, name
            assert start < SOON, name
        elif record["answer"] == "never":
            assert start is None, name
    assert compared
