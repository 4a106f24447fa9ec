"""Authenticates requests in two modes of `auth.mode`: the service's own tokens, or a reverse proxy."""

from __future__ import annotations

import hmac
import stat
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal, Role
from slurm_rest_api.auth.token_file import TokenFile, hash_token
from slurm_rest_api.errors import Unauthenticated

MISSING: Final = "A token is required. Send `Authorization: Bearer TOKEN` or `X-SLURM-USER-TOKEN: TOKEN`."

# --- auth.mode: proxy -------------------------------------------------------------------------------------------------


def proxy_authenticator(admins: Collection[str]) -> Authenticate:
    """Accepts the user of REMOTE_USER, a variable that only the reverse proxy can set. A header cannot set it."""

    def authenticate(credentials: Credentials) -> Principal:
        if not credentials.remote_user:
            raise Unauthenticated("The reverse proxy did not set REMOTE_USER. Check its authentication settings.")
        return Principal(credentials.remote_user, role_of(credentials.remote_user, admins))

    return authenticate


def role_of(user: str, admins: Collection[str]) -> Role:
    """Returns the role of `user`. `admins` are those of `auth.admins`."""
    return "admin" if user in admins else "user"


def require_private(file: Path) -> None:
    """Refuses a secret file that other users have access to, as Slurm does for its key.

    Raises:
        OSError: the file does not exist, or its folder cannot be read.
        ValueError: it is open to other users. The message continues a sentence that begins with the file's name.
    """
    if (mode := stat.S_IMODE(file.stat().st_mode)) & stat.S_IRWXO:
        raise ValueError(f"is open to every user of this host (mode {mode:04o}). Run `chmod o-rwx` on it")


# --- auth.mode: token -------------------------------------------------------------------------------------------------

_NOT_IN_FILE: Final = (
    "The token is invalid: expired, revoked or unknown."
    " Ask an administrator for a new one (`slurm-rest-api token add`)."
)


def token_authenticator(file: TokenFile, now: Callable[[], float] = time.time) -> Authenticate:
    """Accepts the tokens of `file` that have not expired."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated(MISSING)
        presented = hash_token(credentials.token)
        # Comparing with every token keeps the response time independent of which one is the nearest.
        same = [token for token in file.tokens() if hmac.compare_digest(token.sha256, presented)]
        if not same or (same[0].expires is not None and same[0].expires <= now()):
            raise Unauthenticated(_NOT_IN_FILE)
        return Principal(same[0].name, same[0].role)

    return authenticate
