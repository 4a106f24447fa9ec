"""The option `--demo` of `slurm-rest-api run`: writes and uses a configuration for the demonstration cluster."""

from __future__ import annotations

import functools
import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import DEFAULT_JOBS, DEFAULT_NODES, FEWEST_NODES, MOST_JOBS, MOST_NODES, Scale

_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.3
_HEAD: Final = "# Written by `slurm-rest-api run --demo` at every start. Everything in this folder can be deleted.\n"

Command = Callable[..., None]


def demo_options(command: Command) -> Command:
    """Adds the options --demo, --demo-nodes and --demo-jobs to a command that runs the service."""

    @click.option("--demo", is_flag=True, help="Serve a simulated cluster, with its own configuration.")
    @click.option(
        "--demo-nodes",
        type=click.IntRange(FEWEST_NODES, MOST_NODES),
        help=f"Number of simulated nodes ({DEFAULT_NODES}).",
    )
    @click.option(
        "--demo-jobs",
        type=click.IntRange(1, MOST_JOBS),
        help=f"Approximate number of jobs in the queue ({DEFAULT_JOBS}).",
    )
    @functools.wraps(command)
    def with_demo(
        *args: Any, demo: bool, demo_nodes: int | None, demo_jobs: int | None, host: str | None, port: int | None
    ) -> None:
        if demo:
            scale = Scale(demo_nodes or DEFAULT_NODES, demo_jobs or DEFAULT_JOBS)
            default = Settings().system
            address = (host or default.host, port or default.port)
            _use(click.get_current_context(), scale, *address)
            _announce_when_ready(*address)
        elif demo_nodes or demo_jobs:
            raise click.UsageError("--demo-nodes and --demo-jobs need --demo. Add --demo.")
        command(*args, host=host, port=port)

    return with_demo


def _use(context: click.Context, scale: Scale, host: str, port: int) -> None:
    """Makes the command and its child processes use the demo's configuration."""
    # Only the option needs the simulated cluster. Its import takes long.
    from slurm_rest_api.demo.options import IN_WORDS

    parent = context.parent
    assert parent is not None
    if parent.params["config"] is not None:
        raise click.UsageError(
            "--demo cannot be combined with --config: it writes its own configuration. Omit --config."
        )
    folder = DemoFolder.of(scale, host, port)
    try:
        folder.prepare(scale)
        write_config(folder, scale)
    except OSError as error:
        raise click.ClickException(f"The demo's folder {folder.root} cannot be used: {error.strerror}.") from error
    parent.params["config"] = folder.config
    context.obj = parent.obj = load_settings(folder.config, {})
    click.echo(IN_WORDS)


def write_config(folder: DemoFolder, scale: Scale) -> None:
    """Writes the configuration for a cluster of this size into its folder."""
    from slurm_rest_api.demo.accounting import (
        ACCT_TABLE,
        ASSOC_TABLE,
        COORD_TABLE,
        EVENT_TABLE,
        JOB_TABLE,
        RESV_TABLE,
        STEP_TABLE,
    )
    from slurm_rest_api.demo.hardware import CLUSTER, HIDDEN_PARTITION
    from slurm_rest_api.demo.options import source_name

    runtime = Settings().system.runtime_path()
    sections: Mapping[str, Mapping[str, Any]] = {
        "system": {
            "source": source_name(scale, folder),
            "runtime_dir": str(runtime.with_name(f"{runtime.name}-{folder.root.name}")),
            "fair_share_seconds": 300,
            "priority_factors_seconds": 60,
            "use_acct_db": True,
            "archive_usage_load": True,
            "archive_path": str(folder.archive),
            "serve_index": True,
            "use_cors": True,
        },
        "database": {
            "db_sqlite_file": str(folder.accounting),
            "table_job": JOB_TABLE,
            "table_assoc": ASSOC_TABLE,
            "table_step": STEP_TABLE,
            "table_resv": RESV_TABLE,
            "table_acct": ACCT_TABLE,
            "table_coord": COORD_TABLE,
            "table_event": EVENT_TABLE,
            "tables_usage": CLUSTER,
        },
        "filter": {"partitions": [HIDDEN_PARTITION]},
    }
    lines = [_HEAD]
    for section, values in sections.items():
        lines.append(f"{section}:\n")
        lines += [f"  {name}: {json.dumps(value)}\n" for name, value in values.items()]
    Path(folder.config).write_text("".join(lines))


def _announce_when_ready(host: str, port: int) -> None:
    """Starts a thread that prints the demo's address as soon as it answers."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # nosec B104  # noqa: S104 - only to name another address
    name = f"[{reachable}]" if ":" in reachable else reachable
    threading.Thread(target=_announce, args=(f"http://{name}:{port}",), daemon=True).start()


def _announce(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _answers(address):
        if time.monotonic() > deadline:
            deadline = math.inf
            click.echo(
                f"{address}/ has no data yet. A large demo needs minutes for the first load, or see the log above."
            )
        time.sleep(_POLL_SECONDS)
    click.echo(
        f"\nThe demo cluster is at {address}/ (Ctrl-C stops it). Try:\n\n"
        f"  curl -s {address}/partitions\n"
        f"  curl -s '{address}/usage?compact=true'\n"
        f"  curl -s '{address}/history?user=alice&limit=3'\n"
    )


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/partitions", timeout=5) as answer:  # nosec B310  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
