"""Authenticates requests in the modes of `auth.mode`: the service's own tokens, Slurm's JWTs, or a reverse proxy."""

from __future__ import annotations

import hmac
import logging
import stat
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import jwt

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal, Role
from slurm_rest_api.auth.token_file import TokenFile, hash_token
from slurm_rest_api.errors import Unauthenticated

logger = logging.getLogger(__name__)

_MISSING: Final = "A token is required. Send `Authorization: Bearer TOKEN` or `X-SLURM-USER-TOKEN: TOKEN`."

# --- auth.mode: proxy -------------------------------------------------------------------------------------------------


def proxy_authenticator(admins: Collection[str]) -> Authenticate:
    """Accepts the user of REMOTE_USER, a variable that only the reverse proxy can set. A header cannot set it."""

    def authenticate(credentials: Credentials) -> Principal:
        if not credentials.remote_user:
            raise Unauthenticated("The reverse proxy did not set REMOTE_USER. Check its authentication settings.")
        return Principal(credentials.remote_user, _role(credentials.remote_user, admins))

    return authenticate


def _role(user: str, admins: Collection[str]) -> Role:
    return "admin" if user in admins else "user"


# --- auth.mode: jwt ---------------------------------------------------------------------------------------------------

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
            raise Unauthenticated(_MISSING)
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
        return Principal(user, _role(user, admins))

    return authenticate


def require_private(file: Path) -> None:
    """Refuses a secret file that other users have access to, as Slurm does for its key.

    Raises:
        OSError: the file does not exist, or its folder cannot be read.
        ValueError: it is open to other users. The message continues a sentence that begins with the file's name.
    """
    if (mode := stat.S_IMODE(file.stat().st_mode)) & stat.S_IRWXO:
        raise ValueError(f"is open to every user of this host (mode {mode:04o}). Run `chmod o-rwx` on it")


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


# --- auth.mode: token -------------------------------------------------------------------------------------------------

_NOT_IN_FILE: Final = (
    "The token is invalid: expired, revoked or unknown."
    " Ask an administrator for a new one (`slurm-rest-api token add`)."
)


def token_authenticator(file: TokenFile, now: Callable[[], float] = time.time) -> Authenticate:
    """Accepts the tokens of `file` that have not expired."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated(_MISSING)
        presented = hash_token(credentials.token)
        # Comparing with every token keeps the response time independent of which one is the nearest.
        same = [token for token in file.tokens() if hmac.compare_digest(token.sha256, presented)]
        if not same or (same[0].expires is not None and same[0].expires <= now()):
            raise Unauthenticated(_NOT_IN_FILE)
        return Principal(same[0].name, same[0].role)

    return authenticate
