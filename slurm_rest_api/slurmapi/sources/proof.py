"""Reads pyslurm and Slurm's commands in turns, and compares them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from slurm_rest_api.slurmapi.sources.comparison import Reading, Result, compare, reading_of
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS, PartReader, all_parts, load_parts

ROUNDS: Final = 3
"""Rounds in which a difference has to be found. Each costs one load with the commands and one with pyslurm."""


def prove(pyslurm: PartReader, commands: PartReader, parts: Collection[str]) -> Result:
    """Compares what pyslurm and the commands say about `parts`. Stops after the first round without a difference.

    Args:
        pyslurm: The reader of pyslurm. It is read once before and once after the commands.
        commands: The reader of Slurm's commands. It also reads the parts that pyslurm lacks.
        parts: Parts of a snapshot that pyslurm has.

    Raises:
        SourceUnavailable: slurmctld did not answer, or a command failed.
    """
    before = _read(pyslurm, commands, parts)
    rounds: list[tuple[Reading, Reading, Reading]] = []
    result: Result = {}
    for _ in range(ROUNDS):
        between = reading_of(load_parts(all_parts(commands)), before)
        after = _read(pyslurm, commands, parts, before)
        rounds.append((_only(before, parts), _only(between, parts), _only(after, parts)))
        result = compare(rounds)
        if not any(found.differing for found in result.values()):
            break
        before = after
    return result


def _read(pyslurm: PartReader, commands: PartReader, parts: Collection[str], wanted: Reading | None = None) -> Reading:
    """Returns what pyslurm says about `parts`, and the commands about the others."""
    # The commands begin first, see `load_parts`.
    missing = {part: commands for part in SNAPSHOT_PARTS if part not in parts}
    return reading_of(load_parts(missing | dict.fromkeys(parts, pyslurm)), wanted)


def _only(reading: Reading, parts: Collection[str]) -> Reading:
    return {part: records for part, records in reading.items() if part in parts}
