"""Findings of checks, and their text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["ok", "warning", "problem"]

_WIDTH: Final = 110


@dataclass(frozen=True)
class Finding:
    """One finding about this host.

    `sentence` is the fact, `remedy` the advice, if any. The service cannot work with a `problem`, but with a `warning`.
    """

    name: str
    verdict: Verdict
    sentence: str
    remedy: str | None = None


def render(findings: Sequence[Finding]) -> str:
    """Renders findings as text for a terminal, with the conclusion at the end."""
    blocks = [block for finding in findings for block in _blocks(finding)]
    return "\n".join([*blocks, "", _conclusion(findings)])


def _blocks(finding: Finding) -> list[str]:
    head = f"{finding.verdict:8} {finding.name}: "
    blocks = [_wrapped(finding.sentence, head, " " * 9)]
    if finding.remedy is not None:
        blocks.append(_wrapped(finding.remedy, f"{'':9}What to do: ", " " * 11))
    return blocks


def _wrapped(text: str, first: str, rest: str) -> str:
    # Keeps line breaks, because a line may be a command or an error message.
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        indent = rest if lines else first
        # Paths, host names and commands stay whole, for copying.
        lines += textwrap.wrap(
            line, _WIDTH, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(lines)


def _conclusion(findings: Sequence[Finding]) -> str:
    problems = sum(finding.verdict == "problem" for finding in findings)
    warnings = sum(finding.verdict == "warning" for finding in findings)
    suffix = f" ({_counted(warnings, 'warning')})" if warnings else ""
    if problems:
        return f"This host cannot run the service as configured: {_counted(problems, 'problem')}{suffix}."
    return f"This host can run the service{suffix}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
