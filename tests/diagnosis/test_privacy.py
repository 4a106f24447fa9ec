"""PrivateData in slurm.conf, compared with the rights of the service's user and `auth.private_data`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from slurm_rest_api.config.auth import AuthSettings
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.diagnosis.privacy import Person, check_privacy, run_command

SERVICE = Person(2011, "slurm-rest-api")
OPEN = AuthSettings()
CLOSED = AuthSettings.model_validate({"mode": "jwt", "private_data": ["jobs", "nodes", "partitions", "usage"]})


class Commands:
    """A fake of Slurm's commands that prints what the real ones print."""

    def __init__(self, private: str, level: str | None = "", slurm_user: str = "slurm(64030)") -> None:
        self.config = f"PriorityParameters      = (null)\nPrivateData             = {private}\n"
        self.config += f"ProctrackType           = proctrack/pgid\nSlurmUser               = {slurm_user}\n"
        self.level = level
        self.asked: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> str | None:
        self.asked.append(command)
        return self.config if command[0] == "scontrol" else self.level


def found(commands: Commands, person: Person = SERVICE, auth: AuthSettings = CLOSED) -> list[tuple[str, str]]:
    return [(finding.verdict, finding.sentence) for finding in check_privacy(person, auth, commands)]


@pytest.mark.parametrize("private", ["none", "cloud", "usage"])
def test_private_data_that_the_collector_does_not_load_is_ok(private: str) -> None:
    commands = Commands(private)
    assert [verdict for verdict, _sentence in found(commands)] == ["ok"]
    assert commands.asked == [["scontrol", "show", "config"]]


@pytest.mark.parametrize("level", ["Operator\n", "Administrator\n"])
def test_an_operator_sees_everything(level: str) -> None:
    [(verdict, sentence)] = found(Commands("jobs,nodes", level))
    assert verdict == "ok"
    assert sentence == (
        "slurmctld hides jobs, nodes from ordinary users (PrivateData in slurm.conf)."
        f" slurm-rest-api has the AdminLevel {level.strip()} and sees everything."
    )


def test_slurm_user_sees_everything() -> None:
    commands = Commands("jobs", None, "slurm(2011)")
    assert [verdict for verdict, _sentence in found(commands)] == ["ok"]
    assert len(commands.asked) == 1


@pytest.mark.parametrize("level", ["None\n", "", None])
def test_an_ordinary_user_gets_the_commands_to_see_everything(level: str | None) -> None:
    [finding] = check_privacy(SERVICE, CLOSED, Commands("jobs,partitions,usage", level))
    assert finding.verdict == "warning"
    assert finding.sentence == (
        "slurmctld hides jobs, partitions from ordinary users (PrivateData in slurm.conf), including slurm-rest-api."
        " With private jobs or reservations, those of other users are missing. With private nodes or partitions,"
        " nothing can be loaded."
    )
    assert finding.remedy == (
        "Let it see everything: sacctmgr modify user slurm-rest-api set adminlevel=operator\n"
        "or, if Slurm does not know it yet: sacctmgr add user slurm-rest-api account=root adminlevel=operator"
        " maxsubmitjobs=0\n"
        "Set `auth.private_data` to hide the data from the users of this service."
    )


def test_private_reservations_are_missing_for_an_ordinary_user() -> None:
    rights, published = check_privacy(SERVICE, CLOSED, Commands("reservations"))
    assert rights.sentence.startswith("slurmctld hides reservations from ordinary users")
    assert published.sentence.startswith("slurm.conf keeps reservations private (PrivateData), but this service shows")


def test_as_root_the_rights_of_the_services_user_are_unknown() -> None:
    [(verdict, sentence)] = found(Commands("jobs"), Person(0, "root"))
    assert verdict == "warning"
    assert sentence == (
        "slurmctld hides jobs from ordinary users (PrivateData in slurm.conf). This check ran as root, which sees"
        " everything, so the rights of the service's user are unknown."
    )


def test_private_data_that_the_service_publishes_is_a_warning() -> None:
    commands = Commands("accounts,jobs,cloud", "Operator\n")
    findings = check_privacy(SERVICE, OPEN, commands)
    assert [finding.verdict for finding in findings] == ["ok", "warning"]
    assert findings[1].sentence == (
        "slurm.conf keeps accounts, jobs private (PrivateData), but this service shows them to all its users."
    )
    assert findings[1].remedy == (
        "Set `auth.mode`, and `auth.private_data` to [accounts, jobs]. Ignore this if it is intended."
    )


def test_missing_or_failing_commands_are_reported_as_not_checked(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(tmp_path)}
    unseen = Finding("private data", "ok", "Not checked, because `scontrol show config` failed.")
    assert check_privacy(SERVICE, OPEN, run_command(environ)) == [unseen]
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho 'PrivateData = jobs'\nexit 1\n")
    (tmp_path / "scontrol").chmod(0o755)
    assert check_privacy(SERVICE, OPEN, run_command(environ)) == [unseen]
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho 'PrivateData = none'\n")
    assert [finding.sentence for finding in check_privacy(SERVICE, OPEN, run_command(environ))] == [
        "slurm.conf has PrivateData=none."
    ]
