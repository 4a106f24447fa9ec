"""The cost of a rank, in steps of SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.rank_queries import JobsAhead
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.statements import StatementLimit

JOBS = 20_000
QUEUES = 50
_EVERY = 10


def test_a_rank_costs_ten_steps_for_each_job_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = schema.create(tmp_path / "store.sqlite", "test")
    with writer:
        # One large partition, and small ones.
        writer.executemany(
            "INSERT INTO queue_index (key, changed, rank_queue, priority, submit_time, tasks, rank_cpus, rank_gpus,"
            " rank_at_limit, node_words) VALUES (?, 1, ?, ?, 1, 2, 8, 1, 0, 'not read')",
            [(i, "main\n" if i > QUEUES else f"p{i}\n", i) for i in range(1, JOBS + 1)],
        )
    writer.close()
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += _EVERY

    connect = schema.connect_readonly

    def counting(path: Path, limit: StatementLimit | None = None) -> sqlite3.Connection:
        connection = connect(path, limit)
        connection.set_progress_handler(count, _EVERY)
        return connection

    monkeypatch.setattr(schema, "connect_readonly", counting)
    with StoreReader(tmp_path / "store.sqlite").view() as view:
        assert view is not None
        assert len(view.rank_queues()) == QUEUES + 1
        assert steps < 40 * QUEUES
        lowest = view.ranked_job(QUEUES + 1)
        steps = 0
        ahead = JOBS - QUEUES - 1
        assert view.jobs_ahead(lowest, "main\n") == JobsAhead(2 * ahead, 8 * ahead, ahead, 0)
        assert steps < 11 * JOBS
