"""Facts of pyslurm's sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.source_facts import check_python, linked_library, read_facts

# The beginnings of setup.py of the branches 22.5.x and 24.11.x.
SETUP_22_05 = 'from distutils.version import LooseVersion\nSLURM_RELEASE = "22.5"\nSLURM_SHARED_LIB = "libslurm.so"\n'
SETUP_24_11 = 'from setuptools import setup, Extension, find_packages\nSLURM_LIB = "libslurmfull"\n'


def written(folder: Path, setup: str, version_file: str, version: str) -> Path:
    (folder / "pyslurm").mkdir()
    (folder / "setup.py").write_text(setup)
    (folder / version_file).write_text(f'# a comment\n__version__ = "{version}"\n')
    return folder


def test_22_05_needs_old_packages_and_links_libslurm(tmp_path: Path) -> None:
    folder = written(tmp_path, SETUP_22_05, "pyslurm/__version__.py", "22.5.3")
    facts = read_facts(folder)
    assert (facts.version, facts.line, facts.lock) == ("22.5.3", (22, 5), "pyslurm-build-cython0.lock")
    assert linked_library(folder) == "libslurm.so"


def test_24_11_takes_new_packages_and_links_libslurmfull(tmp_path: Path) -> None:
    folder = written(tmp_path, SETUP_24_11, "pyslurm/version.py", "24.11.0")
    facts = read_facts(folder)
    assert (facts.version, facts.line, facts.lock) == ("24.11.0", (24, 11), "pyslurm-build.lock")
    assert linked_library(folder) == "libslurmfull.so"


@pytest.mark.parametrize(("setup", "version"), [("", "24.11.0"), (SETUP_24_11, "unknown")])
def test_another_folder_is_refused(tmp_path: Path, setup: str, version: str) -> None:
    with pytest.raises(SourceUnusable, match="is not a source of pyslurm"):
        read_facts(written(tmp_path, setup, "pyslurm/version.py", version))


def test_old_releases_need_an_old_python() -> None:
    check_python("22.5.3", "pyslurm-build-cython0.lock", (3, 11))
    check_python("24.11.0", "pyslurm-build.lock", (3, 14))
    with pytest.raises(SourceUnusable) as raised:
        check_python("22.5.3", "pyslurm-build-cython0.lock", (3, 12))
    text = str(raised.value)
    assert text.startswith(
        "pyslurm 22.5.3 needs Python 3.11 at most (Cython 0.29 and distutils), but this environment has"
    )
    assert "bash build.sh --no-pyslurm" in text
    assert text.endswith("  SLURM_REST_API_PYTHON=python3.11 bash build.sh")


def test_the_old_packages_are_those_that_old_releases_need() -> None:
    lock = (Path(__file__).parents[2] / "requirements/pyslurm-build-cython0.lock").read_text()
    versions = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line)
    assert versions["cython"].startswith("0.29.")
    assert int(versions["setuptools"].split(".")[0]) < 60
    assert "--hash=sha256:" in lock
