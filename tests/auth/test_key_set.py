"""The JSON Web Key Set of an identity provider: which keys count, and keys that the provider rotates."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from jwt.algorithms import RSAAlgorithm

from slurm_rest_api.auth import key_set as key_set_module
from slurm_rest_api.auth.key_set import KeySetFile, parse_key_set
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.clients import auth_client, bearer
from tests.auth.provider import EC_KEY, RSA_KEYS, entry, key_set, key_set_text, provider_token
from tests.waiting import wait_for

OLD, NEW, FOREIGN = RSA_KEYS


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def accepts(keys: KeySetFile, token: str) -> bool:
    try:
        key, algorithm = keys.find(token)
        jwt.decode(token, key, algorithms=[algorithm])
    except jwt.PyJWTError:
        return False
    return True


def kids(*entries: dict[str, Any]) -> set[str | None]:
    return set(parse_key_set(json.dumps({"keys": entries}).encode()))


def test_only_rsa_keys_for_signatures_count() -> None:
    good = entry("good", OLD)
    assert kids(
        good,
        entry("encryption", OLD, use="enc"),
        entry("another-hash", OLD, alg="RS512"),
        entry("elliptic", EC_KEY),
        entry("short", rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - it must be refused
        {**entry("no-modulus", OLD), "n": None},
        {**entry("no-exponent", OLD), "e": "%%%"},
        {**entry("a", OLD), "kid": ["not", "text"]},
    ) == {"good"}
    # RFC 7517: use, alg and kid are optional.
    bare = {name: good[name] for name in ("kty", "n", "e")}
    assert kids(bare) == {None}


def test_two_keys_of_one_id_are_both_left_out() -> None:
    assert kids(entry("twice", OLD), entry("twice", NEW), entry("once", NEW)) == {"once"}


def test_private_members_of_a_key_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**RSAAlgorithm.to_jwk(OLD, as_dict=True), "kid": "one"}]}))
    assert accepts(KeySetFile(file), provider_token(OLD, "one"))


def test_tokens_of_es256_are_refused(tmp_path: Path) -> None:
    # Slurm's auth/jwt knows RS256 and HS256 alone.
    keys = KeySetFile(key_set(tmp_path / "jwks.json", {"rsa": OLD, "ec": EC_KEY}))
    assert accepts(keys, provider_token(OLD, "rsa"))
    assert not accepts(keys, provider_token(EC_KEY, "ec"))


def replaced(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def written_in_place(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.mark.parametrize("write", [replaced, written_in_place])
def test_rotation_accepts_both_keys_while_the_document_has_both(tmp_path: Path, write: Any) -> None:
    clock = Clock()
    file = key_set(tmp_path / "jwks.json", {"old": OLD})
    keys = KeySetFile(file, clock)
    old, new = provider_token(OLD, "old"), provider_token(NEW, "new")
    assert (accepts(keys, old), accepts(keys, new)) == (True, False)
    write(file, key_set_text({"old": OLD, "new": NEW}))
    clock.now += 1.0
    assert (accepts(keys, old), accepts(keys, new)) == (True, True)
    write(file, key_set_text({"new": NEW}))
    clock.now += 1.0
    assert (accepts(keys, old), accepts(keys, new)) == (False, True)
    assert not accepts(keys, provider_token(FOREIGN, "new"))


def broken_files(file: Path) -> list[tuple[str, str]]:
    """Returns what a provider's script may leave behind, with what is said about it."""
    half = key_set_text({"new": NEW})[:100]
    return [
        ("", "is not a JSON Web Key Set"),
        (half, "is not a JSON Web Key Set"),
        ("<html>502 Bad Gateway</html>", "is not a JSON Web Key Set"),
        ('{"keys": {}}', "is not a JSON Web Key Set"),
        (
            key_set_text({"ec": EC_KEY}),
            "has no RSA key of 2048 bits or more for signatures, but only RS256 is accepted",
        ),
    ]


def test_broken_new_file_keeps_the_keys_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, file = Clock(), key_set(tmp_path / "jwks.json", {"old": OLD})
    keys, old = KeySetFile(file, clock), provider_token(OLD, "old")
    for text, fault in broken_files(file):
        replaced(file, text)
        caplog.clear()
        for _ in range(5):
            clock.now += 1.0
            assert accepts(keys, old)
            assert keys.fault() == fault
        assert len(caplog.records) <= 1
    file.unlink()
    clock.now += 1.0
    assert accepts(keys, old)
    assert keys.fault() == "cannot be read: No such file or directory"
    assert caplog.messages[-1] == (
        f"{file} cannot be read: No such file or directory. The keys from before stay valid."
    )
    key_set(file, {"new": NEW})
    clock.now += 1.0
    with caplog.at_level(logging.INFO):
        assert accepts(keys, provider_token(NEW, "new"))
    assert keys.fault() is None
    assert caplog.messages[-1] == f"{file} was read again. It has the keys new."


