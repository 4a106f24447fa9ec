"""Authenticates requests by JSON Web Tokens, such as those of Slurm's auth/jwt.

Only `auth.mode: jwt` imports this module, because PyJWT and cryptography take 9 MiB in each process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import jwt

from slurm_rest_api.auth.modes import MISSING, require_private, role_of
from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal
from slurm_rest_api.errors import Unauthenticated

logger = logging.getLogger(__name__)

FindKey = Callable[[str], tuple[Any, str]]
"""Returns the key that a token must be signed with, and the only algorithm of that key. Raises PyJWTError."""

_LEEWAY_SECONDS: Final = 10
_NOT_VALID: Final = (
    "The token is invalid: expired, not signed by a trusted key, or issued to another user. Request a new token."
)


def jwt_authenticator(
    find_key: FindKey, user_claim: str, audience: str | None, admins: Collection[str]
) -> Authenticate:
    """Accepts JSON Web Tokens after checking signature, expiry and audience. The claim `user_claim` is the user."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated(MISSING)
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
            logger.info("Refused a token: %s.", type(error).__name__)
            raise Unauthenticated(_NOT_VALID) from None
        user = claims[user_claim]
        # Slurm lets SlurmUser act for other users. A read-only service has no need of that.
        if not isinstance(user, str) or not user or credentials.claimed_user not in (None, user):
            raise Unauthenticated(_NOT_VALID)
        return Principal(user, role_of(user, admins))

    return authenticate


def read_shared_key(file: Path) -> FindKey:
    """Reads the HS256 key of slurmctld's auth/jwt.

    Raises:
        OSError: the file cannot be read.
        ValueError: the key cannot be used. The message continues a sentence that begins with the file's name.
    """
    require_private(file)
    key = file.read_bytes()
    if len(key) < 32:
        raise ValueError(f"has {len(key)} bytes, but a key for HS256 has at least 32")
    return shared_key(key)


def shared_key(key: bytes) -> FindKey:
    """Returns the function that finds the HS256 key of every token."""
    return lambda _token: (key, "HS256")
