"""Adjustments of pyslurm's source, and their refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.edits import Edit, apply_edit
from slurm_rest_api.pyslurm_build.recipes import (
    RECIPES,
    SDIST_SHA256,
    find_recipe,
    mark_version,
    newest_known,
)

EDIT = Edit(path="lib/struct.pxi", reason="the structure grew", old="    int b\n", new="    int a2\n    int b\n")


def source_with(folder: Path, path: str, text: str) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_edit_replaces_its_text(tmp_path: Path) -> None:
    file = source_with(tmp_path, EDIT.path, "struct x:\n    int a\n    int b\n    int c\n")
    apply_edit(tmp_path, EDIT)
    assert file.read_text(encoding="utf-8") == "struct x:\n    int a\n    int a2\n    int b\n    int c\n"


@pytest.mark.parametrize(("text", "count"), [("struct x:\n    int a\n", 0), ("    int b\n    int b\n", 2)])
def test_edit_without_exactly_one_match_is_refused(tmp_path: Path, text: str, count: int) -> None:
    file = source_with(tmp_path, EDIT.path, text)
    with pytest.raises(SourceUnusable) as raised:
        apply_edit(tmp_path, EDIT)
    assert f"Cannot adjust lib/struct.pxi: expected the text 'int b' once, found it {count} times" in str(raised.value)
    assert "the structure grew" in str(raised.value)
    assert file.read_text(encoding="utf-8") == text


def test_edit_of_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="found it 0 times"):
        apply_edit(tmp_path, EDIT)


def test_version_override_keeps_the_true_version_readable(tmp_path: Path) -> None:
    file = source_with(tmp_path, "pyslurm/version.py", '# about versions\n__version__ = "25.11.2"\n')
    assert mark_version(tmp_path, "25.11.2", (26, 5)) == "26.5.0+pyslurm25.11.2"
    assert file.read_text(encoding="utf-8") == '# about versions\n__version__ = "26.5.0+pyslurm25.11.2"\n'


def test_a_pyslurm_of_its_own_line_is_marked_as_adjusted(tmp_path: Path) -> None:
    source_with(tmp_path, "pyslurm/version.py", '__version__ = "25.11.2"\n')
    assert mark_version(tmp_path, "25.11.2", (25, 11)) == "25.11.2+adjusted"


@pytest.mark.parametrize(
    ("slurm", "release", "patch", "marked"),
    [
        ((22, 5), "22.5", "3+adjusted", "22.5.3+adjusted"),
        ((23, 2), "23.2", "0+pyslurm22.5.3", "23.2.0+pyslurm22.5.3"),
    ],
)
def test_lines_before_23_2_have_their_version_in_setup_py_too(
    tmp_path: Path, slurm: tuple[int, int], release: str, patch: str, marked: str
) -> None:
    version = source_with(tmp_path, "pyslurm/__version__.py", '__version__ = "22.5.3"\n')
    setup = tmp_path / "setup.py"
    setup.write_text('SLURM_RELEASE = "22.5"\nPYSLURM_PATCH_RELEASE = "3"\n', encoding="utf-8")
    assert mark_version(tmp_path, "22.5.3", slurm) == marked
    assert version.read_text(encoding="utf-8") == f'__version__ = "{marked}"\n'
    assert setup.read_text(encoding="utf-8") == f'SLURM_RELEASE = "{release}"\nPYSLURM_PATCH_RELEASE = "{patch}"\n'


def test_slurm_26_05_gets_the_field_without_which_layouts_crash(tmp_path: Path) -> None:
    recipe = find_recipe((25, 11), (26, 5))
    assert recipe is not None
    before = "    uint32_t  nhosts\n    bitstr_t *node_bitmap\n    uint32_t  node_req\n    char\t *nodes\n"
    file = source_with(tmp_path, "pyslurm/slurm/extra.pxi", "ctypedef struct job_resources:\n" + before)
    for edit in recipe.edits:
        apply_edit(tmp_path, edit)
    members = [line.split()[-1] for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    assert members == ["nhosts", "*node_bitmap", "*node_ranks", "node_req", "*nodes"]
    assert "-DSLURM_BACKWARD_COMPAT" in [flag.text for flag in recipe.flags]


def test_native_pair_needs_no_recipe() -> None:
    assert find_recipe((25, 11), (25, 11)) is None
    assert [recipe for recipe in RECIPES if recipe.pyslurm_line == recipe.slurm_line] == []


def test_known_releases() -> None:
    assert newest_known((25, 11)) == "25.11.2"
    assert newest_known((24, 11)) is None
    assert [digest for digest in SDIST_SHA256.values() if len(digest) != 64] == []
