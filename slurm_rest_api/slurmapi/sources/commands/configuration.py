"""Reads the settings of the cluster from `scontrol show config`.

Sources: slurm_ctl_conf_2_key_pairs() of src/api/config_info.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from slurm_rest_api.slurmapi.sources.commands.key_values import whole_number

_LINE: Final = re.compile(r"(\w[\w\[\]]*) *= (.*)", re.ASCII)
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_PORT_SINCE: Final = (17, 2)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings of slurm.conf as slurmctld has them.

    Attributes:
        cluster_name: ClusterName, None if it is not set.
        version: SLURM_VERSION, such as `26.05.5` and `24.05.0-0rc1`.
        release: Major and minor number, such as (26, 5). (0, 0) for a version that is no number.
        accounting_storage_tres: AccountingStorageTRES, without blanks.
        private_data: Words of PrivateData, such as `jobs`. Empty for `none`.
        slurmd_port: SlurmdPort, None if it is no number.
        slurmctld_parameters: Words of SlurmctldParameters. Empty before 18.08.
        settings: All settings by name, as printed. `(null)` is left out.
    """

    cluster_name: str | None
    version: str | None
    release: tuple[int, int]
    accounting_storage_tres: tuple[str, ...]
    private_data: frozenset[str]
    slurmd_port: int | None
    slurmctld_parameters: frozenset[str]
    settings: dict[str, str] = field(repr=False)

    @property
    def default_node_port(self) -> int | None:
        """SlurmdPort for nodes that scontrol prints without `Port=`. None before 17.02, which has no such key."""
        return self.slurmd_port if self.release >= _PORT_SINCE else None


def parse_configuration(text: str) -> Configuration:
    """Returns the settings of a whole output.

    Raises:
        ValueError: The text has no settings.
    """
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        match = _LINE.fullmatch(line.rstrip())
        # Sections of plugins follow, with names of their own.
        if match is not None and match[1] not in settings and match[2] != "(null)":
            settings[match[1]] = match[2]
    if "SLURM_VERSION" not in settings:
        raise ValueError(f"expected the settings of scontrol show config: {text[:60]!r}")
    version = _VERSION.match(settings["SLURM_VERSION"])
    return Configuration(
        cluster_name=settings.get("ClusterName") or None,
        version=settings["SLURM_VERSION"],
        release=(int(version[1]), int(version[2])) if version else (0, 0),
        accounting_storage_tres=tuple(_words(settings.get("AccountingStorageTRES"))),
        private_data=frozenset(_words(settings.get("PrivateData"))) - {"none"},
        slurmd_port=whole_number(settings.get("SlurmdPort")),
        slurmctld_parameters=frozenset(_words(settings.get("SlurmctldParameters"))),
        settings=settings,
    )


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]
