"""Adjustments of pyslurm's own faults, applied to the parts of its source that they change."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.adjustments import JOB_NUMBERS, JOB_TEXTS, adjustments_for
from slurm_rest_api.pyslurm_build.edits import apply_edit
from slurm_rest_api.pyslurm_build.raw_jobs import raw_jobs

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


def adjusted(folder: Path, path: str, text: str, line: tuple[int, int] = (25, 11)) -> str:
    """The text of a file after the adjustments for it."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for edit in adjustments_for(line):
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
    before = "    @property\n    def cpu_binding(self):\n        cdef char cpu_bind[128]\n"
    text = adjusted(tmp_path, "pyslurm/core/node.pyx", before)
    assert text.endswith(before)
    assert (
        "    @property\n    def raw_gres_used(self):\n        return cstr.to_unicode(self.info.gres_used)\n\n" in text
    )
    assert "    @property\n    def raw_reason_uid(self):\n        return self.info.reason_uid\n\n" in text


def properties(text: str) -> set[str]:
    """The names of the properties of a class in Cython."""
    return set(re.findall(r"^    @property\n    def (\w+)\(self\):$", text, re.MULTILINE))


LAYOUT = "    def get_resource_layout_per_node(self):\n"


# slurm.h of the release: slurm_job_info_t has `prefer` since 22.05, `container_id`, `extra` and `failed_node` since
# 23.02, `resv_ports` since 24.05, `oom_kill_step` since 24.11, `licenses_allocated` and `segment_size` since 25.05.
@pytest.mark.parametrize(
    ("line", "added", "absent"),
    [
        ((21, 8), "submit_session_id", "preferred_features"),
        ((22, 5), "preferred_features", "container_id"),
        ((23, 2), "container_id", "reserved_ports"),
        ((23, 11), "failed_node", "reserved_ports"),
        ((24, 5), "reserved_ports", "kill_step_when_oom"),
        ((24, 11), "kill_step_when_oom", "segment_size"),
        ((25, 5), "raw_licenses_allocated", "submit_line"),
        # pyslurm 25.11 has the property itself.
        ((25, 11), "raw_licenses_allocated", "submit_session_id"),
    ],
)
def test_a_line_gets_the_values_that_its_slurm_has(line: tuple[int, int], added: str, absent: str) -> None:
    names = properties("".join(edit.new for edit in adjustments_for(line) if edit.old == LAYOUT))
    assert added in names
    assert absent not in names


LINES = [(21, 8), (22, 5), (23, 2), (23, 11), (24, 5), (24, 11), (25, 5), (25, 11)]


@pytest.mark.parametrize("line", LINES)
def test_allocated_licenses_are_those_of_the_request_where_slurmctld_sends_none(line: tuple[int, int]) -> None:
    text = "".join(edit.new for edit in adjustments_for(line) if edit.old == LAYOUT)
    assert text.count("    def raw_licenses_allocated(self):\n") == 1
    # slurm.h has slurm_job_info_t.licenses_allocated since 25.05.
    assert ("self.ptr.licenses_allocated" in text) is (line >= (25, 5))


@pytest.mark.parametrize("line", LINES)
def test_allocated_tres_of_nodes_are_read_from_where_the_release_has_them(line: tuple[int, int]) -> None:
    anchor = "    @property\n    def cpu_binding(self):\n"
    edit = next(edit for edit in adjustments_for(line) if edit.old == anchor)
    assert edit.new.count("    def raw_alloc_tres_fmt_str(self):\n") == 1
    # slurm.h has node_info_t.alloc_tres_fmt_str since 25.05. Before, the select plugin keeps it.
    assert ("self.info.alloc_tres_fmt_str" in edit.new) is (line >= (25, 5))
    assert ("SELECT_NODEDATA_TRES_ALLOC_FMT_STR" in edit.new) is (line < (25, 5))


@pytest.mark.parametrize("line", [(21, 8), (22, 5)])
def test_old_lines_have_one_slurm_in_the_process(tmp_path: Path, line: tuple[int, int]) -> None:
    text = 'SLURM_SHARED_LIB = "libslurm.so"\nmeta = {\n    "libraries": ["slurm"],\n}\n'
    assert adjusted(tmp_path, "setup.py", text, line) == (
        'SLURM_SHARED_LIB = "libslurmfull.so"\nmeta = {\n    "libraries": ["slurmfull"],\n}\n'
    )


@pytest.mark.parametrize(("line", "unsigned"), [((22, 5), True), ((24, 5), True), ((24, 11), False)])
def test_a_negative_nice_value_is_signed(line: tuple[int, int], unsigned: bool) -> None:
    edits = [edit for edit in adjustments_for(line) if edit.old == "        return self.ptr.nice - slurm.NICE_OFFSET\n"]
    assert [edit.new.count("int(") for edit in edits] == ([2] if unsigned else [])


@pytest.mark.parametrize("line", LINES)
def test_the_fingerprint_has_each_member_that_the_release_has(line: tuple[int, int]) -> None:
    text = "".join(edit.new for edit in raw_jobs(line))
    members = set(re.findall(r"^ +(?:_raw_text\()?job\.(\w+)\)?,$", text, re.MULTILINE))
    newer = {
        "prefer": (22, 5),
        "extra": (23, 2),
        "resv_ports": (24, 5),
        "oom_kill_step": (24, 11),
        "segment_size": (25, 5),
    }
    assert {name for name, since in newer.items() if since <= line} == members & newer.keys()
    # Each member that the properties of `raw_…` read decides about a record.
    read = {*JOB_TEXTS, *JOB_NUMBERS, "bitflags"} - ({"licenses_allocated"} if line < (25, 5) else set())
    assert read <= members
