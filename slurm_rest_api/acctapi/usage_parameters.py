"""The query parameters of /utilization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, cast, get_args

from pydantic import Field

from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.parameters import PageParameters, StoredNames
from slurm_rest_api.acctapi.usage_window import StepOrTotal
from slurm_rest_api.web.name_lists import FewNames, list_schema, parse_few_names, parsed_with
from slurm_rest_api.web.timespec import TimeParam

Group = Literal["account", "user", "qos", "wckey"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)

_MAX_TRES: Final = 20


def _groups(texts: Sequence[str]) -> tuple[Group, ...]:
    names = parse_few_names(texts)
    if not set(names) <= set(GROUPS):
        raise ValueError("expected account, user, qos or wckey, or several of them with commas")
    if "wckey" in names and not set(names) <= {"wckey", "user"}:
        raise ValueError("expected wckey alone or with user: only user can be combined with wckey")
    return tuple(group for group in GROUPS if group in names)


def _tres(texts: Sequence[str]) -> tuple[str, ...]:
    names = parse_few_names(texts)
    if len(names) > _MAX_TRES:
        raise ValueError(f"expected at most {_MAX_TRES} TRES")
    return cast(tuple[str, ...], tuple(dict.fromkeys(names)))


GroupBy = Annotated[
    tuple[Group, ...],
    parsed_with(_groups),
    list_schema("account, user, qos, wckey, or several of them.", "account", "user"),
]
TresNames = Annotated[
    tuple[str, ...], parsed_with(_tres), list_schema("Names of TRES, or all.", "cpu", "gres/gpu", "billing")
]


class UtilizationParameters(PageParameters):
    """Parameters of /utilization."""

    group_by: GroupBy | None = Field(
        None,
        description="Usage of each account (with the accounts below it), user, QOS (Slurm 24.11 and later) or workload"
        " key. Without it: the figures of the cluster.",
    )
    tres: TresNames | None = Field(
        None, description="Trackable resources such as cpu, mem, billing, gres/gpu, or all. Default: cpu."
    )
    step: StepOrTotal = Field("day", description="Length of the steps of time. total: one sum over the window.")
    since: TimeParam | None = Field(
        None, description="Start of the window, rounded down to a step. Default: 24 hours, 30 days or a year before."
    )
    until: TimeParam | None = Field(None, description="End of the window, rounded up to a step. Default: now.")
    account: StoredNames | None = Field(None, description="Usage under these accounts and all below them.")
    user: FewNames | None = Field(None, description="Usage of these users.")
    qos: StoredNames | None = Field(None, description="Usage with one of these QOS.")
    wckey: StoredNames | None = Field(None, description="Usage with one of these workload keys.")
    limit: int = Field(1000, ge=1, description="Records per page.")
    times: Times = Field("epoch", description="Format of times: epoch seconds, ISO 8601, or as in /history.")
