"""The memory that kept sums of past days take."""

from __future__ import annotations

from random import Random

from slurm_rest_api.acctapi.kept_sums import KeptDays, KeptSums, KeptTotals, Version
from slurm_rest_api.acctapi.sum_totals import Total, packed


def test_sums_of_a_day_by_many_users_take_little_memory() -> None:
    random = Random(5)  # noqa: S311 - test data

    def total() -> Total:
        by_state = {random.choice((3, 5)): random.randrange(1, 9) for _ in range(2)}
        waits = {random.randrange(200): random.randrange(1, 9) for _ in range(4)}
        return Total([random.randrange(10**9) for _ in range(5)], by_state, waits)

    users = [(number, None, 1000 + number) for number in range(2000)]
    days = {(day, day + 1): KeptTotals(Version(), packed({user: total() for user in users})) for day in range(5)}
    # A month takes less than a quarter of the room, and so does a year by a tenth of them.
    assert KeptDays(days=days).size() < 5 * 2000 * 100
    assert days[0, 1].totals.unpacked().keys() == set(users)


def _kept(days: int, size: int) -> KeptDays:
    """Returns sums of days with a key each, whose counts are hard to compress."""
    random = Random(size)  # noqa: S311 - test data

    def of_day(day: int) -> KeptTotals:
        total = Total(waits={random.getrandbits(63): random.getrandbits(30) for _ in range(size)})
        return KeptTotals(Version(1, 1, 1), packed({(day, "key"): total}))

    return KeptDays(days={(day, day + 1): of_day(day) for day in range(days)})


def test_what_is_kept_has_a_bound_in_bytes() -> None:
    kept = KeptSums(1_000_000)
    for question in range(200):
        kept.put(question, _kept(10, 400))
        found = [one for number in range(question + 1) if (one := kept.get(number)).days]
        assert sum(len(day.totals.data) for one in found for day in one.days.values()) <= kept.size <= 1_000_000
    assert 5 < len(found) < 200
    # The questions that were asked last are kept.
    assert kept.get(199).days
    assert not kept.get(0).days
    # More than half of the room for one question would leave too little for others.
    kept.put(199, _kept(500, 400))
    assert kept.get(199).too_large
    assert kept.size <= 1_000_000


def test_many_small_questions_have_a_bound_too() -> None:
    kept = KeptSums(1_000_000)
    for question in range(10_000):
        kept.put(question, KeptDays(too_large=True))
    assert sum(kept.get(question).too_large for question in range(10_000)) < 1000
