"""The cost of a rank, in steps of SQLite, and its sums against those of a sorted list."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.rank_queries import JobsAhead
from slurm_rest_api.slurmapi.store.rank_totals import JOBS_PER_TOTAL, write_totals
from slurm_rest_api.slurmapi.store.reader import StoreReader
from tests.slurmapi.store_connections import watch_connections

JOBS = 20_000
QUEUES = 50
_EVERY = 10


def test_a_rank_reads_as_many_jobs_in_a_queue_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)  # noqa: S311 - the same jobs each time
    # One large queue, in which many jobs have the same priority, and small ones.
    jobs = [
        (
            i,
            "main\n" if i > QUEUES else f"p{i}\n",
            -chance.choice((i, 500)),
            i // 7,
            1 + i % 3,
            i % 64,
            i % 2,
            i % 5 == 0,
        )
        for i in range(1, JOBS + 1)
    ]
    writer = schema.create(tmp_path / "store.sqlite", "test")
    with writer:
        writer.executemany(
            "INSERT INTO queue_index (key, rank_queue, rank_order, submit_time, tasks, rank_cpus, rank_gpus,"
            " rank_at_limit, changed, node_words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 'not read')",
            jobs,
        )
        schema.create_indexes(writer, "queue")
        write_totals(writer)
    writer.close()
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += _EVERY

    watch_connections(monkeypatch, tmp_path, lambda connection: connection.set_progress_handler(count, _EVERY))
    ordered = sorted((job for job in jobs if job[1] == "main\n"), key=lambda job: (job[2], job[3], job[0]))
    with StoreReader(tmp_path / "store.sqlite").view() as view:
        assert view is not None
        assert len(view.rank_queues()) == QUEUES + 1
        assert steps < 40 * QUEUES
        for place in (0, 1, JOBS_PER_TOTAL - 1, JOBS_PER_TOTAL, 7_777, len(ordered) - 1):
            job = view.ranked_job(ordered[place][0])
            steps = 0
            expected = JobsAhead(*(sum(int(one[column]) for one in ordered[:place]) for column in (4, 5, 6, 7)))
            assert view.jobs_ahead(job, "main\n") == expected, place
            assert steps < 20 * JOBS_PER_TOTAL
        assert view.jobs_ahead(view.ranked_job(7), "p7\n") == JobsAhead(0, 0, 0, 0)
