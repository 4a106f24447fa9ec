"""A store of 100,000 jobs and 10,000 nodes, written by SQL alone in about a second.

Each job is in one of 200 partitions. Each fifth one runs on up to four of the nodes n1 to n9999. The pending job
EXPLAINED is in partition p8, which has all nodes for /availability.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import orjson

from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, KINDS, WORD_TABLES, Kind, word_table
from slurm_rest_api.slurmapi.store.record_writer import KnownRows, Loaded, StoreCycle
from tests.builders import make_job, make_partition

JOBS: Final = 100_000
NODES: Final = 9_999
GENERATION: Final = "large"
EXPLAINED: Final = 80_008

_NODE: Final = "((i * 7 + {}) % 9999 + 1)"
_JOB: Final = {
    "user_name": "iif(i <= 10, 'grace', 'ada')",
    "account": "'physics'",
    "partition": "'p' || (i % 200)",
    "partition_words": "',p' || (i % 200) || ','",
    "name": "'job' || (i % 1000)",
    "qos": "'normal'",
    "job_state": "iif(i % 5, 'PENDING', 'RUNNING')",
    "state_words": "iif(i % 5, ',PENDING,', ',RUNNING,')",
    "state_reason": "'Priority'",
    "reason": "'Priority'",
    "array_job_id": "iif(i % 2, i, NULL)",
    "array_task_str": "iif(i % 2, '0-999', NULL)",
    "node_words": "iif(i % 5, NULL, "
    + " || ".join(f"',n' || {_NODE.format(number)}" for number in range(4))
    + " || ',')",
    "submit_time": "1000000 + i",
    "start_time": "iif(i % 5, 0, 2000000 + i)",
    "priority": "i",
    "num_cpus": "1",
    "rank_queue": "iif(i % 5, 'p' || (i % 200) || char(10), NULL)",
    "rank_order": "-i",
    "tasks": "1",
    "rank_cpus": "1",
    "rank_gpus": "0",
    "rank_at_limit": "0",
}
_NODES: Final = {
    "state": "'IDLE'",
    "state_word": "'IDLE'",
    "state_words": "',IDLE,'",
    "partition_words": "',main,p' || (i % 200) || ','",
    "feature_words": "',f' || (i % 300) || ',f' || (i % 7) || ','",
    "gres_words": "',gpu,gpu:' || (i % 4) || ','",
    "cpus": "4",
}

_TABLES: Final[tuple[tuple[Kind, str, dict[str, str], int], ...]] = (
    ("queue", "i", _JOB, JOBS),
    ("nodes", "'n' || i", _NODES, NODES),
)


def write_store(path: Path) -> str:
    """Writes the store to `path`. Returns its version, after which job 7 changed."""
    connection = schema.create(path, GENERATION)
    connection.execute("BEGIN")
    rows = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ?)"
    for kind, key, values, number in _TABLES:
        columns = [column for column in COLUMNS[kind] if column in values]
        names, expressions = ", ".join(columns), ", ".join(values[column] for column in columns)
        insert = f"{rows} INSERT INTO {kind}_index (key, changed, {names}) SELECT {key}, 1, {expressions} FROM r"  # noqa: S608 - a test's own text
        connection.execute(insert, (number,))
        _write_words(connection, kind)
        schema.create_indexes(connection, kind)
    body = """CAST(printf('{"job_id":%d,"job_state":"PENDING"}', key) AS BLOB)"""
    connection.execute(f"INSERT INTO queue (key, body, version) SELECT key, {body}, changed FROM queue_index")  # noqa: S608 - a test's own text
    connection.execute("INSERT INTO nodes (key, body, version) SELECT key, X'7B7D', changed FROM nodes_index")
    cycle = StoreCycle(connection, 2, {kind: KnownRows() for kind in KINDS}, continues=False)
    connection.execute("UPDATE queue_index SET changed = 2 WHERE key = 7")
    partition = orjson.dumps(make_partition("p8"))
    connection.execute("INSERT INTO partitions (key, body, version) VALUES ('p8', ?, 2)", (partition,))
    connection.execute("INSERT INTO partitions_index (key, changed) VALUES ('p8', 2)")
    job = make_job(EXPLAINED, partition="p8", priority=EXPLAINED, submit_time=1_000_000 + EXPLAINED)
    connection.execute("UPDATE queue SET body = ? WHERE key = ?", (orjson.dumps(job), EXPLAINED))
    connection.execute("INSERT INTO document VALUES ('node_groups', ?)", (orjson.dumps(_node_groups()),))
    for name, total in (("queue", JOBS), ("nodes", NODES), ("partitions", 1)):
        connection.execute(
            "INSERT INTO collection (name, version, changed_at, total) VALUES (?, 2, 1.0, ?)", (name, total)
        )
    cycle.finish(Loaded("fake", "fake", time.time(), 3600.0, 1.0, 6))
    connection.execute("COMMIT")
    connection.close()
    return f"{GENERATION}-1"


def _node_groups() -> dict[str, Any]:
    """Returns the document of nodes in 99 groups, in which each node is between two of other groups."""
    groups = [
        [f",p8,\n,IDLE,\n{64_000 + number}\n16|0||2|0|", list(range(number, NODES, 99)), [number % 16] * 101, [0] * 101]
        for number in range(99)
    ]
    return {"names": [f"n{number}" for number in range(1, NODES + 1)], "groups": groups}


def _write_words(connection: sqlite3.Connection, kind: Kind) -> None:
    for column in WORD_TABLES[kind]:
        words = f"""json_each('["' || replace(trim({column}, ','), ',', '","') || '"]') AS words"""
        connection.execute(
            f"INSERT OR IGNORE INTO {word_table(kind, column)} (word, key)"  # noqa: S608 - a test's own text
            f" SELECT words.value, {kind}_index.key FROM {kind}_index, {words} WHERE {column} IS NOT NULL ORDER BY 1, 2"
        )
