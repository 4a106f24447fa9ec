"""What every archive has to do, whatever database it is in. Test modules import these with a fixture `settings_of`."""

from __future__ import annotations

import threading

from slurm_rest_api.archive.tables import RAW, read
from slurm_rest_api.archive.window import Window
from tests.archive.databases import EVER, Archives
from tests.archive.samples import make_sample


def check_samples_come_back(archives: Archives) -> None:
    """What is stored is read again, oldest first, in any window."""
    store = archives.store()
    stored = [make_sample(60 * number, number / 10, ("main", "grün")) for number in (3, 1, 2)]
    assert [store.add(sample) for sample in stored] == [True] * 3
    assert archives.samples() == sorted(stored, key=lambda sample: sample["time"])
    reader = archives.reader()
    assert [row.time for row in reader.samples(Window(60, 180, 0), 10)] == [60, 120]
    assert [row.time for row in reader.samples(Window(0, EVER, 0), 2)] == [60, 120]
    assert [row.time for row in reader.samples(Window(0, EVER, 0, newest=True), 10)] == [180]


def check_a_slot_has_one_sample(archives: Archives) -> None:
    """Of several writers one wins, and its sample stays."""
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
    """Ten minutes, hours and days are made of what is below, and what is not over yet is made on reading."""
    store = archives.store()
    day = 86400
    # One sample a minute for a day and a half, its load the number of the hour; half an hour is missing.
    minutes = [minute for minute in range(36 * 60) if not 120 <= minute < 150]
    store.add_past([make_sample(60 * minute, minute // 60) for minute in minutes])
    while store.roll_up(36 * 3600, 50):
        pass
    reader = archives.reader()
    days = [read(row.body) for row in reader.samples(Window(0, EVER, day), 10)]
    assert [sample["time"] for sample in days] == [0, day]
    assert (days[0]["total_load_min"], days[0]["total_load_max"]) == (0, 23)
    # The mean of the hours 0 to 23, of which the second has only half its samples.
    assert days[0]["total_load"] == round((sum(range(24)) * 60 - 2 * 30) / (1440 - 30), 4)
    # The second day is not over: it is made of its hours.
    assert (days[1]["total_load_min"], days[1]["total_load_max"]) == (24, 35)
    tens = [row.time for row in reader.samples(Window(7200, 10800, 600), 10)]
    assert tens == [9000, 9600, 10200]
    hours = [row.weight for row in reader.samples(Window(0, 4 * 3600, 3600), 10)]
    assert hours == [60, 60, 30, 60]
    pairs = [row.weight for row in reader.samples(Window(0, 4 * 3600, 7200), 10)]
    assert pairs == [120, 90]


def check_renewal(archives: Archives) -> None:
    """Samples that come late are worked into what was made before."""
    store = archives.store()
    store.add_past([make_sample(60 * minute, 1) for minute in range(60)])
    while store.roll_up(3600, 50):
        pass
    store.add_past([make_sample(60 * minute + 30, 3) for minute in range(60)])
    store.renew(60 * minute + 30 for minute in range(60))
    (hour,) = archives.reader().samples(Window(0, 3600, 3600), 10)
    sample = read(hour.body)
    assert (hour.weight, sample["total_load"], sample["total_load_max"]) == (120, 2, 3)


def check_pruning(archives: Archives) -> None:
    """Old samples go in small steps, what was made of them stays."""
    store = archives.store()
    store.add_past([make_sample(60 * minute) for minute in range(1200)])
    while store.roll_up(72000, 50):
        pass
    assert store.prune(RAW, 60 * 600) == 500
    assert store.prune(RAW, 60 * 600) == 100
    assert store.prune(RAW, 60 * 600) == 0
    assert archives.samples()[0]["time"] == 60 * 600
    assert len(archives.reader().samples(Window(0, 72000, 600), 1000)) == 120


def check_an_unwritten_archive_is_empty(archives: Archives) -> None:
    """Before the first sample there is nothing, and that is no error."""
    reader = archives.reader()
    assert reader.samples(Window(0, EVER, 0), 10) == []
    assert reader.samples(Window(0, 86400 * 30, 3600), 10) == []


CHECKS = [
    check_an_unwritten_archive_is_empty,
    check_samples_come_back,
    check_a_slot_has_one_sample,
    check_writers_at_once,
    check_wider_levels,
    check_renewal,
    check_pruning,
]
