"""Hostlists of Slurm that cannot be expanded."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.allocation import CoreLists, even_allocation, no_allocation
from slurm_rest_api.slurmapi.sources.hostlists import expand_known


def test_a_hostlist_of_slurm_that_cannot_be_expanded_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert [expand_known("big[1-9999999]"), expand_known("n[1"), expand_known("n[1-2]")] == [[], [], ["n1", "n2"]]
    assert [record.message[:60] for record in caplog.records] == [
        "A hostlist of Slurm is left out: 'big[1-9999999]' has more t",
        "A hostlist of Slurm is left out: 'n[1' is not a hostlist: ex",
    ]


def test_an_allocation_on_too_many_nodes_is_none() -> None:
    assert even_allocation("n[1-9999999]", 4, None, 100) == no_allocation()
    assert even_allocation("n[1-2]", 4, None, 100)["cpus_allocated"] == {"n1": 2, "n2": 2}


def test_a_list_of_too_many_cores_is_empty() -> None:
    assert [CoreLists()[text] for text in ("0-2,5", "", "0-99999999", "0-1_0")] == [(0, 1, 2, 5), (), (), ()]
