"""Creates the authentication that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from slurm_rest_api.auth.modes import proxy_authenticator, require_private, token_authenticator
from slurm_rest_api.auth.principal import Authenticate
from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.config.auth import AuthSettings
from slurm_rest_api.errors import ConfigError, TokenFileError

if TYPE_CHECKING:
    from slurm_rest_api.auth.key_set import KeySetFile

Content = TypeVar("Content")

Fault = Callable[[], str | None]
"""Returns a sentence about a file of authentication that cannot be used now, None if all can. Names no path."""


@dataclass(frozen=True)
class Authentication:
    """The authentication of `auth.mode`. `fault` is None if it reads no file that may change."""

    authenticate: Authenticate
    fault: Fault | None = None


def open_auth(settings: Settings, *, is_checked: bool = False) -> Authentication | None:
    """Returns the authentication of `auth.mode`, None where it is none.

    With `is_checked` the start of the service has checked the settings and their files. A file that cannot be read
    any more then refuses requests until it can, and does not keep this process from starting.

    Raises:
        ConfigError: settings contradict each other, or a file cannot be read, or other users have access to it.
    """
    auth = settings.auth
    faults = _contradictions(auth)
    if faults:
        raise ConfigError(settings.origin, faults)
    if auth.mode == "none":
        return None
    if auth.mode == "proxy":
        return Authentication(proxy_authenticator(auth.admins))
    if auth.mode == "jwt":
        return _jwt(settings, is_checked=is_checked)
    file = TokenFile(auth.token_file)
    if is_checked:
        return Authentication(token_authenticator(file), lambda: _token_file_fault(file))
    if auth.token_file.exists():
        _read(settings.origin, "token_file", auth.token_file, require_private)
    try:
        file.tokens()
    except TokenFileError as error:
        raise ConfigError(settings.origin, [f"auth.token_file: {error}"]) from error
    return Authentication(token_authenticator(file), lambda: _token_file_fault(file))


def _contradictions(auth: AuthSettings) -> list[str]:
    faults = []
    if auth.mode == "none" and auth.private_data:
        faults.append("auth.private_data: needs authenticated users. Set `auth.mode` to token, jwt or proxy.")
    if auth.mode == "jwt" and (auth.jwt_key_file is None) == (auth.jwt_jwks_file is None):
        faults.append("auth.mode: jwt needs a key. Set exactly one of `jwt_key_file` and `jwt_jwks_file`.")
    return faults


def _jwt(settings: Settings, *, is_checked: bool) -> Authentication:
    from slurm_rest_api.auth.json_web_tokens import jwt_authenticator, read_shared_key, shared_key
    from slurm_rest_api.auth.key_set import KeySetFile

    auth = settings.auth
    if auth.jwt_key_file is not None:
        if settings.jwt_key is not None:
            key = shared_key(bytes.fromhex(settings.jwt_key.get_secret_value()))
        else:
            key = _read(settings.origin, "jwt_key_file", auth.jwt_key_file, read_shared_key)
        return Authentication(jwt_authenticator(key, auth.jwt_user_claim, auth.jwt_audience, auth.admins))
    assert auth.jwt_jwks_file is not None
    if is_checked:
        keys = KeySetFile(auth.jwt_jwks_file, required=False)
    else:
        keys = _read(settings.origin, "jwt_jwks_file", auth.jwt_jwks_file, KeySetFile)
    authenticate = jwt_authenticator(keys.find, auth.jwt_user_claim, auth.jwt_audience, auth.admins)
    return Authentication(authenticate, lambda: _key_set_fault(keys))


def _key_set_fault(keys: KeySetFile) -> str | None:
    fault = keys.fault()
    return fault and f"The file of `auth.jwt_jwks_file` {fault}. The keys from before stay valid."


def _token_file_fault(file: TokenFile) -> str | None:
    try:
        file.tokens()
    except TokenFileError:
        return "The token file (`auth.token_file`) cannot be read. See the log of the service."
    return None


def _read(origin: str, name: str, file: Path, read: Callable[[Path], Content]) -> Content:
    try:
        return read(file)
    except OSError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} cannot be read: {error.strerror}."]) from error
    except ValueError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} {error}."]) from error
