"""Makes sure that a pyslurm for this host's Slurm is installed: chooses, gets, builds, tests and installs one."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import merged
from slurm_rest_api.pyslurm_build.build import (
    BuildPaths,
    build_wheel,
    check_compiler,
    download_from_pypi,
    install_wheel,
    versions_on_pypi,
)
from slurm_rest_api.pyslurm_build.choice import Choice, Request, adapt, choose
from slurm_rest_api.pyslurm_build.fetch import Fetcher
from slurm_rest_api.pyslurm_build.host import SlurmHost, find_slurm, library_matches
from slurm_rest_api.pyslurm_build.install import stage, staged_version, switch
from slurm_rest_api.pyslurm_build.pins import REPOSITORY
from slurm_rest_api.pyslurm_build.smoke import SmokeResult, smoke_test
from slurm_rest_api.pyslurm_build.source_facts import check_python, lock_of_line, read_facts
from slurm_rest_api.pyslurm_build.state import (
    Source,
    State,
    build_key,
    delete_state,
    installed_version,
    read_state,
    write_state,
)
from slurm_rest_api.pyslurm_build.versions import slurm_line_text
from slurm_rest_api.pyslurm_build.wanted import Wanted

logger = logging.getLogger(__name__)

LOG_NAME = "slurm-rest-api-pyslurm.log"


@dataclass(frozen=True)
class BuildSettings:
    """Settings of one run.

    `variables` are those of `--pyslurm_arguments`, `locks` the folder of the lock files, `mirror` the address of
    pyslurm's repository or of a copy of it.
    """

    request: Request
    variables: Mapping[str, str]
    locks: Path
    environment: Path
    mirror: str = REPOSITORY


def ensure_pyslurm(settings: BuildSettings) -> None:
    """Makes sure that a tested pyslurm is installed in the environment.

    Raises:
        SourceUnusable: there is none. The environment is unchanged.
    """
    host = find_slurm(merged(os.environ, settings.variables))
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
    choice = choose(host.number, settings.request, lambda: versions_on_pypi(Path(sys.executable)))
    digest = known_digest(choice.wanted, read_state(settings.environment))
    if digest is not None and _is_installed(settings, host, digest):
        return
    logger.info("%s", choice.note)
    # Before the download: a host that cannot build learns it without a network.
    check_compiler(os.environ.get("CC") or "gcc")
    if choice.wanted.line is not None:
        check_python(choice.wanted.name, lock_of_line(choice.wanted.line))
    with tempfile.TemporaryDirectory(prefix="slurm-rest-api-") as folder:
        log = settings.environment / LOG_NAME
        paths = BuildPaths(folder=Path(folder), log=log, locks=settings.locks)
        log.write_text("", encoding="utf-8")
        _fetch_and_build(choice, settings, host, paths)


def known_digest(wanted: Wanted, state: State | None) -> str | None:
    """Returns the digest of a source without getting it, None if it must be fetched to know it.

    It is pinned, or recorded for a release or a tag, which do not change. A branch can have moved.
    """
    if wanted.tree is not None:
        return wanted.tree
    if state is None or state.source is None or wanted.kind not in ("pypi", "tag"):
        return None
    same = (state.source.kind, state.source.name) == (wanted.kind, wanted.name)
    return state.source.digest if same else None


def _is_installed(settings: BuildSettings, host: SlurmHost, digest: str) -> bool:
    """Returns True if the pyslurm of this source is installed. What could not be tested then is tested again."""
    key = build_key(host, digest, settings.variables, settings.locks)
    state, installed = read_state(settings.environment), installed_version()
    if state is None or (state.key, state.installed) != (key, installed):
        return False
    logger.info("pyslurm %s is installed already", installed)
    if state.untested:
        result = smoke_test(Path(sys.executable), os.environ, commands=host.programs)
        if result.failure is not None:
            delete_state(settings.environment)
            raise SourceUnusable(
                f"The test of the pyslurm in {settings.environment} failed. {result.failure}. "
                "Run build.sh again, it then builds it again."
            )
        state = replace(state, untested=result.untested, slurm=host.version, proof=result.proof or state.proof)
        _record(result, state, settings.environment)
    return True


def _fetch_and_build(choice: Choice, settings: BuildSettings, host: SlurmHost, paths: BuildPaths) -> None:
    wanted = choice.wanted
    fetcher = Fetcher(
        folder=paths.folder,
        python=Path(sys.executable),
        environ=os.environ,
        from_pypi=lambda release: download_from_pypi(release, paths),
        mirror=settings.mirror,
    )
    source, digest = fetcher.fetch(wanted)
    facts = read_facts(source)
    adaptation = choice.adaptation
    if adaptation is None:
        overriding = settings.request.override is not None
        adaptation = adapt(f"pyslurm {facts.version}", facts.line, host.line, overriding=overriding)
        logger.info("%s", adaptation.note)
    logger.info("  digest of the source: %s", digest)
    if _is_installed(settings, host, digest):
        return
    check_python(facts.version, facts.lock)
    wheel = build_wheel(source, facts, adaptation, host, settings.variables, paths)
    staged = stage(settings.environment)
    install_wheel(wheel, Path(sys.executable), paths, staged)
    result = smoke_test(Path(sys.executable), os.environ, extra_path=staged, commands=host.programs)
    if result.failure is not None:
        raise SourceUnusable(
            f"pyslurm {facts.version} was built for Slurm {host.version}, but its test failed. {result.failure}. "
            f"It was not installed. See the log {paths.log}."
        )
    switch(settings.environment, staged)
    key = build_key(host, digest, settings.variables, settings.locks)
    record = Source(wanted.kind, wanted.shown_name, digest, slurm_line_text(facts.line))
    state = State(key, staged_version(staged), result.untested, host.version, record, result.proof)
    _record(result, state, settings.environment)


def _record(result: SmokeResult, state: State, environment: Path) -> None:
    for fact in result.tested:
        logger.info("  tested: %s", fact)
    for gap in result.untested:
        logger.warning("  WARNING, not tested: %s", gap)
    if result.untested:
        logger.warning("  Run build.sh again when that is possible. It then repeats only the test.")
    write_state(environment, state)
