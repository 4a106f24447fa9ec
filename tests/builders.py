"""Published records for tests, with a default for every field that the code reads. Keywords change fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slurm_rest_api.slurm.states import parse_node_state
from slurm_rest_api.slurmapi.collector.node_gres import with_gpus
from slurm_rest_api.slurmapi.collector.reservations import with_reservations
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot


def make_job(job_id: int = 1, **fields: Any) -> Record:
    """Returns a pending job in partition `main`."""
    return {
        "job_id": job_id,
        "name": "wrap",
        "user_id": 1000,
        "user_name": "ada",
        "account": "physics",
        "partition": "main",
        "job_state": "PENDING",
        "state_reason": "Priority",
        "priority": 4294901759,
        "num_cpus": 1,
        "num_nodes": 1,
        "submit_time": 1763928000,
        "start_time": 0,
        "end_time": 0,
        "time_limit": 60,
        "array_job_id": None,
        "array_task_id": None,
        "het_job_id": None,
        "het_job_id_set": None,
        "dependency": None,
        "submit_line": "sbatch job.sh",
        "alloc_node": "login1",
        "batch_host": None,
        "failed_node": None,
        "nodes": None,
        "sched_nodes": None,
        "req_nodes": [],
        "exc_nodes": [],
        "cpus_allocated": {},
        "cpus_alloc_layout": {},
        "mem_allocated": {},
        **fields,
    }


def make_running_job(job_id: int, node: str, cpus: int = 1, memory_mib: int = 0, **fields: Any) -> Record:
    """Returns a job that runs on one node."""
    running = {
        "job_state": "RUNNING",
        "state_reason": "None",
        "nodes": node,
        "batch_host": node,
        "num_cpus": cpus,
        "cpus_allocated": {node: cpus},
        "mem_allocated": {node: memory_mib},
    }
    return make_job(job_id, **{**running, **fields})


def make_node(name: str = "rack001", **fields: Any) -> Record:
    """Returns an idle node of 4 CPUs and 8000 MiB. `state` also sets `state_base` and `state_flags`."""
    state = parse_node_state(fields.get("state", "IDLE"))
    return {
        "name": name,
        "state": "IDLE",
        "state_base": state.base,
        "state_flags": list(state.flags),
        "cpus": 4,
        "alloc_cpus": 0,
        "real_memory": 8000,
        "alloc_mem": 0,
        "free_mem": 7000,
        "cpu_load": 0,
        "partitions": ["main"],
        "reason": None,
        **fields,
    }


def make_partition(name: str = "main", **fields: Any) -> Record:
    """Returns a partition that is up. Its totals are those of one `make_node()`."""
    return {
        "name": name,
        "state": "UP",
        "nodes": "rack001",
        "total_nodes": 1,
        "total_cpus": 4,
        "priority_tier": 1,
        "alternate": None,
        "allow_alloc_nodes": "ALL",
        **fields,
    }


def make_snapshot(
    jobs: Iterable[Record] = (),
    nodes: Iterable[Record] | None = None,
    partitions: Iterable[Record] | None = None,
    statistics: Record | None = None,
    reservations: Iterable[Record] | None = None,
) -> Snapshot:
    """Returns a snapshot, by default of one node in one partition and no job. `jobs` is iterated once."""
    return Snapshot(
        jobs=iter(jobs),
        nodes=[make_node()] if nodes is None else list(nodes),
        partitions=[make_partition()] if partitions is None else list(partitions),
        statistics={"jobs_pending": 0} if statistics is None else statistics,
        reservations=None if reservations is None else list(reservations),
    )


def with_collected_fields(nodes: Iterable[Record]) -> list[Record]:
    """Returns the nodes of a source with the fields that the collector adds, where no reservations are read."""
    return with_reservations(with_gpus(nodes), None, now=0.0)
