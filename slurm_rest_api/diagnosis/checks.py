"""Runs all checks, in the order in which an administrator would fix their findings."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from slurm_rest_api.auth.data_scope import has_owners
from slurm_rest_api.auth.factory import open_auth
from slurm_rest_api.config import Settings
from slurm_rest_api.config.loading import PASSWORD_VARIABLE
from slurm_rest_api.diagnosis.archive import check_archive
from slurm_rest_api.diagnosis.cluster import TRIAL_COMMAND, TRIAL_SECONDS, check_load, controller_answered
from slurm_rest_api.diagnosis.comparison import COMPARISON_COMMAND, check_comparison
from slurm_rest_api.diagnosis.database import check_database
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.diagnosis.folders import check_runtime_dir
from slurm_rest_api.diagnosis.privacy import check_privacy, current_person, run_command
from slurm_rest_api.diagnosis.slurm import check_commands, check_slurm
from slurm_rest_api.errors import ConfigError
from slurm_rest_api.pages.site import logo_fault
from slurm_rest_api.pyslurm_build.host import SearchPaths
from slurm_rest_api.pyslurm_build.state import installed_version
from slurm_rest_api.slurmapi.sources.detect import COMMANDS, PYSLURM, SLURM


def check(
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    *,
    place: SearchPaths | None = None,
    command: Sequence[str] = TRIAL_COMMAND,
    comparison: Sequence[str] = COMPARISON_COMMAND,
    seconds: float = TRIAL_SECONDS,
) -> list[Finding]:
    """Checks if this host can run the service with `settings`. Changes nothing.

    Loads the cluster once, in a child process that may take `seconds`. Where pyslurm is installed, another child
    compares it with Slurm's commands, which takes about five loads. scontrol and sacctmgr are asked for private data.
    Tests pass `place`, where to search for Slurm, and the commands of both children.
    """
    source, bin_dir = settings.system.source, settings.system.commands_dir
    pyslurm, runtime = installed_version(), settings.system.runtime_path(environ)
    findings = [*check_configuration(settings, environ), check_authentication(settings), *check_pages(settings)]
    if source in (SLURM, PYSLURM):
        findings += check_slurm(environ, pyslurm, Path(sys.prefix), place, required=source == PYSLURM)
    if source in (SLURM, COMMANDS):
        required = source == COMMANDS or pyslurm is None
        findings.append(check_commands(environ, bin_dir, place, required=required))
    if source != PYSLURM or pyslurm is not None:
        findings += check_load([*command, source, bin_dir or "", str(runtime)], source, environ, seconds)
    if controller_answered(findings):
        if source in (SLURM, PYSLURM) and pyslurm is not None:
            findings += check_comparison(comparison, environ, bin_dir)
        findings += check_privacy(current_person(), settings.auth, run_command(_with_commands(environ, bin_dir)))
    coordinators = has_owners(settings.auth.private_data)
    if settings.system.use_acct_db:
        findings += check_database(settings.database, coordinators=coordinators)
    else:
        findings.append(_database_not_used(coordinators))
    findings.append(check_archive(settings.system, environ))
    findings += check_runtime_dir(runtime, is_restricted=settings.auth.mode != "none")
    return findings


def check_configuration(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Reports the file of the configuration, and if other users can read its password."""
    findings = [Finding("configuration", "ok", f"Valid, from {settings.origin}.")]
    database = settings.database
    inline = database.db_pass.get_secret_value() and database.db_pass_file is None
    if inline and PASSWORD_VARIABLE not in environ and _is_world_readable(Path(settings.origin)):
        findings.append(
            Finding(
                "configuration",
                "warning",
                f"{settings.origin} holds `database.db_pass` and is readable by every user of this host.",
                f"Run `chmod o-r {settings.origin}`, or move the password to a file and set `database.db_pass_file`.",
            )
        )
    return findings


def check_authentication(settings: Settings) -> Finding:
    """Reads the key or the token file of `auth.mode`, as the service does at its start."""
    try:
        open_auth(settings)
    except ConfigError as error:
        return Finding("authentication", "problem", " ".join(error.faults), "The service does not start until then.")
    return Finding("authentication", "ok", f"`auth.mode` is {settings.auth.mode}.")


def check_pages(settings: Settings) -> list[Finding]:
    """Reads the files of section `pages`, as the service does. Reports nothing if there are none."""
    pages, findings = settings.pages, list[Finding]()
    if pages.logo is not None:
        fault = logo_fault(pages.logo)
        if fault is None:
            findings.append(Finding("pages", "ok", f"The logo {pages.logo} can be used."))
        else:
            findings.append(Finding("pages", "problem", fault, "The service does not start until then."))
    if pages.message_file is not None:
        findings.append(_message_file(pages.message_file))
    unused = pages.model_fields_set and not settings.system.serve_index
    if unused:
        text = "Section `pages` has settings, but `system.serve_index` is off: there are no pages."
        findings.append(Finding("pages", "warning", text, "Set `system.serve_index` to true."))
    return findings


def _message_file(file: Path) -> Finding:
    try:
        with file.open("rb"):
            return Finding("pages", "ok", f"The message is read from {file}.")
    except FileNotFoundError:
        return Finding("pages", "ok", f"{file} does not exist, so the pages show no message.")
    except OSError as error:
        return Finding("pages", "warning", f"{file} cannot be read: {error.strerror}.", "Make it readable.")


def _with_commands(environ: Mapping[str, str], bin_dir: str | None) -> Mapping[str, str]:
    """Returns `environ` with `bin_dir` at the start of PATH."""
    if bin_dir is None:
        return environ
    return {**environ, "PATH": os.pathsep.join(filter(None, (bin_dir, environ.get("PATH"))))}


def _is_world_readable(file: Path) -> bool:
    return file.is_file() and bool(file.stat().st_mode & stat.S_IROTH)


def _database_not_used(coordinators: bool) -> Finding:
    effect = " Coordinators of accounts see no more than other users." if coordinators else ""
    return Finding("database", "ok", f"Not checked, because `system.use_acct_db` is off.{effect}")
