"""Version numbers of Slurm and pyslurm."""

from __future__ import annotations

import pytest

from slurm_rest_api.pyslurm_build import versions


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("25.11.2", (25, 11, 2)), ("17.11.0.11", (17, 11, 0, 11)), ("26.5.0+pyslurm25.11.2", (26, 5, 0))],
)
def test_numbers_of_a_version(text: str, numbers: tuple[int, ...]) -> None:
    assert versions.numbers_of(text) == numbers


def test_text_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="'unknown' is not a version"):
        versions.numbers_of("unknown")


def test_slurm_pads_the_month_and_pyslurm_does_not() -> None:
    assert versions.slurm_text(0x1A0505) == "26.05.5"
    assert versions.number_line(0x1A0505) == versions.line_of("26.5.0") == versions.line_of("26.05.5")
    assert versions.hex_text((26, 5)) == "0x1a0500"
