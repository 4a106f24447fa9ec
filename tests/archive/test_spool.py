"""The samples that wait to be stored: on the disk, bounded, none lost without being counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.archive.spool import DamagedSample, Spool
from tests.archive.samples import make_sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "waiting"


def drained(spool: Spool) -> list[int]:
    found = []
    while (sample := spool.oldest()) is not None:
        found.append(sample["time"])
        spool.remove(sample)
    return found


def test_samples_survive_the_process(folder: Path) -> None:
    spool = Spool(folder)
    for time in (120, 60):
        assert spool.put(make_sample(time)) == 0
    after = Spool(folder)
    assert len(after) == 2
    assert after.oldest() == make_sample(60)
    assert drained(after) == [60, 120]
    assert len(Spool(folder)) == 0
    assert list(folder.iterdir()) == []


def test_only_its_owner_can_read_it(folder: Path) -> None:
    Spool(folder).put(make_sample(60))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "60.sample").stat().st_mode & 0o777 == 0o600


def test_a_full_spool_drops_the_oldest_sample_that_is_not_being_stored(folder: Path) -> None:
    spool = Spool(folder, most=3)
    assert [spool.put(make_sample(time)) for time in (60, 120, 180, 240)] == [0, 0, 0, 1]
    assert spool.oldest() == make_sample(120)
    assert spool.put(make_sample(300)) == 1
    assert drained(spool) == [120, 240, 300]


def test_what_cannot_be_written_waits_in_memory_and_is_written_later(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file is in the way")
    spool = Spool(folder)
    for time in (60, 120):
        spool.put(make_sample(time))
    assert (len(spool), spool.unsaved) == (2, 2)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        f"The folder of waiting load samples {folder} cannot be written"
    ]
    folder.unlink()
    spool.put(make_sample(180))
    assert (len(spool), spool.unsaved) == (3, 0)
    assert drained(Spool(folder)) == [60, 120, 180]


def test_memory_is_bounded_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slurm_rest_api.archive.spool._MAX_UNSAVED", 2)
    folder.parent.mkdir()
    folder.write_text("a file is in the way")
    spool = Spool(folder)
    assert [spool.put(make_sample(time)) for time in (60, 120, 180)] == [0, 0, 1]
    assert drained(spool) == [120, 180]


def test_a_damaged_file_is_removed_and_reported(folder: Path) -> None:
    Spool(folder).put(make_sample(120))
    (folder / "60.sample").write_bytes(b"damaged")
    (folder / "90.new").write_bytes(b"half")
    spool = Spool(folder)
    with pytest.raises(DamagedSample, match=r"60\.sample cannot be read"):
        spool.oldest()
    assert drained(spool) == [120]
