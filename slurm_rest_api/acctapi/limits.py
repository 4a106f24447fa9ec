"""Selects the limits of associations and QOS that slurmctld checks before it starts a job.

The QOS of the partition comes first, or that of the job if it has the flag OverPartQOS. What neither limits, the
association and those above it may limit (acct_policy_set_qos_order(), acct_policy_job_runnable_pre_select() and
acct_policy_job_runnable_post_select() of src/slurmctld/acct_policy.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slurm_rest_api.acctapi.associations import Association, nearest, nearest_tres
from slurm_rest_api.acctapi.encodings import tres
from slurm_rest_api.acctapi.limit_kinds import ASSOCIATION_LIMITS, QOS_LIMITS, REPLACED_BY_EITHER, LimitKind
from slurm_rest_api.acctapi.qos import OVER_PARTITION_QOS, RELATIVE, Qos
from slurm_rest_api.acctapi.reference_data import ReferenceData

_Slot = tuple[str, str | None]


@dataclass(frozen=True)
class Limit:
    """A limit with its holder: a QOS, or the association of a user or an account.

    `tres` is the TRES that it limits, None for a limit on jobs or time. `value` is jobs, minutes, TRES or TRES minutes,
    memory in MiB. It is a percentage if `is_relative`.
    """

    kind: LimitKind
    holder: Association | Qos
    tres: str | None
    value: int
    is_relative: bool = False


def qos_in_order(job_qos: Qos | None, partition_qos: Qos | None) -> list[Qos]:
    """Returns the QOS whose limits hold for a job. The limits of the first one precede those of the second."""
    first, second = partition_qos, job_qos
    if job_qos is not None and job_qos.flags & OVER_PARTITION_QOS:
        first, second = job_qos, partition_qos
    found = [qos for qos in (first, second) if qos is not None]
    return found[:1] if len(found) == 2 and found[0].id == found[1].id else found


def limits_of(reference: ReferenceData, association: Association | None, qos: list[Qos]) -> Iterator[Limit]:
    """Yields the limits that hold for a job, in the order in which slurmctld checks them.

    `qos` are in the order of `qos_in_order`. Without an association only those of the QOS are yielded.
    """
    taken: set[_Slot] = set()
    for each in qos:
        yield from _new(_of_qos(each, reference), taken)
    if association is None:
        return
    factor = next((found for each in qos if (found := each.values.get("limit_factor")) is not None), None)
    ancestry = list(reference.associations.with_ancestors(association))
    for level, row in enumerate(ancestry):
        for limit in _of_association(row, ancestry[level:], reference, inherited=level == 0):
            if not _is_taken(limit, taken):
                yield _with_factor(limit, factor)


def _of_qos(qos: Qos, reference: ReferenceData) -> Iterator[Limit]:
    relative = bool(qos.flags & RELATIVE)
    for kind in QOS_LIMITS:
        found = qos.values.get(kind.column)
        if kind.is_tres:
            for name, value in tres(found, reference.tres).items():
                yield Limit(kind, qos, name, value, is_relative=relative)
        elif found is not None:
            yield Limit(kind, qos, None, found)


def _of_association(
    row: Association, ancestry: list[Association], reference: ReferenceData, *, inherited: bool
) -> Iterator[Limit]:
    """Yields the limits of one association. Those that do not count a group are inherited, and hold for a job once."""
    for kind in ASSOCIATION_LIMITS:
        if kind.counted == "group":
            rows = [row]
        elif inherited:
            rows = ancestry
        else:
            continue
        if kind.is_tres:
            for name, value in nearest_tres(rows, kind.column, reference.tres).items():
                yield Limit(kind, row, name, value)
        elif (found := nearest(rows, kind.column)) is not None:
            yield Limit(kind, row, None, found)


def _new(limits: Iterator[Limit], taken: set[_Slot]) -> Iterator[Limit]:
    """Yields the limits that no earlier QOS has, and adds them to `taken`."""
    for limit in [limit for limit in limits if (limit.kind.slot, limit.tres) not in taken]:
        taken.add((limit.kind.slot, limit.tres))
        yield limit


def _is_taken(limit: Limit, taken: set[_Slot]) -> bool:
    slots = REPLACED_BY_EITHER.get(limit.kind.slot, (limit.kind.slot,))
    return any((slot, limit.tres) in taken for slot in slots)


def _with_factor(limit: Limit, factor: float | None) -> Limit:
    """Multiplies GrpTRES and MaxTRES of an association with the LimitFactor of a QOS."""
    if factor is None or factor <= 0 or limit.kind.name not in ("GrpTRES", "MaxTRES"):
        return limit
    return Limit(limit.kind, limit.holder, limit.tres, int(limit.value * factor))
