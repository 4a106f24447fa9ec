"""Finds the limits that keep a pending job from starting, and what is used of each now.

Limits come from the accounting database, use from the snapshot: slurmctld counts the TRES of jobs from their start
until they complete (_qos_adjust_limit_usage() and _adjust_limit_usage() of src/slurmctld/acct_policy.c).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from slurm_rest_api.acctapi.associations import Association
from slurm_rest_api.acctapi.limits import Limit, limits_of, qos_in_order
from slurm_rest_api.acctapi.qos import Qos
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.acctapi.users import VisibleAssociations
from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import ApiError
from slurm_rest_api.explainapi.counted_jobs import JobCounts, Use, counted_by
from slurm_rest_api.explainapi.limit_record import noun_of, record, request_text, unit_of, use_text
from slurm_rest_api.explainapi.partition_limits import partition_limits
from slurm_rest_api.slurm.tres import parse_tres
from slurm_rest_api.slurmapi.store.reader import StoreView

Record = dict[str, Any]

PRIVATE_LIMIT: Final = "The limit is of an account that you may not see (`auth.private_data`)."
PRIVATE_USE: Final = "The jobs of others are private (`auth.private_data`), so they are not counted."
OVER_TIME: Final = (
    "Slurm adds up this use in slurmctld, where it decays. `sshare` and `scontrol show assoc_mgr` have it."
)
RELATIVE_LIMIT: Final = "The limit is a percentage of the cluster or partition (QOS flag Relative)."
_OVER_TIME_MEASURES: Final = ("used_wall", "used_tres_minutes", "run_minutes")


def read_limits(accounting: Accounting | None) -> tuple[ReferenceData | None, str | None]:
    """Reads associations and QOS, cached. Returns None where accounting is off, or with the error of the database."""
    if accounting is None:
        return None, None
    try:
        return accounting.database.run(accounting.reference_data.get), None
    except ApiError as error:
        return None, error.detail


def job_limits(
    reference: ReferenceData | None, view: StoreView, job: Mapping[str, Any], scope: DataScope
) -> list[Record]:
    """Returns the limits of associations, QOS and partitions that keep the pending `job` from starting now.

    `job` is its published record. First the limits that its reason names, in the order in which slurmctld checks them,
    then others that are reached. Without `reference` only those of partitions are known.
    """
    partitions = _partitions(view)
    named = [partitions[name] for name in (job.get("partition") or "").split(",") if name in partitions]
    job_qos = None if reference is None else reference.qos_rows.get((job.get("qos") or "").partition(",")[0])
    of_partitions = [] if scope.hides("partitions") else partition_limits(job, named, job_qos)
    if reference is None:
        return _sorted(of_partitions)
    found = _Finder(reference, view, job, scope, partitions)
    limits: list[Record] = []
    for partition in named or [{}]:
        for each in found.limits(job_qos, partition):
            if each not in limits:
                limits.append(each)
    return _sorted([*limits, *of_partitions])


def _sorted(limits: list[Record]) -> list[Record]:
    return sorted(limits, key=lambda limit: not limit["is_reason"])


def _partitions(view: StoreView) -> dict[str, Record]:
    found = (orjson.loads(body) for batch in view.batches("partitions") for _, body in batch)
    return {partition["name"]: partition for partition in found}


@dataclass(frozen=True)
class _Compared:
    """A limit with its use, and if it keeps the job from starting. None: that is not known."""

    limit: Limit
    use: Use | None
    requested: int | None
    reached: bool | None
    is_named: bool


class _Finder:
    """Compares the limits of one job with their use."""

    def __init__(
        self,
        reference: ReferenceData,
        view: StoreView,
        job: Mapping[str, Any],
        scope: DataScope,
        partitions: Mapping[str, Record],
    ) -> None:
        self._reference, self._job = reference, job
        self._reason = (job.get("state_reason") or "").partition(",")[0]
        self._requested = parse_tres(job.get("tres_req_str"))
        self._visible = VisibleAssociations(scope, reference.associations)
        self._counts = JobCounts(view, job["user_name"], scope)
        self._by_qos: dict[str, tuple[str, ...]] = {}
        for name, partition in partitions.items():
            if qos := partition.get("qos_char"):
                self._by_qos[qos] = (*self._by_qos.get(qos, ()), name)

    def limits(self, job_qos: Qos | None, partition: Mapping[str, Any]) -> list[Record]:
        """Returns the limits that the reason names, and others that are reached, for a start in `partition`."""
        partition_qos = self._reference.qos_rows.get(partition.get("qos_char") or "")
        association = self._association(partition)
        qos = qos_in_order(job_qos, partition_qos)
        compared = [
            self._compare(limit, association, partition) for limit in limits_of(self._reference, association, qos)
        ]
        named = [each for each in compared if each.is_named]
        # The snapshot may be newer than the reason. Then all limits of that name are possible.
        reasons = [each for each in named if each.reached] or [each for each in named if not self._is_hidden(each)]
        shown = [self._shown(each, is_reason=True) for each in reasons]
        if not shown and named:
            shown = [self._hidden(named[0])]
        return shown + [self._shown(each, is_reason=False) for each in compared if each.reached and not each.is_named]

    def _association(self, partition: Mapping[str, Any]) -> Association | None:
        """Returns the association of the job for a start in `partition`, None for one that slurmdbd does not know."""
        associations = self._reference.associations
        # Slurm's commands do not print the id.
        known = associations.by_id(self._job.get("assoc_id") or 0)
        name = partition.get("name")
        if known is not None and known.partition in ("", name):
            return known
        return associations.of_job(self._job["user_name"], self._job.get("account") or "", name) or known

    def _compare(self, limit: Limit, association: Association | None, partition: Mapping[str, Any]) -> _Compared:
        kind = limit.kind
        is_named = kind.is_named_by(self._reason, limit.tres)
        if self._is_private(limit.holder) or limit.is_relative or kind.measure in _OVER_TIME_MEASURES:
            return _Compared(limit, None, None, None, is_named)
        if kind.measure == "submitted" and not is_named:
            # It is checked when a job is submitted. This one has been.
            return _Compared(limit, None, None, None, is_named)
        if kind.counted in ("job", "node"):
            asked = self._asked(limit, partition)
            return _Compared(limit, None, asked, _exceeds(asked, limit), is_named)
        counted = counted_by(limit, self._job, association, self._reference.associations, self._by_qos)
        asked = None if limit.tres is None else self._requested.get(limit.tres, 0)
        # A limit that is not shown needs no exact use.
        is_shown = is_named or (asked or 0) > limit.value
        use = self._counts.use(counted, kind.measure, limit.tres, None if is_shown else limit.value)
        return _Compared(limit, use, asked, _is_used_up(use.total, asked, limit), is_named)

    def _asked(self, limit: Limit, partition: Mapping[str, Any]) -> int | None:
        """Returns what the job requests of a limit on one job, None for a job without a time limit."""
        minutes = _minutes(self._job.get("time_limit"), partition)
        if limit.tres is None:
            return minutes
        requested = self._requested.get(limit.tres, 0)
        if limit.kind.measure == "tres_minutes":
            return None if minutes is None else requested * minutes
        return requested // max(self._requested.get("node", 1), 1) if limit.kind.counted == "node" else requested

    def _is_private(self, holder: Association | Qos) -> bool:
        return isinstance(holder, Association) and not self._visible.includes(holder)

    def _is_hidden(self, compared: _Compared) -> bool:
        return self._is_private(compared.limit.holder)

    def _shown(self, compared: _Compared, *, is_reason: bool) -> Record:
        limit, use = compared.limit, compared.use
        kind, measure = limit.kind, limit.kind.measure
        unit, noun = unit_of(measure, limit.tres), noun_of(measure, limit.tres)
        if limit.is_relative:
            unit, noun = "percent", f"percent of the {noun}"
        holder_type, name, holder = _holder(limit.holder)
        if kind.counted in ("job", "node") and not limit.is_relative:
            each = " on a node" if kind.counted == "node" else ""
            noun = "minutes of run time" if limit.tres is None else noun
            text = request_text(limit.value, compared.requested, noun, holder, each=each, at_least=kind.at_least)
        else:
            total = None if use is None else use.total
            text = use_text(limit.value, total, compared.requested, noun, self._where(limit, holder))
        return record(
            name=kind.name, tres=limit.tres, text=text, is_reason=is_reason, holder_type=holder_type, holder=name,
            scope=_scope(limit), limit=limit.value, used=None if use is None else use.total,
            own=None if use is None else use.own, requested=compared.requested, unit=unit,
            unknown=_why_unknown(limit, use),
        )  # fmt: skip

    def _hidden(self, compared: _Compared) -> Record:
        """Returns the record of the limit that the reason names, of an account that the user may not see."""
        limit = compared.limit
        noun = noun_of(limit.kind.measure, limit.tres)
        return record(
            name=limit.kind.name, tres=limit.tres, text=f"A limit on {noun} of an account above it is reached.",
            is_reason=True, scope="account", unit=unit_of(limit.kind.measure, limit.tres), unknown=PRIVATE_LIMIT,
        )  # fmt: skip

    def _where(self, limit: Limit, holder: str) -> str:
        counted, held = limit.kind.counted, "" if limit.tres is None else "in use "
        if isinstance(limit.holder, Association):
            below = " and the accounts below it" if self._has_accounts_below(limit.holder) else ""
            return f"{held}{'by' if held else 'of'} {holder}{below}"
        owner = {"user": f"{self._job['user_name']} ", "account": f"account {self._job.get('account')} "}.get(counted)
        return f"{held}{'by' if held else 'of'} {owner}in {holder}" if owner else f"{held}in {holder}"

    def _has_accounts_below(self, row: Association) -> bool:
        return not row.user and len(self._reference.associations.with_descendants([row.acct])) > 1


def _why_unknown(limit: Limit, use: Use | None) -> str | None:
    if limit.is_relative:
        return RELATIVE_LIMIT
    if limit.kind.measure in _OVER_TIME_MEASURES:
        return OVER_TIME
    return PRIVATE_USE if use is not None and use.total is None else None


def _scope(limit: Limit) -> str:
    counted = limit.kind.counted
    if counted == "user" or (isinstance(limit.holder, Association) and limit.holder.user and counted == "group"):
        return "own"
    return {"group": "account" if isinstance(limit.holder, Association) else "qos"}.get(counted, counted)


def _holder(holder: Association | Qos) -> tuple[str, str, str]:
    """Returns the type and the name of a limit's holder, and both in a sentence."""
    if isinstance(holder, Qos):
        return "qos", holder.name, f"QOS {holder.name}"
    if holder.user:
        return "association", f"{holder.user} in {holder.acct}", f"{holder.user} in account {holder.acct}"
    return "account", holder.acct, f"account {holder.acct}"


def _exceeds(asked: int | None, limit: Limit) -> bool:
    if asked is None:
        return True
    return asked < limit.value if limit.kind.at_least else asked > limit.value


def _is_used_up(used: int | None, asked: int | None, limit: Limit) -> bool | None:
    """Returns True if the limit keeps the job from starting. A job may share nodes that are counted already."""
    if used is None:
        return None
    if asked is None:
        return used >= limit.value
    if limit.tres == "node":
        return asked > limit.value or (used >= limit.value and asked > 0)
    return asked > 0 and used + asked > limit.value


def _minutes(time_limit: object, partition: Mapping[str, Any]) -> int | None:
    """Returns the time limit of a job in minutes, None for one that is unlimited."""
    if isinstance(time_limit, int):
        return time_limit
    longest = partition.get("max_time")
    return longest // 60 if time_limit == "Partition_Limit" and isinstance(longest, int) else None
