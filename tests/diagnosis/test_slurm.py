"""Checks of Slurm's files and pyslurm's version, in folders that imitate a host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.diagnosis.slurm import check_commands, check_slurm
from slurm_rest_api.pyslurm_build.host import SearchPaths


def host(root: Path, library: bytes = b"\0slurm 26.05.5\0") -> SearchPaths:
    header = root / "usr/include/slurm/slurm_version.h"
    header.parent.mkdir(parents=True)
    header.write_text("#define SLURM_VERSION_NUMBER 0x1a0505\n")
    folder = root / "usr/lib/slurm"
    folder.mkdir(parents=True)
    (folder / "libslurmfull.so").write_bytes(library)
    return SearchPaths(root=root, which=lambda _: None, triplet="")


@pytest.mark.parametrize(
    ("pyslurm", "verdict", "sentence"),
    [
        ("26.5.0", "ok", "pyslurm 26.5.0, for this host's Slurm 26.05."),
        ("25.11.2", "warning", "pyslurm 25.11.2 is for Slurm 25.11, but this host has Slurm 26.05."),
        (None, "problem", "pyslurm is not installed in this Python environment."),
    ],
)
def test_the_version_of_pyslurm_is_compared_with_slurm(
    tmp_path: Path, pyslurm: str | None, verdict: str, sentence: str
) -> None:
    slurm, fit = check_slurm({}, pyslurm, tmp_path, host(tmp_path), required=True)
    assert slurm.verdict == "ok"
    assert slurm.sentence == f"Slurm 26.05.5, library {tmp_path}/usr/lib/slurm/libslurmfull.so."
    assert (fit.verdict, fit.sentence) == (verdict, sentence)
    assert (fit.remedy is not None) == (verdict != "ok")


def test_a_pyslurm_built_for_this_host_is_ok(tmp_path: Path) -> None:
    state = {"key": "k", "installed": "25.11.2", "untested": []}
    (tmp_path / "slurm-rest-api-pyslurm.json").write_text(json.dumps(state))
    fit = check_slurm({}, "25.11.2", tmp_path, host(tmp_path), required=False)[1]
    assert fit.verdict == "ok"
    assert fit.sentence == "pyslurm 25.11.2 is for Slurm 25.11. build.sh adjusted it to this host's Slurm 26.05.5."
    other = check_slurm({}, "25.11.0", tmp_path, SearchPaths(tmp_path, lambda _: None, ""), required=False)[1]
    assert other.verdict == "warning"


def test_a_pyslurm_built_for_an_earlier_slurm_of_this_host_is_a_warning(tmp_path: Path) -> None:
    state = {"key": "k", "installed": "25.11.2", "untested": [], "slurm": "25.11.7"}
    (tmp_path / "slurm-rest-api-pyslurm.json").write_text(json.dumps(state))
    fit = check_slurm({}, "25.11.2", tmp_path, host(tmp_path), required=False)[1]
    assert fit.verdict == "warning"
    assert fit.sentence == "pyslurm 25.11.2 is for Slurm 25.11, but this host has Slurm 26.05."


def test_a_library_of_another_version_is_a_warning(tmp_path: Path) -> None:
    slurm = check_slurm({}, "26.5.0", tmp_path, host(tmp_path, b"\0slurm 25.11.2\0"), required=False)[0]
    assert slurm.verdict == "warning"
    assert slurm.sentence == (
        f"The headers in {tmp_path}/usr/include are of Slurm 26.05.5, but the library"
        f" {tmp_path}/usr/lib/slurm/libslurmfull.so is of another version."
    )


@pytest.mark.parametrize(("pyslurm", "verdict"), [(None, "problem"), ("25.11.2", "warning")])
def test_a_host_without_slurm(tmp_path: Path, pyslurm: str | None, verdict: str) -> None:
    slurm, installed = check_slurm({}, pyslurm, tmp_path, SearchPaths(tmp_path, lambda _: None, ""), required=True)
    assert slurm.verdict == verdict
    assert slurm.sentence.startswith("pyslurm cannot be built")
    assert installed.verdict == ("ok" if pyslurm else "problem")


def test_slurms_commands_replace_a_pyslurm_that_is_not_required(tmp_path: Path) -> None:
    (finding,) = check_slurm({}, None, tmp_path, SearchPaths(tmp_path, lambda _: None, ""), required=False)
    assert finding.verdict == "ok"
    assert finding.sentence == ("pyslurm is not installed in this Python environment. Slurm's commands replace it.")


def programs(folder: Path, *names: str) -> str:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_commands_in_the_directory_of_the_setting(tmp_path: Path) -> None:
    folder = programs(tmp_path / "opt/slurm/bin", "scontrol", "squeue", "sdiag")
    place = SearchPaths(tmp_path, lambda _: None, "")
    assert check_commands({"PATH": "/nonexistent"}, folder, place, required=True) == Finding(
        "commands", "ok", f"Found scontrol, squeue, sdiag in {folder}."
    )
    assert check_commands({"PATH": f"/nonexistent:{folder}"}, None, place, required=True).verdict == "ok"


@pytest.mark.parametrize(("required", "verdict"), [(True, "problem"), (False, "warning")])
def test_missing_commands(tmp_path: Path, required: bool, verdict: str) -> None:
    folder = programs(tmp_path / "bin", "scontrol", "squeue")
    place = SearchPaths(tmp_path, lambda _: None, "")
    finding = check_commands({}, folder, place, required=required)
    assert finding.verdict == verdict
    assert finding.sentence.startswith(f"Slurm's commands are missing in {folder}: sdiag.")
    assert "slurm-client" in (finding.remedy or "")


def test_commands_elsewhere_are_named(tmp_path: Path) -> None:
    folder = programs(tmp_path / "opt/slurm/bin", "scontrol", "squeue", "sdiag")
    place = SearchPaths(tmp_path, lambda _: None, "")
    finding = check_commands({"PATH": "/nonexistent"}, None, place, required=True)
    assert finding.remedy == f"Set `system.slurm_bin_dir` to {folder}."
