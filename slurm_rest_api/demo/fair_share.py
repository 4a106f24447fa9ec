"""Fair share of the simulated cluster: each user has used what their part of the jobs takes, by the fair tree."""

from __future__ import annotations

from typing import Final

from slurm_rest_api.demo.workload import ACCOUNTS, USERS, WEIGHTS
from slurm_rest_api.slurmapi.sources.base import Record

ACCOUNT_SHARES: Final = 10
"""Shares of each account, of those of its siblings."""
USER_SHARES: Final = 1
"""Shares of each user, of those of the account's users."""
_TOTAL_USAGE: Final = 1_000_000_000
"""Decayed CPU-seconds of all users."""
_USAGE: Final = {
    user.name: round(_TOTAL_USAGE * weight / sum(WEIGHTS)) for user, weight in zip(USERS, WEIGHTS, strict=True)
}
_ACCOUNT_USAGE: Final = {account: sum(_USAGE[name] for name in names) for account, names in ACCOUNTS.items()}
_ALL_USAGE: Final = sum(_USAGE.values())


def _account_record(account: str) -> Record:
    shares = 1 / len(ACCOUNTS)
    usage = _ACCOUNT_USAGE[account] / _ALL_USAGE
    return _record(account, None, ACCOUNT_SHARES, _ACCOUNT_USAGE[account]) | {
        "parent_account": "root", "norm_shares": shares, "norm_usage": usage, "effective_usage": usage,
        "level_fs": shares / usage,
    }  # fmt: skip


def _user_record(account: str, user: str) -> Record:
    shares, usage = 1 / len(ACCOUNTS[account]), _USAGE[user] / _ACCOUNT_USAGE[account]
    return _record(account, user, USER_SHARES, _USAGE[user]) | {
        "norm_shares": shares, "norm_usage": _USAGE[user] / _ALL_USAGE, "effective_usage": usage,
        "level_fs": shares / usage,
    }  # fmt: skip


def _record(account: str, user: str | None, shares: int | None, usage: int) -> Record:
    return {
        "account": account, "parent_account": None, "user": user, "partition": None, "raw_shares": shares,
        "norm_shares": 0.0, "raw_usage": usage, "norm_usage": None, "effective_usage": 1.0, "fair_share": None,
        "level_fs": None, "group_tres_minutes": {}, "tres_run_minutes": {},
    }  # fmt: skip


def fair_share_records() -> list[Record]:
    """Returns the associations as sshare prints them. They do not change over time.

    The factor of a user is the rank in the fair tree: accounts by their level, users of an account by theirs.
    """
    records = [_record("root", None, None, _ALL_USAGE)]
    rank = len(USERS)
    for account in sorted(map(_account_record, ACCOUNTS), key=_level, reverse=True):
        records.append(account)
        name = account["account"]
        for user in sorted((_user_record(name, user) for user in ACCOUNTS[name]), key=_level, reverse=True):
            records.append(user | {"fair_share": rank / len(USERS)})
            rank -= 1
    return records


def _level(record: Record) -> float:
    return float(record["level_fs"])


FAIR_SHARE: Final = {record["user"]: record["fair_share"] for record in fair_share_records() if record["user"]}
"""The factor of each user, above 0 and up to 1."""
