"""What may be asked for of each kind of record: its fields, orders, groups, sums, and the columns of a short table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.contract_base import PublishedRecord
from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.contract.node import NodeRecord
from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, KEYS, Kind


@dataclass(frozen=True)
class Group:
    """A way to group: by a column, each of whose words, where it holds `words`, is a group of its own."""

    column: str
    words: bool = False


@dataclass(frozen=True)
class RecordKind:
    """One kind of record. `sums` and `orders` map published names to columns; `short` are the fields of a table."""

    fields: tuple[str, ...]
    orders: Mapping[str, str]
    groups: Mapping[str, Group]
    sums: Mapping[str, str]
    short: tuple[str, ...]


def _entry(
    kind: Kind, record: type[PublishedRecord], groups: Mapping[str, Group], sums: Mapping[str, str], short: str
) -> RecordKind:
    fields = tuple(record.model_fields)
    orders = {KEYS[kind]: "key"} | {column: column for column in COLUMNS[kind] if column in record.model_fields}
    return RecordKind(fields, orders, groups, sums, tuple(short.split()))


RECORD_KINDS: Final[Mapping[Kind, RecordKind]] = {
    "queue": _entry(
        "queue",
        JobRecord,
        {
            "user": Group("user_name"),
            "account": Group("account"),
            "partition": Group("partition_words", words=True),
            "state": Group("job_state"),
            "qos": Group("qos"),
            "reason": Group("reason"),
            "name": Group("name"),
        },
        {"cpus": "num_cpus", "nodes": "num_nodes", "memory": "memory", "gpus": "gpus"},
        "job_id partition name user_name job_state run_time_str num_nodes nodes state_reason",
    ),
    "nodes": _entry(
        "nodes",
        NodeRecord,
        {
            "state": Group("state"),
            "partition": Group("partition_words", words=True),
            "feature": Group("feature_words", words=True),
        },
        {
            "cpus": "cpus",
            "alloc_cpus": "alloc_cpus",
            "idle_cpus": "idle_cpus",
            "real_memory": "real_memory",
            "alloc_mem": "alloc_mem",
            "idle_mem": "idle_mem",
            "free_mem": "free_mem",
            "gpus": "gpus",
            "gpus_used": "gpus_used",
        },
        "name state cpus alloc_cpus cpu_load real_memory alloc_mem free_mem gres gres_used reason",
    ),
    "partitions": _entry(
        "partitions",
        PartitionRecord,
        {"state": Group("state")},
        {"total_nodes": "total_nodes", "total_cpus": "total_cpus"},
        "name state total_nodes total_cpus default_time max_time_str priority_tier nodes",
    ),
}
