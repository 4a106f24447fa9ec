"""Parsing of times in queries."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.web.timespec import parse_time

NOW = 1795484525.75


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("0", 0),
        ("1795484525", 1795484525),
        ("now", 1795484525),
        ("NOW-7days", 1795484525 - 7 * 86400),
        ("now+2hours", 1795484525 + 7200),
        ("now 2hours", 1795484525 + 7200),
        ("now-90", 1795484525 - 90),
        ("now-5min", 1795484525 - 300),
        ("now - 1 week", 1795484525 - 604800),
        ("2026-11-24T01:00:00Z", 1795482000),
        ("2026-11-24T01:00:00+01:00", 1795478400),
        ("2026-11-24T01:00:00 01:00", 1795478400),
        # Local time: Berlin is an hour ahead of UTC in winter and two in summer.
        ("2026-11-24T01:00:00", 1795478400),
        ("2026-11-24 01:00", 1795478400),
        ("2026-07-24T01:00", 1784847600),
        ("2026-11-24", 1795474800),
        ("today", 1795474800),
        ("midnight", 1795474800),
        ("noon", 1795474800 + 43200),
        ("tomorrow", 1795474800 + 86400),
        ("yesterday", 1795474800 - 86400),
    ],
)
def test_accepted_times(text: str, epoch: int) -> None:
    assert parse_time(text, NOW) == epoch


@pytest.mark.parametrize(
    "text",
    ["", "-5", "soon", "now-7fortnights", "now-7months", "now-", "12:00", "2026-13-01", "1e9", "9" * 12,
     "now-99999days", "0001-01-01", "９", "now-1day; DROP TABLE x"],
)  # fmt: skip
def test_an_invalid_time_gets_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match="xpected epoch seconds"):
        parse_time(text, NOW)


def test_midnight_is_right_on_a_day_without_an_hour() -> None:
    # On 2026-03-29 clocks in Berlin went from 2 to 3; at noon of that day midnight was eleven hours ago.
    noon = parse_time("2026-03-29T12:00", NOW)
    assert parse_time("today", noon) == noon - 11 * 3600


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert 0 <= parse_time(text, NOW) <= 253402300799
    except ValueError as error:
        assert "xpected epoch seconds" in str(error)  # noqa: PT017 - either way is right
