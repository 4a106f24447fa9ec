"""Tokens of this service's own: made by `slurm-rest-api token`, kept as SHA-256 in one file."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal, Role
from slurm_rest_api.errors import TokenFileError, Unauthenticated

_PREFIX: Final = "sra_"


class Token(BaseModel):
    """What is known of a token; the token itself is not. `expires` is an epoch second, None is never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sha256: str
    role: Role
    expires: int | None


_TOKENS: Final = TypeAdapter(tuple[Token, ...])


class TokenFile:
    """The file at `path`; every worker notices when it was replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """All tokens, expired ones too; none when there is no file.

        Raises:
            TokenFileError: the file cannot be read, or holds something else.
        """
        try:
            status = self.path.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if seen != self._seen:
                self._tokens, self._seen = _TOKENS.validate_json(self.path.read_bytes()), seen
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TokenFileError(f"The tokens in {self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise TokenFileError(f"{self.path} holds something else than tokens; restore it from a backup.") from error
        return self._tokens

    def add(self, name: str, role: Role, expires: int | None) -> str:
        """Make a token and return it; it cannot be had again. Raises TokenFileError, also when `name` has one."""
        present = self.tokens()
        if any(token.name == name for token in present):
            raise TokenFileError(f"{name} has a token already; revoke it first, or choose another name.")
        made = _PREFIX + secrets.token_urlsafe(32)
        self._write((*present, Token(name=name, sha256=_digest(made), role=role, expires=expires)))
        return made

    def revoke(self, name: str) -> None:
        """Forget the token of `name`. Raises TokenFileError when there is none."""
        present = self.tokens()
        kept = tuple(token for token in present if token.name != name)
        if len(kept) == len(present):
            raise TokenFileError(f"There is no token of {name} in {self.path}.")
        self._write(kept)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        temporary: str | None = None
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".tokens-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(_TOKENS.dump_json(tokens, indent=2) + b"\n")
            # Workers that run as another user read it by the group of its folder.
            os.chown(temporary, -1, self.path.parent.stat().st_gid)
            os.chmod(temporary, 0o640)
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise TokenFileError(f"{self.path} cannot be written: {error.strerror}.") from error


def by_token(file: TokenFile, now: Callable[[], float] = time.time) -> Authenticate:
    """Accepts the tokens of `file` that have not expired."""

    def authenticate(credentials: Credentials) -> Principal:
        if credentials.token is None:
            raise Unauthenticated("This route needs a token: Authorization: Bearer.")
        presented = _digest(credentials.token)
        # Every token is compared, so that the time that it takes tells nothing about which is the nearest.
        same = [token for token in file.tokens() if hmac.compare_digest(token.sha256, presented)]
        if not same or (same[0].expires is not None and same[0].expires <= now()):
            raise Unauthenticated("The token is not valid: it has expired, was revoked, or never existed.")
        return Principal(same[0].name, same[0].role)

    return authenticate


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
