"""The command that build.sh runs: finds Slurm, then chooses, builds, tests and installs a pyslurm."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import merged, parse_arguments
from slurm_rest_api.pyslurm_build.build import BuildPaths, build_wheel, check_compiler, install_wheel, versions_on_pypi
from slurm_rest_api.pyslurm_build.choice import Choice, Request, choose, parse_override, parse_version
from slurm_rest_api.pyslurm_build.host import SlurmHost, find_slurm, library_matches
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


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status. A failure is one message on standard error."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m slurm_rest_api.pyslurm_build")
    parser.add_argument("--build_lock", type=Path, required=True)
    parser.add_argument("--pyslurm_version")
    parser.add_argument("--override_pyslurm_version_hex")
    parser.add_argument("--pyslurm_arguments", default="")
    options = parser.parse_args(arguments)
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
        sys.stderr.write(f"build.sh: {error}\n")
        return 1
    return 0


def ensure_pyslurm(request: Request, variables: Mapping[str, str], lock: Path, environment: Path) -> None:
    """Makes sure that a tested pyslurm is installed in `environment`.

    Raises:
        SourceUnusable: there is none. The environment is unchanged.
    """
    host = find_slurm(merged(os.environ, variables))
    logger.info("Slurm %s: headers in %s, library %s", host.version, host.include_dir, host.library)
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
            _record(smoke_test(Path(sys.executable), os.environ), environment, key, state.by_hand)
        return
    manual = installed if state is None or state.by_hand or state.installed != installed else None
    choice = choose(host.number, request, manual, lambda: versions_on_pypi(Path(sys.executable)))
    logger.info("%s", choice.note)
    if not choice.installed:
        _build_and_install(choice, host, variables, lock, environment)
    _record(smoke_test(Path(sys.executable), os.environ), environment, key, choice.installed)


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


def _record(result: SmokeResult, environment: Path, key: str, by_hand: bool) -> None:
    if result.failure is not None:
        delete_state(environment)
        raise SourceUnusable(f"The test of the pyslurm in {environment} failed. {result.failure}.")
    for fact in result.tested:
        logger.info("  tested: %s", fact)
    for gap in result.untested:
        logger.warning("  WARNING, not tested: %s", gap)
    if result.untested:
        logger.warning("  Run build.sh again when that is possible. It then repeats only the test.")
    write_state(environment, State(key, installed_version() or "", result.untested, by_hand))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
