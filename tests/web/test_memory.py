"""Answers that a process keeps."""

from __future__ import annotations

from slurm_rest_api.web.memory import CachedBody, ResponseLRU

KEPT = 100 * 1024


def answer(kilobytes: int) -> CachedBody:
    return CachedBody(b"x" * kilobytes * 1000, "application/json", ())


def test_what_is_kept_is_found_under_its_key_alone() -> None:
    memory = ResponseLRU[CachedBody](KEPT)
    memory.keep(("a", True), answer(10))
    assert memory.get(("a", True)) == answer(10)
    assert memory.get(("a", False)) is None


def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    memory = ResponseLRU[CachedBody](KEPT)
    for name in ("a", "b", "c"):
        memory.keep((name,), answer(33))
    memory.get(("a",))
    memory.keep(("d",), answer(33))
    assert [name for name in "abcd" if memory.get((name,))] == ["a", "c", "d"]


def test_an_answer_that_is_kept_again_counts_once() -> None:
    memory = ResponseLRU[CachedBody](KEPT)
    memory.keep(("a",), answer(40))
    for _ in range(5):
        memory.keep(("b",), answer(60))
    assert memory.get(("a",)) == answer(40)


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    memory = ResponseLRU[CachedBody](KEPT)
    memory.keep(("a",), answer(102))
    assert memory.get(("a",)) is None


def test_answers_without_a_body_take_room_too() -> None:
    memory = ResponseLRU[CachedBody](KEPT)
    for number in range(1000):
        memory.keep((number, "a long tag" * 10), answer(0))
    assert sum(memory.get((number, "a long tag" * 10)) is not None for number in range(1000)) < 100
