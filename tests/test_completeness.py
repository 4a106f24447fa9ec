"""The plugin by which tests.sh reports what it left out and fails on what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLUSTER_TEST = (
    "import pytest\n\n@pytest.mark.fresh\n@pytest.mark.browser\n@pytest.mark.deployed\n@pytest.mark.cluster\n"
    "def test_cluster() -> None:\n    assert True\n"
)
SKIPPED_TEST = "import pytest\n\n@pytest.mark.skip\ndef test_skipped() -> None:\n    assert True\n"


def run_pytest(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    cluster: needs a cluster\n    browser: needs one\n"
        "    deployed: needs nginx\n    fresh: needs a root\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.completeness",
        "-p",
        "no:cacheprovider",
        *arguments,
        str(folder),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_says_what_was_left_out_before_the_summary_line(tmp_path: Path) -> None:
    source = CLUSTER_TEST + "\ndef test_other() -> None:\n    assert True\n"
    done = run_pytest(tmp_path, source, "-m", "not cluster")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[-2] == "left out: 1 tests that need a real Slurm cluster; with them: bash tests.sh --all"
    assert "1 passed, 1 deselected" in lines[-1]


def test_complete_run_with_everything_passes(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CLUSTER_TEST, "--complete")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_tests_that_a_conftest_marks_late_are_found(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\ndef pytest_collection_modifyitems(items: list[pytest.Item]) -> None:\n"
        "    for item in items:\n        for mark in ('browser', 'cluster', 'deployed', 'fresh'):\n"
        "            item.add_marker(mark)\n"
    )
    done = run_pytest(tmp_path, "def test_it() -> None:\n    assert True\n", "--complete")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (CLUSTER_TEST + SKIPPED_TEST, "skipped, which counts as a failure here: "),
        (
            "def test_other() -> None:\n    assert True\n",
            "incomplete: no tests were found that need a real Slurm cluster",
        ),
        (
            "import pytest\npytest.skip('not here', allow_module_level=True)\n",
            "skipped, which counts as a failure here: ",
        ),
    ],
)
def test_complete_run_fails_for_what_is_missing(tmp_path: Path, source: str, said: str) -> None:
    done = run_pytest(tmp_path, source, "--complete")
    assert done.returncode != 0
    assert said in done.stdout


def test_skips_are_allowed_without_complete(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CLUSTER_TEST + SKIPPED_TEST)
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout
