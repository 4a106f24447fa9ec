"""The published record of a license."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class LicenseLayerRecord(PublishedRecord):
    """The licenses of some nodes, for a resource that has layers (resources.yaml, since 25.05)."""

    nodes: str = Field(description="Nodes as a hostlist.")
    mode: int | None = Field(description="Mode of the resource, as Slurm's number.")
    total: Count | None = Field(description="Licenses of the layer, null if it has no limit.")
    used: Count | None = Field(description="Licenses that jobs hold.")
    free: Count | None = Field(description="total without used, null if the layer has no limit.")
    reserved: Count | None = Field(description="Licenses of reservations.")


class LicenseRecord(PublishedRecord):
    """One license of /licenses."""

    name: str = Field(description="Name, with `@server` for a remote one.")
    total: Count | None = Field(description="Licenses that the cluster has.")
    used: Count | None = Field(description="Licenses that jobs hold.")
    free: Count | None = Field(
        description="total without used and, since 23.02, without last_deficit. Reserved ones are free until "
        "they are used."
    )
    reserved: Count | None = Field(description="Licenses of active reservations that no job uses, null before 20.11.")
    remote: bool = Field(description="True if slurmdbd has it (`sacctmgr add resource`).")
    last_consumed: Count | None = Field(
        description="Licenses in use when the license server was last asked, null before 23.02 and for local licenses."
    )
    last_deficit: Count | None = Field(
        description="Licenses of the cluster that others use, as of the license server, null before 23.02 and for "
        "local licenses."
    )
    last_update: int | None = Field(
        description="Time of last_consumed and last_deficit, epoch seconds, null before 23.02 and for local licenses."
    )
    layers: list[LicenseLayerRecord] = Field(description="Layers of a resource with nodes, [] for a license.")
