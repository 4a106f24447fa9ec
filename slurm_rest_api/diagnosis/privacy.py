"""Checks if slurm.conf's PrivateData hides data from the service, or data that the service would publish.

Source: the output of `scontrol show config` and `sacctmgr show user`. slurmctld shows everything to root, SlurmUser and
users with the AdminLevel Operator or Administrator. From other users it hides the data in PrivateData.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from slurm_rest_api.config.auth import AuthSettings, Private
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.slurm.user_names import UserNames

Run = Callable[[Sequence[str]], str | None]
"""Runs a command and returns its output, None if it failed or does not exist."""

_NAME: Final = "private data"
_SECONDS: Final = 20.0
_LOADED: Final = frozenset(("jobs", "nodes", "partitions", "reservations"))
"""The words for data that the collector loads from slurmctld."""

_SEES_ALL: Final = ("Operator", "Administrator")
_PRIVATE: Final = re.compile(r"^PrivateData\s*=\s*(\S+)", re.MULTILINE)
_SLURM_USER: Final = re.compile(r"^SlurmUser\s*=.*\((\d+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Person:
    """The user that `check` runs as."""

    uid: int
    name: str


def run_command(environ: Mapping[str, str]) -> Run:
    """Returns a function that runs Slurm's commands with `environ`, each with a time limit."""

    def run(command: Sequence[str]) -> str | None:
        try:
            done = subprocess.run(
                command,
                env=dict(environ),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            # Missing, refused or too slow: the caller reports the consequence.
            return None
        return done.stdout

    return run


def check_privacy(person: Person, auth: AuthSettings, run: Run) -> list[Finding]:
    """Compares PrivateData with the rights of `person` and with `auth.private_data`."""
    config = run(["scontrol", "show", "config"])
    if config is None:
        return [Finding(_NAME, "ok", "Not checked, because `scontrol show config` failed.")]
    found = _PRIVATE.search(config)
    private = frozenset(found[1].split(",") if found else ()) - {"none"}
    slurm_user = _SLURM_USER.search(config)
    findings = []
    if hidden := private & _LOADED:
        is_slurm_user = slurm_user is not None and int(slurm_user[1]) == person.uid
        findings.append(_rights(person, is_slurm_user, hidden, run))
    if published := private & frozenset(get_args(Private)) - frozenset(auth.private_data):
        findings.append(_published(published))
    return findings or [Finding(_NAME, "ok", f"slurm.conf has PrivateData={','.join(sorted(private)) or 'none'}.")]


def _rights(person: Person, is_slurm_user: bool, hidden: Collection[str], run: Run) -> Finding:
    hides = f"slurmctld hides {', '.join(sorted(hidden))} from ordinary users (PrivateData in slurm.conf)"
    if person.uid == 0:
        return Finding(
            _NAME,
            "warning",
            f"{hides}. This check ran as root, which sees everything, so the rights of the service's user are unknown.",
            "Run it as that user: runuser -u slurm-rest-api -- slurm-rest-api check",
        )
    if is_slurm_user:
        return Finding(_NAME, "ok", f"{hides}. {person.name} is SlurmUser and sees everything.")
    level = (run(["sacctmgr", "-nP", "show", "user", person.name, "format=adminlevel"]) or "").strip()
    if level in _SEES_ALL:
        return Finding(_NAME, "ok", f"{hides}. {person.name} has the AdminLevel {level} and sees everything.")
    return Finding(
        _NAME,
        "warning",
        f"{hides}, including {person.name}. With private jobs or reservations, those of other users are missing. With"
        " private nodes or partitions, nothing can be loaded.",
        operator_remedy(person.name),
    )


def operator_remedy(user: str) -> str:
    """Returns the commands that let `user` see everything."""
    return (
        f"Let it see everything: sacctmgr modify user {user} set adminlevel=operator\n"
        f"or, if Slurm does not know it yet: sacctmgr add user {user} account=root adminlevel=operator"
        " maxsubmitjobs=0\n"
        "Set `auth.private_data` to hide the data from the users of this service."
    )


def _published(published: Collection[str]) -> Finding:
    words = ", ".join(sorted(published))
    return Finding(
        _NAME,
        "warning",
        f"slurm.conf keeps {words} private (PrivateData), but this service shows them to all its users.",
        f"Set `auth.mode`, and `auth.private_data` to [{words}]. Ignore this if it is intended.",
    )


def current_person() -> Person:
    """Returns the user of this process, with the uid as name if it has none."""
    uid = os.getuid()
    return Person(uid, UserNames().user(uid))
