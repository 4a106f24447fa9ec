"""The verdict on pip-audit's report."""

from __future__ import annotations

from tests.audit import judge

SKIPPED = {"name": "flask", "skip_reason": "Dependency not found on PyPI and could not be audited: flask (3.1.0)"}
SOUND = {"name": "click", "version": "8.1.0", "vulns": []}
WEAK = {"name": "pyyaml", "version": "5.3", "vulns": [{"id": "PYSEC-2021-142", "fix_versions": ["5.4"]}]}


def test_index_without_vulnerabilities_audits_nothing() -> None:
    verdict = judge({"dependencies": [SKIPPED, SKIPPED]})
    assert not verdict.vulnerable
    assert "NOTHING WAS AUDITED" in verdict.words


def test_what_was_audited_is_counted() -> None:
    verdict = judge({"dependencies": [SKIPPED, SOUND]})
    assert not verdict.vulnerable
    assert verdict.words == "pip-audit: 1 of 2 packages audited, 0 vulnerabilities found."


def test_a_vulnerability_fails_and_is_named() -> None:
    verdict = judge({"dependencies": [SOUND, WEAK, SKIPPED]})
    assert verdict.vulnerable
    assert "pyyaml 5.3: PYSEC-2021-142, fixed in 5.4" in verdict.words
