"""Means, minima and maxima of samples."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import Sample
from tests.archive.samples import make_sample

LOADS = st.lists(st.floats(0, 2).map(lambda value: round(value, 3)), min_size=1, max_size=30)


def weighted(*samples: Sample) -> list[Weighted]:
    return [Weighted(sample, 1) for sample in samples]


def test_numbers_become_means_with_their_bounds() -> None:
    made = aggregate(600, weighted(make_sample(600, 0.2, alloc_cpus=1), make_sample(660, 0.4, alloc_cpus=4)))
    assert made.weight == 2
    assert made.sample["time"] == 600
    assert [made.sample[f"total_load{bound}"] for bound in ("", "_min", "_max")] == [0.3, 0.2, 0.4]
    assert [made.sample[f"alloc_cpus{bound}"] for bound in ("", "_min", "_max")] == [2.5, 1, 4]
    main = made.sample["partitions"]["main"]
    assert [main[f"partition_load{bound}"] for bound in ("", "_min", "_max")] == [0.3, 0.2, 0.4]
    assert (main["state"], "state_min" in main) == ("UP", False)


def test_counts_by_state_are_means_and_a_missing_one_is_zero() -> None:
    made = aggregate(
        0, weighted(make_sample(0, nodes_by_state={"IDLE": 2}), make_sample(60, nodes_by_state={"DOWN": 1, "IDLE": 1}))
    )
    assert made.sample["nodes_by_state"] == {"DOWN": 0.5, "IDLE": 1.5}


def test_a_partition_is_averaged_over_the_samples_that_have_it() -> None:
    made = aggregate(0, weighted(make_sample(0, 0.8), make_sample(60, 0.2, ("main", "gpu"))))
    assert made.sample["partitions"]["gpu"]["partition_load"] == 0.2
    assert made.sample["partitions"]["main"]["partition_load"] == 0.5


def test_removed_partition_keeps_its_history() -> None:
    made = aggregate(0, weighted(make_sample(0, 0.8, ("old",)), make_sample(60, 0.2, ("new",))))
    assert set(made.sample["partitions"]) == {"old", "new"}


def test_old_samples_without_new_fields_can_be_aggregated() -> None:
    old = make_sample(0)
    counts = ("jobs_running", "jobs_pending", "tasks_running", "tasks_pending")
    for field in ("alloc_gpus", "total_gpus", *counts, "jobs_pending_by_reason", "nodes_by_state"):
        del old[field]
    made = aggregate(0, weighted(old, make_sample(60, jobs_running=7, tasks_pending=10001)))
    assert (made.sample["jobs_running"], made.sample["jobs_running_min"]) == (7, 7)
    assert (made.sample["tasks_pending"], made.sample["tasks_pending_min"]) == (10001, 10001)


def test_words_of_older_samples_stay_beside_those_of_sinfo() -> None:
    old = make_sample(0, nodes_by_state={"DOWN": 1, "IDLE": 2})
    new = make_sample(60, nodes_by_state={"DOWN*": 1, "IDLE": 1, "MAINT": 1})
    made = aggregate(0, weighted(old, new))
    assert made.sample["nodes_by_state"] == {"DOWN": 0.5, "DOWN*": 0.5, "IDLE": 1.5, "MAINT": 0.5}


@given(LOADS, st.integers(1, 29))
def test_means_of_means_are_the_mean_of_all(loads: list[float], cut: int) -> None:
    samples = weighted(*(make_sample(60 * number, load) for number, load in enumerate(loads)))
    parts = [part for part in (samples[:cut], samples[cut:]) if part]
    made = aggregate(0, [aggregate(0, part) for part in parts])
    whole: dict[str, Any] = made.sample
    assert made.weight == len(loads)
    assert math.isclose(whole["total_load"], sum(loads) / len(loads), abs_tol=3e-4)
    assert whole["total_load_min"] == min(loads)
    assert whole["total_load_max"] == max(loads)
