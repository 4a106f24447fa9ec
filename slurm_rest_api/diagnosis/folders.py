"""Whether the folder of the snapshot store can be used, by us and by nobody else."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding

_MIB: Final = 1024 * 1024
_LITTLE_MIB: Final = 512
_NEAR_NOTHING_MIB: Final = 32
RUNTIME_FOLDER: Final = "runtime folder"
_CHOOSE: Final = (
    "Set system.runtime_dir to a folder that this user may write, or RuntimeDirectory= in the systemd unit."
)


def check_runtime_dir(folder: Path) -> list[Finding]:
    """Check the folder of the snapshot store; it need not exist yet. Writes nothing."""
    try:
        finding = _existing(folder) if folder.exists() else _missing(folder)
        space = [_space(_nearest(folder))] if finding.verdict != "problem" else []
    except PermissionError as error:
        return [
            Finding(
                RUNTIME_FOLDER, "problem", f"{error.filename or folder} cannot be looked at: {error.strerror}.", _CHOOSE
            )
        ]
    return [finding, *space]


def _existing(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} exists, but is not a folder.", _CHOOSE)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        told = f"{folder} belongs to user {_user(status.st_uid)}; this is user {_user(os.geteuid())}."
        return Finding(RUNTIME_FOLDER, "problem", told, f"Run the check as the service's user. {_CHOOSE}")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} cannot be written.", f"chmod u+rwx {folder}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        told = (
            f"Others may write into {folder} (mode {mode:04o}), and so put their own answers into the service's mouth."
        )
        return Finding(RUNTIME_FOLDER, "problem", told, f"chmod 0700 {folder}")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        told = f"Others may look into {folder} (mode {mode:04o})."
        return Finding(RUNTIME_FOLDER, "warning", told, f"chmod 0700 {folder}")
    return Finding(RUNTIME_FOLDER, "ok", f"{folder} is there, private and writable.")


def _missing(folder: Path) -> Finding:
    above = _nearest(folder)
    if not above.is_dir():
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} cannot be made: {above} is not a folder.", _CHOOSE)
    if not os.access(above, os.W_OK | os.X_OK):
        told = f"{folder} does not exist, and user {_user(os.geteuid())} cannot make it in {above}."
        return Finding(RUNTIME_FOLDER, "problem", told, _CHOOSE)
    if above.stat().st_mode & stat.S_IWOTH:
        told = f"{folder} will be made in {above}, where any user of this host can make it first."
        return Finding(RUNTIME_FOLDER, "warning", told, _CHOOSE)
    return Finding(RUNTIME_FOLDER, "ok", f"{folder} does not exist yet and can be made.")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free // _MIB
    told = f"{free} MiB are free under {folder}."
    if free >= _LITTLE_MIB:
        return Finding("free space", "ok", told)
    remedy = "Make room, or set system.runtime_dir to a folder with more; 50,000 jobs need a few hundred MiB."
    return Finding("free space", "problem" if free < _NEAR_NOTHING_MIB else "warning", told, remedy)


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
