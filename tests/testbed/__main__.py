"""`python -m tests.testbed up|down|status|env|exec` starts, stops and inspects the cluster."""

from __future__ import annotations

import argparse
import os
import sys

from .bringup import down, require_root, up
from .daemons import Daemons
from .layout import VENV_IN_ROOT, Layout, layout_from
from .mounts import mounted_below
from .ports import Ports, load_ports
from .processes import processes_inside
from .recipe import slurm_release
from .shell import Shell
from .slurmconf import DATABASE, DATABASE_PASSWORD
from .steps import TestbedError, say
from .suites import suite_of


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit status."""
    options = _parser().parse_args(arguments)
    layout = layout_from(os.environ)
    try:
        if options.command == "up":
            _print_up(layout, up(layout))
        elif options.command == "down":
            down(layout)
            say("testbed: down")
        elif options.command == "status":
            return _status(layout)
        elif options.command == "env":
            print("\n".join(f"export {name}={value}" for name, value in _facts(layout).items()))
        else:
            _exec(layout, options.user, options.argv)
    except TestbedError as error:
        say(f"testbed: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the cluster, unless it is up")
    commands.add_parser("down", help="end all its processes and unmount; the cached root stays")
    commands.add_parser("status", help="show what runs; exit status 0 if everything does")
    commands.add_parser("env", help="print its addresses and passwords as shell variables")
    runner = commands.add_parser("exec", help="run a command inside the root: exec [--user NAME] -- CMD ...")
    runner.add_argument("--user", default="root", help="one of the root's users (default: root)")
    runner.add_argument("argv", nargs="+", metavar="CMD")
    return parser


def _print_up(layout: Layout, ports: Ports) -> None:
    release = slurm_release(Shell(layout.root))
    reached = f", slurmrestd at http://127.0.0.1:{ports.slurmrestd}" if suite_of(layout.suite).is_whole else ""
    say(f"testbed: up: Slurm {release} in {layout.root}{reached}")


def _running(layout: Layout) -> Ports:
    ports = load_ports(layout)
    if ports is None or not processes_inside(layout.root):
        raise TestbedError("the cluster is not up; start it: python -m tests.testbed up")
    return ports


def _status(layout: Layout) -> int:
    ports = load_ports(layout)
    running = processes_inside(layout.root)
    if ports is None or not running:
        print(f"down; {len(running)} processes inside {layout.root}, {len(mounted_below(layout.root))} mounts")
        return 3
    daemons = Daemons(Shell(layout.root), suite_of(layout.suite), ports)
    missing = [name for name in daemons.names if daemons.pid(name) is None]
    for name in daemons.names:
        print(f"{name:16} {'frozen' if daemons.is_frozen(name) else daemons.pid(name) or 'not running'}")
    if not missing:
        print(Shell(layout.root).output("sinfo"), end="")
    return 3 if missing else 0


def _facts(layout: Layout) -> dict[str, str]:
    ports = _running(layout)
    return {
        "TESTBED_ROOT": str(layout.root),
        "TESTBED_VENV": VENV_IN_ROOT,
        "TESTBED_SLURMRESTD": f"http://127.0.0.1:{ports.slurmrestd}",
        "TESTBED_DB_PORT": str(ports.mariadb),
        "TESTBED_DB_NAME": DATABASE,
        "TESTBED_DB_USER": "root",
        "TESTBED_DB_PASSWORD": DATABASE_PASSWORD,
    }


def _exec(layout: Layout, user: str, argv: list[str]) -> None:
    require_root()
    _running(layout)
    shell = Shell(layout.root)
    extra = {name: os.environ[name] for name in ("TERM",) if name in os.environ}
    command = shell.argv(argv, user)
    os.execvpe(command[0], command, shell.environment(user, extra))  # noqa: S606  the command takes over the terminal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
