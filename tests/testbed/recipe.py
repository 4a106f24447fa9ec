"""Makes the Debian root once. A stamp file has the digest of its recipe."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.debian import program

from .layout import CA_BUNDLE_IN_ROOT, Layout
from .mounts import unmount_all
from .processes import end_all
from .shell import Shell
from .slurmnodes import PEOPLE, SERVICE_UIDS
from .steps import CommandFailedError, run_command, step
from .suites import suite_of

_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_NOT_NEEDED = ("/var/cache/apt/archives", "/var/lib/apt/lists", "/usr/share/doc", "/usr/share/man", "/usr/share/locale")
# Downloads of some hundred megabytes.
_INSTALL_SECONDS = 3600.0


def recipe_stamp(layout: Layout, packages: Sequence[str]) -> str:
    """Returns a digest of suite, mirror and packages. Another digest requires a new root."""
    return hashlib.sha256("\n".join([layout.suite, layout.mirror, *packages]).encode()).hexdigest()


def root_is_current(layout: Layout, packages: Sequence[str] | None = None) -> bool:
    """Returns True if the root was completed with the current recipe: `packages`, or those of its suite."""
    packages = packages or suite_of(layout.suite).packages
    stamp = _stamp_file(layout)
    return stamp.exists() and stamp.read_text().strip() == recipe_stamp(layout, packages)


def make_root(layout: Layout, packages: Sequence[str] | None = None) -> None:
    """Makes the root unless it is current. An incomplete or outdated one is removed first.

    Args:
        layout: the paths of the root.
        packages: the packages to install. Without it those of the suite's cluster, without their documentation.
    """
    if root_is_current(layout, packages):
        return
    layout.base.mkdir(parents=True, exist_ok=True)
    if layout.root.exists():
        with step("remove the outdated root"):
            remove_root(layout)
    with step("install debootstrap"):
        program("debootstrap")
    with step(f"debootstrap {layout.suite} into {layout.root} (this takes minutes, once)"):
        _debootstrap(layout, packages or suite_of(layout.suite).packages)
    if packages is None:
        _strip(layout)
    _stamp_file(layout).write_text(recipe_stamp(layout, packages or suite_of(layout.suite).packages) + "\n")


def prepare_root(layout: Layout) -> None:
    """Sets up what is repeated at each start: name service, certificates, users."""
    connect_root(layout)
    _add_people(Shell(layout.root))


def connect_root(layout: Layout) -> None:
    """Copies the host's name service and certificates into the root."""
    shutil.copyfile("/etc/resolv.conf", layout.inside("/etc/resolv.conf"))
    shutil.copyfile("/etc/hosts", layout.inside("/etc/hosts"))
    _copy_ca_bundle(layout)


def remove_root(layout: Layout) -> None:
    """Deletes the root. Processes and mounts inside it are removed first, because /dev there is the host's."""
    end_all(layout.root)
    unmount_all(layout)
    run_command(["rm", "-rf", "--one-file-system", str(layout.root)])


def slurm_release(shell: Shell) -> str:
    """Returns the release of Slurm in the root, such as `26.05.5`."""
    return shell.output("slurmctld", "-V").split()[-1]


def _stamp_file(layout: Layout) -> Path:
    return layout.inside("/etc/testbed-recipe")


def _debootstrap(layout: Layout, packages: Sequence[str]) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [layout.suite, str(layout.root), layout.mirror]
    if not (_SCRIPTS / layout.suite).exists():
        # An older debootstrap has no script for newer suites. The script of sid makes them all.
        command.append(str(_SCRIPTS / "sid"))
    try:
        run_command(command, timeout=_INSTALL_SECONDS)
    except CommandFailedError as error:
        log = layout.inside("/debootstrap/debootstrap.log")
        details = log.read_text(errors="replace")[-8000:] if log.exists() else ""
        raise CommandFailedError(command, "failed", f"{error.output}\n{details}") from error


def _strip(layout: Layout) -> None:
    """Deletes what no daemon reads: package lists and archives, documentation, translations."""
    for folder in _NOT_NEEDED:
        for path in layout.inside(folder).glob("*"):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            else:
                shutil.rmtree(path)


def _copy_ca_bundle(layout: Layout) -> None:
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        bundle = Path(os.environ.get(name) or "/nonexistent")
        if bundle.is_file():
            break
    else:
        bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.is_file():
        shutil.copyfile(bundle, layout.inside(CA_BUNDLE_IN_ROOT))


def _add_people(shell: Shell) -> None:
    known = (shell.root / "etc/passwd").read_text()
    if "\nmysql:" not in known:
        # Debian's mariadb-server makes this user, mariadb-server-core does not.
        shell.run(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "mysql"])
    people = {name: uid for name, (uid, _) in PEOPLE.items()} | SERVICE_UIDS
    for name, uid in people.items():
        if f"\n{name}:" not in known:
            shell.run(["useradd", "--uid", str(uid), "--user-group", "--create-home", "--shell", "/bin/bash", name])
