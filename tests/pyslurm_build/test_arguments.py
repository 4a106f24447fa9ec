"""Parsing of --pyslurm_arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import merged, parse_arguments


def test_variables_and_older_spellings() -> None:
    text = "SLURM_LIB_DIR=/a --slurm-inc=/b 'CFLAGS=-O2 -g' EMPTY="
    assert parse_arguments(text) == {
        "SLURM_LIB_DIR": "/a",
        "SLURM_INCLUDE_DIR": "/b",
        "CFLAGS": "-O2 -g",
        "EMPTY": "",
    }


@pytest.mark.parametrize("lib", ["lib", "lib64"])
def test_prefix_names_both_folders(tmp_path: Path, lib: str) -> None:
    (tmp_path / lib).mkdir()
    assert parse_arguments(f"--slurm={tmp_path}") == {
        "SLURM_INCLUDE_DIR": f"{tmp_path}/include",
        "SLURM_LIB_DIR": f"{tmp_path}/{lib}",
    }


@pytest.mark.parametrize("text", ["--slurm", "--slurm-lib=", "word", "--other=1", "1A=2", "'open"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(SourceUnusable, match="--pyslurm_arguments"):
        parse_arguments(text)


def test_compiler_options_are_joined_and_others_replaced() -> None:
    result = merged({"CFLAGS": "-O1", "A": "1"}, {"CFLAGS": "-Dx", "A": "2"}, {"CFLAGS": "-g", "B": "3"})
    assert result == {"CFLAGS": "-O1 -Dx -g", "A": "2", "B": "3"}
