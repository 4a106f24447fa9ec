"""Lists what clients can request of each kind of record: fields, orders, groups, sums and table columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from slurm_rest_api.contract_base import PublishedRecord
from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.contract.license import LicenseRecord
from slurm_rest_api.slurmapi.contract.node import NodeRecord
from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.priority_factors import FACTOR_OF_FIELD
from slurm_rest_api.slurmapi.contract.reservation import ReservationRecord
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, KEYS, Kind
from slurm_rest_api.web.name_lists import chosen_fields


@dataclass(frozen=True)
class Group:
    """A way to group records: by the values of a column, or by each word in it if it holds `words`.

    Groups are divided by the values of the column `then`, if there is one.
    """

    column: str
    words: bool = False
    then: str | None = None


@dataclass(frozen=True)
class RecordKind:
    """One kind of record. `sums` and `sortable` map published names to columns.

    `table_fields` are the default fields of `format=table`. `more_fields` are sent only if `fields` names them.
    """

    fields: tuple[str, ...]
    sortable: Mapping[str, str]
    groups: Mapping[str, Group]
    sums: Mapping[str, str]
    table_fields: tuple[str, ...]
    more_fields: tuple[str, ...] = ()

    def chosen(self, requested: Sequence[str]) -> tuple[str, ...]:
        """Returns the requested fields. Raises BadParameter if one is unknown."""
        return chosen_fields(requested, self.fields + self.more_fields)


def _fair_share() -> RecordKind:
    kind = _record_kind(
        "fairshare",
        FairShareRecord,
        {"user": Group("user_name"), "account": Group("account")},
        {"raw_usage": "raw_usage"},
        "account user raw_shares norm_shares raw_usage effective_usage fair_share level_fs",
    )
    return replace(kind, sortable={**kind.sortable, "user": "user_name"})


def _queue() -> RecordKind:
    groups = {
        "user": Group("user_name"),
        "account": Group("account"),
        "partition": Group("partition_words", words=True),
        "state": Group("job_state"),
        "qos": Group("qos"),
        "reason": Group("reason"),
        "name": Group("name"),
    }
    by_state = {f"{name},state": replace(groups[name], then="job_state") for name in ("user", "account", "qos")}
    kind = _record_kind(
        "queue",
        JobRecord,
        {**groups, **by_state},
        {"cpus": "num_cpus", "nodes": "num_nodes", "memory": "memory", "gpus": "gpus", "tasks": "tasks"},
        "job_id partition name user_name job_state run_time_str num_nodes nodes state_reason",
    )
    return replace(kind, more_fields=tuple(FACTOR_OF_FIELD))


def _record_kind(
    kind: Kind, record: type[PublishedRecord], groups: Mapping[str, Group], sums: Mapping[str, str], table_fields: str
) -> RecordKind:
    fields = tuple(record.model_fields)
    published = record.model_fields
    # SQLite has no booleans, so a column of them is not the published field.
    columns = [name for name in COLUMNS[kind] if name in published and published[name].annotation is not bool]
    sortable = {KEYS[kind]: "key"} | {column: column for column in columns}
    return RecordKind(fields, sortable, groups, sums, tuple(table_fields.split()))


RECORD_KINDS: Final[Mapping[Kind, RecordKind]] = {
    "queue": _queue(),
    "nodes": _record_kind(
        "nodes",
        NodeRecord,
        {
            "state": Group("state_word"),
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
            "gpus": "total_gpus",
            "gpus_used": "gpus_used",
            "free_gpus": "free_gpus",
        },
        "name state cpus alloc_cpus cpu_load real_memory alloc_mem free_mem gres gres_used reason",
    ),
    "partitions": _record_kind(
        "partitions",
        PartitionRecord,
        {"state": Group("state")},
        {"total_nodes": "total_nodes", "total_cpus": "total_cpus"},
        "name state total_nodes total_cpus default_time max_time_str priority_tier nodes",
    ),
    "fairshare": _fair_share(),
    "reservations": _record_kind(
        "reservations",
        ReservationRecord,
        {
            "state": Group("state"),
            "partition": Group("partition"),
            "user": Group("user_words", words=True),
            "account": Group("account_words", words=True),
            "flag": Group("flag_words", words=True),
        },
        {"nodes": "node_cnt", "cores": "core_cnt"},
        "name state start_time end_time duration node_cnt nodes users accounts flags",
    ),
    "licenses": _record_kind(
        "licenses",
        LicenseRecord,
        {},
        {"total": "total", "used": "used", "free": "free", "reserved": "reserved"},
        "name total used free reserved remote",
    ),
}
