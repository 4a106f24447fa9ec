"""Settings from the text of `scontrol show config`."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.commands.configuration import parse_configuration

TEXT = """\
Configuration data as of 2026-11-26T17:23:09
AccountingStorageEnforce = associations,limits,qos
AccountingStorageTRES   = cpu,mem,energy,node,billing,gres/gpu, gres/gpu:a100
ClusterName             = dotted.one
PriorityFlags           = 
PrivateData             = jobs,users
SelectTypeParameters    = CR_CORE_MEMORY
SlurmctldHost[0]        = vm(127.0.0.1)
SlurmctldParameters     = enable_rpc_queue,idle_on_node_suspend
SlurmdPort              = 6818
SLURM_VERSION           = 26.05.5
SrunProlog              = (null)

Cgroup Support Configuration:
ClusterName             = other

Slurmctld(primary) at vm is UP
"""  # noqa: W291 - as scontrol prints it


def test_settings() -> None:
    found = parse_configuration(TEXT)
    assert (found.cluster_name, found.version, found.release) == ("dotted.one", "26.05.5", (26, 5))
    assert found.accounting_storage_tres == ("cpu", "mem", "energy", "node", "billing", "gres/gpu", "gres/gpu:a100")
    assert found.private_data == {"jobs", "users"}
    assert found.slurmctld_parameters == {"enable_rpc_queue", "idle_on_node_suspend"}
    assert (found.slurmd_port, found.default_node_port) == (6818, 6818)
    assert found.settings["SlurmctldHost[0]"] == "vm(127.0.0.1)"
    assert "SrunProlog" not in found.settings


@pytest.mark.parametrize(
    ("version", "release", "port"),
    [
        *(("15.08.13", (15, 8), None), ("16.05.11", (16, 5), None), ("17.02.0", (17, 2), 6818)),
        *(("24.05.0-0rc1", (24, 5), 6818), ("master", (0, 0), None)),
    ],
)
def test_nodes_have_ports_since_17_02(version: str, release: tuple[int, int], port: int | None) -> None:
    found = parse_configuration(TEXT.replace("26.05.5", version))
    assert (found.release, found.default_node_port) == (release, port)


def test_none_is_no_private_data() -> None:
    found = parse_configuration("PrivateData = none\nSLURM_VERSION = 22.05.8\n")
    assert found.private_data == frozenset()
    assert (found.cluster_name, found.accounting_storage_tres, found.slurmd_port) == (None, (), None)


def test_other_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the settings"):
        parse_configuration("Unable to contact slurm controller (connect failure)\n")
