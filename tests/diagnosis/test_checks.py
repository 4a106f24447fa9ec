"""All checks together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.diagnosis.checks import check, check_configuration
from slurm_rest_api.pyslurm_build.host import SearchPaths

DONE = (
    '{"step": "load", "detail": "own", "done": true, "seconds": 1, "rpcs": 1, "jobs": 1, "nodes": 1, "partitions": 1}'
)
NOWHERE = SearchPaths(Path("/nonexistent"), lambda _: None, "")
WORKS = [sys.executable, "-c", f"print('{DONE}')"]


def test_each_part_of_the_host_is_checked_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = Settings.model_validate({"system": {"source": "site:make", "runtime_dir": tmp_path}})
    findings = check(settings, {}, command=WORKS)
    assert [(finding.name, finding.verdict) for finding in findings][:6] == [
        ("configuration", "ok"),
        ("authentication", "ok"),
        ("source", "ok"),
        ("database", "ok"),
        ("load archive", "ok"),
        ("runtime folder", "ok"),
    ]
    assert findings[3].sentence == "Not checked, because `system.use_acct_db` is off."


def test_without_a_database_the_effect_on_coordinators_is_reported(tmp_path: Path) -> None:
    def sentence(*private: str) -> str:
        system = {"source": "site:make", "runtime_dir": tmp_path}
        auth = {"mode": "proxy", "private_data": private}
        findings = check(Settings.model_validate({"system": system, "auth": auth}), {}, command=WORKS)
        return next(finding.sentence for finding in findings if finding.name == "database")

    assert sentence("jobs", "nodes") == (
        "Not checked, because `system.use_acct_db` is off. Coordinators of accounts see no more than other users."
    )
    assert sentence("nodes") == "Not checked, because `system.use_acct_db` is off."


def test_slurm_is_checked_if_it_is_the_source(settings: Settings) -> None:
    names = {finding.name for finding in check(settings, {}, command=WORKS)}
    assert {"pyslurm", "commands", "source", "controller"} <= names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("slurm", ["pyslurm", "commands", "source", "controller"]),
        ("slurm:pyslurm", ["Slurm", "pyslurm"]),
        ("slurm:commands", ["commands", "source", "controller"]),
    ],
)
def test_the_checks_follow_the_source(tmp_path: Path, source: str, names: list[str]) -> None:
    """pyslurm is not installed here, and no scontrol answers about private data."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for program in ("scontrol", "squeue", "sdiag"):
        (bin_dir / program).write_text("#!/bin/sh\nexit 1\n")
        (bin_dir / program).chmod(0o755)
    system = {"source": source, "slurm_bin_dir": str(bin_dir), "runtime_dir": tmp_path}
    findings = check(Settings.model_validate({"system": system}), {}, place=NOWHERE, command=WORKS)
    of_slurm = [finding for finding in findings if finding.name in {"Slurm", "pyslurm", *names}]
    assert [finding.name for finding in of_slurm] == names
    assert {finding.verdict for finding in of_slurm} == ({"problem"} if source == "slurm:pyslurm" else {"ok"})


@pytest.mark.parametrize(
    ("text", "mode", "environ", "verdicts"),
    [
        ("database: {db_pass: a}", 0o644, {}, ["ok", "warning"]),
        ("database: {db_pass: a}", 0o640, {}, ["ok"]),
        ("database: {db_host: a}", 0o644, {}, ["ok"]),
        ("database: {db_host: a}", 0o644, {"SLURM_REST_API_DB_PASS": "b"}, ["ok"]),
    ],
)
def test_a_world_readable_password_is_a_warning(
    tmp_path: Path, text: str, mode: int, environ: dict[str, str], verdicts: list[str]
) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    file.chmod(mode)
    findings = check_configuration(load_settings(file, environ), environ)
    assert [finding.verdict for finding in findings] == verdicts
    assert findings[0].sentence == f"Valid, from {file}."
