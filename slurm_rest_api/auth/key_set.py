"""Reads the RS256 keys of a JSON Web Key Set (RFC 7517), again whenever its file changes.

Slurm's auth/jwt reads the same file (`jwks=` of AuthAltParameters), and accepts RS256 only.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import jwt

from slurm_rest_api.auth.cached_file import CachedFile

logger = logging.getLogger(__name__)

ALGORITHM: Final = "RS256"
_CHECK_SECONDS: Final = 1.0
# RFC 7518, section 3.3.
_MIN_BITS: Final = 2048

Keys = Mapping[str | None, Any]
"""Public RSA keys by key id (`kid`)."""


class KeySetFile:
    """The key set in the file at `path`. Providers rotate keys, so it is checked for changes once a second.

    While a changed file cannot be used, the earlier keys stay valid and `fault()` says why. With `required=False` there
    may be none at first, and no token is valid until the file can be used.

    Raises:
        OSError: the file cannot be read at the start.
        ValueError: it has no usable key. The message continues a sentence that begins with the file's name.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic, *, required: bool = True) -> None:
        self._file = CachedFile(path, parse_key_set, _require_unwritable)
        self._clock = clock
        self._fault: str | None = None
        self._keys: Keys = {}
        self._checking = threading.Lock()
        if required:
            self._keys = self._file.content()
        else:
            self._check()
        self._next_check = clock() + _CHECK_SECONDS

    def find(self, token: str) -> tuple[Any, str]:
        """Returns the key that signed `token` according to its header, and the algorithm of that key.

        Raises:
            PyJWTError: the token is malformed, or no key has its `kid`.
        """
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._current().get(kid)
        if key is None:
            raise jwt.InvalidKeyError("no key with this id")
        return key, ALGORITHM

    def fault(self) -> str | None:
        """Returns why the file cannot be used now, None if it can. The text continues the file's name."""
        self._current()
        return self._fault

    def _current(self) -> Keys:
        # The other threads use the keys that are there.
        if self._clock() >= self._next_check and self._checking.acquire(blocking=False):
            try:
                self._next_check = self._clock() + _CHECK_SECONDS
                self._check()
            finally:
                self._checking.release()
        return self._keys

    def _check(self) -> None:
        try:
            keys = self._file.content()
        except OSError as error:
            self._keep(f"cannot be read: {error.strerror}")
        except ValueError as error:
            self._keep(str(error))
        else:
            if keys is not self._keys and (self._fault is not None or keys.keys() != self._keys.keys()):
                ids = ", ".join(sorted(map(str, keys)))
                logger.info("%s was read again. It has the keys %s.", self._file.path, ids)
            self._keys, self._fault = keys, None

    def _keep(self, fault: str) -> None:
        if fault != self._fault:
            effect = "The keys from before stay valid" if self._keys else "No token is valid until it can be used"
            logger.error("%s %s. %s.", self._file.path, fault, effect)
        self._fault = fault


def parse_key_set(text: bytes) -> Keys:
    """Returns the keys of a JSON Web Key Set with which RS256 signatures can be checked.

    Raises:
        ValueError: it has none. The message continues a sentence that begins with the file's name.
    """
    try:
        entries = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("is not a JSON Web Key Set") from error
    if not isinstance(entries, list) or not entries:
        raise ValueError("is not a JSON Web Key Set")
    usable = list(_usable(entries))
    if not usable:
        raise ValueError(f"has no RSA key of {_MIN_BITS} bits or more for signatures, but only {ALGORITHM} is accepted")
    times = Counter(kid for kid, _ in usable)
    # With two keys of one id it is not known which one signed.
    return {kid: key for kid, key in usable if times[kid] == 1}


def _usable(entries: Iterable[object]) -> Iterable[tuple[str | None, Any]]:
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "RSA":
            continue
        kid = entry.get("kid")
        if entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:
            continue
        try:
            # Without the private members, which a file may have by mistake.
            key = jwt.PyJWK({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, algorithm=ALGORITHM).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            logger.warning("A key of the JSON Web Key Set is left out: %s.", type(error).__name__)
            continue
        if key.key_size >= _MIN_BITS and isinstance(kid, str | None):
            yield kid, key


def _require_unwritable(status: os.stat_result) -> None:
    """Refuses the mode that Slurm refuses. The keys are public, so every user may read them."""
    if status.st_mode & stat.S_IWOTH:
        raise ValueError("is writable by every user of this host. Run `chmod o-w` on it")
