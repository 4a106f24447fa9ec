"""Checksums of pyslurm's releases, and adjustments for other releases of Slurm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.pyslurm_build.edits import Edit, apply_edit
from slurm_rest_api.pyslurm_build.source_facts import VERSION_FILES
from slurm_rest_api.pyslurm_build.versions import Line, line_of, numbers_of

SDIST_SHA256 = {
    "25.11.0": "4b2d6a5aa3602a29156ab81bdb0eeae0e14eff0d883a9da0bb33dfe8236ad97f",
    "25.11.2": "6e0e4bc639ea3177591b102b77c1dd8df55a9e411ac42ef339a4adb3908cca34",
}
"""Checksums of the source archives on PyPI that this release supports."""


@dataclass(frozen=True)
class Flag:
    """An option for the C compiler."""

    text: str
    reason: str


@dataclass(frozen=True)
class Recipe:
    """The adjustments that make a pyslurm of one release line work with a Slurm of another."""

    pyslurm_line: Line
    slurm_line: Line
    flags: tuple[Flag, ...]
    edits: tuple[Edit, ...]


RECIPES = (
    Recipe(
        pyslurm_line=(25, 11),
        slurm_line=(26, 5),
        flags=(
            Flag(
                "-DSLURM_BACKWARD_COMPAT",
                "26.05 takes slurm_step_id_t instead of job ids, with this its slurm.h still accepts job ids",
            ),
            Flag("-Dslurm_free_ctl_conf=slurm_free_conf", "26.05 renamed the function"),
            Flag(
                "-DESLURM_ERROR_ON_DESC_TO_RECORD_COPY=SLURM_ERROR",
                "26.05.2 removed the error number that pyslurm only lists",
            ),
        ),
        edits=(
            Edit(
                path="pyslurm/slurm/extra.pxi",
                reason="26.05 has node_ranks before node_req in job_resources (src/common/job_resources.h), "
                "without it the layout of a job reads a number as an address and the process crashes",
                old="    bitstr_t *node_bitmap\n    uint32_t  node_req\n",
                new="    bitstr_t *node_bitmap\n    uint32_t *node_ranks\n    uint32_t  node_req\n",
            ),
        ),
    ),
)


def find_recipe(pyslurm_line: Line, slurm_line: Line, recipes: Iterable[Recipe] = RECIPES) -> Recipe | None:
    """Returns the adjustments for the pair, None if there are no known ones."""
    pair = (pyslurm_line, slurm_line)
    return next((recipe for recipe in recipes if (recipe.pyslurm_line, recipe.slurm_line) == pair), None)


def newest_known(line: Line) -> str | None:
    """Returns the newest release of the line with a known checksum, None if there is none."""
    return max((version for version in SDIST_SHA256 if line_of(version) == line), key=numbers_of, default=None)


def mark_version(source: Path, version: str, slurm_line: Line) -> str:
    """Changes the version of the unpacked `source`, so that pyslurm accepts Slurm of `slurm_line`. Returns it.

    pip lists it: `26.5.0+pyslurm25.11.2` for Slurm 26.05, and `25.11.2+adjusted` for pyslurm's own line 25.11.
    """
    own = line_of(version) == slurm_line
    marked = f"{version}+adjusted" if own else f"{slurm_line[0]}.{slurm_line[1]}.0+pyslurm{version}"
    for edit in _version_edits(source, version, marked):
        apply_edit(source, edit)
    return marked


def _version_edits(source: Path, version: str, marked: str) -> Iterator[Edit]:
    reason = "pyslurm refuses headers of another release line, and pip shows that it is adjusted"
    path = next((name for name in VERSION_FILES if (source / name).is_file()), VERSION_FILES[0])
    yield Edit(path=path, reason=reason, old=f'__version__ = "{version}"', new=f'__version__ = "{marked}"')
    # Up to 23.02.2 setup.py has the version, too.
    setup = source / "setup.py"
    if setup.is_file() and "PYSLURM_PATCH_RELEASE" in setup.read_text(encoding="utf-8"):
        names = ("SLURM_RELEASE", "PYSLURM_PATCH_RELEASE")
        for name, old, new in zip(names, _release_and_patch(version), _release_and_patch(marked), strict=True):
            yield Edit(path="setup.py", reason=reason, old=f'{name} = "{old}"\n', new=f'{name} = "{new}"\n')


def _release_and_patch(version: str) -> tuple[str, str]:
    """Returns `22.5` and `3` of the version 22.5.3."""
    major, minor, patch = version.split(".", 2)
    return f"{major}.{minor}", patch
