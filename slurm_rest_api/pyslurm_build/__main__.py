"""The command that build.sh runs: finds Slurm, then chooses, builds, tests and installs a pyslurm."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import merged, parse_arguments
from slurm_rest_api.pyslurm_build.build import (
    BuildPaths,
    build_wheel,
    check_compiler,
    download_from_pypi,
    install_wheel,
    versions_on_pypi,
)
from slurm_rest_api.pyslurm_build.choice import Choice, Request, adapt, choose, parse_override
from slurm_rest_api.pyslurm_build.fetch import Fetcher
from slurm_rest_api.pyslurm_build.host import PROGRAMS, SlurmHost, find_commands, find_slurm, library_matches
from slurm_rest_api.pyslurm_build.install import stage, staged_version, switch
from slurm_rest_api.pyslurm_build.pins import REPOSITORY
from slurm_rest_api.pyslurm_build.smoke import SmokeResult, smoke_test
from slurm_rest_api.pyslurm_build.source_facts import check_python, read_facts
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
from slurm_rest_api.pyslurm_build.wanted import Wanted, parse_source, parse_version

logger = logging.getLogger(__name__)

LOG_NAME = "slurm-rest-api-pyslurm.log"
_NEITHER: Final = (
    f"Slurm's commands ({', '.join(PROGRAMS)}) are missing, too, so the service cannot read a cluster on this host."
    " Install them (Debian: slurm-client, RHEL: slurm), or what pyslurm needs, and run build.sh again."
)


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


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status. A failure is one message on standard error.

    Where no pyslurm can be installed, Slurm's commands replace it. That is a failure only if there are no commands, or
    if the options ask for pyslurm.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    options = _parser().parse_args(arguments)
    wanted = (
        options.pyslurm_version,
        options.pyslurm_source,
        options.override_pyslurm_version_hex,
        options.pyslurm_arguments,
    )
    try:
        with _interruptible():
            settings = BuildSettings(
                request=_request(options),
                variables=parse_arguments(options.pyslurm_arguments),
                locks=options.locks.resolve(),
                environment=Path(sys.prefix),
                mirror=options.pyslurm_mirror or REPOSITORY,
            )
            ensure_pyslurm(settings)
    except SourceUnusable as error:
        folder = find_commands()
        if any(wanted) or options.require_pyslurm:
            sys.stderr.write(f"build.sh: {error}\n")
            return 1
        if folder is None:
            sys.stderr.write(f"build.sh: {error}\n{_NEITHER}\n")
            return 1
        logger.info("%s", without_pyslurm(str(error), folder, installed_version(), os.environ.get("PATH", "")))
    except KeyboardInterrupt:
        sys.stderr.write("build.sh: interrupted. The pyslurm that was installed before is unchanged.\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slurm_rest_api.pyslurm_build")
    parser.add_argument("--locks", type=Path, required=True)
    parser.add_argument("--pyslurm_version")
    parser.add_argument("--pyslurm_source")
    parser.add_argument("--pyslurm_mirror")
    parser.add_argument("--override_pyslurm_version_hex")
    parser.add_argument("--pyslurm_arguments", default="")
    parser.add_argument("--require-pyslurm", action="store_true")
    return parser


def _request(options: argparse.Namespace) -> Request:
    if options.pyslurm_version and options.pyslurm_source:
        raise SourceUnusable("--pyslurm_version cannot be combined with --pyslurm_source. Give one of them.")
    wanted = parse_version(options.pyslurm_version) if options.pyslurm_version else None
    if options.pyslurm_source:
        wanted = parse_source(options.pyslurm_source)
    override = options.override_pyslurm_version_hex
    return Request(wanted, parse_override(override) if override else None)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Lets SIGTERM end the block like Ctrl-C, so that temporary folders are deleted."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
    if _is_installed(settings, host, digest):
        return
    check_python(facts)
    check_compiler(os.environ.get("CC") or "gcc")
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
