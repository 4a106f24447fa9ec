"""Section `auth`: authentication, roles and private data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from slurm_rest_api.config.section import AbsolutePath, Section, Text

Mode = Literal["none", "token", "jwt", "proxy"]
Private = Literal["jobs", "usage", "users", "accounts", "reservations", "events", "nodes", "partitions"]


def _path_of_url(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("expected the path of a route, such as /health")
    return value


class AuthSettings(Section):
    """Section `auth`: authentication, roles and private data."""

    mode: Mode = Field(
        default="none",
        description="How clients authenticate. none: everyone who reaches the service may read everything. token: with"
        " a token from `slurm-rest-api token add`. jwt: with a token from `scontrol token`, or from the identity"
        " provider that Slurm trusts. proxy: the reverse proxy sets REMOTE_USER.",
    )
    token_file: AbsolutePath = Field(
        default=Path("/etc/slurm-rest-api/tokens.json"),
        description="File in which `slurm-rest-api token` keeps the SHA-256 of each token, with name, role and expiry."
        " It must be closed to other users.",
    )
    jwt_key_file: AbsolutePath | None = Field(
        default=None,
        description="Key of slurmctld's AuthAltTypes=auth/jwt (jwt_hs256.key), for tokens signed with HS256. It must"
        " be closed to other users, as Slurm requires.",
    )
    jwt_jwks_file: AbsolutePath | None = Field(
        default=None,
        description="Keys of an identity provider (JWKS) instead of jwt_key_file, for tokens signed with RS256."
        " The file is read again when it changes. It must not be world-writable.",
    )
    jwt_user_claim: Text = Field(
        default="sun",
        description="Claim with the user's name: sun in Slurm's own tokens, or userclaimfield of AuthAltParameters.",
    )
    jwt_audience: str | None = Field(
        default=None,
        min_length=1,
        description="Audience (claim aud) that tokens must have. Set it if the identity provider issues tokens for"
        " other services, too. null: only tokens without an audience.",
    )
    admins: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        description="Users with the role admin, for the modes jwt and proxy. All others have the role user. With"
        " the mode token, `slurm-rest-api token add` sets the role.",
    )
    open_paths: tuple[Annotated[str, AfterValidator(_path_of_url)], ...] = Field(
        default=("/health", "/health/live"),
        strict=False,
        description="Paths that need no authentication. Their responses are not filtered.",
    )
    private_data: tuple[Private, ...] = Field(
        default=(),
        strict=False,
        description="Data that users with the role user cannot see of other users, in the words of slurm.conf's"
        " PrivateData. Their own records and those of accounts that they coordinate stay visible. Of private"
        " reservations they see those that they may use. Private nodes and partitions are refused (403).",
    )
