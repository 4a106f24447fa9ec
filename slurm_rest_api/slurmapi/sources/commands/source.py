"""Reads the cluster through Slurm's own commands (every release from 15.08)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Final, TypeVar

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.pyslurm_build.installations import PROGRAMS
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot, membership_fingerprint
from slurm_rest_api.slurmapi.sources.commands.configuration import Configuration, parse_configuration
from slurm_rest_api.slurmapi.sources.commands.job_text import Release
from slurm_rest_api.slurmapi.sources.commands.jobs import JobLoad
from slurm_rest_api.slurmapi.sources.commands.node_reader import NodeReader
from slurm_rest_api.slurmapi.sources.commands.nodes import NodeContext
from slurm_rest_api.slurmapi.sources.commands.partitions import add_partitions, partition_records
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.rpcs import SDIAG, SHOW_CONFIG, SHOW_PARTITIONS, Rpcs
from slurm_rest_api.slurmapi.sources.commands.statistics import statistics_record
from slurm_rest_api.slurmapi.sources.part_reader import LoadedJobs, all_parts, load_parts

Parsed = TypeVar("Parsed")

_VERSION: Final = re.compile(r"slurm(?:-wlm)? (\d+)\.(\d+)\S*")
_PARTITIONS_SINCE: Final = (17, 2)
"""Release from which a node's line has its partitions."""


class CommandsSource:
    """A `ClusterSource` and `PartReader` over `scontrol`, `squeue` and `sdiag`.

    Args:
        programs: The commands.
        place: Directory of the commands, for `detail`.
        names: Names of users and groups.
    """

    def __init__(self, programs: SlurmPrograms, place: str, names: UserNames) -> None:
        self.name = "slurm"
        self._programs = programs
        self._place = place
        self._names = names
        self._texts = JobTexts()
        self._nodes = NodeReader(programs)
        self._rpcs = Rpcs()
        self._version = ""
        self._release: Release = (0, 0)
        self._configuration: Configuration | None = None

    @property
    def detail(self) -> str:
        """Returns the release and the directory of the commands, as in `meta.source_detail`."""
        return f"commands of Slurm {self._version or 'of unknown release'} in {self._place}"

    @property
    def rpcs_of_last_load(self) -> int:
        """Returns the number of RPCs of the last load. It is final once the jobs of this load are iterated."""
        return self._rpcs.total

    @property
    def seconds_waited(self) -> float:
        """Returns the seconds for which the commands have kept the service waiting."""
        return self._programs.seconds_waited

    def read_release(self) -> Release:
        """Reads the release of the commands, which an upgrade may change while the service runs. It costs no RPC.

        Raises:
            SourceUnavailable: scontrol failed, or it printed no release.
            SourceUnusable: There is no scontrol.
        """
        text = self._programs.text("scontrol", "--version").strip()
        match = _VERSION.fullmatch(text)
        if match is None:
            raise SourceUnavailable(
                f"The release of Slurm's commands cannot be read: scontrol --version printed {text[:80]!r}. "
                "Check `system.slurm_bin_dir`."
            )
        self._version = text.partition(" ")[2]
        return int(match[1]), int(match[2])

    def load(self) -> Snapshot:
        """Reads everything. The jobs are read during the iteration.

        Raises:
            SourceUnavailable: A command failed. The message has its name and what it printed.
            SourceUnusable: A command is missing.
        """
        return load_parts(all_parts(self))

    def begin(self, parts: Collection[str]) -> None:
        """Begins a load. Reads the release, and the configuration unless the statistics are all that is wanted.

        Raises:
            SourceUnavailable: As `load`.
            SourceUnusable: As `load`.
        """
        self._rpcs = Rpcs()
        self._names.expire()
        self._release = self.read_release()
        self._configuration = None
        if set(parts) - {"statistics"}:
            self._rpcs.add(SHOW_CONFIG)
            self._configuration = self._read(parse_configuration, "scontrol", "show", "config")

    def partitions(self) -> list[Record]:
        """Reads the partitions."""
        self._rpcs.add(SHOW_PARTITIONS)
        return self._read(partial(_partitions, self._cluster), "scontrol", "-o", "-a", "show", "partition")

    def nodes(self, partitions: list[Record]) -> list[Record]:
        """Reads the nodes."""
        port = None if self._configuration is None else self._configuration.default_node_port
        context = NodeContext(self._names, self._cluster, port, self._release)
        nodes = self._nodes.read(context, self._release, self._rpcs)
        if self._release < _PARTITIONS_SINCE:
            add_partitions(nodes, partitions)
        return nodes

    def statistics(self) -> Record:
        """Reads the statistics."""
        self._rpcs.add(SDIAG)
        return self._read(statistics_record, "sdiag")

    def jobs(self, nodes: list[Record]) -> LoadedJobs:
        """Returns the jobs, which are read during the iteration."""
        membership = membership_fingerprint(nodes)
        jobs = JobLoad(self._programs, self._release, self._names, self._cluster, membership, self._texts, self._rpcs)
        return LoadedJobs(jobs.records(), jobs.changed_since)

    @property
    def _cluster(self) -> str | None:
        return None if self._configuration is None else self._configuration.cluster_name

    def _read(self, parse: Callable[[str], Parsed], program: str, *arguments: str) -> Parsed:
        text = self._programs.text(program, *arguments)
        try:
            return parse(text)
        except ValueError as error:
            command = " ".join((program, *arguments))
            raise SourceUnavailable(
                f"slurmctld cannot be read: {command} printed another form: {error}. Run `{command}` on this host to "
                "check, or set `system.source` to slurm:pyslurm."
            ) from error


def _partitions(cluster: str | None, text: str) -> list[Record]:
    return partition_records(text.encode().split(b"\n"), cluster)


def open_commands(bin_dir: str | None, timeout_seconds: float) -> CommandsSource:
    """Opens Slurm's commands of a directory (None: PATH). One command may take `timeout_seconds`.

    Raises:
        SourceUnusable: A command is missing.
        SourceUnavailable: scontrol failed.
    """
    programs = SlurmPrograms(bin_dir, timeout_seconds)
    paths = [programs.path(program) for program in PROGRAMS]
    source = CommandsSource(programs, os.path.dirname(paths[0]), UserNames())
    source.read_release()
    return source
