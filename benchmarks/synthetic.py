"""Provides a synthetic cluster of any size as a source: most jobs pending, a few changing per load."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

from slurm_rest_api.slurmapi.contract import JobRecord, NodeRecord, PartitionRecord
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot

_PARTITIONS = ("main", "long", "gpu", "big")
_USERS = tuple(f"user{number:03}" for number in range(200))


class SyntheticSource:
    """A source with `jobs` jobs on `nodes` nodes. 10 % run, `changing` per 1,000 change with every load."""

    name = "synthetic"
    detail = "synthetic"
    rpcs_of_last_load = 6

    def __init__(self, jobs: int, nodes: int, changing: int = 10) -> None:
        self._random = random.Random(1)  # noqa: S311 - the same cluster each time
        self._nodes = [_node(number) for number in range(1, nodes + 1)]
        self._jobs = [_job(number, self._random, nodes) for number in range(1, jobs + 1)]
        self._changing = changing

    def load(self) -> Snapshot:
        """Returns the next snapshot."""
        for index in self._random.sample(range(len(self._jobs)), len(self._jobs) * self._changing // 1000):
            self._jobs[index]["priority"] += 1
        partitions = [
            _filled(PartitionRecord, name=name, state="UP", total_nodes=len(self._nodes)) for name in _PARTITIONS
        ]
        return Snapshot(jobs=self._walk(), nodes=self._nodes, partitions=partitions, statistics={})

    def _walk(self) -> Iterator[Record]:
        now = int(time.time())
        for job in self._jobs:
            if job["job_state"] == "RUNNING":
                job["run_time"] = now - job["start_time"]
            yield job


def _filled(model: type[JobRecord] | type[NodeRecord] | type[PartitionRecord], **fields: object) -> Record:
    """Returns a record with every field: texts of realistic length, and null for what is no text."""
    texts = {name for name, field in model.model_fields.items() if "str" in str(field.annotation)}
    return {name: fields.get(name, f"value of {name}"[:20] if name in texts else None) for name in model.model_fields}


def _node(number: int) -> Record:
    return _filled(
        NodeRecord,
        name=f"node{number:05}",
        state="MIXED",
        cpus=64,
        alloc_cpus=32,
        idle_cpus=32,
        real_memory=256_000,
        alloc_mem=128_000,
        idle_mem=128_000,
        free_mem=100_000,
        cpu_load=3200,
        weight=1,
        partitions=[_PARTITIONS[number % len(_PARTITIONS)]],
        gres=[],
        gres_used=[],
        features="avx2",
        features_active="avx2",
    )


def _job(number: int, chance: random.Random, nodes: int) -> Record:
    runs = number % 10 == 0
    node = f"node{chance.randint(1, nodes):05}"
    return _filled(
        JobRecord,
        job_id=number,
        name=f"train_{number % 1000}",
        user_name=chance.choice(_USERS),
        account=f"account{number % 20}",
        partition=_PARTITIONS[number % len(_PARTITIONS)],
        qos="normal",
        job_state="RUNNING" if runs else "PENDING",
        state_reason="None" if runs else "Priority",
        array_job_id=None,
        array_task_id=None,
        array_task_str=None,
        het_job_id=None,
        het_job_offset=None,
        het_job_id_set=None,
        pack_job_id=None,
        pack_job_id_set=None,
        dependency=None,
        nodes=node if runs else None,
        cpus_allocated={node: 4} if runs else {},
        mem_allocated={node: 8000} if runs else {},
        gres_allocated={},
        submit_time=1_795_000_000 + number,
        start_time=1_795_100_000 if runs else 0,
        end_time=0,
        priority=chance.randint(1, 1_000_000),
        num_cpus=4,
        num_nodes=1,
        memory=8000,
        time_limit=60,
        run_time=0,
        tres_req_str="cpu=4,mem=8000M,node=1,billing=4",
        tres_alloc_str="cpu=4,mem=8000M,node=1,billing=4" if runs else None,
    )


def from_environment() -> SyntheticSource:
    """Opens the source that `$SYNTHETIC_CLUSTER` describes: `<jobs>,<nodes>`. Used by the setting `source`."""
    jobs, nodes = map(int, os.environ["SYNTHETIC_CLUSTER"].split(","))
    return SyntheticSource(jobs, nodes)
