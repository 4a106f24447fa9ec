"""The rule for the version before: who may get it, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slurm_rest_api.slurmapi.responses.stand_in import Demand, may_stand_in
from slurm_rest_api.slurmapi.responses.version_files import RenderedVersion

BEFORE = RenderedVersion(
    "run-4-a", changed_at=95.0, loaded_at=100.0, interval_seconds=10.0, cycle_seconds=2.0, failed=False
)
CURRENT = RenderedVersion(
    "run-5-a", changed_at=110.0, loaded_at=110.0, interval_seconds=10.0, cycle_seconds=2.0, failed=False
)


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand(), True),
        (Demand(current=True), False),
        (Demand(etags=["run-3-a"]), True),
        (Demand(etags=["run-4-a"]), True),
        # Another response of the same version, which may be the later one.
        (Demand(etags=["run-4-b"]), False),
        (Demand(etags=["run-5-a"]), False),
        (Demand(etags=["run-3-a", "run-7-a"]), False),
        # Those of a query and of a page.
        (Demand(etags=["run-5-a-0123abcd"]), False),
        (Demand(etags=["run-3-a-0123abcd"]), True),
        # Another host's, a restricted user's, and none of this service.
        (Demand(etags=["other-9-a", "run.ada-9-a", "0123abcd", "run-x-a", ""]), True),
        (Demand(changed_at=95.0), True),
        (Demand(changed_at=96.0), False),
    ],
)
def test_client_never_gets_an_older_version_than_it_has_had(demand: Demand, expected: bool) -> None:
    assert may_stand_in(BEFORE, CURRENT, demand, now=111.0) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [(100.0, True), (121.9, True), (122.0, False), (100_000.0, False), (99.9, False)],
    ids=["new", "within one interval", "later", "much later", "clock set back"],
)
def test_version_before_is_sent_for_one_interval_beyond_its_time(now: float, expected: bool) -> None:
    assert may_stand_in(BEFORE, CURRENT, Demand(), now) is expected


@pytest.mark.parametrize(("now", "expected"), [(389.9, True), (390.0, False)])
def test_version_before_is_sent_longer_if_loads_take_longer_than_planned(now: float, expected: bool) -> None:
    # It is stored 96.5 seconds after its load, is current for as long, and sent for as long again.
    before = replace(BEFORE, cycle_seconds=96.5, loaded_at=100.5)
    assert may_stand_in(before, replace(CURRENT, loaded_at=200.0), Demand(), now) is expected


@pytest.mark.parametrize(("now", "expected"), [(141.9, True), (142.0, False)])
def test_time_of_data_that_has_not_changed_ends_when_it_becomes_stale(now: float, expected: bool) -> None:
    assert may_stand_in(BEFORE, replace(CURRENT, etag="run-4-stale"), Demand(), now) is expected


def test_version_of_another_store_is_not_sent() -> None:
    assert not may_stand_in(BEFORE, replace(CURRENT, etag="new-1-a"), Demand(), now=111.0)


def test_later_version_is_not_sent_in_place_of_an_earlier_one() -> None:
    assert not may_stand_in(CURRENT, BEFORE, Demand(), now=111.0)
