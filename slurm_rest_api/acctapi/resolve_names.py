"""The parameters of /history to filters: names to the numbers that the job table has. Pure but for name look-ups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slurm_rest_api.acctapi.filters import AssociationFilter, Filters, RowFilter
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurm.user_names import AccountNames

Strangers = Callable[[], frozenset[int]]
"""Gives the ids of associations that only the job table knows; asked for when they matter."""


def filters_of(
    query: HistoryParameters,
    catalog: ReferenceData,
    orphan_association_ids: Strangers,
    accounts: AccountNames,
    hidden: frozenset[str],
    now: int,
    scope: DataScope,
) -> Filters:
    """What `query` asks for of what `scope` leaves. Names that nobody has become filters that nothing meets."""
    seen = _seen(scope, catalog, orphan_association_ids, accounts)
    numeric = query.user is not None and query.user.isascii() and query.user.isdigit()
    return Filters(
        owners=_within(
            _owners(query, catalog, orphan_association_ids, accounts, by_name=query.user is not None and not numeric),
            seen,
        ),
        seen=seen,
        uid=int(query.user) if numeric and query.user is not None else None,
        states=query.state,
        qos=None if query.qos is None else frozenset().union(*(catalog.qos_ids(name) for name in query.qos)),
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


def _owners(
    query: HistoryParameters,
    catalog: ReferenceData,
    orphan_association_ids: Strangers,
    accounts: AccountNames,
    *,
    by_name: bool,
) -> AssociationFilter | None:
    """Those whom user name, account and association id have in common; None when none of the three is given."""
    wanted: list[frozenset[int]] = []
    uid: int | None = None
    if by_name and query.user is not None:
        wanted.append(catalog.associations.ids_of_user(query.user))
        uid = accounts.uid_of(query.user)
    if query.account is not None:
        wanted.append(catalog.associations.ids_of_account(query.account))
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


def _seen(
    scope: DataScope, catalog: ReferenceData, orphan_association_ids: Strangers, accounts: AccountNames
) -> RowFilter | None:
    """The records that `scope` leaves; None where that is all of them.

    They are private as jobs, and also where only usage is: what others have used can be added up from their records.
    """
    if not scope.hides("jobs", "usage"):
        return None
    associations = catalog.associations
    own = associations.ids_of_user(scope.user).union(*map(associations.ids_of_account, sorted(scope.accounts)))
    uid = accounts.uid_of(scope.user)
    unknown = frozenset[int]() if uid is None and not scope.accounts else orphan_association_ids()
    return RowFilter(own, unknown, uid, scope.accounts)


def _within(owners: AssociationFilter | None, seen: RowFilter | None) -> AssociationFilter | None:
    """The owners that are asked for and may be seen: fewer of them let an index find their records.

    It is `seen` that decides about a record; an owner too many here shows nothing.
    """
    if seen is None:
        return owners
    if owners is None:
        return AssociationFilter(seen.associations, seen.orphan_association_ids, None if seen.accounts else seen.uid)
    return replace(
        owners,
        associations=owners.associations & seen.associations,
        # Asked for by its id alone, an association that is not there counts among the others.
        orphan_association_ids=(owners.orphan_association_ids | owners.associations) & seen.orphan_association_ids,
    )
