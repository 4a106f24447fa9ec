"""Decoding of values in slurmdbd's tables. Sources: slurm.h, wait(2), sacct(1)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from slurm_rest_api.acctapi import encodings
from slurm_rest_api.acctapi.encodings import Exit, Memory

NO_VAL, INFINITE = 4294967294, 4294967295
NO_VAL64, INFINITE64 = 18446744073709551614, 18446744073709551615


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("value", [None, 0, NO_VAL, INFINITE, NO_VAL64, INFINITE64])
def test_unset_times_and_ids_are_null(value: int | None) -> None:
    assert encodings.point_in_time(value, "classic") is None
    assert encodings.known(value) is None


def test_times_have_three_formats() -> None:
    assert encodings.point_in_time(1795461467, "classic") == "Mon Nov 23 20:17:47 2026"
    assert encodings.point_in_time(1795461467, "iso") == "2026-11-23T20:17:47+01:00"
    assert encodings.point_in_time(1795461467, "epoch") == 1795461467


@pytest.mark.parametrize(
    ("minutes", "classic", "iso", "epoch"),
    [
        (300, "0d:5h:0m", "05:00:00", 300),
        (3630, "2d:12h:30m", "2-12:30:00", 3630),
        (0, None, None, None),
        (None, None, None, None),
        (INFINITE, "UNLIMITED", "UNLIMITED", "UNLIMITED"),
        (NO_VAL, "Partition_Limit", "Partition_Limit", "Partition_Limit"),
    ],
)
def test_time_limits(minutes: int | None, classic: str | None, iso: str | None, epoch: object) -> None:
    assert encodings.time_limit(minutes, "classic") == classic
    assert encodings.time_limit(minutes, "iso") == iso
    assert encodings.time_limit(minutes, "epoch") == epoch


@pytest.mark.parametrize(
    ("stored", "memory"),
    [
        (2000, Memory(2000, "node")),
        (0, Memory(0, "node")),
        (9223372036854775908, Memory(100, "cpu")),
        (2147483748, Memory(100, "cpu")),
        (4294967296, Memory(4294967296, "node")),
        (NO_VAL64, None),
    ],
)
def test_requested_memory(stored: int, memory: Memory | None) -> None:
    assert encodings.memory(stored) == memory


@pytest.mark.parametrize(
    ("stored", "ended"),
    [(0, (0, 0)), (256, (1, 0)), (9, (0, 9)), (0x8009, (0, 9)), (65280, (255, 0)), (NO_VAL, (0, 0)), (None, (0, 0))],
)
def test_wait_statuses_are_exit_codes_or_signals(stored: int | None, ended: tuple[int, int]) -> None:
    assert encodings.exit_status(stored) == Exit(*ended)


@pytest.mark.parametrize("code", range(256))
def test_every_exit_code_is_published(code: int) -> None:
    assert encodings.exit_status(code << 8) == Exit(code, 0)


def test_pending_tasks_are_found_in_a_mask() -> None:
    for mask, tasks in (
        ("0x1F0", range(4, 9)),
        ("1,3-5:2", (1, 3, 5)),
        ("0x0", ()),
        (None, ()),
        ("0x" + "F" * 50, range(200)),
    ):
        assert [task for task in range(300) if encodings.mask_has_any_task(mask, [task])] == list(tasks)
    assert encodings.mask_has_any_task("0x10", [1, 2, 4])


def test_tres_get_names_and_unknown_counts_are_left_out() -> None:
    names = {1: "cpu", 2: "mem", 3: "energy", 1001: "gres/gpu"}
    assert encodings.tres(f"1=4,2=2000,3={NO_VAL64},1001=1,1050=7", names) == {
        "cpu": 4, "mem": 2000, "gres/gpu": 1, "1050": 7,
    }  # fmt: skip
    assert encodings.tres("", names) == encodings.tres(None, names) == {}
    assert encodings.tres("1=,=3,x=1,1", names) == {}


@pytest.mark.parametrize(
    ("mask", "at_once", "tasks"),
    [
        (None, 0, None),
        ("", 0, None),
        ("0x1F", 0, "0-4"),
        ("0x8D", 2, "0,2-3,7%2"),
        ("1-3,9", 0, "1-3,9"),
        # What sacct 26.05.5 printed for arrays of these masks.
        ("0x10040100401004010040100401", 0, "0-100:10"),
        ("0x555", 0, "0,2,4,6,8,10"),
        ("0x1555", 3, "0-12:2%3"),
        ("0x10000000000000000000000002", 0, "1,100"),
        ("0x100001003FF", 0, "0-9,20,40"),
        ("0x8421", 0, "0,5,10,15"),
        ("0x111111", 0, "0-20:4"),
        ("0x108421", 0, "0,5,10,15,20"),
        (hex(sum(1 << task for task in range(0, 10_001, 100))), 0, "0-10000:100"),
    ],
)
def test_pending_array_tasks_are_a_list(mask: str | None, at_once: int, tasks: str | None) -> None:
    assert encodings.array_tasks(mask, at_once) == tasks


@pytest.mark.parametrize("text", [None, "", "None assigned", "(null)"])
def test_no_nodes_are_null(text: str | None) -> None:
    assert encodings.hostlist(text) is None


def test_elapsed_seconds_leave_out_suspension() -> None:
    assert encodings.elapsed(1000, 1500, 100, now=9000) == 400
    assert encodings.elapsed(1000, 0, 0, now=9000) == 8000
    assert encodings.elapsed(0, 0, 0, now=9000) == 0
    # A cancelled job may have an end before the start that the scheduler expected.
    assert encodings.elapsed(1000, 900, 0, now=9000) == 0


def test_a_suspended_job_counts_from_the_stored_time() -> None:
    assert encodings.suspended(70, is_suspended=False, now=9000) == 70
    assert encodings.suspended(8900, is_suspended=True, now=9000) == 100
