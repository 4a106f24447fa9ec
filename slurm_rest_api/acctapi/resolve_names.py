"""The parameters of /history to filters: names to the numbers that the job table has. Pure but for name look-ups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slurm_rest_api.acctapi.filters import AssociationFilter, Filters, RowFilter
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurm.user_names import AccountNames

OrphanIds = Callable[[], frozenset[int]]
"""Gives the ids of associations that only the job table knows; asked for when they matter."""


def filters_of(
    query: HistoryParameters,
    reference: ReferenceData,
    orphan_association_ids: OrphanIds,
    accounts: AccountNames,
    hidden: frozenset[str],
    now: int,
    scope: DataScope,
) -> Filters:
    """What `query` asks for of what `scope` leaves. Names that nobody has become filters that nothing meets."""
    row_filter = _row_filter(scope, reference, orphan_association_ids, accounts)
    numeric = query.user is not None and query.user.isascii() and query.user.isdigit()
    return Filters(
        associations=_intersection(
            _association_filter(
                query, reference, orphan_association_ids, accounts, by_name=query.user is not None and not numeric
            ),
            row_filter,
        ),
        visible=row_filter,
        uid=int(query.user) if numeric and query.user is not None else None,
        states=query.state,
        qos=None if query.qos is None else frozenset().union(*(reference.qos_ids(name) for name in query.qos)),
        partition=query.partition,
        job_name=query.jobname,
        nodes=query.node,
        job_ids=query.jobid,
        submit_after=query.submitafter,
        submit_before=query.submitbefore,
        start_after=query.startafter,
        start_before=query.startbefore,
        end_after=query.endafter,
        end_before=query.endbefore,
        duplicates=query.duplicates,
        hidden=hidden,
        now=now,
    )


def _association_filter(
    query: HistoryParameters,
    reference: ReferenceData,
    orphan_association_ids: OrphanIds,
    accounts: AccountNames,
    *,
    by_name: bool,
) -> AssociationFilter | None:
    """Those whom user name, account and association id have in common; None when none of the three is given."""
    wanted: list[frozenset[int]] = []
    uid: int | None = None
    if by_name and query.user is not None:
        wanted.append(reference.associations.ids_of_user(query.user))
        uid = accounts.uid_of(query.user)
    if query.account is not None:
        wanted.append(reference.associations.ids_of_account(query.account))
    # Without an association a record belongs to whom its own columns name, if this host knows that user at all.
    unknown = orphan_association_ids() if wanted and not (by_name and uid is None) else frozenset[int]()
    if query.associd is not None:
        only = frozenset((query.associd,))
        if not wanted:
            return AssociationFilter(only)
        wanted.append(only)
        unknown &= only
    if not wanted:
        return None
    return AssociationFilter(frozenset.intersection(*wanted), unknown, uid, query.account)


def _row_filter(
    scope: DataScope, reference: ReferenceData, orphan_association_ids: OrphanIds, accounts: AccountNames
) -> RowFilter | None:
    """The records that `scope` leaves; None where that is all of them.

    They are private as jobs, and also where only usage is: what others have used can be added up from their records.
    """
    if not scope.hides("jobs", "usage"):
        return None
    associations = reference.associations
    own = associations.ids_of_user(scope.user).union(*map(associations.ids_of_account, sorted(scope.accounts)))
    uid = accounts.uid_of(scope.user)
    unknown = frozenset[int]() if uid is None and not scope.accounts else orphan_association_ids()
    return RowFilter(own, unknown, uid, scope.accounts)


def _intersection(asked: AssociationFilter | None, row_filter: RowFilter | None) -> AssociationFilter | None:
    """The owners that are asked for and may be seen: fewer of them let an index find their records.

    It is `row_filter` that decides about a record; an owner too many here shows nothing.
    """
    if row_filter is None:
        return asked
    if asked is None:
        return AssociationFilter(
            row_filter.association_ids,
            row_filter.orphan_association_ids,
            None if row_filter.accounts else row_filter.uid,
        )
    return replace(
        asked,
        association_ids=asked.association_ids & row_filter.association_ids,
        # Asked for by its id alone, an association that is not there counts among the others.
        orphan_association_ids=(asked.orphan_association_ids | asked.association_ids)
        & row_filter.orphan_association_ids,
    )
