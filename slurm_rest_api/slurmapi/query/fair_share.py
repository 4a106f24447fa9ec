"""The query parameters of /fairshare, and the associations that they select and that a user may see."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.query.filters import chosen
from slurm_rest_api.slurmapi.query.parameters import ListParameters
from slurm_rest_api.slurmapi.store.conditions import ALWAYS, Condition, all_of, any_of, compares, one_of, one_of_many
from slurm_rest_api.web.name_lists import NameFilterParam


class FairShareParameters(ListParameters):
    """Parameters of /fairshare."""

    user: NameFilterParam | None = Field(None, description="Associations of these users.")
    account: NameFilterParam | None = Field(None, description="These accounts, and the users in them.")
    group_by: Literal["user", "account"] | None = Field(None, description="The numbers of `count` for each group.")


def of_fair_share(query: FairShareParameters) -> Condition:
    """Returns the condition for the requested associations."""
    return all_of(
        [
            *chosen(query.user, lambda names: one_of("user_name", names)),
            *chosen(query.account, lambda names: one_of("account", names)),
        ]
    )


def visible_fair_share(scope: DataScope) -> Condition:
    """Returns the condition for the associations that `scope` leaves visible.

    With private `usage` slurmctld shows users their own associations and all of the accounts that they coordinate
    (_assoc_passes_filter() of assoc_mgr.c). Slurm applies no other word of PrivateData to sshare. Here private `users`
    also hide those of others, and private `accounts` the accounts in which the user has no association, as in /users.
    """
    if not scope.hides("usage", "users", "accounts"):
        return ALWAYS
    shown = [compares("user_name", "=", scope.user)]
    if scope.accounts:
        shown.append(one_of_many("account", sorted(scope.accounts)))
    # Tombstones have an empty text in place of null.
    if scope.hides("usage") or (scope.hides("users") and scope.hides("accounts")):
        return any_of(shown)
    if scope.hides("users"):
        return any_of([*shown, Condition("coalesce(user_name, '') = ''")])
    in_own_account = "account IN (SELECT account FROM fairshare_index WHERE user_name = ?)"
    return any_of([*shown, Condition(f"coalesce(user_name, '') <> '' AND {in_own_account}", (scope.user,))])
