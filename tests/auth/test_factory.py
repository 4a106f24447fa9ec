"""What stops the start: settings of section auth that contradict each other, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slurm_rest_api.auth.factory import open_auth
from slurm_rest_api.cli import main
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ConfigError
from tests.auth.requests import key_file


def fault(**auth: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        open_auth(Settings.model_validate({"auth": auth}))
    (only,) = caught.value.faults
    return only


def test_nothing_can_be_private_where_nobody_is_told_apart() -> None:
    assert fault(private_data=["jobs"]) == (
        "auth.private_data: with auth.mode none nobody is told apart; expected token, jwt or proxy."
    )


def test_jwt_needs_exactly_one_kind_of_key(tmp_path: Path) -> None:
    told = "auth.mode: jwt needs jwt_key_file or jwt_jwks_file; expected exactly one of the two."
    assert fault(mode="jwt") == told
    assert fault(mode="jwt", jwt_key_file=str(key_file(tmp_path)), jwt_jwks_file="/x") == told


def test_keys_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing, short, jwks = tmp_path / "missing", key_file(tmp_path, b"short"), tmp_path / "jwks"
    assert fault(mode="jwt", jwt_key_file=str(missing)) == (
        f"auth.jwt_key_file: {missing} cannot be read: No such file or directory."
    )
    assert "has less than 32 bytes" in fault(mode="jwt", jwt_key_file=str(short))
    for text in ("{}", "[]", "nonsense", '{"keys": []}'):
        jwks.write_text(text)
        assert fault(mode="jwt", jwt_jwks_file=str(jwks)).startswith(
            f"auth.jwt_jwks_file: {jwks} is no JSON Web Key Set"
        )
    jwks.write_text('{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]}')
    assert fault(mode="jwt", jwt_jwks_file=str(jwks)).endswith("has no RSA key, and only RS256 is accepted.")


def test_the_file_of_tokens_has_to_be_one(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("{}")
    assert "holds something else than tokens" in fault(mode="token", token_file=str(file))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(f"auth:\n  mode: token\n  token_file: {tmp_path / 'tokens.json'}\n")
    return path


def run(config: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["--config", str(config), *words])
    return result.exit_code, result.output


def test_the_command_makes_lists_and_revokes_tokens(config: Path) -> None:
    code, made = run(config, "token", "add", "grafana", "--role", "admin", "--days", "0")
    assert code == 0
    assert made.startswith("sra_")
    assert run(config, "token", "list") == (0, "grafana\tadmin\tfor ever\n")
    code, told = run(config, "token", "add", "grafana")
    assert (code, "grafana has a token already" in told) == (1, True)
    assert run(config, "token", "revoke", "grafana") == (0, "")
    assert run(config, "token", "list") == (0, "")
    assert run(config, "token", "revoke", "grafana")[0] == 1


def test_unknown_words_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("auth:\n  mode: basic\n  private_data: [jobs, events]\n  open_paths: [health]\n")
    code, told = run(path, "openapi")
    assert code == 1
    assert 'auth.mode (line 2): "basic" cannot be used; expected one of none, token, jwt, proxy.' in told
    assert '"events" cannot be used; expected one of jobs, usage, users, accounts, nodes, partitions.' in told
    assert '"health" cannot be used; expected the path of a route, such as /health.' in told
