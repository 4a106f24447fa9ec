"""A map of integers that takes 20 bytes an entry."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.shared.compact_integers import CompactIntegers

KEYS = st.integers(-(2**63), 2**63 - 1)


@given(st.dictionaries(KEYS, st.integers(-(2**95), 2**95 - 1)), st.lists(KEYS))
def test_it_has_the_entries_of_the_dict(values: dict[int, int], others: list[int]) -> None:
    compact = CompactIntegers(values)
    assert dict(compact) == values
    assert len(compact) == len(values)
    assert compact == values
    for key in [*others, *sorted(values), *values]:
        assert compact.get(key) == values.get(key)
        assert (key in compact) == (key in values)


@pytest.mark.parametrize("values", [{2**63: 0}, {-(2**63) - 1: 0}, {7: 2**95}, {7: -(2**95) - 1}])
def test_integers_that_do_not_fit_are_refused(values: dict[int, int]) -> None:
    with pytest.raises(OverflowError):
        CompactIntegers(values)


def test_memory_of_an_entry() -> None:
    number = 10_000
    values = {job_id: (hash(str(job_id)) << 32) + job_id for job_id in range(1_000_000, 1_000_000 + number)}
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        compact = CompactIntegers(values)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(compact) == number
    # 20 bytes, and what an array has allocated in advance.
    assert held < 24 * number
