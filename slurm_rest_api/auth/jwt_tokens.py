"""Slurm's JSON Web Tokens: those of `scontrol token`, or of the identity provider that Slurm trusts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

import jwt

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal
from slurm_rest_api.errors import Unauthenticated

logger = logging.getLogger(__name__)

FindKey = Callable[[str], tuple[Any, str]]
"""From a token to the key that it must be signed with and the one algorithm of that key; raises PyJWTError."""

_LEEWAY_SECONDS: Final = 10
_REFUSED: Final = "The token is not valid: it has expired, or nobody whom this service trusts has made it."


def by_jwt(find_key: FindKey, user_claim: str, audience: str | None, admins: Collection[str]) -> Authenticate:
    """Checks signature, expiry and audience; the name comes from the claim `user_claim`."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated("This route needs a token: Authorization: Bearer, or X-SLURM-USER-TOKEN.")
        try:
            key, algorithm = find_key(credentials.token)
            claims = jwt.decode(
                credentials.token,
                key,
                algorithms=[algorithm],
                audience=audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", user_claim]},
            )
        except jwt.PyJWTError as error:
            logger.info("A token was refused: %s", type(error).__name__)
            raise Unauthenticated(_REFUSED) from None
        name = claims[user_claim]
        if not isinstance(name, str) or not name or credentials.claimed_user not in (None, name):
            # Slurm lets its own user act for others; nobody needs that to read.
            raise Unauthenticated(_REFUSED)
        return Principal(name, "admin" if name in admins else "user")

    return authenticate


def shared_key(file: Path) -> FindKey:
    """The key of slurmctld's auth/jwt. Raises OSError or ValueError (in words) when it cannot be used."""
    key = file.read_bytes()
    if len(key) < 32:
        raise ValueError("has less than 32 bytes, which is no key for HS256")
    return lambda _token: (key, "HS256")


def provider_keys(file: Path) -> FindKey:
    """The RS256 keys of a JWKS, found by the token's `kid`. Raises OSError or ValueError when it cannot be used."""
    try:
        keys = jwt.PyJWKSet.from_json(file.read_text(encoding="utf-8")).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise ValueError("is no JSON Web Key Set") from error
    usable: Sequence[jwt.PyJWK] = [key for key in keys if key.key_type == "RSA"]
    if not usable:
        raise ValueError("has no RSA key, and only RS256 is accepted")

    def find(token: str) -> tuple[Any, str]:
        kid = jwt.get_unverified_header(token).get("kid")
        found = [key for key in usable if key.key_id == kid]
        if len(found) != 1:
            raise jwt.InvalidKeyError("no key of that id")
        return found[0].key, "RS256"

    return find
