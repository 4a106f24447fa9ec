"""The query parameters of /availability."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from slurm_rest_api.contract_base import LARGEST_NUMBER
from slurm_rest_api.errors import BadParameter
from slurm_rest_api.slurmapi.availability.model import UNLIMITED, Request
from slurm_rest_api.web.name_lists import CommaList, NameFilterParam
from slurm_rest_api.web.param_types import Text
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format

_EXPECTED: Final = (
    "expected a time limit as sbatch takes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours,"
    " days-hours:minutes, days-hours:minutes:seconds, or UNLIMITED"
)
_PATTERN: Final = r"(?:\d{1,6}-\d{1,6}(?::\d{1,6}){0,2}|\d{1,9}(?::\d{1,6}){0,2})"
_TIME: Final = re.compile(_PATTERN, re.ASCII)
_UNLIMITED: Final = frozenset(("UNLIMITED", "INFINITE", "-1"))
_MINUTE: Final = 60


def parse_time_limit(text: str) -> float:
    """Returns the seconds of a time limit in the forms of sbatch(1), `--time`, rounded up to a whole minute.

    Source: time_str2secs() of src/common/parse_time.c. slurmctld keeps time limits in minutes.

    Raises:
        ValueError: it has none of these forms, or is 0, with which sbatch asks for no limit of its own.
    """
    word = text.strip()
    if word.upper() in _UNLIMITED:
        return UNLIMITED
    if _TIME.fullmatch(word) is None:
        raise ValueError(_EXPECTED)
    days, dash, rest = word.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:
        hours, minutes, seconds = 0, parts[0], sum(parts[1:])
    total = int(days or 0) * 86400 + hours * 3600 + minutes * _MINUTE + seconds
    if total == 0:
        raise ValueError(_EXPECTED)
    return -(-total // _MINUTE) * _MINUTE


def _parsed(value: object) -> object:
    return parse_time_limit(value) if isinstance(value, str) else value


TimeLimit = Annotated[
    float,
    BeforeValidator(_parsed),
    WithJsonSchema(
        {
            "type": "string",
            "description": _EXPECTED,
            "pattern": f"^(?:{_PATTERN}|UNLIMITED)$",
            "examples": ["60", "4:00:00", "1-12"],
        }
    ),
]
"""A query parameter that is a time limit. The model holds its seconds."""


class AvailabilityParameters(Parameters):
    """Parameters of /availability: a job of `nodes` identical pieces, each on a node of its own."""

    cpus: int | None = Field(
        None, ge=1, le=LARGEST_NUMBER, description="CPUs on each node. Default: DefCpuPerGPU of the partition, or 1."
    )
    mem: int | None = Field(
        None,
        ge=1,
        le=LARGEST_NUMBER,
        description="Memory on each node, MiB. Default: that of the partition. Where it has none, memory is ignored.",
    )
    gpus: int | None = Field(
        None, ge=0, le=LARGEST_NUMBER, description="GPUs on each node. Default: 1 with `gpu_type`, else 0."
    )
    gpu_type: Text | None = Field(None, description="Model of the GPUs: a100. It is the type of their GRES.")
    nodes: int = Field(1, ge=1, le=LARGEST_NUMBER, description="Number of nodes.")
    time: TimeLimit | None = Field(
        None, description="Time limit: 60 (minutes), 4:00:00, 1-12. Default: that of the partition."
    )
    exclusive: bool = Field(False, description="Nodes without other jobs, as `sbatch --exclusive` requests them.")
    partition: NameFilterParam | None = Field(None, description="Only these partitions.")
    account: Text | None = Field(None, description="Account of the job.")
    qos: Text | None = Field(None, description="QOS of the job.")
    user: Text | None = Field(None, description="Login name of the job's user, which reservations may require.")
    reservation: Text | None = Field(None, description="Reservation that the job names (`sbatch --reservation`).")
    fields: CommaList | None = Field(None, description="Only these fields, in this order.")
    format: Format = Field("json", description="Format of the body. ndjson, csv, tsv and table have no envelope.")


def request_of(query: AvailabilityParameters) -> Request:
    """Returns the request of the job.

    Raises:
        BadParameter: `gpu_type` comes with `gpus=0`.
    """
    if query.gpu_type is not None and query.gpus == 0:
        raise BadParameter("`gpu_type` cannot be combined with `gpus=0`. Remove one of them.", parameter="gpu_type")
    gpus = query.gpus if query.gpus is not None else int(query.gpu_type is not None)
    return Request(
        cpus=query.cpus,
        memory_mib=query.mem,
        gpus=gpus,
        gpu_type=query.gpu_type,
        nodes=query.nodes,
        seconds=query.time,
        account=query.account,
        qos=query.qos,
        user=query.user,
        reservation=query.reservation,
        exclusive=query.exclusive,
    )
