"""Authenticates requests in the modes of `auth.mode`: the service's own tokens, Slurm's JWTs, or a reverse proxy."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal, Role
from slurm_rest_api.errors import TokenFileError, Unauthenticated

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


def read_shared_key(file: Path) -> FindKey:
    """Reads the HS256 key of slurmctld's auth/jwt.

    Raises:
        OSError: the file cannot be read.
        ValueError: the key cannot be used. The message continues a sentence that begins with the file's name.
    """
    key = file.read_bytes()
    if len(key) < 32:
        raise ValueError(f"has {len(key)} bytes, but a key for HS256 has at least 32")
    return lambda _token: (key, "HS256")


def read_jwks(file: Path) -> FindKey:
    """Reads the RS256 keys of a JSON Web Key Set. A token names its key in `kid`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no usable key. The message continues a sentence that begins with the file's name.
    """
    try:
        keys = jwt.PyJWKSet.from_json(file.read_text(encoding="utf-8")).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise ValueError("is not a JSON Web Key Set") from error
    usable: Sequence[jwt.PyJWK] = [key for key in keys if key.key_type == "RSA"]
    if not usable:
        raise ValueError("has no RSA key, but only RS256 is accepted")

    def find(token: str) -> tuple[Any, str]:
        kid = jwt.get_unverified_header(token).get("kid")
        found = [key for key in usable if key.key_id == kid]
        if len(found) != 1:
            raise jwt.InvalidKeyError("no key with this id")
        return found[0].key, "RS256"

    return find


# --- auth.mode: token -------------------------------------------------------------------------------------------------

_PREFIX: Final = "sra_"
_NOT_IN_FILE: Final = (
    "The token is invalid: expired, revoked or unknown."
    " Ask an administrator for a new one (`slurm-rest-api token add`)."
)


class Token(BaseModel):
    """One entry of the token file. `expires` is an epoch second, None means never. Only the token's hash is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sha256: str
    role: Role
    expires: int | None


_TOKENS: Final = TypeAdapter(tuple[Token, ...])


class TokenFile:
    """The token file at `path`. `slurm-rest-api token` replaces it, and each worker then reads it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cached_identity: tuple[int, int] | None = None
        self._cached: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """Returns all tokens, including expired ones. A missing file has no tokens.

        Raises:
            TokenFileError: the file cannot be read, or is not a token file.
        """
        try:
            status = self.path.stat()
            identity = (status.st_ino, status.st_mtime_ns)
            if identity != self._cached_identity:
                self._cached, self._cached_identity = _TOKENS.validate_json(self.path.read_bytes()), identity
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TokenFileError(f"The token file {self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise TokenFileError(f"{self.path} is not a token file. Restore it from a backup.") from error
        return self._cached

    def add(self, name: str, role: Role, expires: int | None) -> str:
        """Creates a token and returns it. The file stores only its hash.

        Raises:
            TokenFileError: `name` has a token already, or the file cannot be read or written.
        """
        tokens = self.tokens()
        if any(token.name == name for token in tokens):
            raise TokenFileError(f"{name} has a token already. Revoke it first, or choose another name.")
        secret = _PREFIX + secrets.token_urlsafe(32)
        self._write((*tokens, Token(name=name, sha256=_hash(secret), role=role, expires=expires)))
        return secret

    def revoke(self, name: str) -> None:
        """Deletes the token of `name`.

        Raises:
            TokenFileError: there is none, or the file cannot be read or written.
        """
        tokens = self.tokens()
        kept = tuple(token for token in tokens if token.name != name)
        if len(kept) == len(tokens):
            raise TokenFileError(
                f"{name} has no token in {self.path}. List the names with `slurm-rest-api token list`."
            )
        self._write(kept)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        temporary: str | None = None
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".tokens-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(_TOKENS.dump_json(tokens, indent=2) + b"\n")
            # Workers that run as another user read it through the group of its folder.
            os.chown(temporary, -1, self.path.parent.stat().st_gid)
            os.chmod(temporary, 0o640)
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise TokenFileError(f"The token file {self.path} cannot be written: {error.strerror}.") from error


def token_authenticator(file: TokenFile, now: Callable[[], float] = time.time) -> Authenticate:
    """Accepts the tokens of `file` that have not expired."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated(_MISSING)
        presented = _hash(credentials.token)
        # Comparing with every token keeps the response time independent of which one is the nearest.
        same = [token for token in file.tokens() if hmac.compare_digest(token.sha256, presented)]
        if not same or (same[0].expires is not None and same[0].expires <= now()):
            raise Unauthenticated(_NOT_IN_FILE)
        return Principal(same[0].name, same[0].role)

    return authenticate


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
