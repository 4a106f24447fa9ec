"""The plugin by which tests.sh selects a part, reports the parts left out and fails on skips."""

from __future__ import annotations

import functools

import pytest

from tests.completeness import PARTS, PLAIN

pytest_plugins = ["pytester"]

MARKS = "".join(f"    {part}: needs something\n" for part in PARTS)
PLAIN_TEST = "import pytest\n\ndef test_plain():\n    pass\n"
CLUSTER_TEST = "\n@pytest.mark.cluster\ndef test_cluster():\n    pass\n"
BROWSER_ON_CLUSTER_TEST = "\n@pytest.mark.browser\n@pytest.mark.cluster\ndef test_both():\n    pass\n"
SKIPPED_TEST = "\n@pytest.mark.skip\ndef test_skipped():\n    pass\n"


def run_pytest(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """Runs pytest with the plugin on one module, in this process unless xdist starts workers."""
    pytester.makepyfile(test_it=source)
    pytester.makeini(f"[pytest]\nmarkers =\n{MARKS}")
    others = [f"-pno:{name}" for name in ("hypothesispytest", "schemathesis", "cacheprovider")]
    return pytester.runpytest_inprocess("-p", "tests.completeness", *others, *arguments)


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "in parallel"])
def test_plain_part_names_the_others_before_the_closing_line(pytester: pytest.Pytester, workers: list[str]) -> None:
    done = run_pytest(pytester, PLAIN_TEST + CLUSTER_TEST + BROWSER_ON_CLUSTER_TEST, "--part", PLAIN, *workers)
    assert done.ret == 0, done.outlines
    lines = done.outlines
    assert lines[-2] == "left out: 2 tests that need a real Slurm cluster. Run: bash tests.sh --cluster"
    assert "1 passed" in lines[-1]


def test_a_test_with_two_markers_is_in_one_part(pytester: pytest.Pytester) -> None:
    source = PLAIN_TEST + CLUSTER_TEST + BROWSER_ON_CLUSTER_TEST
    assert "2 passed" in run_pytest(pytester, source, "--part", "cluster").outlines[-1]
    assert run_pytest(pytester, source, "--part", "browser").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_marks_of_a_conftest_are_seen(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker('fresh')\n"
    )
    done = run_pytest(pytester, PLAIN_TEST, "--part", "fresh", "--complete")
    assert done.ret == 0, done.outlines
    assert "1 passed" in done.outlines[-1]


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "in parallel"])
def test_a_part_collects_its_folders_and_the_plain_part_all(pytester: pytest.Pytester, workers: list[str]) -> None:
    pytester.makeini(f"[pytest]\ntestpaths = .\nmarkers =\n{MARKS}")
    for folder in ("cluster", "web"):
        pytester.mkpydir(folder).joinpath("test_there.py").write_text(PLAIN_TEST + CLUSTER_TEST)
    others = [f"-pno:{name}" for name in ("hypothesispytest", "schemathesis", "cacheprovider")]
    run = functools.partial(pytester.runpytest_inprocess, "-p", "tests.completeness", *others, *workers)
    done = run("--part=cluster")
    assert done.ret == 0, done.outlines
    assert "1 passed" in done.outlines[-1]
    # The part of the test in web/ would not find it.
    done = run("--part=plain")
    assert done.ret != 0
    message = "outside the folders that its part collects (tests/completeness.py): web/test_there.py::test_cluster"
    assert message in done.outlines


@pytest.mark.parametrize(
    "source",
    [PLAIN_TEST + SKIPPED_TEST, "import pytest\npytest.skip('not here', allow_module_level=True)\n"],
    ids=["test", "module"],
)
def test_a_skip_fails_a_complete_run(pytester: pytest.Pytester, source: str) -> None:
    done = run_pytest(pytester, source, "--part", PLAIN, "--complete")
    assert done.ret != 0
    assert any(line.startswith("skipped, which is a failure with --complete: ") for line in done.outlines)


def test_a_skip_fails_no_other_run(pytester: pytest.Pytester) -> None:
    done = run_pytest(pytester, PLAIN_TEST + SKIPPED_TEST)
    assert done.ret == 0
    assert "1 passed, 1 skipped" in done.outlines[-1]
