"""The published record of an association's fair share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord


class FairShareRecord(PublishedRecord):
    """One association of /fairshare: an account, or a user in an account, as `sshare -l -a` prints it."""

    name: str = Field(description="Key: `account`, `account/user` or `account/user/partition`.")
    account: str = Field(description="Account.")
    parent_account: str | None = Field(
        description="Account above this account. Null for the root account, and for a user, whose account is `account`."
    )
    user: str | None = Field(description="Login name. Null for the record of an account.")
    partition: str | None = Field(description="The only partition that the association applies to. Null: all.")
    raw_shares: Count | Literal["parent"] | None = Field(
        description='Shares (RawShares). "parent": those of the account are used. Null for the root account.'
    )
    norm_shares: float | None = Field(
        description="Shares as a part of those of all siblings, 0 to 1 (NormShares). With `PriorityFlags=NO_FAIR_TREE` "
        "as a part of all shares."
    )
    raw_usage: Count | None = Field(description="Weighted TRES-seconds, which decay with time (RawUsage).")
    norm_usage: float | None = Field(description="raw_usage as a part of all usage, 0 to 1 (NormUsage).")
    effective_usage: float | None = Field(
        description="Usage that counts for the association, 0 to 1 (EffectvUsage): with fair tree as a part of that of "
        "its siblings."
    )
    fair_share: float | None = Field(
        description="Fair-share factor, 0 to 1 (FairShare). 1 is the highest. Null for most accounts."
    )
    level_fs: float | None = Field(
        description="Shares divided by usage among siblings (LevelFS). Above 1: under-served. Null for an association "
        "without usage, which sshare prints as `inf`, and without fair tree."
    )
    group_tres_minutes: dict[str, Count] = Field(description="Limits GrpTRESMins by TRES, TRES-minutes.")
    tres_run_minutes: dict[str, Count] = Field(
        description="TRES-minutes that running jobs may still use, by TRES (TRESRunMins)."
    )
