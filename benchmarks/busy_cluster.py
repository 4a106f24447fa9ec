"""Provides a full cluster for the cost of explanations: long queues, limits that are reached, nodes of many kinds."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from slurm_rest_api.slurmapi.sources.base import OptionalKind, Record, Snapshot
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot

PARTITIONS: Final = ("main", "long", "gpu", "big", "short", "debug", "interactive", "test")
USERS: Final = tuple(f"user{number:03}" for number in range(400))
QOS: Final = ("normal", "high", "low", "urgent")
_ACCOUNTS: Final = 40
_TYPES: Final = ((64, 256_000, 0), (128, 512_000, 0), (64, 512_000, 4), (96, 1_024_000, 8), (48, 192_000, 0))
_STATES: Final = ("MIXED", "MIXED", "MIXED", "ALLOCATED", "ALLOCATED", "IDLE", "IDLE+DRAIN", "DOWN")
# Each user's limit is reached, and that of the QOS is, so that all of them are counted.
QOS_LIMITS: Final[dict[str, Any]] = {
    "grp_jobs": 9_000,
    "grp_tres": "1=20000,2=100000000,4=5000,1001=500",
    "max_jobs_per_user": 20,
    "max_tres_pu": "1=100,1001=8",
    "max_jobs_pa": 200,
    "grp_submit_jobs": 50_000,
    "max_submit_jobs_per_user": 200,
}
ASSOCIATION_LIMITS: Final[dict[str, Any]] = {"grp_jobs": 100, "grp_tres": "1=400,4=90"}


def account_of(user: str) -> str:
    """Returns the account of a user."""
    return f"account{int(user[4:]) % _ACCOUNTS}"


class BusySource:
    """A source with `jobs` jobs on `nodes` nodes. 10 % run. The priority of 1 % changes with every load.

    All nodes are in the partition `main`, and most in another one. Half of the jobs are in `main`.
    """

    name = "synthetic"
    detail = "synthetic"
    rpcs_of_last_load = 6

    def __init__(self, jobs: int, nodes: int) -> None:
        self._random = random.Random(1)  # noqa: S311 - the same cluster each time
        self._nodes = [_node(number, self._random) for number in range(1, nodes + 1)]
        self._jobs = [_job(number, self._random, nodes) for number in range(1, jobs + 1)]

    def lowest(self) -> int:
        """Returns the id of the pending job in `main` with the most jobs ahead of it."""
        waiting = [job for job in self._jobs if job["job_state"] == "PENDING" and job["partition"] == "main"]
        return int(min(waiting, key=lambda job: (job["priority"], -job["submit_time"]))["job_id"])

    def pending(self, number: int) -> list[int]:
        """Returns the ids of pending jobs that are spread over the whole queue."""
        waiting = [job["job_id"] for job in self._jobs if job["job_state"] == "PENDING"]
        return waiting[:: max(len(waiting) // number, 1)]

    def load(self) -> Snapshot:
        """Returns the next snapshot."""
        now = int(time.time())
        for index in self._random.sample(range(len(self._jobs)), len(self._jobs) // 100):
            self._jobs[index]["priority"] += 1
        reservations = [_reservation(number, now) for number in range(20)]
        partitions = [_partition(name) for name in PARTITIONS]
        found = make_snapshot(nodes=self._nodes, partitions=partitions, reservations=reservations)
        return replace(found, jobs=self._walk(now), optional_kinds={"reservations": OptionalKind(now)})

    def _walk(self, now: int) -> Iterator[Record]:
        for job in self._jobs:
            if job["job_state"] == "RUNNING":
                job["run_time"] = now - job["start_time"]
            yield job


def _partition(name: str) -> Record:
    unlimited = dict.fromkeys(
        ("max_time", "max_nodes", "max_cpus_per_node", "def_mem_per_node", "max_mem_per_node"), "UNLIMITED"
    )
    allowed = dict.fromkeys(("allow_accounts", "allow_qos", "allow_groups"), "ALL")
    return make_partition(
        name, **unlimited, **allowed, default_time="NONE", min_nodes=0, flags={"RootOnly": 0, "Shared": "NO"}
    )


def _node(number: int, chance: random.Random) -> Record:
    cpus, memory, gpus = _TYPES[number % len(_TYPES)]
    state = chance.choice(_STATES)
    used = {"MIXED": chance.randint(1, cpus - 1), "ALLOCATED": cpus}.get(state, 0)
    used_gpus = min(chance.randint(0, gpus), used)
    mine = PARTITIONS[number % len(PARTITIONS)]
    return make_node(
        f"node{number:05}",
        state=state,
        cpus=cpus,
        effective_cpus=cpus,
        threads=2,
        alloc_cpus=used,
        idle_cpus=cpus - used,
        real_memory=memory,
        mem_spec_limit=4096,
        alloc_mem=used * 2000,
        idle_mem=memory - used * 2000,
        partitions=["main"] if mine == "main" else ["main", mine],
        gres=[f"gpu:a100:{gpus}"] if gpus else [],
        gres_used=[f"gpu:a100:{used_gpus}"] if gpus else [],
        owner=None,
    )


def _job(number: int, chance: random.Random, nodes: int) -> Record:
    user, cpus = chance.choice(USERS), chance.choice((1, 2, 4, 8, 16))
    tres = f"cpu={cpus},mem={cpus * 2}G,node=1,billing={cpus}"
    usual: dict[str, Any] = {
        "user_name": user,
        "account": account_of(user),
        "qos": chance.choice(QOS),
        "partition": "main" if number % 2 else chance.choice(PARTITIONS[1:]),
        "priority": chance.choice((chance.randint(1, 100_000), 50_000)),
        "submit_time": 1_795_000_000 + number // 4,
        "time_limit": 60 * chance.randint(1, 48),
        "tres_req_str": tres,
        "min_memory_cpu": 2048,
        "min_memory_node": None,
    }
    if number % 10 == 0:
        node = f"node{chance.randint(1, nodes):05}"
        began = 1_795_100_000
        return make_running_job(number, node, cpus, cpus * 2048, **usual, tres_alloc_str=tres, start_time=began)
    reason = chance.choice(("Priority", "Priority", "Resources", "QOSGrpSubmitJobsLimit", "QOSMaxJobsPerUserLimit"))
    return make_job(number, **usual, num_cpus=cpus, state_reason=reason)


def _reservation(number: int, now: int) -> Record:
    first = 1 + 40 * number
    return {
        "name": f"course{number}",
        "state": "ACTIVE",
        "start_time": now - 3600,
        "end_time": now + 86_400,
        "nodes": f"node[{first:05}-{first + 9:05}]",
        "users": ["teacher"],
        "accounts": None,
        "groups": None,
        "partition": None,
        "flags": [],
        "core_ids": {},
    }