def test_file_that_becomes_writable_for_all_is_not_read(tmp_path: Path) -> None:
    clock, file = Clock(), key_set(tmp_path / "jwks.json", {"old": OLD})
    keys = KeySetFile(file, clock)
    key_set(file, {"evil": FOREIGN})
    file.chmod(0o666)
    clock.now += 1.0
    assert not accepts(keys, provider_token(FOREIGN, "evil"))
    assert keys.fault() == "is writable by every user of this host. Run `chmod o-w` on it"
    assert accepts(keys, provider_token(OLD, "old"))


def test_unchanged_file_costs_one_stat_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, file = Clock(), key_set(tmp_path / "jwks.json", {"old": OLD})
    os.utime(file, (1, 1))
    monkeypatch.setattr("slurm_rest_api.auth.cached_file.time.time", lambda: file.stat().st_ctime + 60)
    keys, reads = KeySetFile(file, clock), []

    def parse(text: bytes) -> Any:
        reads.append(text)
        return parse_key_set(text)

    monkeypatch.setattr(keys._file, "_parse", parse)
    checks: list[float] = []
    original = keys._check

    def check() -> None:
        checks.append(clock.now)
        original()

    monkeypatch.setattr(keys, "_check", check)
    token = provider_token(OLD, "old")
    for tenth in range(50):
        clock.now = tenth / 10
        assert accepts(keys, token)
    assert len(checks) <= 5
    assert reads == []


def test_rotation_under_load_refuses_no_valid_token(
    settings: Settings, tmp_path: Path, cycle: Cycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle.run()
    # Every request may be the one that reads the file.
    monkeypatch.setattr(key_set_module, "_CHECK_SECONDS", 0.0)
    file = key_set(tmp_path / "jwks.json", {"old": OLD, "new": NEW})
    client = auth_client(settings, mode="jwt", jwt_jwks_file=str(file))
    documents = (
        key_set_text({"old": OLD, "new": NEW}),
        key_set_text({"old": OLD}),
        key_set_text({"old": OLD, "other": FOREIGN}),
        key_set_text({"old": OLD})[:50],
        "",
    )
    statuses: list[int] = []
    done = threading.Event()

    def ask(own: FlaskClient) -> None:
        token = bearer(provider_token(OLD, "old"))
        while not done.is_set():
            statuses.append(own.get("/nodes", headers=token).status_code)

    def wait_for_another_response() -> None:
        before = len(statuses)
        wait_for("another response", lambda: len(statuses) > before)

    threads = [threading.Thread(target=ask, args=(client.application.test_client(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        wait_for_another_response()
        (written_in_place if turn % 2 else replaced)(file, documents[turn % len(documents)])
    done.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}


def test_health_reports_a_broken_key_set_without_its_path(
    settings: Settings, tmp_path: Path, cycle: Cycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle.run()
    monkeypatch.setattr(key_set_module, "_CHECK_SECONDS", 0.0)
    file = key_set(tmp_path / "jwks.json", {"old": OLD})
    client = auth_client(settings, mode="jwt", jwt_jwks_file=str(file))
    assert client.get("/health").get_json()["data"]["parts"]["authentication"]["state"] == "ok"
    file.write_text("{")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.get_json()["data"]["parts"]["authentication"] == {
        "state": "broken",
        "detail": "The file of `auth.jwt_jwks_file` is not a JSON Web Key Set. The keys from before stay valid.",
        "facts": {},
    }
    assert client.get("/nodes", headers=bearer(provider_token(OLD, "old"))).status_code == 200
    assert (
        'slurm_rest_api_part_up{part="authentication"} 0.0'
        in client.get("/metrics", headers=bearer(provider_token(OLD, "old"))).text
    )


def test_a_process_of_a_running_service_starts_without_keys(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    times = iter(range(100))
    keys = KeySetFile(file, lambda: 2.0 * next(times), required=False)
    assert not accepts(keys, provider_token(OLD, "one"))
    assert keys.fault() == "cannot be read: No such file or directory"
    key_set(file, {"one": OLD})
    assert accepts(keys, provider_token(OLD, "one"))
    assert keys.fault() is None
