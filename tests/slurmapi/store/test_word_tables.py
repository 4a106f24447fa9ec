"""The tables that find records by a word, such as the jobs on a node."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import orjson

from slurm_rest_api.slurmapi.collector.index_rows import job_index_row
from slurm_rest_api.slurmapi.store.record_writer import Row
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_running_job


def test_a_cycle_writes_only_the_words_that_changed(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "snapshot.sqlite")
    cluster = {number: make_job(number, partition=f"p{number % 9}") for number in range(1, 1001)}

    def load() -> None:
        with writer.cycle() as cycle:
            rows = (Row(key, orjson.dumps(job), partial(job_index_row, job)) for key, job in cluster.items())
            cycle.replace_records("queue", rows, 1.0)

    load()
    written: list[str] = []
    assert writer._connection is not None
    writer._connection.set_trace_callback(written.append)
    cluster[1] |= {"priority": 7}
    cluster[2] |= {"partition": "p0,p2"}
    cluster |= {number: make_running_job(number, f"n{number}", partition=f"p{number % 9}") for number in range(3, 11)}
    del cluster[1000]
    load()
    insert = "INSERT INTO queue_node_words (word, key) VALUES ('n{}', {})"
    words = [sql for sql in written if "_words (word" in sql or "_words WHERE" in sql]
    assert sorted(words) == sorted(
        [
            "DELETE FROM queue_partition_words WHERE word = 'p1' AND key = 1000",
            "INSERT INTO queue_partition_words (word, key) VALUES ('p0', 2)",
            *(insert.format(number, number) for number in range(3, 11)),
        ]
    )
    # SQLite reports the statement that fires a trigger again for each statement of the trigger.
    statements = [sql for sql, before in zip(written, ["", *written], strict=False) if sql != before]
    assert sum(sql.startswith(("INSERT", "DELETE", "UPDATE")) for sql in statements) <= 10 * 3 + 20


def test_word_tables_have_the_words_of_the_records(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "snapshot.sqlite")
    for jobs in (
        {1: make_job(1, partition="a,b"), 2: make_running_job(2, "n1")},
        {1: make_job(1, partition="b"), 2: make_job(2, nodes="n[1-2]")},
        {2: make_job(2, partition=None)},
    ):
        with writer.cycle() as cycle:
            cycle.replace_records(
                "queue", (Row(key, orjson.dumps(job), partial(job_index_row, job)) for key, job in jobs.items()), 1.0
            )
        expected = {(word, key) for key, job in jobs.items() for word in (job["partition"] or "").split(",") if word}
        assert writer._connection is not None
        assert set(writer._connection.execute("SELECT word, key FROM queue_partition_words")) == expected
    assert writer._connection is not None
    assert writer._connection.execute("SELECT count(*) FROM queue_node_words").fetchone() == (0,)
