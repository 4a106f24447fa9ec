"""The choice of pyslurm by Slurm, options and environment."""

from __future__ import annotations

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.choice import Choice, Request, adapt, choose, parse_override
from slurm_rest_api.pyslurm_build.wanted import Wanted, parse_source, parse_version

SLURM_26_05 = 0x1A0505
SLURM_25_11 = 0x190B07
SLURM_24_11 = 0x180B05
SLURM_22_05 = 0x160508
SLURM_20_11 = 0x140B09
SLURM_26_11 = 0x1A0B00
ON_PYPI = ["25.11.2", "25.11.0", "18.8.1.1"]
HEAD_OF_24_11 = "2adb2da8b5a1ca5d1b94d94858dd4c406f9f2f07"
HEAD_OF_22_5 = "987ee72d2ac4475400a4b58a983d7e769e82d408"


def pypi() -> list[str] | None:
    return ON_PYPI


def chosen(slurm: int, version: str | None = None, override: int | None = None) -> Choice:
    return choose(slurm, Request(parse_version(version) if version else None, override), pypi)


@pytest.mark.parametrize(
    ("slurm", "version", "override", "kind", "name", "overridden", "adjusted"),
    [
        (SLURM_25_11, None, None, "pypi", "25.11.2", False, False),
        (SLURM_25_11, "25.11.0", None, "pypi", "25.11.0", False, False),
        (SLURM_25_11, "25.11.1", None, "tag", "v25.11.1", False, False),
        (SLURM_25_11, "25.11", None, "pypi", "25.11.2", False, False),
        (SLURM_25_11, None, 0x190B00, "pypi", "25.11.2", False, False),
        (SLURM_26_05, None, None, "pypi", "25.11.2", True, True),
        (SLURM_26_05, None, 0x1A0500, "pypi", "25.11.2", True, True),
        (SLURM_26_05, "25.11.0", None, "pypi", "25.11.0", True, True),
        (SLURM_26_05, "26.5.0", None, "tag", "v26.5.0", False, False),
        (SLURM_26_11, None, 0x1A0B00, "pypi", "25.11.2", True, False),
        (SLURM_24_11, None, None, "revision", HEAD_OF_24_11, False, False),
        (SLURM_24_11, None, 0x180B05, "revision", HEAD_OF_24_11, False, False),
        (SLURM_24_11, "24.11", None, "revision", HEAD_OF_24_11, False, False),
        (SLURM_24_11, "24.11.0", None, "tag", "v24.11.0", False, False),
        (SLURM_24_11, "v24.11.0", None, "tag", "v24.11.0", False, False),
        (SLURM_24_11, "24.11.x", None, "branch", "24.11.x", False, False),
        (SLURM_24_11, "25.11.2", 0x180B00, "pypi", "25.11.2", True, False),
        (SLURM_22_05, None, None, "revision", HEAD_OF_22_5, False, False),
        (SLURM_22_05, "22.05.x", None, "branch", "22.5.x", False, False),
        (SLURM_22_05, "22.05.3", None, "tag", "v22.5.3", False, False),
    ],
)
def test_choice(
    slurm: int, version: str | None, override: int | None, kind: str, name: str, overridden: bool, adjusted: bool
) -> None:
    choice = chosen(slurm, version, override)
    assert (choice.wanted.kind, choice.wanted.name) == (kind, name)
    assert choice.adaptation is not None
    assert (choice.adaptation.overridden, choice.adaptation.recipe is not None) == (overridden, adjusted)


@pytest.mark.parametrize("number", [0x150800, 0x160500, 0x170200, 0x170B00, 0x180500, 0x180B00, 0x190500])
def test_each_release_from_21_08_to_25_05_has_a_pinned_revision(number: int) -> None:
    choice = choose(number, Request(), lambda: pytest.fail("PyPI was asked"))
    assert choice.wanted.kind == "revision"
    assert choice.wanted.sha256 is not None
    assert choice.wanted.tree is not None
    assert "not known in advance" not in choice.note


