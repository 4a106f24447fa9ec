"""The command behind build.sh: finds Slurm, chooses a pyslurm, builds it, proves it and only then installs it."""

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
from slurm_rest_api.pyslurm_build.build import Workshop, build_wheel, check_compiler, install_wheel, versions_on_pypi
from slurm_rest_api.pyslurm_build.choice import Choice, Request, choose, parse_override, parse_version
from slurm_rest_api.pyslurm_build.host import SlurmHost, find_slurm, library_matches
from slurm_rest_api.pyslurm_build.smoke import Proof, prove
from slurm_rest_api.pyslurm_build.state import (
    State,
    build_key,
    forget_state,
    installed_version,
    read_state,
    write_state,
)

logger = logging.getLogger(__name__)

LOG_NAME = "slurm-rest-api-pyslurm.log"


def main(arguments: Sequence[str]) -> int:
    """Return the exit status; every failure is one text on standard error."""
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
    """Leave a proven pyslurm in this environment; raises SourceUnusable and then leaves the environment as it was."""
    host = find_slurm(merged(os.environ, variables))
    logger.info("Slurm %s: headers in %s, library %s", host.version, host.include_dir, host.library)
    if not library_matches(host):
        logger.warning(
            "WARNING: the library does not carry the version %s of the headers: two different Slurms on this host? "
            "SLURM_INCLUDE_DIR and SLURM_LIB_DIR choose.",
            host.version,
        )
    key = build_key(host, request, variables, lock)
    state = read_state(environment)
    present = installed_version()
    if state is not None and (state.key, state.installed) == (key, present):
        logger.info("pyslurm %s is in place", present)
        if state.unproven:
            _accept(prove(Path(sys.executable), os.environ), environment, key, state.by_hand)
        return
    foreign = present if state is None or state.by_hand or state.installed != present else None
    choice = choose(host.number, request, foreign, lambda: versions_on_pypi(Path(sys.executable)))
    logger.info("%s", choice.note)
    if not choice.installed:
        _build_and_install(choice, host, variables, lock, environment)
    _accept(prove(Path(sys.executable), os.environ), environment, key, choice.installed)


def _build_and_install(
    choice: Choice, host: SlurmHost, variables: Mapping[str, str], lock: Path, environment: Path
) -> None:
    check_compiler(os.environ.get("CC") or "gcc")
    log = environment / LOG_NAME
    log.write_text("", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="slurm-rest-api-") as folder:
        shop = Workshop(folder=Path(folder), log=log, lock=lock)
        wheel = build_wheel(choice, host, variables, shop)
        staged = shop.folder / "staged"
        install_wheel(wheel, Path(sys.executable), shop, target=staged)
        proof = prove(Path(sys.executable), os.environ, extra_path=staged)
        if proof.failure is not None:
            raise SourceUnusable(
                f"pyslurm {choice.version} was built for Slurm {host.version} but does not work. {proof.failure}. "
                f"It was not installed. The build's log: {log}"
            )
        forget_state(environment)
        install_wheel(wheel, Path(sys.executable), shop)


def _accept(proof: Proof, environment: Path, key: str, by_hand: bool) -> None:
    if proof.failure is not None:
        forget_state(environment)
        raise SourceUnusable(f"The pyslurm in {environment} does not work. {proof.failure}.")
    for fact in proof.proven:
        logger.info("  proven: %s", fact)
    for gap in proof.unproven:
        logger.warning("  WARNING, not proven: %s", gap)
    if proof.unproven:
        logger.warning("  Run build.sh again once that is possible: it then repeats the test, not the build.")
    write_state(environment, State(key, installed_version() or "", proof.unproven, by_hand))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
