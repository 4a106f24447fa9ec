"""GPUs of one job, from what it holds or requests."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.slurmapi.collector.job_sums import job_gpus
from tests.builders import make_job, make_running_job

HELD: dict[str, Any] = {"gres_allocated": {"rack005": {"gpu:tesla": 1}, "rack006": {"gpu:tesla": 2}}}


@pytest.mark.parametrize(
    ("fields", "gpus"),
    [
        # AccountingStorageTRES without gres/gpu, which is Slurm's default.
        ({**HELD, "tres_alloc_str": "cpu=4,mem=400M,node=2,billing=4"}, 3),
        # AccountingStorageTRES=gres/gpu,gres/gpu:tesla.
        ({**HELD, "tres_alloc_str": "cpu=4,gres/gpu=3,gres/gpu:tesla=3"}, 3),
        ({"gres_allocated": {"rack005": {"gpu:4090": 1}}}, 1),
        ({"gres_allocated": {"rack005": {"gpu:nvidia_a100_3g.20gb": 2, "gpu:a100": 1}}}, 3),
        ({"gres_allocated": {"rack005": {"shard:tesla": 3, "mps:tesla": 50}}}, 0),
        ({"gres_allocated": {"rack005": {"gpu": 2, "gpu:a100": 2}}}, 2),
        # select/linear has no layout.
        ({"gres_allocated": {"rack005": {}}, "tres_alloc_str": "cpu=4,gres/gpu=2"}, 2),
        ({"gres_allocated": {"rack005": {}}, "tres_per_node": "gres/gpu:2"}, 2),
        ({**HELD, "job_state": "SUSPENDED"}, 3),
        ({**HELD, "job_state": "RUNNING+CONFIGURING"}, 3),
        ({"gres_allocated": None}, 0),
    ],
)
def test_a_job_with_nodes_has_the_gpus_that_it_holds(fields: dict[str, Any], gpus: int) -> None:
    assert job_gpus(make_running_job(1, "rack005", **fields)) == gpus


@pytest.mark.parametrize(
    ("fields", "gpus"),
    [
        # ReqTRES has the GPUs where AccountingStorageTRES tracks them.
        ({"tres_req_str": "cpu=1,mem=100M,gres/gpu=2,gres/gpu:a100=2"}, 2),
        # Where it does not, the options of sbatch have them: --gpus=2 and --gpus=a100:2,v100:1.
        ({"tres_per_job": "gres/gpu:2"}, 2),
        ({"tres_per_job": "gres/gpu:a100:2,gres/gpu:v100:1"}, 3),
        ({"tres_per_job": "gres/gpu:8", "tres_per_node": "gres/gpu:2", "num_nodes": 4}, 8),
        # --gres=gpu:4090:2, --gres=gpu:tesla, --gpus-per-node=2
        ({"tres_per_node": "gres/gpu:4090:2"}, 2),
        ({"tres_per_node": "gres/gpu:tesla", "num_nodes": 3}, 3),
        ({"tres_per_node": "gres/gpu:2", "num_nodes": 3}, 6),
        ({"gres": ["gpu:2"], "num_nodes": 3}, 6),
        # --gpus-per-socket=2 --sockets-per-node=2
        ({"tres_per_socket": "gres/gpu:2", "sockets_per_node": 2, "num_nodes": 2}, 8),
        ({"tres_per_socket": "gres/gpu:2", "sockets_per_node": None}, 2),
        # --gpus-per-task=1 with 4 tasks
        ({"tres_per_task": "gres/gpu:1", "num_tasks": 4}, 4),
        ({"tres_per_task": "cpu=2,gres/gpu:1", "num_tasks": 4}, 4),
        ({"tres_req_str": "cpu=1,mem=100M,node=1,billing=1"}, 0),
        ({"tres_per_node": "gres/shard:4"}, 0),
        ({}, 0),
    ],
)
def test_other_jobs_have_the_gpus_that_they_request(fields: dict[str, Any], gpus: int) -> None:
    assert job_gpus(make_job(1, **fields)) == gpus


def test_a_completing_job_holds_no_gpus_and_keeps_its_request() -> None:
    job = make_running_job(1, "rack005", job_state="COMPLETED+COMPLETING", **HELD, tres_per_job="gres/gpu:3")
    assert job_gpus(job) == 3
