"""The command that build.sh runs: parses its options, installs a pyslurm, reports what to do without one."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.arguments import parse_arguments
from slurm_rest_api.pyslurm_build.choice import Request, parse_override
from slurm_rest_api.pyslurm_build.ensure import BuildSettings, ensure_pyslurm
from slurm_rest_api.pyslurm_build.host import PROGRAMS, find_commands
from slurm_rest_api.pyslurm_build.pins import REPOSITORY
from slurm_rest_api.pyslurm_build.state import installed_version
from slurm_rest_api.pyslurm_build.wanted import parse_source, parse_version

logger = logging.getLogger(__name__)

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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
