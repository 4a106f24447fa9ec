"""Adjustments of pyslurm's own faults, applied to the parts of its source that they change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.adjustments import ADJUSTMENTS
from slurm_rest_api.pyslurm_build.edits import apply_edit

# utils/helpers.pyx of 25.11.2, which is plain Python there.
EXIT_CODE = """\
from os import WIFSIGNALED, WIFEXITED, WTERMSIG, WEXITSTATUS


def _get_exit_code(exit_code):
    exit_state=sig = 0
    if exit_code != slurm.NO_VAL:
        if WIFSIGNALED(exit_code):
            exit_state, sig = 0, WTERMSIG(exit_code)
        elif WIFEXITED(exit_code):
            exit_state, sig = WEXITSTATUS(exit_code), 0
            if exit_state >= 128:
                exit_state -= 128

    return exit_state, sig
"""

# utils/enums.pyx of 25.11.2, without the docstrings.
FLAGS = """\
from enum import Flag


class SlurmFlag(Flag):

    def _get_flags_cleared(self):
        val = self.value
        for flag in self.__class__:
            if flag not in self:
                val |= flag._clear_flag
        return val
"""


def adjusted(folder: Path, path: str, text: str) -> str:
    """The text of a file after the adjustments for it."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for edit in ADJUSTMENTS:
        if edit.path == path:
            apply_edit(folder, edit)
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("status", "code"), [(128 << 8, (128, 0)), (137 << 8, (137, 0)), (255 << 8, (255, 0)), (9, (0, 9)), (0, (0, 0))]
)
def test_exit_codes_are_complete(tmp_path: Path, status: int, code: tuple[int, int]) -> None:
    class Slurm:
        NO_VAL = 0xFFFFFFFE

    names: dict[str, Any] = {"slurm": Slurm}
    exec(adjusted(tmp_path, "pyslurm/utils/helpers.pyx", EXIT_CODE), names)  # noqa: S102  pyslurm's function itself
    function: Callable[[int], tuple[int, int]] = names["_get_exit_code"]
    assert function(status) == code


def test_unknown_flags_are_kept(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "enums"}
    exec(adjusted(tmp_path, "pyslurm/utils/enums.pyx", FLAGS), names)  # noqa: S102  pyslurm's class itself
    flags = names["SlurmFlag"]("ReservationFlags", {"MAINTENANCE": 1})
    assert flags(1 | 1 << 40).value == 1 | 1 << 40


def test_the_values_of_slurmctld_are_properties(tmp_path: Path) -> None:
    before = "    @property\n    def allocated_tres(self):\n        return cstr.to_dict(self.info.alloc_tres_fmt_str)\n"
    text = adjusted(tmp_path, "pyslurm/core/node.pyx", before)
    assert text.endswith(before)
    assert (
        "    @property\n    def raw_gres_used(self):\n        return cstr.to_unicode(self.info.gres_used)\n\n" in text
    )
    assert "    @property\n    def raw_reason_uid(self):\n        return self.info.reason_uid\n\n" in text
