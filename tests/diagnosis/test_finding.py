"""Rendering of findings."""

from __future__ import annotations

import pytest

from slurm_rest_api.diagnosis.finding import Finding, render

OK = Finding("a", "ok", "Fine.")
WARNING = Finding("b", "warning", "Hm.", "Look.")
PROBLEM = Finding("c", "problem", "Broken.\nBadly.", "Repair it.")


def test_a_finding_is_shown_with_verdict_name_sentence_and_remedy() -> None:
    assert render([OK, WARNING, PROBLEM]) == (
        "ok       a: Fine.\n"
        "warning  b: Hm.\n"
        "         What to do: Look.\n"
        "problem  c: Broken.\n"
        "         Badly.\n"
        "         What to do: Repair it.\n"
        "\n"
        "This host cannot run the service as configured: 1 problem (1 warning)."
    )


@pytest.mark.parametrize(
    ("findings", "conclusion"),
    [
        ([OK], "This host can run the service."),
        ([OK, WARNING, WARNING], "This host can run the service (2 warnings)."),
        ([PROBLEM, PROBLEM], "This host cannot run the service as configured: 2 problems."),
    ],
)
def test_the_last_line_is_the_conclusion(findings: list[Finding], conclusion: str) -> None:
    assert render(findings).splitlines()[-1] == conclusion


def test_long_sentences_are_wrapped_between_words() -> None:
    path = "/" + "long-folder/" * 12
    lines = render([Finding("a", "ok", f"{'word ' * 40}{path}")]).splitlines()
    assert any(path in line for line in lines)
    assert all(len(line) <= 110 for line in lines if path not in line)
