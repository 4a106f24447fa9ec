"""Which metrics are left where something is private."""

from __future__ import annotations

import pytest

from slurm_rest_api.metrics.privacy import is_shown


@pytest.mark.parametrize(
    ("metric", "taken_by"),
    [
        ("slurm_jobs", {"jobs"}),
        ("slurm_partition_jobs", {"jobs", "partitions"}),
        ("slurm_account_jobs", {"jobs", "usage", "users", "accounts"}),
        ("slurm_nodes", {"nodes"}),
        ("slurm_cpus_allocated", {"nodes", "usage"}),
        ("slurm_partition_load_ratio", {"nodes", "usage", "partitions"}),
        ("slurm_scheduler_jobs_submitted", set()),
    ],
)
def test_a_metric_is_taken_away_by_the_words_that_it_tells_of(metric: str, taken_by: set[str]) -> None:
    words = ("jobs", "usage", "users", "accounts", "nodes", "partitions")
    assert {word for word in words if not is_shown(metric, [word])} == taken_by
