"""The parameters of /history to filters: names to the numbers that the job table has. Pure but for name look-ups."""

from __future__ import annotations

from collections.abc import Callable

from slurm_rest_api.accounts import AccountNames
from slurm_rest_api.acctapi.catalog import Catalog
from slurm_rest_api.acctapi.filters import Filters, Owners
from slurm_rest_api.acctapi.parameters import HistoryParameters

Strangers = Callable[[], frozenset[int]]
"""Gives the ids of associations that only the job table knows; asked for when they matter."""


def filters_of(
    query: HistoryParameters,
    catalog: Catalog,
    strangers: Strangers,
    accounts: AccountNames,
    hidden: frozenset[str],
    now: int,
) -> Filters:
    """What `query` asks for. Names that nobody has become filters that nothing meets."""
    numeric = query.user is not None and query.user.isascii() and query.user.isdigit()
    return Filters(
        owners=_owners(query, catalog, strangers, accounts, by_name=query.user is not None and not numeric),
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
    query: HistoryParameters, catalog: Catalog, strangers: Strangers, accounts: AccountNames, *, by_name: bool
) -> Owners | None:
    """Those whom user name, account and association id have in common; None when none of the three is given."""
    wanted: list[frozenset[int]] = []
    uid: int | None = None
    if by_name and query.user is not None:
        wanted.append(catalog.associations.ids_of_user(query.user))
        uid = accounts.uid_of(query.user)
    if query.account is not None:
        wanted.append(catalog.associations.ids_of_account(query.account))
    # Without an association a record belongs to whom its own columns name, if this host knows that user at all.
    unknown = strangers() if wanted and not (by_name and uid is None) else frozenset[int]()
    if query.associd is not None:
        only = frozenset((query.associd,))
        if not wanted:
            return Owners(only)
        wanted.append(only)
        unknown &= only
    if not wanted:
        return None
    return Owners(frozenset.intersection(*wanted), unknown, uid, query.account)
