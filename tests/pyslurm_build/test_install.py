"""The switch from one built pyslurm to another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slurm_rest_api.pyslurm_build.install import FOLDER, stage, staged_version, switch


def staged(environment: Path, colour: str) -> Path:
    folder = stage(environment)
    (folder / "pyslurm.py").write_text(f"COLOUR = {colour!r}\n")
    info = folder / f"pyslurm-{len(colour)}.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pyslurm\nVersion: {len(colour)}.0\n")
    return folder


def imported(site: Path) -> str:
    code = f"import site; site.addsitedir({str(site)!r}); import pyslurm; print(pyslurm.COLOUR)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_switch_replaces_the_build_and_deletes_the_old_one(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    switch(tmp_path, staged(tmp_path, "red"), site)
    assert imported(site) == "red"
    blue = staged(tmp_path, "blue")
    assert staged_version(blue) == "4.0"
    assert imported(site) == "red"
    switch(tmp_path, blue, site)
    assert imported(site) == "blue"
    assert [path.name for path in (tmp_path / FOLDER).glob("build-*")] == [blue.name]


def test_folders_of_interrupted_builds_are_deleted(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    red = staged(tmp_path, "red")
    switch(tmp_path, red, site)
    # Each of these ended before its switch, the last one in the middle of it.
    staged(tmp_path, "green")
    (tmp_path / FOLDER / "current.new").symlink_to(staged(tmp_path, "blue").name)
    new = staged(tmp_path, "white")
    assert sorted(path.name for path in (tmp_path / FOLDER).glob("build-*")) == sorted([red.name, new.name])
    assert imported(site) == "red"
    switch(tmp_path, new, site)
    assert imported(site) == "white"


def test_other_users_can_read_a_build(tmp_path: Path) -> None:
    assert stage(tmp_path).stat().st_mode & 0o777 == 0o755
