"""Brings the cluster up until its nodes are idle, and takes it down."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from .daemons import LOGS_IN_ROOT, PIDS_IN_ROOT, Daemons
from .install import install_service
from .layout import GATES_IN_ROOT, Layout
from .mounts import mount_checkout, mount_system, mounted_below, unmount_all
from .ports import Ports, choose_ports, load_ports, save_ports
from .processes import end_all, processes_inside
from .recipe import make_root, prepare_root, root_is_current
from .shell import Shell
from .slurmconf import DATABASE, DATABASE_PASSWORD, ConfigFile, config_files
from .slurmnodes import ACCOUNTS, CLUSTER, GPU_FILES, PEOPLE
from .steps import TestbedError, say, step, wait_until
from .suites import Suite, suite_of

_DATADIR = "/var/lib/testbed-mariadb"
_SLURM_STATE = "/var/lib/slurm"
# Seconds that a test session waits for another one to end.
_SESSION_PATIENCE = 1800
# The database is created here: slurmdbd would create it by a second connect on the handle whose first connect failed,
# which is an error with MariaDB's client library 3.4.10 ("maximum allowed number of columns (=0)").
_INITIAL_SQL = """\
CREATE DATABASE `{database}`;
CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE OR REPLACE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON `slurm\\_%`.* TO 'slurm'@'127.0.0.1';
FLUSH PRIVILEGES;
"""


def require_root() -> None:
    """Raises TestbedError unless this process may mount and chroot."""
    if os.geteuid() != 0:
        raise TestbedError("the testbed mounts, changes root and runs daemons: start it as root (try sudo)")


def up(layout: Layout) -> Ports:
    """Starts the cluster, or the part of it that is not running. Returns its ports."""
    require_root()
    with _locked(layout), ExitStack() as reservations:
        ports = load_ports(layout)
        if ports and processes_inside(layout.root) and not _is_current(layout, ports):
            say("testbed: the running cluster has another recipe or configuration: starting a new one")
            _take_down(layout)
        make_root(layout)
        with step("mount"):
            mount_system(layout)
            checkout_changed = mount_checkout(layout)
        if ports is None or not processes_inside(layout.root):
            ports = _start_afresh(layout, reservations)
        _start_everything(Shell(layout.root), suite_of(layout.suite), ports)
        install_service(layout, checkout_changed=checkout_changed)
        return ports


def down(layout: Layout) -> None:
    """Ends every process inside the root and unmounts everything. Does nothing if there is no root."""
    require_root()
    if layout.base.exists():
        with _locked(layout):
            _take_down(layout)


def is_up(layout: Layout) -> bool:
    """Returns True if every daemon is running."""
    ports = load_ports(layout)
    if ports is None or not mounted_below(layout.root):
        return False
    daemons = Daemons(Shell(layout.root), suite_of(layout.suite), ports)
    return all(daemons.pid(name) is not None for name in daemons.names)


def _take_down(layout: Layout) -> None:
    with step("end the processes inside the root"):
        end_all(layout.root)
    with step("unmount"):
        unmount_all(layout)


@contextmanager
def sole_session(layout: Layout) -> Iterator[None]:
    """Waits until no other test session uses the cluster, and holds the lock meanwhile."""
    layout.base.mkdir(parents=True, exist_ok=True)
    with layout.session_lock_file.open("w") as lock:
        wait_until(
            "another test session to end", lambda: _try_lock(lock), bool, timeout=_SESSION_PATIENCE, interval=0.5
        )
        yield


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    layout.base.mkdir(parents=True, exist_ok=True)
    with layout.lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_current(layout: Layout, ports: Ports) -> bool:
    if not root_is_current(layout):
        return False
    files = config_files(suite_of(layout.suite), ports, _short_hostname())
    return all(_text_of(layout, file) == file.text for file in files)


def _text_of(layout: Layout, file: ConfigFile) -> str | None:
    path = layout.inside(file.path)
    return path.read_text() if path.exists() else None


def _short_hostname() -> str:
    return socket.gethostname().partition(".")[0]


def _start_afresh(layout: Layout, reservations: ExitStack) -> Ports:
    """Deletes the state of an earlier cluster, reserves ports and writes the configuration."""
    shell, suite = Shell(layout.root), suite_of(layout.suite)
    with step("prepare the root"):
        prepare_root(layout)
    with step("choose ports"):
        ports = choose_ports(suite.first_port, reservations)
        save_ports(layout, ports)
    with step("write the configuration"):
        # The gates too: a job of the new cluster cannot make its pipe where an older job of its id left one.
        for path in (_DATADIR, _SLURM_STATE, LOGS_IN_ROOT, GATES_IN_ROOT):
            shutil.rmtree(layout.inside(path), ignore_errors=True)
        for path in (f"{_SLURM_STATE}/ctld", LOGS_IN_ROOT, PIDS_IN_ROOT, "/run/slurm", GATES_IN_ROOT, "/etc/slurm"):
            layout.inside(path).mkdir(parents=True, exist_ok=True)
        layout.inside(GATES_IN_ROOT).chmod(0o1777)
        for path in GPU_FILES:
            layout.inside(path).touch()
        for file in config_files(suite, ports, _short_hostname()):
            _write(layout, file)
        _write(layout, ConfigFile("/etc/slurm/jwt.key", secrets.token_hex(32), 0o600))
    with step("prepare munge"):
        _prepare_munge(layout, shell)
    with step("create the database"):
        _create_database(layout, shell)
    return ports


def _write(layout: Layout, file: ConfigFile) -> None:
    path = layout.inside(file.path)
    # Opened with the final mode, so that no other user can read files with passwords and keys at any time.
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode), "w") as sink:
        sink.write(file.text)
    path.chmod(file.mode)


def _prepare_munge(layout: Layout, shell: Shell) -> None:
    key = layout.inside("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    for path in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
        layout.inside(path).mkdir(mode=0o755, parents=True, exist_ok=True)
    shell.run(["chown", "-R", "munge:munge", "/etc/munge", "/run/munge", "/var/log/munge", "/var/lib/munge"])


def _create_database(layout: Layout, shell: Shell) -> None:
    layout.inside("/run/mysqld").mkdir(parents=True, exist_ok=True)
    shell.run(["chown", "mysql", "/run/mysqld"])
    install = ["mariadb-install-db", "--defaults-file=/etc/testbed-mariadb.cnf", "--skip-test-db"]
    shell.run([*install, "--auth-root-authentication-method=normal"])
    sql = _INITIAL_SQL.format(password=DATABASE_PASSWORD, database=DATABASE)
    bootstrap = ["mariadbd", "--defaults-file=/etc/testbed-mariadb.cnf", "--user=mysql", "--bootstrap"]
    # Bootstrap mode starts without the privilege tables. FLUSH loads them, so that CREATE USER is possible.
    shell.run(bootstrap, text_input="FLUSH PRIVILEGES;\n" + sql)


def _start_everything(shell: Shell, suite: Suite, ports: Ports) -> None:
    daemons = Daemons(shell, suite, ports)
    started = False
    for name in daemons.names:
        if name == "slurmctld":
            _add_accounts(shell, daemons)
        # All slurmd start at once. Below, one wait covers all of them: that slurmctld has every node.
        with step(f"start {name}"):
            started |= daemons.start(name, wait=not name.startswith("slurmd-"))
    if started:
        with step("wait for the nodes to be ready"):
            _wait_for_nodes(shell)


def _add_accounts(shell: Shell, daemons: Daemons) -> None:
    if daemons.pid("slurmctld") is not None:
        return
    with step("create accounts and associations"):
        if shell.output("sacctmgr", "-nP", "show", "user", next(iter(PEOPLE))):
            return
        for words in _account_commands():
            shell.run(["sacctmgr", "-i", *words])


def _account_commands() -> list[list[str]]:
    commands = [["add", "cluster", CLUSTER], ["add", "qos", "urgent", "Priority=1000"]]
    commands += [["add", "account", name, f"Description={name}", f"Organization={name}"] for name in ACCOUNTS]
    for name, (_, account) in PEOPLE.items():
        commands.append(["add", "user", name, f"Account={account}", "QOS=normal,urgent", "DefaultQOS=normal"])
    return commands


def _wait_for_nodes(shell: Shell) -> None:
    def states() -> dict[str, str]:
        lines = shell.output("sinfo", "-h", "-N", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    # A star marks a node that does not respond. A drained node is ready, too.
    def ready(seen: dict[str, str]) -> bool:
        return bool(seen) and not any(state.endswith("*") or state[:3] in ("unk", "inv") for state in seen.values())

    wait_until("every node to answer slurmctld", states, ready, interval=0.3)
