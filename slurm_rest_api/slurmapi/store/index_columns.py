"""The columns that filters, sorts and groups use, next to each record's rendered JSON.

A column with the name of a published field holds that field's value. Columns that end with `_words` hold words with a
comma around each (`,main,long,`), so that a filter finds a whole word with its commas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["queue", "nodes", "partitions", "reservations", "licenses", "fairshare"]
KINDS: Final[tuple[Kind, ...]] = ("queue", "nodes", "partitions", "reservations", "licenses", "fairshare")

Value = int | float | str | None
IndexRow = tuple[Value, ...]
"""The values of one record in the order of `COLUMNS`."""

COLUMNS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "queue": (
        "user_name",
        "account",
        "partition",
        "partition_words",
        "name",
        "qos",
        "job_state",
        "state_words",
        "state_reason",
        "reason",
        "array_job_id",
        "array_task_id",
        "array_task_str",
        "het_job_id",
        "het_job_offset",
        "node_words",
        "submit_time",
        "start_time",
        "end_time",
        "priority",
        "num_cpus",
        "num_nodes",
        "memory",
        "time_limit",
        "gpus",
        "tasks",
        "rank_queue",
        # The priority with a minus: in the order of rank_order, submit_time and key the scheduler considers jobs.
        "rank_order",
        "rank_cpus",
        "rank_gpus",
        "rank_at_limit",
        "run_time",
        # The allocated TRES while slurmctld counts the job in limits: null for pending and ended jobs.
        "held_tres",
    ),
    "nodes": (
        "state",
        "state_word",
        "state_words",
        "partition_words",
        "feature_words",
        "gres_words",
        "cpus",
        "alloc_cpus",
        "idle_cpus",
        "cpu_load",
        "real_memory",
        "alloc_mem",
        "idle_mem",
        "free_mem",
        "weight",
        "total_gpus",
        "gpus_used",
        "free_gpus",
    ),
    "partitions": ("state", "total_nodes", "total_cpus", "priority_tier"),
    "reservations": (
        "state",
        "partition",
        "start_time",
        "end_time",
        "duration",
        "node_cnt",
        "core_cnt",
        "node_words",
        "partition_words",
        "user_words",
        "account_words",
        "flag_words",
        "viewer_words",
    ),
    "licenses": ("total", "used", "free", "reserved", "remote"),
    "fairshare": (
        "user_name",
        "account",
        "partition",
        "norm_shares",
        "raw_usage",
        "norm_usage",
        "effective_usage",
        "fair_share",
        "level_fs",
    ),
}

KEYS: Final[Mapping[Kind, str]] = {
    "queue": "job_id",
    "nodes": "name",
    "partitions": "name",
    "reservations": "name",
    "licenses": "name",
    "fairshare": "name",
}
"""The published field that is the key of each kind. In the store it is the column `key`."""

CLOCK_FIELDS: Final = ("run_time", "run_time_str", "run_time_remaining", "elapsed_cpu_time")
"""Fields of a running job that change in every load with the time alone."""

RANK_INDEX: Final = (
    "rank_queue",
    *("rank_order", "submit_time", "key"),
    *("tasks", "rank_cpus", "rank_gpus", "rank_at_limit"),
)
"""The columns with which the jobs ahead of a job are counted, without a read of its table."""
CLOCK_COLUMNS: Final[Mapping[Kind, tuple[str, ...]]] = {**dict.fromkeys(KINDS, ()), "queue": ("run_time",)}
"""Columns with the values of clock fields. They are written in every load, unlike the others."""

WHOLE_INDEXES: Final = ("changed", "priority")
"""The first columns of the indexes that have all rows."""

DESCENDING: Final = ("priority",)
"""Columns of an index in descending order: jobs of one priority are then in the order of their keys, as in a page."""

INDEXED: Final[Mapping[Kind, tuple[tuple[str, ...], ...]]] = {
    "queue": (
        ("user_name",),
        ("account",),
        ("array_job_id", "array_task_id"),
        ("het_job_id",),
        ("changed",),
        RANK_INDEX,
        ("held_tres", "qos", "account", "user_name", "partition"),
        ("priority",),
    ),
    "nodes": (("changed",),),
    "partitions": (),
    "reservations": (),
    "licenses": (),
    "fairshare": (("user_name",), ("account",), ("changed",)),
}
"""The columns of each index. Rows in which the first one is null are left out, except of WHOLE_INDEXES."""

WORD_TABLES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "queue": ("partition_words", "node_words"),
    "nodes": ("partition_words", "feature_words", "gres_words"),
    "partitions": (),
    "reservations": ("node_words", "partition_words"),
    "licenses": (),
    "fairshare": (),
}
"""The columns whose words have a table each, `word_table`, in which a filter finds the records with a word.

States have none: they are few, so that a filter compares each state of the records once.
"""


def word_table(kind: Kind, column: str) -> str:
    """Returns the name of the table with a row for each word in `column` of each record of `kind`."""
    return f"{kind}_{column}"


OWNERS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "queue": ("user_name", "account"),
    "nodes": (),
    "partitions": (),
    "reservations": ("viewer_words",),
    "licenses": (),
    "fairshare": ("user_name", "account"),
}
"""The columns with a record's owner. Tombstones keep them, so that only a former viewer learns of a removal."""
