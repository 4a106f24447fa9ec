"""What a check found out, and how it is shown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["ok", "warning", "problem"]

_WIDTH: Final = 110


@dataclass(frozen=True)
class Finding:
    """One fact about this host. `sentence` says what is, `remedy` what to do about it (None where nothing is to be
    done); a `problem` keeps the service from working, a `warning` does not.
    """

    name: str
    verdict: Verdict
    sentence: str
    remedy: str | None = None


def render(findings: Sequence[Finding]) -> str:
    """The findings as text for a terminal, the conclusion last."""
    blocks = [block for finding in findings for block in _blocks(finding)]
    return "\n".join([*blocks, "", _conclusion(findings)])


def _blocks(finding: Finding) -> list[str]:
    head = f"{finding.verdict:8} {finding.name}: "
    blocks = [_wrapped(finding.sentence, head, " " * 9)]
    if finding.remedy is not None:
        blocks.append(_wrapped(finding.remedy, f"{'':9}What to do: ", " " * 11))
    return blocks


def _wrapped(text: str, first: str, rest: str) -> str:
    # Each line of a text is kept: a command or an error message must not run into the next.
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        indent = rest if lines else first
        # Paths, host names and commands are for copying.
        lines += textwrap.wrap(
            line, _WIDTH, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(lines)


def _conclusion(findings: Sequence[Finding]) -> str:
    problems = sum(finding.verdict == "problem" for finding in findings)
    warnings = sum(finding.verdict == "warning" for finding in findings)
    told = f" ({_counted(warnings, 'warning')})" if warnings else ""
    if problems:
        return f"This host cannot run the service as configured: {_counted(problems, 'problem')}{told}."
    return f"This host can run the service{told}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
