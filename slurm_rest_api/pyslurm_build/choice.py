"""Chooses the pyslurm for a Slurm. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.pins import PINS, SDIST_TREES
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
from slurm_rest_api.pyslurm_build.wanted import Wanted, pinned

AskPyPI = Callable[[], list[str] | None]
"""Returns the versions on PyPI, None if it cannot be reached."""


@dataclass(frozen=True)
class Request:
    """Options of build.sh: the pyslurm that is asked for, and the number of `--override_pyslurm_version_hex`."""

    wanted: Wanted | None = None
    override: int | None = None


@dataclass(frozen=True)
class Adaptation:
    """Changes that make a pyslurm fit a Slurm.

    `note` is one line for the administrator. `overridden`: its version is changed to that of this host's Slurm.
    `recipe`: the adjustments for this Slurm.
    """

    note: str
    overridden: bool = False
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Choice:
    """The pyslurm to get. `adaptation` is None if the release line is known only after it was fetched."""

    wanted: Wanted
    note: str
    adaptation: Adaptation | None


def parse_override(text: str) -> int:
    """Parses `0x1a0500` (or without `0x`) as a Slurm version number. Raises SourceUnusable."""
    if re.fullmatch(r"(0[xX])?[0-9a-fA-F]{6}", text) is None:
        raise SourceUnusable(
            f"Invalid --override_pyslurm_version_hex: {text!r}. Expected six hexadecimal digits, two each for major, "
            "minor and patch. Slurm 26.05 is 0x1a0500."
        )
    return int(text, 16)


def choose(slurm_number: int, request: Request, ask_pypi: AskPyPI) -> Choice:
    """Chooses the pyslurm for a host whose headers have SLURM_VERSION_NUMBER `slurm_number`.

    `ask_pypi` is called only if it matters.

    Raises:
        SourceUnusable: nothing fits. The message says what to do.
    """
    line = number_line(slurm_number)
    _check_override(request.override, slurm_number)
    wanted, note = request.wanted, ""
    if wanted is None:
        wanted, note = _for_host(slurm_number, request, ask_pypi)
    elif wanted.kind == "pypi":
        wanted = _numbered(wanted, ask_pypi)
    if wanted.line is None:
        return Choice(wanted, f"Taking pyslurm from {wanted.shown_name}.", None)
    adaptation = adapt(_title(wanted), wanted.line, line, overriding=request.override is not None)
    unpinned = "" if wanted.tree else _unpinned(wanted)
    return Choice(wanted, " ".join(filter(None, (adaptation.note, note, unpinned))), adaptation)


def adapt(title: str, line: Line, slurm_line: Line, *, overriding: bool) -> Adaptation:
    """Returns the changes that make a pyslurm of release line `line` fit Slurm of `slurm_line`.

    `title` names the pyslurm in messages. `overriding`: `--override_pyslurm_version_hex` is given.

    Raises:
        SourceUnusable: there are no known adjustments, and it is not overridden.
    """
    if line == slurm_line:
        ignored = " Ignoring the version override, which is not needed." if overriding else ""
        return Adaptation(f"{title} is for Slurm {slurm_line_text(line)}.{ignored}")
    if recipe := find_recipe(line, slurm_line):
        return Adaptation(
            f"{title} is for Slurm {slurm_line_text(line)}. Adjusting it to Slurm {slurm_line_text(slurm_line)} in "
            f"{len(recipe.flags) + len(recipe.edits)} known places.",
            overridden=True,
            recipe=recipe,
        )
    if overriding:
        return Adaptation(
            f"WARNING: {title} is for Slurm {slurm_line_text(line)} and UNKNOWN to work with Slurm "
            f"{slurm_line_text(slurm_line)}. Only its known faults and its version are changed. It is installed only "
            "if it passes the test.",
            overridden=True,
        )
    raise SourceUnusable(
        f"{title} is for Slurm {slurm_line_text(line)}, but this host has Slurm {slurm_line_text(slurm_line)}, and "
        f"there are no known adjustments. {_instead(line, slurm_line)}"
    )


def _for_host(slurm_number: int, request: Request, ask_pypi: AskPyPI) -> tuple[Wanted, str]:
    """Returns the pyslurm for a host without an option that names one, and a remark."""
    line = number_line(slurm_number)
    if version := newest_known(line):
        return _on_pypi(version), ""
    if pin := PINS.get(line):
        return pinned(line, pin), f"It is the revision {pin.commit[:12]} of its branch {pin.branch}."
    if line < min(PINS):
        raise SourceUnusable(
            f"No pyslurm for Slurm {slurm_text(slurm_number)} works with this service. It needs Slurm "
            f"{slurm_line_text(min(PINS))} or newer. Let the service read the cluster with Slurm's commands: "
            "bash build.sh --no-pyslurm"
        )
    versions = ask_pypi() if request.override is None else []
    native = max((version for version in versions or [] if line_of(version) == line), key=numbers_of, default=None)
    if native is not None:
        return _on_pypi(native), "It is newer than this release of slurm-rest-api."
    for recipe in RECIPES:
        version = newest_known(recipe.pyslurm_line)
        if recipe.slurm_line == line and version is not None:
            return _on_pypi(version), ""
    if request.override is not None:
        return _on_pypi(max(SDIST_SHA256, key=numbers_of)), ""
    raise SourceUnusable(_nothing_fits(slurm_number, versions))


def _numbered(wanted: Wanted, ask_pypi: AskPyPI) -> Wanted:
    """Returns where the release of a number is: PyPI, or a tag of pyslurm's repository."""
    line = wanted.line or line_of(wanted.name)
    if wanted.name.count(".") == 1:
        # A release line: the newest release, or the pinned revision.
        known, pin = newest_known(line), PINS.get(line)
        wanted = replace(wanted, name=known or f"{wanted.name}.0")
        if known is None and pin is not None:
            return pinned(line, pin)
    if wanted.name in SDIST_SHA256:
        return _on_pypi(wanted.name)
    tag = Wanted("tag", f"v{wanted.name}", line)
    if line < line_of(min(SDIST_SHA256, key=numbers_of)):
        return tag
    versions = ask_pypi()
    return tag if versions is not None and wanted.name not in versions else wanted


def _on_pypi(version: str) -> Wanted:
    return Wanted("pypi", version, line_of(version), sha256=SDIST_SHA256.get(version), tree=SDIST_TREES.get(version))


def _title(wanted: Wanted) -> str:
    """Names a pyslurm in messages: `pyslurm 25.11.2`, `pyslurm's tag v24.11.0`."""
    if wanted.kind == "revision" and wanted.line is not None:
        return f"pyslurm {wanted.line[0]}.{wanted.line[1]}"
    return f"pyslurm {wanted.name}" if wanted.kind == "pypi" else f"pyslurm's {wanted.kind} {wanted.name}"


def _unpinned(wanted: Wanted) -> str:
    where = "on PyPI" if wanted.kind == "pypi" else "of that name"
    return f"The digest of what is {where} is not known in advance. The digest of what is installed is recorded."


def _instead(line: Line, slurm_line: Line) -> str:
    """Returns what an administrator can do in place of a pyslurm for another Slurm."""
    adjusted = any(recipe.slurm_line == slurm_line for recipe in RECIPES)
    if slurm_line in PINS or adjusted:
        return "Run build.sh without the option, it then takes the pyslurm for this Slurm."
    if slurm_line > line:
        return (
            f"To try it nevertheless, add --override_pyslurm_version_hex={hex_text(slurm_line)}. The result is tested "
            "before it is installed."
        )
    return "Let the service read the cluster with Slurm's commands: bash build.sh --no-pyslurm"


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
