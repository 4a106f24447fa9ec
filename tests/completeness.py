"""pytest plugin of tests.sh: says what a run left out and, with --complete, turns every skip into a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

REASONS = {
    "cluster": "need a real Slurm cluster",
    "deployed": "need nginx and uWSGI, as root",
    "browser": "need a browser",
    "fresh": "need an empty Debian root to follow README.md in",
}


class Completeness:
    """Counts deselected and skipped tests of one run."""

    def __init__(self, complete: bool) -> None:
        self.complete = complete
        self.left_out: Counter[str] = Counter()
        self.skipped: list[str] = []
        self.missing: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # Not before: a conftest.py marks its folder's tests when they have been collected.
        for mark, text in REASONS.items():
            if not any(item.get_closest_marker(mark) for item in session.items):
                self.missing.append(f"no tests were found that {text}")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            self.left_out.update(
                [next((text for mark, text in REASONS.items() if item.get_closest_marker(mark)), "were deselected")]
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.complete and (self.skipped or self.missing) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for text, count in sorted(self.left_out.items()):
            terminalreporter.write_line(f"left out: {count} tests that {text}; with them: bash tests.sh --all")
        if self.complete:
            for text in self.missing:
                terminalreporter.write_line(f"incomplete: {text}")
            for name in self.skipped:
                terminalreporter.write_line(f"skipped, which counts as a failure here: {name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --complete."""
    parser.addoption("--complete", action="store_true", help="a skipped test fails the run")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Completeness(bool(config.getoption("--complete"))), "completeness-counter")
