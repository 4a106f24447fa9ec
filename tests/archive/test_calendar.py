"""Days with a change to or from daylight-saving time: slots ignore it, queries in local time do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slurm_rest_api.archive.sample import slot_of
from tests.archive.databases import open_store
from tests.archive.samples import make_sample
from tests.archive.test_views import data, settings_with
from tests.conftest import make_client

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets a time zone with daylight-saving time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("day", "next_day", "hours"),
    [("2025-10-26", "2025-10-27", 25), ("2025-03-30", "2025-03-31", 23), ("2025-07-01", "2025-07-02", 24)],
)
def test_a_local_day_has_all_its_hours(tmp_path: Path, day: str, next_day: str, hours: int) -> None:
    settings = settings_with(tmp_path, archive_keep_days=10000)
    begin = int(datetime.fromisoformat(day).replace(tzinfo=BERLIN).timestamp())
    slots = range(begin - 7200, begin + 30 * 3600, 60)
    store = open_store(settings.system)
    store.add_past([make_sample(slot) for slot in slots])
    store.rebuild(slots)
    client = make_client(settings)
    found = [sample["time"] for sample in data(client, f"?since={day}&until={next_day}&step=3600")]
    assert found == [begin + 3600 * n for n in range(hours)]
    minutes = [sample["time"] for sample in data(client, f"?since={day}&until={next_day}")]
    assert minutes == [begin + 60 * n for n in range(60 * hours)]


def test_repeated_hour_has_two_slots() -> None:
    first, second = (datetime(2025, 10, 26, 2, 30, fold=fold, tzinfo=BERLIN).timestamp() for fold in (0, 1))
    assert slot_of(second, 60) - slot_of(first, 60) == 3600
