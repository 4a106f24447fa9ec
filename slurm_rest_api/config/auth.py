"""Section `auth`: who may ask, and what is private."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from slurm_rest_api.config.section import AbsolutePath, Section, Text

Mode = Literal["none", "token", "jwt", "proxy"]
Private = Literal["jobs", "usage", "users", "accounts", "nodes", "partitions"]


def _path_of_url(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("expected the path of a route, such as /health")
    return value


class AuthSettings(Section):
    """Who is asked for a name before anything is answered, and what users that are no administrators do not see."""

    mode: Mode = Field(
        default="none",
        description="Who may ask. none: everyone who reaches the service. token: who has a token that"
        " `slurm-rest-api token add` has made. jwt: who has a token of `scontrol token` or of the identity provider"
        " that Slurm trusts. proxy: whoever the web server in front names in REMOTE_USER.",
    )
    token_file: AbsolutePath = Field(
        default=Path("/etc/slurm-rest-api/tokens.json"),
        description="Where `slurm-rest-api token` keeps the SHA-256 of each token, with name, role and expiry.",
    )
    jwt_key_file: AbsolutePath | None = Field(
        default=None,
        description="The key of slurmctld's AuthAltTypes=auth/jwt (jwt_hs256.key); its tokens are HS256, nothing else.",
    )
    jwt_jwks_file: AbsolutePath | None = Field(
        default=None,
        description="The keys of an identity provider (JWKS), in place of jwt_key_file; its tokens are RS256,"
        " nothing else.",
    )
    jwt_user_claim: Text = Field(
        default="sun",
        description="The claim that holds the user's name: sun in Slurm's own tokens, else what userclaimfield of"
        " AuthAltParameters says.",
    )
    jwt_audience: str | None = Field(
        default=None,
        min_length=1,
        description="The audience (claim aud) that a token must be for; set it when the identity provider makes tokens"
        " for other services too. null: tokens without an audience only.",
    )
    admins: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        description="Names that have the role admin, with jwt and proxy; all others are users. A token has its role"
        " from the command that made it.",
    )
    open_paths: tuple[Annotated[str, AfterValidator(_path_of_url)], ...] = Field(
        default=("/health", "/health/live"),
        strict=False,
        description="Paths that are answered without a token or name, to everyone and in full.",
    )
    private_data: tuple[Private, ...] = Field(
        default=(),
        strict=False,
        description="What the role user does not see of others, in the words of slurm.conf's PrivateData: jobs, usage,"
        " users, accounts, nodes, partitions. What is his own stays, and what belongs to accounts that he coordinates;"
        " nodes and partitions are refused (403).",
    )
