"""Translates the parameters of /history to filters: names become the ids that the job table has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from slurm_rest_api.acctapi.filters import AssociationFilter, Filters, JobFilter, RowFilter
from slurm_rest_api.acctapi.parameters import HistoryParameters, is_number
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurm.user_names import UserNames

OrphanIds = Callable[[], frozenset[int]]
"""Reads the ids of associations that only the job table has. Called only when they are needed."""


def filters_of(
    query: HistoryParameters,
    reference: ReferenceData,
    orphan_association_ids: OrphanIds,
    accounts: UserNames,
    hidden: frozenset[str],
    now: int,
    scope: DataScope,
    jobs: JobFilter | None = None,
) -> Filters:
    """Returns the filters of `query` within `scope`. Unknown names become filters that match no record.

    `jobs` is the filter of `query.jobid`.
    """
    row_filter = visible_records(scope, reference, orphan_association_ids, accounts)
    numeric = query.user is not None and all(map(is_number, query.user))
    names = None if numeric else query.user
    return Filters(
        associations=_intersection(
            _association_filter(query, names, reference, orphan_association_ids, accounts), row_filter
        ),
        visible=row_filter,
        uids=frozenset(map(int, query.user)) if numeric and query.user is not None else None,
        states=query.state,
        qos=None if query.qos is None else frozenset().union(*(reference.qos_ids(name) for name in query.qos)),
        partitions=None if query.partition is None else frozenset(query.partition),
        job_names=None if query.jobname is None else frozenset(query.jobname),
        nodes=query.node,
        jobs=jobs,
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
    users: Sequence[str] | None,
    reference: ReferenceData,
    orphan_association_ids: OrphanIds,
    accounts: UserNames,
) -> AssociationFilter | None:
    """Returns the filter on names of users, accounts and association ids. None without any of them."""
    associations = reference.associations
    wanted: list[frozenset[int]] = []
    uids: frozenset[int] | None = None
    if users is not None:
        wanted.append(frozenset[int]().union(*map(associations.ids_of_user, users)))
        uids = frozenset(uid for user in users if (uid := accounts.uid_of(user)) is not None)
    if query.account is not None:
        wanted.append(frozenset[int]().union(*map(associations.ids_of_account, query.account)))
    # A record without an association is matched by its own columns, which needs the uid of a user on this host.
    unknown = orphan_association_ids() if wanted and uids != frozenset() else frozenset[int]()
    if query.associd is not None:
        if not wanted:
            return AssociationFilter(query.associd)
        wanted.append(query.associd)
        unknown &= query.associd
    if not wanted:
        return None
    own_accounts = None if query.account is None else frozenset(query.account)
    return AssociationFilter(frozenset.intersection(*wanted), unknown, uids, own_accounts)


def visible_records(
    scope: DataScope, reference: ReferenceData, orphan_association_ids: OrphanIds, accounts: UserNames
) -> RowFilter | None:
    """Returns the filter for the records that `scope` allows. None if it allows all.

    It applies to private jobs, and to private usage: the usage of other users is the sum of their records.
    """
    if not scope.hides("jobs", "usage"):
        return None
    associations = reference.associations
    own = associations.ids_of_user(scope.user).union(*map(associations.ids_of_account, sorted(scope.accounts)))
    uid = accounts.uid_of(scope.user)
    unknown = frozenset[int]() if uid is None and not scope.accounts else orphan_association_ids()
    return RowFilter(own, unknown, uid, scope.accounts)


def _intersection(asked: AssociationFilter | None, row_filter: RowFilter | None) -> AssociationFilter | None:
    """Limits the requested associations to those that the user may see.

    With fewer associations an index can find their records. `row_filter` is a condition on every record anyway.
    """
    if row_filter is None:
        return asked
    if asked is None:
        return AssociationFilter(
            row_filter.association_ids,
            row_filter.orphan_association_ids,
            None if row_filter.accounts or row_filter.uid is None else frozenset((row_filter.uid,)),
        )
    return replace(
        asked,
        association_ids=asked.association_ids & row_filter.association_ids,
        # `associd` alone may name an association that only the job table has.
        orphan_association_ids=(asked.orphan_association_ids | asked.association_ids)
        & row_filter.orphan_association_ids,
    )
