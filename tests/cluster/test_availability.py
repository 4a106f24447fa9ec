"""`/availability` against `sbatch --test-only`: now, later and never."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cluster.one_load import OneLoad
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs

# Query, and the options of sbatch that ask for the same.
REQUESTS = [
    ("cpus=1&mem=100", "-c1 --mem=100"),
    ("cpus=2&mem=100&nodes=2", "-N2 --ntasks-per-node=1 -c2 --mem=100"),
    ("cpus=16&mem=100&nodes=3", "-N3 --ntasks-per-node=1 -c16 --mem=100"),
    ("cpus=4&mem=31000", "-c4 --mem=31000"),
    # With four nodes --test-only refuses the job in `high`, because it needs the reserved node. sbatch takes it.
    ("cpus=2&mem=100&nodes=3&exclusive=true", "-N3 --ntasks-per-node=1 -c2 --mem=100 --exclusive"),
    ("cpus=1&mem=100&gpus=1", "-c1 --mem=100 --gres=gpu:1"),
    ("cpus=1&mem=100&gpus=2&gpu_type=tesla", "-c1 --mem=100 --gres=gpu:tesla:2"),
    ("cpus=1&mem=100&gpus=99", "-c1 --mem=100 --gres=gpu:99"),
    ("cpus=4096&mem=100", "-c4096 --mem=100"),
    ("cpus=1&mem=99999999", "-c1 --mem=99999999"),
    ("cpus=1&mem=100&nodes=900", "-N900 --ntasks-per-node=1 --mem=100"),
]
_START = re.compile(r"to start at (\S+)")
SOON = 120
"""Seconds within which a start is one at once: --test-only plans in whole minutes."""


@pytest.fixture(scope="module")
def loaded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneLoad]:
    """The cluster with GPUs, CPUs and memory in use for hours, and a reserved node."""
    jobs = Jobs(cluster)
    reserved = "reservationname=av_maint nodes=rack004 starttime=now duration=300 users=root flags=maint,ignore_jobs"
    cluster.run(["scontrol", "create", "reservation", *reserved.split()])
    try:
        jobs.running(partition="main", nodelist="rack005", gres="gpu:tesla:1", cpus_per_task=4, time=600)
        jobs.running(partition="main", nodelist="rack006", exclusive=True, time=600)
        jobs.running(partition="main", nodelist="rack001", mem=2000, time=600)
        jobs.running(partition="long", nodelist="rack007", cpus_per_task=8, time=600)
        loaded = OneLoad(cluster, tmp_path_factory.mktemp("availability"))
        loaded.load()
        yield loaded
    finally:
        jobs.cancel_all()
        cluster.run(["scontrol", "delete", "reservationname=av_maint"])


def start_of(cluster: Cluster, partition: str, options: str) -> float | None:
    """Returns the start that Slurm names, in seconds from now. None if it refuses the job."""
    argv = ["sbatch", "--test-only", "-D", "/tmp", "-p", partition, "-t", "10", *options.split(), "--wrap=true"]
    ran = cluster.run(argv, user="alice", check=False, env={"TZ": "UTC"})
    match = _START.search(ran.stderr + ran.stdout)
    if ran.returncode or match is None:
        return None
    return datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp() - time.time()


@pytest.mark.parametrize(("query", "options"), REQUESTS)
def test_it_agrees_with_test_only(cluster: Cluster, loaded: OneLoad, query: str, options: str) -> None:
    found = loaded.data(f"/availability?{query}&time=10&partition=main,high,long&user=alice&account=physics&qos=normal")
    ours, slurm = {}, {}
    for name, record in found.items():
        assert record["unchecked"] == []
        ours[name] = record["answer"]
        start = start_of(cluster, name, options)
        slurm[name] = "never" if start is None else "now" if start < SOON else "later"
    assert ours == slurm
    assert len(ours) == 3
