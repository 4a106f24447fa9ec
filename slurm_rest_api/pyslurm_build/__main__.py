"""The command that build.sh runs: finds Slurm, then chooses, builds, tests and installs a pyslurm."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import merged, parse_arguments
from slurm_rest_api.pyslurm_build.build import BuildPaths, build_wheel, check_compiler, install_wheel, versions_on_pypi
from slurm_rest_api.pyslurm_build.choice import Choice, Request, choose, parse_override, parse_version
from slurm_rest_api.pyslurm_build.host import PROGRAMS, SlurmHost, find_commands, find_slurm, library_matches
from slurm_rest_api.pyslurm_build.smoke import SmokeResult, smoke_test
from slurm_rest_api.pyslurm_build.state import (
    State,
    build_key,
    delete_state,
    installed_version,
    read_state,
    write_state,
)

logger = logging.getLogger(__name__)

LOG_NAME = "slurm-rest-api-pyslurm.log"
_NEITHER: Final = (
    f"Slurm's commands ({', '.join(PROGRAMS)}) are missing, too, so the service cannot read a cluster on this host."
    " Install them (Debian: slurm-client, RHEL: slurm), or what pyslurm needs, and run build.sh again."
)


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status. A failure is one message on standard error.

    Where no pyslurm can be installed, Slurm's commands replace it. That is a failure only if there are no commands, or
    if the options ask for pyslurm.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m slurm_rest_api.pyslurm_build")
    parser.add_argument("--build_lock", type=Path, required=True)
    parser.add_argument("--pyslurm_version")
    parser.add_argument("--override_pyslurm_version_hex")
    parser.add_argument("--pyslurm_arguments", default="")
    parser.add_argument("--require-pyslurm", action="store_true")
    options = parser.parse_args(arguments)
    wanted = (options.pyslurm_version, options.override_pyslurm_version_hex, options.pyslurm_arguments)
    try:
        request = Request(
            version=parse_version(options.pyslurm_version) if options.pyslurm_version else None,
            override=parse_override(options.override_pyslurm_version_hex)
            if options.override_pyslurm_version_hex
            else None,
        )
        ensure_pyslurm(
            request, parse_arguments(options.pyslurm_arguments), options.build_lock.resolve(), Path(sys.prefix)
        )
    except SourceUnusable as error:
        folder = find_commands()
        if any(wanted) or options.require_pyslurm:
            sys.stderr.write(f"build.sh: {error}\n")
            return 1
        if folder is None:
            sys.stderr.write(f"build.sh: {error}\n{_NEITHER}\n")
            return 1
        logger.info("%s", without_pyslurm(str(error), folder, installed_version(), os.environ.get("PATH", "")))
    return 0


def without_pyslurm(reason: str, commands: Path, installed: str | None, path: str) -> str:
    """Returns the text for a host where no pyslurm could be installed, but where Slurm's commands are in `commands`.

    `installed` is the pyslurm of an earlier run, None if there is none. `path` is PATH.
    """
    lines = [f"No pyslurm was installed. {reason}", ""]
    if installed is not None:
        lines.append(f"pyslurm {installed} stays installed. The service uses it only if it fits this host's Slurm.")
    lines.append(f"The service works without pyslurm: it reads the cluster with Slurm's commands in {commands}.")
    if str(commands) not in path.split(os.pathsep):
        lines.append(f"They are not in PATH. Set `slurm_bin_dir: {commands}` in section `system` of the configuration.")
    return "\n".join(lines)


def ensure_pyslurm(request: Request, variables: Mapping[str, str], lock: Path, environment: Path) -> None:
    """Makes sure that a tested pyslurm is installed in `environment`.

    Raises:
        SourceUnusable: there is none. The environment is unchanged.
    """
    host = find_slurm(merged(os.environ, variables))
    logger.info("Slurm %s: headers in %s, library %s", host.version, host.include_dir, host.library)
    if host.note is not None:
        logger.warning("%s", host.note)
    if host.programs is not None and shutil.which("scontrol") is None:
        logger.warning("Its commands are not in PATH. Set `system.slurm_bin_dir` to %s.", host.programs)
    if not library_matches(host):
        logger.warning(
            "WARNING: the headers are of Slurm %s, but the library is of another version. If this host has two Slurms, "
            "choose one with SLURM_INCLUDE_DIR and SLURM_LIB_DIR.",
            host.version,
        )
    key = build_key(host, request, variables, lock)
    state = read_state(environment)
    installed = installed_version()
    if state is not None and (state.key, state.installed) == (key, installed):
        logger.info("pyslurm %s is installed already", installed)
        if state.untested:
            _record(smoke_test(Path(sys.executable), os.environ), environment, key, host)
        return
    choice = choose(host.number, request, lambda: versions_on_pypi(Path(sys.executable)))
    logger.info("%s", choice.note)
    _build_and_install(choice, host, variables, lock, environment)
    _record(smoke_test(Path(sys.executable), os.environ), environment, key, host)


def _build_and_install(
    choice: Choice, host: SlurmHost, variables: Mapping[str, str], lock: Path, environment: Path
) -> None:
    check_compiler(os.environ.get("CC") or "gcc")
    log = environment / LOG_NAME
    log.write_text("", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="slurm-rest-api-") as folder:
        paths = BuildPaths(folder=Path(folder), log=log, lock=lock)
        wheel = build_wheel(choice, host, variables, paths)
        staged = paths.folder / "staged"
        install_wheel(wheel, Path(sys.executable), paths, target=staged)
        result = smoke_test(Path(sys.executable), os.environ, extra_path=staged)
        if result.failure is not None:
            raise SourceUnusable(
                f"pyslurm {choice.version} was built for Slurm {host.version}, but its test failed. {result.failure}. "
                f"It was not installed. See the log {log}."
            )
        delete_state(environment)
        install_wheel(wheel, Path(sys.executable), paths)


def _record(result: SmokeResult, environment: Path, key: str, host: SlurmHost) -> None:
    if result.failure is not None:
        delete_state(environment)
        raise SourceUnusable(f"The test of the pyslurm in {environment} failed. {result.failure}.")
    for fact in result.tested:
        logger.info("  tested: %s", fact)
    for gap in result.untested:
        logger.warning("  WARNING, not tested: %s", gap)
    if result.untested:
        logger.warning("  Run build.sh again when that is possible. It then repeats only the test.")
    write_state(environment, State(key, installed_version() or "", result.untested, host.version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