def test_known_releases_are_pinned_and_names_are_not() -> None:
    pinned = chosen(SLURM_26_05).wanted
    assert pinned.sha256 == "6e0e4bc639ea3177591b102b77c1dd8df55a9e411ac42ef339a4adb3908cca34"
    for name in ("v24.11.0", "24.11.x", "24.11.0"):
        choice = chosen(SLURM_24_11, name)
        assert (choice.wanted.sha256, choice.wanted.tree) == (None, None)
        assert "The digest of what is of that name is not known in advance." in choice.note


def test_release_for_this_slurm_is_preferred_to_an_adjusted_one() -> None:
    choice = choose(SLURM_26_05, Request(), lambda: ["26.5.0", "26.5.1", *ON_PYPI])
    assert choice.wanted == Wanted("pypi", "26.5.1", (26, 5))
    assert "It is newer than this release of slurm-rest-api." in choice.note


def test_adjusted_pair_is_announced_and_needs_no_network() -> None:
    choice = choose(SLURM_26_05, Request(), lambda: None)
    assert choice.note == "pyslurm 25.11.2 is for Slurm 25.11. Adjusting it to Slurm 26.05 in 4 known places."


def test_pair_without_recipe_gets_a_warning() -> None:
    note = chosen(SLURM_24_11, "25.11.2", 0x180B00).note
    assert note.startswith("WARNING: pyslurm 25.11.2 is for Slurm 25.11 and UNKNOWN to work with Slurm 24.11.")


def test_a_folder_is_judged_when_its_release_is_known(tmp_path: object) -> None:
    choice = choose(SLURM_24_11, Request(parse_source(str(tmp_path))), pypi)
    assert choice.adaptation is None
    with pytest.raises(SourceUnusable, match=r"pyslurm 25\.5\.0 is for Slurm 25\.05, but this host has Slurm 24\.11"):
        adapt("pyslurm 25.5.0", (25, 5), (24, 11), overriding=False)


@pytest.mark.parametrize(
    ("slurm", "version", "override", "message"),
    [
        (SLURM_26_11, None, None, "No pyslurm was found for this host's Slurm 26.11.0 (release 26.11)."),
        (SLURM_26_11, None, None, "PyPI has: 25.11.2, 25.11.0, 18.8.1.1."),
        (SLURM_26_11, None, None, "build.sh --override_pyslurm_version_hex=0x1a0b00"),
        (SLURM_26_11, "25.11.2", None, "add --override_pyslurm_version_hex=0x1a0b00"),
        (SLURM_24_11, "25.11.2", None, "there are no known adjustments. Run build.sh without the option"),
        (SLURM_22_05, "25.11.2", None, "there are no known adjustments. Run build.sh without the option"),
        (SLURM_26_05, "24.11.0", None, "there are no known adjustments. Run build.sh without the option"),
        (SLURM_26_05, None, 0x190B00, "is Slurm 25.11.0, but this host has Slurm 26.05.5"),
        (
            SLURM_20_11,
            None,
            None,
            "No pyslurm for Slurm 20.11.9 works with this service. It needs Slurm 21.08 or newer.",
        ),
    ],
)
def test_refusals_say_what_to_do(slurm: int, version: str | None, override: int | None, message: str) -> None:
    with pytest.raises(SourceUnusable) as raised:
        chosen(slurm, version, override)
    assert message in str(raised.value)


@pytest.mark.parametrize("slurm", [SLURM_22_05, SLURM_24_11, SLURM_26_05, SLURM_20_11])
def test_no_override_is_advised_that_cannot_work(slurm: int) -> None:
    with pytest.raises(SourceUnusable) as raised:
        chosen(slurm, "21.08.1")
    assert "--override_pyslurm_version_hex" not in str(raised.value)


def test_refusal_without_network_does_not_claim_to_know_pypi() -> None:
    with pytest.raises(SourceUnusable, match="PyPI cannot be reached"):
        choose(SLURM_26_11, Request(), lambda: None)


@pytest.mark.parametrize(("text", "number"), [("0x1a0500", 0x1A0500), ("190B07", 0x190B07)])
def test_override_is_six_hexadecimal_digits(text: str, number: int) -> None:
    assert parse_override(text) == number


@pytest.mark.parametrize("text", ["26.05", "0x1a05", "0x1a05000", "", "zz0500"])
def test_other_overrides_are_refused(text: str) -> None:
    with pytest.raises(SourceUnusable, match="Expected six hexadecimal digits"):
        parse_override(text)
