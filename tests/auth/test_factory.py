"""Faults of section `auth` that stop the start, and `slurm-rest-api token`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slurm_rest_api.auth.factory import open_auth
from slurm_rest_api.cli import main
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ConfigError
from tests.auth.clients import key_file
from tests.auth.provider import RSA_KEYS, key_set


def fault(**auth: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        open_auth(Settings.model_validate({"auth": auth}))
    (only,) = caught.value.faults
    return only


def test_files_that_broke_since_the_start_keep_no_process_from_starting(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text("nonsense")
    for auth in (
        {"mode": "token", "token_file": str(tokens)},
        {"mode": "jwt", "jwt_jwks_file": str(tmp_path / "missing")},
    ):
        settings = Settings.model_validate({"auth": auth})
        with pytest.raises(ConfigError):
            open_auth(settings)
        opened = open_auth(settings, is_checked=True)
        assert opened is not None
        assert opened.fault is not None
        assert opened.fault() is not None
    of_start = Settings.model_validate(
        {"auth": {"mode": "jwt", "jwt_key_file": str(tmp_path / "missing")}, "jwt_key": bytes(40).hex()}
    )
    assert open_auth(of_start, is_checked=True) is not None


def test_private_data_needs_authentication() -> None:
    assert fault(private_data=["jobs"]) == (
        "auth.private_data: needs authenticated users. Set `auth.mode` to token, jwt or proxy."
    )


def test_jwt_needs_exactly_one_kind_of_key(tmp_path: Path) -> None:
    message = "auth.mode: jwt needs a key. Set exactly one of `jwt_key_file` and `jwt_jwks_file`."
    assert fault(mode="jwt") == message
    assert fault(mode="jwt", jwt_key_file=str(key_file(tmp_path)), jwt_jwks_file="/x") == message


def test_unusable_key_files_are_named(tmp_path: Path) -> None:
    missing, short, jwks = tmp_path / "missing", key_file(tmp_path, b"short"), tmp_path / "jwks"
    assert fault(mode="jwt", jwt_key_file=str(missing)) == (
        f"auth.jwt_key_file: {missing} cannot be read: No such file or directory."
    )
    assert fault(mode="jwt", jwt_key_file=str(short)) == (
        f"auth.jwt_key_file: {short} has 5 bytes, but a key for HS256 has at least 32."
    )
    for text in ("{}", "[]", "nonsense", '{"keys": []}'):
        jwks.write_text(text)
        assert fault(mode="jwt", jwt_jwks_file=str(jwks)) == f"auth.jwt_jwks_file: {jwks} is not a JSON Web Key Set."
    jwks.write_text('{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]}')
    assert fault(mode="jwt", jwt_jwks_file=str(jwks)) == (
        f"auth.jwt_jwks_file: {jwks} has no RSA key of 2048 bits or more for signatures, but only RS256 is accepted."
    )


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o641])
def test_secret_files_open_to_every_user_are_refused(tmp_path: Path, mode: int) -> None:
    key, tokens = key_file(tmp_path), tmp_path / "tokens.json"
    tokens.write_text("[]")
    for file, settings in (
        (key, {"mode": "jwt", "jwt_key_file": str(key)}),
        (tokens, {"mode": "token", "token_file": str(tokens)}),
    ):
        file.chmod(mode)
        name = list(settings)[1]
        assert fault(**settings) == (
            f"auth.{name}: {file} is open to every user of this host (mode {mode:04o}). Run `chmod o-rwx` on it."
        )
        file.chmod(0o640)
        assert open_auth(Settings.model_validate({"auth": settings})) is not None


def test_key_set_that_every_user_may_write_is_refused(tmp_path: Path) -> None:
    # auth_jwt.c refuses S_IWOTH for jwks=. Its keys are public, so reading is allowed.
    file = key_set(tmp_path / "jwks.json", {"one": RSA_KEYS[0]})
    file.chmod(0o646)
    assert fault(mode="jwt", jwt_jwks_file=str(file)) == (
        f"auth.jwt_jwks_file: {file} is writable by every user of this host. Run `chmod o-w` on it."
    )
    file.chmod(0o644)
    assert open_auth(Settings.model_validate({"auth": {"mode": "jwt", "jwt_jwks_file": file}})) is not None


def test_another_file_is_refused_as_token_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("{}")
    file.chmod(0o600)
    assert fault(mode="token", token_file=str(file)) == (
        f"auth.token_file: {file} is not a token file. Restore it from a backup."
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(f"auth:\n  mode: token\n  token_file: {tmp_path / 'tokens.json'}\n")
    return path


def run(config: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["--config", str(config), *words])
    return result.exit_code, result.output


def test_the_token_command_creates_lists_and_revokes_tokens(config: Path) -> None:
    code, created = run(config, "token", "add", "grafana", "--role", "admin", "--days", "0")
    assert code == 0
    assert created.startswith("sra_")
    assert run(config, "token", "list") == (0, "grafana\tadmin\tnever expires\n")
    assert run(config, "token", "add", "grafana") == (
        1,
        "Error: grafana has a token already. Revoke it first, or choose another name.\n",
    )
    assert run(config, "token", "revoke", "grafana") == (0, "")
    assert run(config, "token", "list") == (0, "")
    code, message = run(config, "token", "revoke", "grafana")
    file = config.with_name("tokens.json")
    assert code == 1
    assert message == f"Error: grafana has no token in {file}. List the names with `slurm-rest-api token list`.\n"


def test_unknown_values_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("auth:\n  mode: basic\n  private_data: [jobs, cloud]\n  open_paths: [health]\n")
    code, message = run(path, "openapi")
    assert code == 1
    assert 'auth.mode (line 2): invalid value "basic". Expected one of none, token, jwt, proxy.' in message
    expected = "jobs, usage, users, accounts, reservations, events, nodes, partitions"
    assert f'invalid value "cloud". Expected one of {expected}.' in message
    assert 'invalid value "health". Expected the path of a route, such as /health.' in message
