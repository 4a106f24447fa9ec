"""pytest plugin of tests.sh: runs one part of the tests, reports the parts left out, and can fail on skips.

The parts are `plain` and one for each marker. A test with two markers, such as a browser on the cluster, is in the
part that comes first in `PARTS`. Each part collects only the folders that `FOLDERS` names for it. The plain part
collects every folder, and fails on a test outside the folders of its part. With `--complete` a skipped test and an
empty part fail the run.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

PLAIN: Final = "plain"
# Part: requirement of its tests.
PARTS: Final = {
    "soak": "take half an hour of mixed load",
    "fresh": "need an empty Debian root to follow the documents in",
    "deployed": "need nginx and uWSGI, as root",
    "cluster": "need a real Slurm cluster",
    "releases": "need real Slurm clusters of older releases",
    "browser": "need a browser",
}
# Part: folders below `testpaths` with its tests. The collection of all folders takes 20 s of processor time.
FOLDERS: Final = {
    "soak": ("soak",),
    "fresh": ("fresh",),
    "deployed": ("deployed",),
    "cluster": ("cluster", "releases", "security"),
    "releases": ("releases",),
    "browser": ("browser",),
}
_SENT_BY_WORKERS: Final = "completeness"


def part_of(item: pytest.Item) -> str:
    """Returns the one part that a test is in."""
    return next((part for part in PARTS if item.get_closest_marker(part)), PLAIN)


def _below_testpaths(path: Path, config: pytest.Config) -> tuple[str, ...] | None:
    """Returns the names of the folders and of the file from `testpaths` to `path`, or None for a path outside."""
    for top in config.getini("testpaths"):
        if path.is_relative_to(config.rootpath / top):
            return path.relative_to(config.rootpath / top).parts
    return None


def _is_misplaced(item: pytest.Item) -> bool:
    """Returns True for a test that its own part would not collect."""
    part, names = part_of(item), _below_testpaths(item.path, item.config)
    return part != PLAIN and names is not None and names[0] not in FOLDERS[part]


class Completeness:
    """Selects the tests of one part, and counts those left out and those skipped."""

    def __init__(self, part: str | None, complete: bool) -> None:
        self.part = part
        self.complete = complete
        self.left_out: Counter[str] = Counter()
        self.misplaced: list[str] = []
        self.skipped: list[str] = []

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        if self.part not in FOLDERS:
            return None
        names = _below_testpaths(collection_path, config)
        return True if names and names[0] not in FOLDERS[self.part] else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        # Last, because a conftest.py marks the tests of its folder in the same hook.
        if self.part is None:
            return
        self.misplaced = [item.nodeid for item in items if _is_misplaced(item)]
        others = [item for item in items if part_of(item) != self.part]
        if others:
            self.left_out = Counter(part_of(item) for item in others)
            items[:] = [item for item in items if part_of(item) == self.part]
            config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        # Only the workers of pytest-xdist collect tests, each of them all.
        if sent := getattr(node, "workeroutput", {}).get(_SENT_BY_WORKERS):
            self.left_out, self.misplaced = Counter(sent["left_out"]), sent["misplaced"]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (sent := getattr(session.config, "workeroutput", None)) is not None:
            sent[_SENT_BY_WORKERS] = {"left_out": dict(self.left_out), "misplaced": self.misplaced}
        elif session.exitstatus == pytest.ExitCode.OK and (self.misplaced or (self.complete and self.skipped)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for part, requirement in PARTS.items():
            if self.part == PLAIN and (count := self.left_out[part]):
                terminalreporter.write_line(f"left out: {count} tests that {requirement}. Run: bash tests.sh --{part}")
        for name in self.misplaced:
            terminalreporter.write_line(f"outside the folders that its part collects (tests/completeness.py): {name}")
        if self.complete:
            for name in self.skipped:
                terminalreporter.write_line(f"skipped, which is a failure with --complete: {name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares --part and --complete."""
    parser.addoption("--part", choices=[PLAIN, *PARTS], help="run only the tests of this part")
    parser.addoption("--complete", action="store_true", help="a skipped test fails the run")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the selection and the counts."""
    plugin = Completeness(config.getoption("--part"), bool(config.getoption("--complete")))
    config.pluginmanager.register(plugin, "completeness-counter")
