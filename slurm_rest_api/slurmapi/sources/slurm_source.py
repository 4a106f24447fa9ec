"""Reads Slurm: each part of its state through pyslurm or through Slurm's own commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from slurm_rest_api.slurmapi.sources.base import ClusterSource, Snapshot
from slurm_rest_api.slurmapi.sources.commands.optional_records import OptionalRecords
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS, PartReader, load_parts
from slurm_rest_api.slurmapi.sources.parts import Origin, PartOrigin, parts_from

_ORDER: Final[tuple[Origin, ...]] = ("commands", "pyslurm")


class SlurmSource:
    """A `ClusterSource` that reads each part where `origins` says.

    Args:
        origins: The origin of each part.
        readers: The readers by origin. Those that `origins` does not need may be absent.
        optional: Reads the optional kinds. None: none is on.
    """

    def __init__(
        self,
        origins: Sequence[PartOrigin],
        readers: Mapping[Origin, PartReader],
        optional: OptionalRecords | None = None,
    ) -> None:
        self.name = "slurm"
        self.origins = tuple(origins)
        self._readers = readers
        self._optional = optional
        self._by_commands = parts_from(origins, "commands", SNAPSHOT_PARTS)
        # The commands begin first, see `load_parts`.
        self._by_part = {
            part: readers[origin] for origin in _ORDER for part in parts_from(origins, origin, SNAPSHOT_PARTS)
        }

    @property
    def detail(self) -> str:
        """Returns how Slurm is read, such as `pyslurm 22.5.3 for Slurm 22.05.8; nodes from commands of …`."""
        if not self._by_commands:
            return self._readers["pyslurm"].detail
        commands = self._readers["commands"].detail
        if len(self._by_commands) < len(SNAPSHOT_PARTS):
            return f"{self._readers['pyslurm'].detail}; {', '.join(self._by_commands)} from {commands}"
        reasons = dict.fromkeys(row.why for row in self.origins if row.part in SNAPSHOT_PARTS and row.why)
        return commands + (f", because {'; '.join(reasons)}" if reasons else "")

    @property
    def rpcs_of_last_load(self) -> int:
        """Returns the number of RPCs of the last load, of pyslurm and of the commands together."""
        optional = 0 if self._optional is None else self._optional.rpcs
        return optional + sum(reader.rpcs_of_last_load for reader in set(self._by_part.values()))

    def load(self) -> Snapshot:
        """Reads everything.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        snapshot = load_parts(self._by_part)
        if self._optional is None:
            return snapshot
        self._optional.refresh()
        return self._optional.added_to(snapshot)


def origins_of(source: ClusterSource) -> tuple[PartOrigin, ...]:
    """Returns the origins of a source's parts. None for the demonstration and for sources of a site."""
    return source.origins if isinstance(source, SlurmSource) else ()
