"""Chooses the pyslurm for a Slurm. No I/O."""

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
    """Options of build.sh: `--pyslurm_version` and the number of `--override_pyslurm_version_hex`. None: not given."""

    version: str | None = None
    override: int | None = None


@dataclass(frozen=True)
class Choice:
    """The pyslurm to use.

    `note` is one line for the administrator. `overridden`: its version is changed to that of this host's Slurm.
    `recipe`: the adjustments for this Slurm.
    """

    version: str
    note: str
    overridden: bool = False
    recipe: Recipe | None = None

    @property
    def sha256(self) -> str | None:
        return SDIST_SHA256.get(self.version)


def parse_version(text: str) -> str:
    """Validates a version from the command line. Raises SourceUnusable."""
    if re.fullmatch(r"\d+(\.\d+){1,3}", text) is None:
        raise SourceUnusable(f"Invalid --pyslurm_version: {text!r}. Expected a version such as 25.11.2.")
    return text


def parse_override(text: str) -> int:
    """Parses `0x1a0500` (or without `0x`) as a Slurm version number. Raises SourceUnusable."""
    if re.fullmatch(r"(0[xX])?[0-9a-fA-F]{6}", text) is None:
        raise SourceUnusable(
            f"Invalid --override_pyslurm_version_hex: {text!r}. Expected six hexadecimal digits, two each for major, "
            "minor and patch. Slurm 26.05 is 0x1a0500."
        )
    return int(text, 16)


def choose(slurm_number: int, request: Request, ask_pypi: Callable[[], list[str] | None]) -> Choice:
    """Chooses the pyslurm for a host whose headers have SLURM_VERSION_NUMBER `slurm_number`.

    `ask_pypi` returns the versions on PyPI, None if it cannot be reached. It is called only if it matters.

    Raises:
        SourceUnusable: nothing fits. The message says what to do.
    """
    line = number_line(slurm_number)
    _check_override(request.override, slurm_number)
    if request.version is not None:
        return _requested(request.version, line, request.override is not None)
    if pinned := newest_known(line):
        return Choice(pinned, f"pyslurm {pinned} is for Slurm {slurm_line_text(line)}.")
    return _for_other_line(slurm_number, request, ask_pypi)


def _for_other_line(slurm_number: int, request: Request, ask_pypi: Callable[[], list[str] | None]) -> Choice:
    line = number_line(slurm_number)
    on_pypi = ask_pypi() if request.override is None else []
    native = max((version for version in on_pypi or [] if line_of(version) == line), key=numbers_of, default=None)
    if native is not None:
        return Choice(
            native,
            f"pyslurm {native} on PyPI is for Slurm {slurm_line_text(line)}. Its checksum is not pinned, because it is "
            "newer than this release of slurm-rest-api.",
        )
    for recipe in RECIPES:
        version = newest_known(recipe.pyslurm_line)
        if recipe.slurm_line == line and version is not None:
            return _adjusted(version, line, recipe)
    if request.override is not None:
        return _untested(max(SDIST_SHA256, key=numbers_of), line)
    raise SourceUnusable(_nothing_fits(slurm_number, on_pypi))


def _requested(version: str, line: Line, override: bool) -> Choice:
    if line_of(version) == line:
        note = " Ignoring the version override, which is not needed." if override else ""
        return Choice(version, f"pyslurm {version} is for Slurm {slurm_line_text(line)}.{note}")
    if recipe := find_recipe(line_of(version), line):
        return _adjusted(version, line, recipe)
    if override:
        return _untested(version, line)
    raise SourceUnusable(
        f"pyslurm {version} is for Slurm {slurm_line_text(line_of(version))}, but this host has Slurm "
        f"{slurm_line_text(line)}, and there are no known adjustments. To try it nevertheless, add "
        f"--override_pyslurm_version_hex={hex_text(line)}. The result is tested before it is installed."
    )


def _adjusted(version: str, line: Line, recipe: Recipe) -> Choice:
    note = (
        f"pyslurm {version} is for Slurm {slurm_line_text(line_of(version))}. Adjusting it to Slurm "
        f"{slurm_line_text(line)} in {len(recipe.flags) + len(recipe.edits)} known places."
    )
    return Choice(version, note, overridden=True, recipe=recipe)


def _untested(version: str, line: Line) -> Choice:
    note = (
        f"WARNING: pyslurm {version} is for Slurm {slurm_line_text(line_of(version))} and UNKNOWN to work with Slurm "
        f"{slurm_line_text(line)}. Only its known faults and its version are changed. It is installed only if it "
        "passes the test."
    )
    return Choice(version, note, overridden=True)


def _check_override(override: int | None, slurm_number: int) -> None:
    if override is not None and number_line(override) != number_line(slurm_number):
        raise SourceUnusable(
            f"--override_pyslurm_version_hex=0x{override:06x} is Slurm {slurm_text(override)}, but this host has Slurm "
            f"{slurm_text(slurm_number)}. Use this host's number: {hex_text(number_line(slurm_number))}."
        )


def _nothing_fits(slurm_number: int, on_pypi: list[str] | None) -> str:
    line = number_line(slurm_number)
    text = slurm_line_text(line)
    if on_pypi is None:
        available = "PyPI cannot be reached. Check the network and try again."
    else:
        available = "PyPI has: " + ", ".join(sorted(on_pypi, key=numbers_of, reverse=True)) + "."
    return (
        f"No pyslurm was found for this host's Slurm {slurm_text(slurm_number)} (release {text}). {available}\n"
        "To try a pyslurm for another Slurm:\n"
        f"  bash build.sh --override_pyslurm_version_hex={hex_text(line)}"
    )
