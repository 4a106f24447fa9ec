"""Checks that hold for archives in every database. Test modules run them with a fixture `settings_of`."""

from __future__ import annotations

import threading

from slurm_rest_api.archive.rollups import newest_of
from slurm_rest_api.archive.tables import LEVELS, RAW
from slurm_rest_api.archive.time_range import TimeRange
from tests.archive.databases import EVER, Archives, sample_of
from tests.archive.samples import make_sample


def check_samples_come_back(archives: Archives) -> None:
    """Stored samples are read again, oldest first, in any time range."""
    store = archives.store()
    stored = [make_sample(60 * number, number / 10, ("main", "grün")) for number in (3, 1, 2)]
    assert [store.add(sample) for sample in stored] == [True] * 3
    assert archives.samples() == sorted(stored, key=lambda sample: sample["time"])
    reader = archives.reader()
    assert [row.time for row in reader.samples(TimeRange(60, 180, 0), 10)] == [60, 120]
    assert [row.time for row in reader.samples(TimeRange(0, EVER, 0), 2)] == [60, 120]
    assert [row.time for row in reader.samples(TimeRange(0, EVER, 0, newest=True), 10)] == [180]


def check_a_slot_has_one_sample(archives: Archives) -> None:
    """Of two writers of a slot the first wins, and its sample stays."""
    first, second = archives.store(), archives.store()
    assert first.add(make_sample(60, 0.1))
    assert not second.add(make_sample(60, 0.9))
    assert second.add_past([make_sample(60, 0.9), make_sample(120, 0.9)]) == 1
    assert [sample["total_load"] for sample in archives.samples()] == [0.1, 0.9]


def check_writers_at_once(archives: Archives) -> None:
    """Two collectors that store the same slots at the same time store each once."""
    stores = [archives.store(), archives.store()]
    stores[0].add(make_sample(0))
    won: list[list[int]] = [[], []]

    def write(writer: int) -> None:
        for number in range(1, 40):
            if stores[writer].add(make_sample(60 * number, writer)):
                won[writer].append(60 * number)
            stores[writer].roll_up(60 * number, 5)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won[0] + won[1]) == [60 * number for number in range(1, 40)]
    assert [sample["time"] for sample in archives.samples()] == [60 * number for number in range(40)]


