"""Load samples for tests."""

from __future__ import annotations

from typing import Any

from slurm_rest_api.archive.sample import Sample


def make_sample(time: int, load: float = 0.5, partitions: tuple[str, ...] = ("main",), **fields: Any) -> Sample:
    """Returns a sample with every field. `load` is that of the cluster and of each partition."""
    figures = {
        "alloc_gpus": 0,
        "total_gpus": 2,
        "jobs_running": 3,
        "jobs_pending": 1,
        "tasks_running": 3,
        "tasks_pending": 10,
        "jobs_pending_by_reason": {"Priority": 1},
        "nodes_by_state": {"IDLE": 2},
    }
    return {
        "time": time,
        "total_load": load,
        "total_cpus": 8,
        "total_mem": 16000,
        "alloc_cpus": 4,
        "alloc_mem": 8000,
        **figures,
        **fields,
        "partitions": {
            name: {
                "alloc_cpus": 4,
                "alloc_mem": 8000,
                "total_cpus": 8,
                "total_mem": 16000,
                "total_nodes": 2,
                "total_used_cpus_on_active_nodes": 4,
                "total_used_mem_on_active_nodes": 8000,
                "partition_load": load,
                "state": "UP",
                **figures,
            }
            for name in partitions
        },
    }
