"""The browser's names of Slurm's states are those of the service."""

from __future__ import annotations

from tests.pages.vocabulary import FILE, vocabulary_module


def test_the_generated_module_is_up_to_date() -> None:
    assert FILE.read_text() == vocabulary_module(), "run `python -m tests.pages.vocabulary`"