def check_wider_levels(archives: Archives) -> None:
    """Rollups are aggregated from the level below. Incomplete ones are aggregated on reading."""
    store = archives.store()
    day = 86400
    # One sample a minute for a day and a half. Its load is the number of the hour. Half an hour is missing.
    minutes = [minute for minute in range(36 * 60) if not 120 <= minute < 150]
    store.add_past([make_sample(60 * minute, minute // 60) for minute in minutes])
    while store.roll_up(36 * 3600, 50):
        pass
    reader = archives.reader()
    days = [sample_of(part) for part in reader.steps(TimeRange(0, EVER, day), 10)]
    assert [sample["time"] for sample in days] == [0, day]
    assert (days[0]["total_load_min"], days[0]["total_load_max"]) == (0, 23)
    # The mean of the hours 0 to 23, of which the second has only half its samples.
    assert days[0]["total_load"] == round((sum(range(24)) * 60 - 2 * 30) / (1440 - 30), 4)
    # The second day is incomplete: it is aggregated from its hours.
    assert (days[1]["total_load_min"], days[1]["total_load_max"]) == (24, 35)
    tens = [part.time for part in reader.steps(TimeRange(7200, 10800, 600), 10)]
    assert tens == [9000, 9600, 10200]
    hours = [part.weight for part in reader.steps(TimeRange(0, 4 * 3600, 3600), 10)]
    assert hours == [60, 60, 30, 60]


def check_renewal(archives: Archives) -> None:
    """Late samples are added to existing rollups."""
    store = archives.store()
    store.add_past([make_sample(60 * minute, 1) for minute in range(60)])
    while store.roll_up(3600, 50):
        pass
    store.add_past([make_sample(60 * minute + 30, 3) for minute in range(60)])
    store.rebuild(60 * minute + 30 for minute in range(60))
    (hour,) = archives.reader().steps(TimeRange(0, 3600, 3600), 10)
    assert (hour.weight, sample_of(hour)["total_load"], sample_of(hour)["total_load_max"]) == (120, 2, 3)


def check_a_day_that_goes_on(archives: Archives) -> None:
    """Imported samples up to the middle of a day leave the rest of the day to the collector."""
    store = archives.store()
    morning, evening = range(0, 43200, 60), range(43200, 86400, 300)
    store.add_past([make_sample(slot) for slot in morning])
    store.rebuild(morning)
    assert sorted(_widths(archives)) == [600, 3600, 21600]
    for slot in evening:
        store.add(make_sample(slot))
    while store.roll_up(86400, 50):
        pass
    (day,) = archives.reader().steps(TimeRange(0, 86400, 86400), 10)
    assert day.weight == len(morning) + len(evening)
    assert sorted(_widths(archives)) == [600, 3600, 21600, 86400]


def check_a_clock_that_was_ahead(archives: Archives) -> None:
    """Samples from a wrong future clock do not block rollups after the clock is corrected."""
    store = archives.store()
    day = 86400
    for minute in range(60):
        store.add(make_sample(60 * minute))
    store.add(make_sample(50 * day))
    while store.roll_up(51 * day, 50):
        pass
    for minute in range(60, 180, 5):
        store.add(make_sample(60 * minute, minute))
    reader = archives.reader()
    assert [part.weight for part in reader.steps(TimeRange(0, day, day), 10)] == [60 + 24]
    # Deleting raw samples loses no rollup.
    while store.prune(RAW, 25 * day):
        pass
    hours = reader.steps(TimeRange(0, day, 3600), 10)
    assert [(part.weight, sample_of(part)["total_load_max"]) for part in hours] == [(60, 0.5), (12, 115), (12, 175)]


def check_a_range_that_begins_empty(archives: Archives) -> None:
    """After a gap of any length the first samples are found, at most the limit."""
    store = archives.store()
    began = 300 * 86400
    store.add_past([make_sample(began + 60 * minute) for minute in range(60)])
    for step in (120, 600, 86400):
        found = archives.reader().steps(TimeRange(0, EVER, step), 3)
        assert [part.time for part in found] == [began, began + step, began + 2 * step][: 3600 // step or 1]


def check_what_was_not_rolled_up_is_not_pruned(archives: Archives) -> None:
    """Raw samples are kept until they are part of a rollup."""
    store = archives.store()
    store.add_past([make_sample(60 * minute) for minute in range(30)])
    assert store.prune(RAW, 86400) == 0
    assert store.roll_up(86400, 1) == 1
    assert store.prune(RAW, 86400) == 10
    assert [sample["time"] for sample in archives.samples()] == [60 * minute for minute in range(10, 30)]


def _widths(archives: Archives) -> set[int]:
    """Returns the widths of levels that have rows."""
    with archives.engine().connect() as connection:
        return {width for width, table in LEVELS.items() if newest_of(connection, table) is not None}


def check_pruning(archives: Archives) -> None:
    """Old samples are deleted in small steps. Their rollups stay."""
    store = archives.store()
    store.add_past([make_sample(60 * minute) for minute in range(1200)])
    while store.roll_up(72000, 50):
        pass
    assert store.prune(RAW, 60 * 600) == 500
    assert store.prune(RAW, 60 * 600) == 100
    assert store.prune(RAW, 60 * 600) == 0
    assert archives.samples()[0]["time"] == 60 * 600
    assert len(archives.reader().steps(TimeRange(0, 72000, 600), 1000)) == 120


def check_an_unwritten_archive_is_empty(archives: Archives) -> None:
    """An archive without samples is empty, which is no error."""
    reader = archives.reader()
    assert reader.samples(TimeRange(0, EVER, 0), 10) == []
    assert reader.steps(TimeRange(0, 86400 * 30, 3600), 10) == []


CHECKS = [
    check_an_unwritten_archive_is_empty,
    check_samples_come_back,
    check_a_slot_has_one_sample,
    check_writers_at_once,
    check_wider_levels,
    check_renewal,
    check_pruning,
    check_a_day_that_goes_on,
    check_a_clock_that_was_ahead,
    check_a_range_that_begins_empty,
    check_what_was_not_rolled_up_is_not_pruned,
]
