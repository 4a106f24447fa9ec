"""Reads the fair share of associations from `sshare -l -m -P -a`.

Sources: sshare(1), process() of src/sshare/process.c, Slurm 15.08 to 26.05. sshare needs priority/multifactor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from slurm_rest_api.slurmapi.sources.commands.key_values import whole_number

ARGUMENTS: Final = ("-l", "-m", "-P", "-a")
"""Arguments of sshare."""


class FairShare(TypedDict):
    """One association: an account, or a user in an account.

    Keys:
        account: Account.
        parent_account: Account above it. None for the root account, and for a user, who is in `account`.
        user: Login name, None for the record of an account.
        partition: Partition of the association, None for all.
        raw_shares: Shares, `"parent"` if the association uses those of its account, None for the root account.
        norm_shares: Shares as a part of the siblings' or of all shares, 0 to 1.
        raw_usage: TRES-seconds, weighted and decayed.
        norm_usage: Usage as a part of all usage, 0 to 1.
        effective_usage: Usage that counts for the association, 0 to 1.
        fair_share: Fair-share factor, 0 to 1. None for accounts in most releases.
        level_fs: Shares divided by usage among siblings. None for no usage (infinite) and without fair tree.
        group_tres_minutes: Limits GrpTRESMins by TRES, in TRES-minutes.
        tres_run_minutes: TRES-minutes that running jobs may still use, by TRES.
    """

    account: str
    parent_account: str | None
    user: str | None
    partition: str | None
    raw_shares: int | str | None
    norm_shares: float | None
    raw_usage: int | None
    norm_usage: float | None
    effective_usage: float | None
    fair_share: float | None
    level_fs: float | None
    group_tres_minutes: dict[str, int]
    tres_run_minutes: dict[str, int]


# SLURMDB_FS_USE_PARENT of slurmdb.h.
_USE_PARENT: Final = 0x7FFFFFFF


def parse_fair_share(lines: Iterable[bytes]) -> Iterator[FairShare]:
    """Yields the associations of a whole output, titles included. Accounts come before their members."""
    titles: list[str] = []
    above: list[str] = []
    for line in lines:
        cells = line.decode(errors="replace").split("|")
        if not titles:
            titles = [title.replace(" ", "") for title in cells] if "Account" in cells else []
        elif len(cells) >= len(titles):
            row = dict(zip(titles, cells, strict=False))
            # The blanks before the name are the depth in the tree.
            depth = len(row["Account"]) - len(row["Account"].lstrip(" "))
            record = _fair_share(row, above[depth - 1] if 0 < depth <= len(above) else None)
            if record["user"] is None:
                above[depth:] = [record["account"]]
            yield record


def _fair_share(row: dict[str, str], parent: str | None) -> FairShare:
    user = row.get("User") or None
    shares = row.get("RawShares", "")
    number = whole_number(shares)
    return {
        "account": row["Account"].strip(" "),
        "parent_account": parent if user is None else None,
        "user": user,
        "partition": row.get("Partition") or None,
        "raw_shares": "parent" if shares == "parent" or number == _USE_PARENT else number,
        "norm_shares": _decimal(row.get("NormShares")),
        "raw_usage": whole_number(row.get("RawUsage")),
        "norm_usage": _decimal(row.get("NormUsage")),
        "effective_usage": _decimal(row.get("EffectvUsage")),
        "fair_share": _decimal(row.get("FairShare")),
        "level_fs": _decimal(row.get("LevelFS")),
        "group_tres_minutes": _counts(row.get("GrpTRESMins")),
        "tres_run_minutes": _counts(row.get("TRESRunMins")),
    }


def _decimal(text: str | None) -> float | None:
    """None for an empty cell, `inf` and `nan`."""
    try:
        number = float(text or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _counts(text: str | None) -> dict[str, int]:
    """`cpu=60,gres/gpu=2` → counts by TRES."""
    pairs = (item.rpartition("=") for item in (text or "").split(",") if "=" in item)
    return {name: count for name, _, number in pairs if (count := whole_number(number)) is not None}
