"""The choice of pyslurm by Slurm, options and environment."""

from __future__ import annotations

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.choice import Request, choose, parse_override, parse_version

SLURM_26_05 = 0x1A0505
SLURM_25_11 = 0x190B07
SLURM_24_11 = 0x180B05
ON_PYPI = ["25.11.2", "25.11.0", "18.8.1.1"]


def pypi(versions: list[str] | None = None) -> list[str] | None:
    return ON_PYPI if versions is None else versions


@pytest.mark.parametrize(
    ("slurm", "version", "override", "expected", "overridden", "adjusted"),
    [
        (SLURM_25_11, None, None, "25.11.2", False, False),
        (SLURM_25_11, "25.11.0", None, "25.11.0", False, False),
        (SLURM_25_11, None, 0x190B00, "25.11.2", False, False),
        (SLURM_26_05, None, None, "25.11.2", True, True),
        (SLURM_26_05, None, 0x1A0500, "25.11.2", True, True),
        (SLURM_26_05, "25.11.0", None, "25.11.0", True, True),
        (SLURM_26_05, "26.5.0", None, "26.5.0", False, False),
        (SLURM_24_11, "24.11.0", None, "24.11.0", False, False),
        (SLURM_24_11, "25.11.2", 0x180B00, "25.11.2", True, False),
        (SLURM_24_11, None, 0x180B05, "25.11.2", True, False),
    ],
)
def test_choice(
    slurm: int, version: str | None, override: int | None, expected: str, overridden: bool, adjusted: bool
) -> None:
    choice = choose(slurm, Request(version, override), pypi)
    assert (choice.version, choice.overridden, choice.recipe is not None) == (expected, overridden, adjusted)


def test_known_releases_are_pinned_and_others_are_not() -> None:
    pinned = choose(SLURM_26_05, Request(), pypi).sha256
    assert pinned == "6e0e4bc639ea3177591b102b77c1dd8df55a9e411ac42ef339a4adb3908cca34"
    assert choose(SLURM_24_11, Request("24.11.0"), pypi).sha256 is None


def test_release_for_this_slurm_is_preferred_to_an_adjusted_one() -> None:
    choice = choose(SLURM_26_05, Request(), lambda: ["26.5.0", "26.5.1", *ON_PYPI])
    assert (choice.version, choice.overridden) == ("26.5.1", False)
    assert "checksum is not pinned" in choice.note


def test_adjusted_pair_is_announced_and_needs_no_network() -> None:
    choice = choose(SLURM_26_05, Request(), lambda: None)
    assert choice.note == "pyslurm 25.11.2 is for Slurm 25.11. Adjusting it to Slurm 26.05 in 4 known places."


def test_pair_without_recipe_gets_a_warning() -> None:
    note = choose(SLURM_24_11, Request(None, 0x180B00), pypi).note
    assert note.startswith("WARNING: pyslurm 25.11.2 is for Slurm 25.11 and UNKNOWN to work with Slurm 24.11.")


@pytest.mark.parametrize(
    ("slurm", "request_", "message"),
    [
        (
            SLURM_24_11,
            Request(),
            "No pyslurm was found for this host's Slurm 24.11.5 (release 24.11).",
        ),
        (SLURM_24_11, Request(), "PyPI has: 25.11.2, 25.11.0, 18.8.1.1."),
        (SLURM_24_11, Request(), "build.sh --override_pyslurm_version_hex=0x180b00"),
        (SLURM_24_11, Request("25.11.2"), "there are no known adjustments"),
        (SLURM_26_05, Request("24.11.0"), "add --override_pyslurm_version_hex=0x1a0500"),
        (SLURM_26_05, Request(None, 0x190B00), "is Slurm 25.11.0, but this host has Slurm 26.05.5"),
    ],
)
def test_refusals_say_what_to_do(slurm: int, request_: Request, message: str) -> None:
    with pytest.raises(SourceUnusable) as raised:
        choose(slurm, request_, pypi)
    assert message in str(raised.value)


def test_refusal_without_network_does_not_claim_to_know_pypi() -> None:
    with pytest.raises(SourceUnusable, match="PyPI cannot be reached"):
        choose(SLURM_24_11, Request(), lambda: None)


@pytest.mark.parametrize(("text", "number"), [("0x1a0500", 0x1A0500), ("190B07", 0x190B07)])
def test_override_is_six_hexadecimal_digits(text: str, number: int) -> None:
    assert parse_override(text) == number


@pytest.mark.parametrize("text", ["26.05", "0x1a05", "0x1a05000", "", "zz0500"])
def test_other_overrides_are_refused(text: str) -> None:
    with pytest.raises(SourceUnusable, match="Expected six hexadecimal digits"):
        parse_override(text)


@pytest.mark.parametrize("text", ["25", "25.11.2; rm -rf", "latest", "==25.11.2", ""])
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(SourceUnusable, match="Invalid --pyslurm_version"):
        parse_version(text)
