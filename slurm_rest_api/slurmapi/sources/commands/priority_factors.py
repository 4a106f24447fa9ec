"""Reads the priority factors of pending jobs from sprio.

Sources: sprio(1), fmt_data of src/sprio/opts.c, Slurm 15.08 to 26.05. sprio needs priority/multifactor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, TypedDict, cast

from slurm_rest_api.slurmapi.sources.commands.configuration import parse_configuration
from slurm_rest_api.slurmapi.sources.commands.key_values import whole_number


class PriorityFactors(TypedDict):
    """The factors of one job in one partition. A factor is None in a release that lacks it.

    The sum of the weighted factors, less `nice`, is the priority.

    Keys:
        job_id: Job.
        partition: Partition, None before 17.11. A job that names several has one record for each.
        user: Login name.
        account, qos: Names, None before 23.02.
        priority: Priority of the job.
        site, assoc: Weighted factors, None before 19.05.
        age, fair_share, job_size, partition_factor, qos_factor: Weighted factors.
        nice: Nice value, which lowers the priority.
        tres: Weighted factors of TRES, such as `cpu=100,mem=20`, None without PriorityWeightTRES.
    """

    job_id: int
    partition: str | None
    user: str | None
    account: str | None
    qos: str | None
    priority: int | None
    site: int | None
    age: int | None
    assoc: int | None
    fair_share: int | None
    job_size: int | None
    partition_factor: int | None
    qos_factor: int | None
    nice: int | None
    tres: str | None


class _Column(NamedTuple):
    letter: str
    title: str
    name: str
    is_number: bool = True


_COLUMNS: Final = (
    _Column("i", "JOBID", "job_id"),
    _Column("r", "PARTITION", "partition", is_number=False),
    _Column("u", "USER", "user", is_number=False),
    _Column("o", "ACCOUNT", "account", is_number=False),
    _Column("n", "QOSNAME", "qos", is_number=False),
    _Column("Y", "PRIORITY", "priority"),
    _Column("S", "SITE", "site"),
    _Column("A", "AGE", "age"),
    _Column("B", "ASSOC", "assoc"),
    _Column("F", "FAIRSHARE", "fair_share"),
    _Column("J", "JOBSIZE", "job_size"),
    _Column("P", "PARTITION", "partition_factor"),
    _Column("Q", "QOS", "qos_factor"),
    _Column("N", "NICE", "nice"),
    _Column("T", "TRES", "tres", is_number=False),
)
ARGUMENTS: Final = ("-o", "|".join(f"%{column.letter}" for column in _COLUMNS))
"""Arguments of sprio. It leaves a column out that its release lacks, so the titles are needed."""


_WEIGHTS: Final = {
    "age": "PriorityWeightAge",
    "fairshare": "PriorityWeightFairShare",
    "job_size": "PriorityWeightJobSize",
    "partition": "PriorityWeightPartition",
    "qos": "PriorityWeightQOS",
    "assoc": "PriorityWeightAssoc",
}


def parse_priority_factors(lines: Iterable[bytes]) -> Iterator[PriorityFactors]:
    """Yields the factors of a whole output, titles included."""
    columns: list[_Column] | None = None
    for line in lines:
        cells = [cell.strip() for cell in line.decode(errors="replace").split("|")]
        if columns is None:
            columns = _columns_of(cells)
        elif len(cells) >= len(columns) and (job_id := whole_number(cells[0])) is not None:
            record: dict[str, Any] = {column.name: None for column in _COLUMNS}
            for column, cell in zip(columns, cells, strict=False):
                record[column.name] = _signed(cell) if column.is_number else cell or None
            yield cast(PriorityFactors, record | {"job_id": job_id})


def parse_priority_weights(text: str) -> dict[str, Any]:
    """Returns the weights of a whole output of `scontrol show config`, None for one that this release lacks.

    They have the published names of their factors. `tres` has the weight of each TRES, None without PriorityWeightTRES.

    Raises:
        ValueError: The text has no settings.
    """
    settings = parse_configuration(text).settings
    numbers = {name: whole_number(settings.get(setting)) for name, setting in _WEIGHTS.items()}
    tres = settings.get("PriorityWeightTRES")
    pairs = (item.strip().rpartition("=") for item in (tres or "").split(","))
    return {**numbers, "tres": {name: _decimal(weight) for name, _, weight in pairs if name} if tres else None}


def _decimal(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _columns_of(titles: list[str]) -> list[_Column] | None:
    """Returns the columns of a line of titles, in which some columns may be absent. None for another line."""
    found: list[_Column] = []
    rest = iter(_COLUMNS)
    for title in filter(None, titles):
        column = next((column for column in rest if column.title == title), None)
        if column is None:
            return None
        found.append(column)
    return found or None


def _signed(text: str) -> int | None:
    number = whole_number(text.removeprefix("-"))
    return -number if number is not None and text.startswith("-") else number
