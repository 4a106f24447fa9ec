"""Debian suites with a release of Slurm each: packages, and settings that only one release has or lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .slurmnodes import (
    ABSENT_NODE_LINES,
    NODE_LINES,
    ODD_GRES,
    ODD_NODE_LINES,
    ODD_PARTITION_LINES,
    PARTITION_LINES,
    TESLA_GRES,
)

_DAEMONS: Final = ("munge", "slurmctld", "slurmd", "slurmdbd", "slurm-client", "slurm-wlm-mysql-plugin")
# With a compiler for pyslurm and uWSGI, and slurmrestd to compare with.
_WHOLE: Final = (
    "ca-certificates", "python3", "python3-venv", "python3-dev", "gcc", "libc6-dev", "libcrypt-dev",
    "munge", "slurmctld", "slurmd", "slurmdbd", "slurmrestd", "slurm-client", "libslurm-dev",
    "mariadb-server", "slurm-wlm-mysql-plugin", "slurm-wlm-jwt-plugin",
)  # fmt: skip
_SMALL: Final = ("ca-certificates", "python3", "python3-venv", *_DAEMONS, "mariadb-server-core", "mariadb-client-core")

_JWT: Final = "AuthAltTypes=auth/jwt\nAuthAltParameters=jwt_key=/etc/slurm/jwt.key\n"
# A job on a node that never powers up stays CONFIGURING.
_POWER_SAVING: Final = (
    "ResumeProgram=/bin/true\nSuspendProgram=/bin/true\nResumeTimeout=3600\nSuspendTime=86400\n"
    "SuspendExcNodes=rack[001-008]\n"
)


@dataclass(frozen=True)
class Suite:
    """One Debian suite, and the cluster that is made of its packages.

    `is_whole` is true for the suite with a compiler and slurmrestd. `first_port` keeps the clusters of different suites
    apart when they start at the same moment. `settings` are lines of slurm.conf. The `absent_nodes` have no slurmd.
    """

    name: str
    packages: tuple[str, ...]
    is_whole: bool
    first_port: int
    authentication: str
    settings: str
    gres_types: str
    cgroup_conf: str
    gres_conf: str
    node_lines: tuple[str, ...]
    absent_nodes: tuple[str, ...]
    partition_lines: tuple[str, ...]
    database_settings: str = ""


def _small(name: str, first_port: int, settings: str, cgroup_conf: str) -> Suite:
    return Suite(
        name=name, packages=_SMALL, is_whole=False, first_port=first_port, authentication="",
        settings=settings + _POWER_SAVING, gres_types="gpu,bandwidth,tmp", cgroup_conf=cgroup_conf, gres_conf=ODD_GRES,
        node_lines=ODD_NODE_LINES, absent_nodes=ABSENT_NODE_LINES, partition_lines=ODD_PARTITION_LINES,
        # As in the files of mariadb-server, which has more than the programs.
        database_settings="character-set-server=utf8mb4\ncollation-server=utf8mb4_general_ci\n",
    )  # fmt: skip


_FORKY: Final = Suite(
    name="forky", packages=_WHOLE, is_whole=True, first_port=17000, authentication=_JWT,
    settings="AccountingStorageTRES=gres/gpu\n", gres_types="gpu", cgroup_conf="CgroupPlugin=disabled\n",
    gres_conf=TESLA_GRES, node_lines=NODE_LINES, absent_nodes=(), partition_lines=PARTITION_LINES,
)  # fmt: skip
SUITES: Final = {
    suite.name: suite
    for suite in (
        # Slurm 22.05 has no `CgroupPlugin=disabled`, and would look for mounted cgroups. AccountingStorageTRES has its
        # default, in which GPUs are no TRES.
        _small("bookworm", 20000, "", "CgroupPlugin=cgroup/v1\n"),
        # Typed and untyped GPUs are both TRES, as an example in slurm.conf(5) has it.
        _small("trixie", 23000, "AccountingStorageTRES=gres/gpu,gres/gpu:tesla\n", "CgroupPlugin=disabled\n"),
        _FORKY,
    )
}


def suite_of(name: str) -> Suite:
    """Returns what is known of a suite. An unknown one is made like forky, the newest."""
    return SUITES.get(name, _FORKY)
