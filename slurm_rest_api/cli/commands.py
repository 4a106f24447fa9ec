"""The commands of `slurm-rest-api`, but for `token`: collect, serve, run, check, openapi, reload and the others.

Each command imports what it alone needs. The web application takes 40 MiB and most of the time of a start, and only
`serve` and `openapi` need it.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_rest_api.cli.token import token
from slurm_rest_api.config import ConfigInUse, Settings, load_in_use, load_settings
from slurm_rest_api.config.in_use import IN_USE_VARIABLE, REFUSED, request_reload
from slurm_rest_api.config_files import check_files
from slurm_rest_api.demo.cli_options import demo_options
from slurm_rest_api.deployment.install import ANY_HOST, LISTEN_QUEUE, size_for_host
from slurm_rest_api.deployment.install import install_files as install
from slurm_rest_api.diagnosis.folders import CHOOSE_FOLDER, RUNTIME_FOLDER, check_runtime_dir
from slurm_rest_api.errors import ArchiveError, ConfigError
from slurm_rest_api.processes.children import close_new_files_to_others, die_with_parent, limit_malloc
from slurm_rest_api.processes.logging import configure_logs
from slurm_rest_api.processes.supervisor import Supervisor
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.version import __version__

if TYPE_CHECKING:
    from slurm_rest_api.archive.sampler import Sampler

logger = logging.getLogger(__name__)

_ONLY_THIS_HOST = ("127.0.0.1", "::1", "localhost")
# uWSGI and `run` start these again and again, so they use the configuration of the start.
_STARTED_AGAIN = frozenset(("collect", "serve"))
# uWSGI's number of reloads, 0 at its start.
_RELOADS = "UWSGI_RELOADS"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="slurm-rest-api")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file. Default: $SLURM_REST_API_CONFIG, ./config.yml or /etc/slurm-rest-api/config.yml.",
)
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """A read-only HTTP/JSON API for a Slurm cluster."""
    if context.invoked_subcommand == keep_config.name:
        # It decides what a fault means.
        return
    try:
        if context.invoked_subcommand in _STARTED_AGAIN:
            settings = load_in_use(config, check_files)
        else:
            settings = load_settings(config)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    configure_logs(settings)
    context.obj = settings


@main.command()
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
@click.pass_obj
def collect(settings: Settings, *, with_parent: bool) -> None:
    """Run the collector, which loads the cluster.

    It writes the snapshot store at regular intervals (system.refresh_seconds).
    """
    from slurm_rest_api.slurmapi.collector.collector import collect as run_collector

    _prepare(settings, with_parent=with_parent)
    try:
        run_collector(settings, _open_sampler)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--host", help="Address to listen on. Overrides system.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. Overrides system.port.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None, *, with_parent: bool) -> None:
    """Answer HTTP requests from the snapshot store."""
    from slurm_rest_api.app import create_app
    from slurm_rest_api.cli import web_server

    _prepare(settings, with_parent=with_parent)
    host = host or settings.system.host
    port = settings.system.port if port is None else port
    _require_free(host, port)
    limit_malloc()
    web_server.serve(
        create_app(settings, is_checked=ConfigInUse.of_environment() is not None),
        host=host,
        port=port,
        threads=settings.system.web_threads,
    )


@main.command()
@demo_options
@click.option("--host", help="Address to listen on. Overrides system.host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on. Overrides system.port.")
@click.pass_context
def run(context: click.Context, host: str | None, port: int | None) -> None:
    """Run collector and web server together in the foreground. Ctrl-C stops both."""
    settings: Settings = context.obj
    host = host or settings.system.host
    port = port or settings.system.port
    _check_files(settings)
    _prepare(settings, with_parent=False)
    _require_free(host, port)
    _use_for_children(settings)
    source = settings.system.source
    logger.info("Configuration: %s. Source: %s. Address: http://%s:%d/", settings.origin, source, host, port)
    if settings.auth.mode == "none" and host not in _ONLY_THIS_HOST:
        logger.warning("Every client that can reach %s can read the whole cluster, because `auth.mode` is none.", host)
    assert context.parent is not None
    config: Path | None = context.parent.params["config"]
    program = _program(config)
    supervisor = Supervisor(
        {
            "collector": [*program, "collect", "--with-parent"],
            "web server": [*program, "serve", "--with-parent", "--host", host, "--port", str(port)],
        }
    )
    supervisor.stop_on_signals()
    supervisor.run()


@main.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """Report if this host can run the service.

    Each problem comes with advice. The exit status is 1 if there is one.
    """
    from slurm_rest_api.diagnosis.checks import check as diagnose
    from slurm_rest_api.diagnosis.finding import render

    findings = diagnose(settings)
    click.echo(render(findings))
    if any(finding.verdict == "problem" for finding in findings):
        raise SystemExit(1)


@main.command()
@click.pass_obj
def openapi(settings: Settings) -> None:
    """Print the OpenAPI document."""
    from slurm_rest_api.app import create_app

    _check_files(settings)
    click.echo(json.dumps(create_app(settings).api_doc, indent=2))


@main.command("import-archive")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_archive(settings: Settings, file: Path) -> None:
    """Import the load archive of the 2018 release.

    FILE is a TinyDB file. The import can run while the service is running, and can be stopped and repeated.
    """
    from slurm_rest_api.archive.engine import archive_file, open_engine
    from slurm_rest_api.archive.file_kind import require_archive_file
    from slurm_rest_api.archive.tinydb_import import describe, import_tinydb
    from slurm_rest_api.archive.writer import ArchiveWriter

    try:
        if settings.system.archive_url is None:
            require_archive_file(archive_file(settings.system))
        store = ArchiveWriter(open_engine(settings.system, writable=True))
        with click.progressbar(length=file.stat().st_size, label=f"Reading {file.name}", file=sys.stderr) as bar:
            width = settings.system.archive_wait_time
            report = import_tinydb(file, store, width, int(time.time()), bar.update)
            bar.update(file.stat().st_size)
        store.close()
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error
    click.echo(describe(report))
    if report.damage is not None or not (report.stored or report.skipped):
        raise SystemExit(1)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def reload(settings: Settings, file: Path) -> None:
    """Let uWSGI restart its workers one after the other, and the collector.

    FILE is that of `touch-chain-reload` in uWSGI's configuration. With a faulty configuration nothing is restarted.
    If other versions of libraries have been installed, uWSGI itself restarts, and requests wait meanwhile.
    """
    from slurm_rest_api.deployment.libraries import RESTART_NAME, are_other_libraries_installed

    _check_files(settings)
    try:
        other = are_other_libraries_installed(file.parent)
        request_reload(settings, file.with_name(RESTART_NAME) if other else file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error


@main.command("keep-config", hidden=True)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def keep_config(context: click.Context, file: Path) -> None:
    """Check the configuration, and save it as FILE for all processes of the service.

    uWSGI runs it at its start (`exec-asap`). If uWSGI reloads itself (SIGHUP), a faulty configuration changes nothing.
    """
    assert context.parent is not None
    copy = ConfigInUse(file)
    try:
        settings = load_settings(context.parent.params["config"])
        check_files(settings)
    except ConfigError as error:
        if os.environ.get(_RELOADS, "0") == "0" or copy.read() is None:
            raise click.ClickException(str(error)) from error
        click.echo(f"{REFUSED} {error}", err=True)
    else:
        _save(copy, settings)


@main.command("install-files")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/"),
    help="Folder to install below. / is this host.",
)
@click.option(
    "--any-host",
    is_flag=True,
    help=f"For a package or an image: {ANY_HOST.processes} workers, whatever the cores and limits of this host are.",
)
def install_files(root: Path, *, any_host: bool) -> None:
    """Write the files of a deployment.

    They are the systemd unit, the configuration of uWSGI and nginx, and config.yml.

    An existing file that differs is kept. The new one gets the suffix .new.
    """
    prefixes = {"written": "wrote", "unchanged": "unchanged", "kept": "kept your file, wrote the new one to"}
    size = ANY_HOST if any_host else size_for_host()
    try:
        for installed in install(root, size=size):
            click.echo(f"{prefixes[installed.outcome]}: {installed.path}")
        if size.listen < LISTEN_QUEUE:
            click.echo(
                f"At most {size.listen} connections can wait for a worker (net.core.somaxconn). For many clients run"
                f" sysctl -w net.core.somaxconn={LISTEN_QUEUE}, and set listen = {LISTEN_QUEUE} in uWSGI's file."
            )
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}.") from error


main.add_command(token)


def _prepare(settings: Settings, *, with_parent: bool) -> None:
    """Checks settings and the runtime folder at the start of a long-running command.

    With `with_parent`, which `run` passes to its children, the process ends with its parent.
    """
    if with_parent:
        die_with_parent()
    close_new_files_to_others()
    paths = RuntimePaths.of(settings)
    for finding in check_runtime_dir(paths.root):
        # The service starts with a full disk, too, and answers from its last snapshot.
        if finding.verdict == "problem" and finding.name == RUNTIME_FOLDER:
            raise click.ClickException(f"{finding.sentence} {finding.remedy}")
    try:
        paths.make()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and paths.root.is_dir():
            return
        # Root has all rights in /proc and /sys, but no process can create a folder there.
        raise click.ClickException(f"{error.filename} cannot be created: {error.strerror}. {CHOOSE_FOLDER}") from error


def _open_sampler(settings: Settings) -> Sampler | None:
    """Opens the load archive. Returns None when `system.archive_usage_load` is off."""
    if not settings.system.archive_usage_load:
        return None
    # It imports SQLAlchemy, which takes 13 MiB.
    from slurm_rest_api.archive.sampler_factory import open_sampler

    return open_sampler(settings)


def _check_files(settings: Settings) -> None:
    try:
        check_files(settings)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def _use_for_children(settings: Settings) -> None:
    """Lets the processes that this one starts, and starts again, use the configuration of now."""
    copy = ConfigInUse(RuntimePaths.of(settings).config_in_use)
    if _save(copy, settings):
        os.environ[IN_USE_VARIABLE] = str(copy.path)


def _save(copy: ConfigInUse, settings: Settings) -> bool:
    """Saves the copy of the configuration. Returns False if there is no space for it: then each process loads its own.

    Raises:
        click.ClickException: the copy of an earlier start cannot be deleted.
    """
    try:
        copy.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.save(settings)
    except OSError as error:
        logger.warning("%s cannot be written: %s. Changes of the configuration need a restart.", copy.path, error)
        try:
            copy.path.unlink(missing_ok=True)
        except OSError as remaining:
            raise click.ClickException(f"{copy.path} cannot be replaced: {remaining.strerror}.") from remaining
        return False
    return True


def _require_free(host: str, port: int) -> None:
    try:
        # The web server listens on all addresses of a name.
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host} port {port}: {error.strerror}. Use another --host or --port."
        ) from error


def _program(config: Path | None) -> Sequence[str]:
    program = [sys.executable, "-m", "slurm_rest_api.cli"]
    return program if config is None else [*program, "--config", str(config)]


if __name__ == "__main__":
    main()
