"""Whether slurm.conf's PrivateData hides something from the service, and whether the service then tells it to others.

Source: what `scontrol show config` and `sacctmgr show user` print. slurmctld shows everything to root, to SlurmUser and
to who has the AdminLevel Operator or Administrator; from others it keeps what PrivateData names.
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
from slurm_rest_api.slurm.user_names import AccountNames

Run = Callable[[Sequence[str]], str | None]
"""Runs a command to its end; what it printed, or None where it failed or is not there."""

_NAME: Final = "private data"
_SECONDS: Final = 20.0
_LOADED: Final = frozenset(("jobs", "nodes", "partitions"))
"""The words that keep back what the collector loads; the others are about what it does not ask slurmctld for."""

_SEES_ALL: Final = ("Operator", "Administrator")
_PRIVATE: Final = re.compile(r"^PrivateData\s*=\s*(\S+)", re.MULTILINE)
_SLURM_USER: Final = re.compile(r"^SlurmUser\s*=.*\((\d+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Person:
    """The user that `check` runs as."""

    uid: int
    name: str


def run_command(environ: Mapping[str, str]) -> Run:
    """A function that runs Slurm's commands with `environ`, each for a bounded time."""

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
            # Not there, refused or too slow: who asked says what that means.
            return None
        return done.stdout

    return run


def check_privacy(person: Person, auth: AuthSettings, run: Run) -> list[Finding]:
    """Compare PrivateData with the rights of `person` and with what the service keeps private itself."""
    config = run(["scontrol", "show", "config"])
    if config is None:
        return [Finding(_NAME, "ok", "Not looked at: `scontrol show config` does not work here.")]
    found = _PRIVATE.search(config)
    private = frozenset(found[1].split(",") if found else ()) - {"none"}
    slurm_user = _SLURM_USER.search(config)
    findings = []
    if hidden := private & _LOADED:
        is_slurm_user = slurm_user is not None and int(slurm_user[1]) == person.uid
        findings.append(_rights(person, is_slurm_user, hidden, run))
    if told := private & frozenset(get_args(Private)) - frozenset(auth.private_data):
        findings.append(_told(told))
    return findings or [Finding(_NAME, "ok", f"slurm.conf has PrivateData={','.join(sorted(private)) or 'none'}.")]


def _rights(person: Person, is_slurm_user: bool, hidden: Collection[str], run: Run) -> Finding:
    kept = f"slurmctld keeps {', '.join(sorted(hidden))} from ordinary users (PrivateData of slurm.conf)"
    if person.uid == 0:
        return Finding(
            _NAME,
            "warning",
            f"{kept}. This check ran as root, who sees all; whether the service's own user does was not looked at.",
            "Check again as that user: runuser -u slurm-rest-api -- slurm-rest-api check",
        )
    if is_slurm_user:
        return Finding(_NAME, "ok", f"{kept}; {person.name} is SlurmUser and sees all.")
    level = (run(["sacctmgr", "-nP", "show", "user", person.name, "format=adminlevel"]) or "").strip()
    if level in _SEES_ALL:
        return Finding(_NAME, "ok", f"{kept}; {person.name} has the AdminLevel {level} and sees all.")
    return Finding(
        _NAME,
        "warning",
        f"{kept}, and {person.name} is one: jobs of others are then missing, and where nodes or partitions are kept"
        " back nothing can be loaded.",
        operator_remedy(person.name),
    )


def operator_remedy(user: str) -> str:
    """How `user` gets to see everything."""
    return (
        f"Let it see all: sacctmgr modify user {user} set adminlevel=operator\n"
        f"or, where Slurm does not know it yet: sacctmgr add user {user} account=root adminlevel=operator"
        " maxsubmitjobs=0\n"
        "auth.private_data says what the service then keeps from those who ask it."
    )


def _told(told: Collection[str]) -> Finding:
    words = ", ".join(sorted(told))
    return Finding(
        _NAME,
        "warning",
        f"slurm.conf keeps {words} private (PrivateData); this service shows them to everyone who may ask it.",
        f"Set auth.mode, and auth.private_data: [{words}]; or leave it, where that is meant.",
    )


def this_person() -> Person:
    """The user of this process; its number where it has no name."""
    uid = os.getuid()
    return Person(uid, AccountNames().user(uid))
