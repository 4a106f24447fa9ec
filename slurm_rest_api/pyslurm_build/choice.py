"""Chooses the pyslurm for a Slurm: pure, all it needs is passed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.recipes import RECIPES, SDIST_SHA256, Recipe, find_recipe, newest_known
from slurm_rest_api.pyslurm_build.versions import (
    Line,
    hex_text,
    line_of,
    number_line,
    numbers_of,
    slurm_line_text,
    slurm_text,
)


@dataclass(frozen=True)
class Request:
    """What was asked for: a version, and the Slurm number of `--override_pyslurm_version_hex`; None means not given."""

    version: str | None = None
    override: int | None = None


@dataclass(frozen=True)
class Choice:
    """The pyslurm to use.

    `installed`: it is in the environment already, put there by somebody else, and is not to be built.
    `recipe`: the adjustments to make; `overridden`: it has to be told the version of this host's Slurm.
    `note`: one line for the administrator; `sha256`: of its source archive, None where unknown.
    """

    version: str
    note: str
    installed: bool = False
    overridden: bool = False
    recipe: Recipe | None = None

    @property
    def sha256(self) -> str | None:
        return SDIST_SHA256.get(self.version)


def parse_version(text: str) -> str:
    """Check a version from the command line; raises SourceUnusable."""
    if re.fullmatch(r"\d+(\.\d+){1,3}", text) is None:
        raise SourceUnusable(f"--pyslurm_version={text}: not a version; expected numbers such as 25.11.2")
    return text


def parse_override(text: str) -> int:
    """Read `0x1a0500` (or without `0x`) as a Slurm version number; raises SourceUnusable."""
    if re.fullmatch(r"(0[xX])?[0-9a-fA-F]{6}", text) is None:
        raise SourceUnusable(
            f"--override_pyslurm_version_hex={text}: expected six hexadecimal digits, two each for major, minor and "
            "patch; Slurm 26.05 is 0x1a0500"
        )
    return int(text, 16)


def choose(
    slurm_number: int, request: Request, foreign: str | None, ask_pypi: Callable[[], list[str] | None]
) -> Choice:
    """Choose for a host whose headers say `slurm_number`.

    `foreign` is the pyslurm that somebody else has put into the environment, None where there is none.
    `ask_pypi` returns the versions that PyPI has, None where it cannot be asked; it is called only where it matters.
    Raises SourceUnusable in words where nothing fits.
    """
    line = number_line(slurm_number)
    _check_override(request.override, slurm_number)
    if request.version is not None:
        return _requested(request.version, line, request.override is not None, foreign)
    if foreign is not None and line_of(foreign) == line and request.override is None:
        return Choice(foreign, f"pyslurm {foreign} was installed by hand and fits; it stays", installed=True)
    if pinned := newest_known(line):
        return Choice(pinned, f"pyslurm {pinned} is made for Slurm {slurm_line_text(line)}")
    return _for_other_line(slurm_number, request, ask_pypi)


def _for_other_line(slurm_number: int, request: Request, ask_pypi: Callable[[], list[str] | None]) -> Choice:
    line = number_line(slurm_number)
    on_pypi = ask_pypi() if request.override is None else []
    native = max((version for version in on_pypi or [] if line_of(version) == line), key=numbers_of, default=None)
    if native is not None:
        return Choice(
            native,
            f"pyslurm {native} on PyPI is made for Slurm {slurm_line_text(line)} (newer than this release of "
            "slurm-rest-api, so its checksum is not pinned)",
        )
    for recipe in RECIPES:
        version = newest_known(recipe.pyslurm_line)
        if recipe.slurm_line == line and version is not None:
            return _adjusted(version, line, recipe)
    if request.override is not None:
        return _unproven(max(SDIST_SHA256, key=numbers_of), line)
    raise SourceUnusable(_nothing_fits(slurm_number, on_pypi))


def _requested(version: str, line: Line, override: bool, foreign: str | None) -> Choice:
    if version == foreign:
        return Choice(version, f"pyslurm {version} was installed by hand; it stays, as asked", installed=True)
    if line_of(version) == line:
        note = "; the version override is not needed and not made" if override else ""
        return Choice(version, f"pyslurm {version} is made for Slurm {slurm_line_text(line)}{note}")
    if recipe := find_recipe(line_of(version), line):
        return _adjusted(version, line, recipe)
    if override:
        return _unproven(version, line)
    raise SourceUnusable(
        f"pyslurm {version} is made for Slurm {slurm_line_text(line_of(version))}, this host has Slurm "
        f"{slurm_line_text(line)}, and no adjustments for this pair are known. To try it nevertheless, add "
        f"--override_pyslurm_version_hex={hex_text(line)}; the result has to pass a test before it is installed."
    )


def _adjusted(version: str, line: Line, recipe: Recipe) -> Choice:
    note = (
        f"pyslurm {version} is made for Slurm {slurm_line_text(line_of(version))}; it is adjusted to Slurm "
        f"{slurm_line_text(line)} in {len(recipe.flags) + len(recipe.edits)} known places"
    )
    return Choice(version, note, overridden=True, recipe=recipe)


def _unproven(version: str, line: Line) -> Choice:
    note = (
        f"WARNING: pyslurm {version} is made for Slurm {slurm_line_text(line_of(version))} and NOTHING is known about "
        f"running it with Slurm {slurm_line_text(line)}. It is only told that version. The test afterwards decides."
    )
    return Choice(version, note, overridden=True)


def _check_override(override: int | None, slurm_number: int) -> None:
    if override is not None and number_line(override) != number_line(slurm_number):
        raise SourceUnusable(
            f"--override_pyslurm_version_hex=0x{override:06x} means Slurm {slurm_text(override)}, but this host has "
            f"Slurm {slurm_text(slurm_number)}; the number must be this host's: {hex_text(number_line(slurm_number))}"
        )


def _nothing_fits(slurm_number: int, on_pypi: list[str] | None) -> str:
    line = number_line(slurm_number)
    text = slurm_line_text(line)
    if on_pypi is None:
        has = "PyPI could not be asked for its versions (no network?); try again when it can be reached."
    else:
        has = "PyPI has: " + ", ".join(sorted(on_pypi, key=numbers_of, reverse=True)) + "."
    return (
        f"This host has Slurm {slurm_text(slurm_number)}, and PyPI is not known to have a pyslurm for Slurm {text}. "
        f"{has}\n"
        f"What to do: install pyslurm's release {line[0]}.{line[1]} from its source "
        "(https://github.com/PySlurm/pyslurm has "
        "one tag or branch for each Slurm release) into the environment with the environment's own pip, then run\n"
        f"  bash build.sh --pyslurm_version=<the version that 'pip show pyslurm' names>\n"
        "Or try a pyslurm that was made for another Slurm:\n"
        f"  bash build.sh --override_pyslurm_version_hex={hex_text(line)}"
    )
