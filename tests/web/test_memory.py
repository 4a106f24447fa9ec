"""Answers that a process keeps."""

from __future__ import annotations

from slurm_rest_api.web.memory import AnswerMemory, KeptAnswer


def answer(size: int) -> KeptAnswer:
    return KeptAnswer(b"x" * size, "application/json", ())


def test_what_is_kept_is_found_under_its_key_alone() -> None:
    memory = AnswerMemory(100)
    memory.keep(("a", True), answer(10))
    assert memory.get(("a", True)) == answer(10)
    assert memory.get(("a", False)) is None


def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    memory = AnswerMemory(100)
    for name in ("a", "b", "c"):
        memory.keep((name,), answer(33))
    memory.get(("a",))
    memory.keep(("d",), answer(33))
    assert [name for name in "abcd" if memory.get((name,))] == ["a", "c", "d"]


def test_an_answer_that_is_kept_again_counts_once() -> None:
    memory = AnswerMemory(100)
    memory.keep(("a",), answer(40))
    for _ in range(5):
        memory.keep(("b",), answer(60))
    assert memory.get(("a",)) == answer(40)


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    memory = AnswerMemory(100)
    memory.keep(("a",), answer(101))
    assert memory.get(("a",)) is None
