"""The token file of `auth.mode: token`: entries, and changes that never lose each other."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from slurm_rest_api.auth.cached_file import CachedFile
from slurm_rest_api.auth.principal import Role
from slurm_rest_api.errors import TokenFileError

_PREFIX: Final = "sra_"
_LOCK_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02


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
        self._file = CachedFile(path, _TOKENS.validate_json)

    def tokens(self) -> tuple[Token, ...]:
        """Returns all tokens, including expired ones. A missing file has no tokens.

        Raises:
            TokenFileError: the file cannot be read, or is not a token file.
        """
        try:
            return self._file.content()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise TokenFileError(f"The token file {self.path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise TokenFileError(f"{self.path} is not a token file. Restore it from a backup.") from error

    def add(self, name: str, role: Role, expires: int | None) -> str:
        """Creates a token and returns it. The file stores only its hash.

        Raises:
            TokenFileError: `name` has a token already, or the file cannot be read or written.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        with self._locked():
            tokens = self.tokens()
            if any(token.name == name for token in tokens):
                raise TokenFileError(f"{name} has a token already. Revoke it first, or choose another name.")
            self._write((*tokens, Token(name=name, sha256=hash_token(secret), role=role, expires=expires)))
        return secret

    def revoke(self, name: str) -> None:
        """Deletes the token of `name`.

        Raises:
            TokenFileError: there is none, or the file cannot be read or written.
        """
        with self._locked():
            tokens = self.tokens()
            kept = tuple(token for token in tokens if token.name != name)
            if len(kept) == len(tokens):
                raise TokenFileError(
                    f"{name} has no token in {self.path}. List the names with `slurm-rest-api token list`."
                )
            self._write(kept)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock file of the token file, so that changes of several processes follow each other.

        The token file itself cannot be the lock, because each change replaces it.
        """
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = _lock(lock)
        except TimeoutError as error:
            raise TokenFileError(
                f"Another `slurm-rest-api token` has held {lock} for {_LOCK_SECONDS:g} s. End it and try again."
            ) from error
        except OSError as error:
            raise TokenFileError(f"The token file {self.path} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            os.close(descriptor)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        temporary: str | None = None
        try:
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".tokens-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(_TOKENS.dump_json(tokens, indent=2) + b"\n")
                # Workers that run as another user read it through the group of its folder.
                os.fchown(file.fileno(), -1, self.path.parent.stat().st_gid)
                os.fchmod(file.fileno(), 0o640)
                file.flush()
                # A revoked token must not return after a power cut.
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise TokenFileError(f"The token file {self.path} cannot be written: {error.strerror}.") from error


def hash_token(token: str) -> str:
    """Returns the SHA-256 of a token in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _lock(path: Path) -> int:
    """Locks the file at `path` and returns its descriptor. Raises TimeoutError."""
    deadline = time.monotonic() + _LOCK_SECONDS
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(_POLL_SECONDS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
