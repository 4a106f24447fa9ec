"""Checks that the runtime folder is writable and private."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding, Verdict

_MIB: Final = 1024 * 1024
_WARNING_MIB: Final = 512
_PROBLEM_MIB: Final = 32
RUNTIME_FOLDER: Final = "runtime folder"
CHOOSE_FOLDER: Final = (
    "Set `system.runtime_dir` to a folder that this user can write to, or RuntimeDirectory= in the systemd unit."
)


def check_runtime_dir(folder: Path, *, is_restricted: bool = False) -> list[Finding]:
    """Checks the folder of the snapshot store, which may not exist yet. Writes nothing.

    With `is_restricted`, clients have to authenticate, so the folder must be closed to other users.
    """
    try:
        finding = _existing(folder, is_restricted) if folder.exists() else _missing(folder)
        space = [_space(_nearest(folder))] if finding.verdict != "problem" else []
    except OSError as error:
        # For example no right to read a folder above it, or a name that is too long.
        message = f"{error.filename or folder} cannot be read: {error.strerror}."
        return [Finding(RUNTIME_FOLDER, "problem", message, CHOOSE_FOLDER)]
    return [finding, *space]


def _existing(folder: Path, is_restricted: bool) -> Finding:
    if not folder.is_dir():
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} is not a folder.", CHOOSE_FOLDER)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        message = f"{folder} belongs to user {_user(status.st_uid)}, but the check runs as {_user(os.geteuid())}."
        return Finding(RUNTIME_FOLDER, "problem", message, f"Run the check as the service's user. {CHOOSE_FOLDER}")
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} is on a read-only file system.", CHOOSE_FOLDER)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} is not writable.", f"Run `chmod u+rwx {folder}`.")
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{folder} is writable by other users (mode {mode:04o}). They could forge API responses."
        return Finding(RUNTIME_FOLDER, "problem", message, f"Run `chmod 0700 {folder}`.")
    if mode & stat.S_IRWXO:
        message = f"{folder} is readable by other users (mode {mode:04o})."
        verdict: Verdict = "problem" if is_restricted else "warning"
        return Finding(RUNTIME_FOLDER, verdict, message, f"Run `chmod o-rwx {folder}`.")
    if mode & stat.S_IRWXG:
        # RuntimeDirectoryMode= of the unit: nginx is in the group.
        return Finding(RUNTIME_FOLDER, "ok", f"{folder} is writable, and readable for its group (mode {mode:04o}).")
    return Finding(RUNTIME_FOLDER, "ok", f"{folder} is private and writable.")


def _missing(folder: Path) -> Finding:
    parent = _nearest(folder)
    if not parent.is_dir():
        kind = "a symbolic link that leads to no folder" if parent.is_symlink() else "not a folder"
        return Finding(RUNTIME_FOLDER, "problem", f"{folder} cannot be created: {parent} is {kind}.", CHOOSE_FOLDER)
    if not os.access(parent, os.W_OK | os.X_OK):
        message = f"{folder} does not exist, and user {_user(os.geteuid())} cannot create it in {parent}."
        return Finding(RUNTIME_FOLDER, "problem", message, CHOOSE_FOLDER)
    if parent.stat().st_mode & stat.S_IWOTH:
        message = f"{folder} does not exist yet. Any user of this host could create it in {parent} first."
        return Finding(RUNTIME_FOLDER, "warning", message, CHOOSE_FOLDER)
    return Finding(RUNTIME_FOLDER, "ok", f"{folder} does not exist yet and can be created.")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free // _MIB
    message = f"{free} MiB are free in {folder}."
    if free >= _WARNING_MIB:
        return Finding("free space", "ok", message)
    remedy = "Free some space, or set `system.runtime_dir` to another folder. 50,000 jobs need a few hundred MiB."
    return Finding("free space", "problem" if free < _PROBLEM_MIB else "warning", message, remedy)


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if os.path.lexists(path))


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
