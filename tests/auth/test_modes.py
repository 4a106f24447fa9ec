"""Each authentication mode over HTTP: accepted and refused credentials, and the headers of responses."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from jwt.algorithms import RSAAlgorithm
from werkzeug.test import TestResponse

from slurm_rest_api.auth.principal import Credentials
from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.clients import auth_client, bearer, key_file, slurm_token


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "etc" / "tokens.json")


def status(client: FlaskClient, headers: dict[str, str], path: str = "/nodes") -> int:
    return client.get(path, headers=headers).status_code


def detail(response: TestResponse) -> str:
    (error,) = response.get_json()["errors"]
    text: str = error["detail"]
    return text


def test_without_a_token_every_path_gets_the_same_401(settings: Settings, tokens: TokenFile, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="token", token_file=str(tokens.path))
    answers = [client.get(path) for path in ("/nodes", "/no-such-route", "/openapi/openapi.json")]
    assert {answer.status_code for answer in answers} == {401}
    assert {detail(answer) for answer in answers} == {
        "A token is required. Send `Authorization: Bearer TOKEN` or `X-SLURM-USER-TOKEN: TOKEN`."
    }
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="slurm-rest-api"'
    assert answers[0].headers["Cache-Control"] == "no-store, private"
    assert client.get("/health").status_code == 200


def test_a_token_is_valid_until_it_expires_or_is_revoked(settings: Settings, tokens: TokenFile, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="token", token_file=str(tokens.path))
    good = tokens.add("grafana", "admin", None)
    old = tokens.add("old", "admin", int(time.time()) - 1)
    assert status(client, bearer(good)) == 200
    assert [status(client, bearer(bad)) for bad in (old, good[:-1], good + "x", "", "\udcff")] == [401] * 5
    tokens.revoke("grafana")
    assert detail(client.get("/nodes", headers=bearer(good))) == (
        "The token is invalid: expired, revoked or unknown."
        " Ask an administrator for a new one (`slurm-rest-api token add`)."
    )


def test_tokens_are_neither_stored_nor_shown_in_repr(tokens: TokenFile) -> None:
    made = tokens.add("grafana", "user", None)
    assert made not in tokens.path.read_text()
    assert tokens.path.stat().st_mode & 0o777 == 0o640
    assert made not in repr(Credentials(token=made))


def test_x_authenticated_user_is_set_only_on_authenticated_responses(
    settings: Settings, tokens: TokenFile, cycle: Cycle
) -> None:
    cycle.run()
    client = auth_client(settings, mode="token", token_file=str(tokens.path), private_data=["nodes"])
    known = bearer(tokens.add("Zoë\r\nSet-Cookie: a=b", "user", None))
    assert {
        path: client.get(path, headers=known).headers["X-Authenticated-User"] for path in ("/nodes", "/queue")
    } == dict.fromkeys(("/nodes", "/queue"), "Zo%C3%AB%0D%0ASet-Cookie%3A a%3Db")
    assert client.get("/nodes", headers=known).status_code == 403
    for path, headers in (("/nodes", {}), ("/nodes", bearer("other")), ("/health", known)):
        assert "X-Authenticated-User" not in client.get(path, headers=headers).headers


def test_the_api_reference_is_open_only_with_the_pages(settings: Settings, tokens: TokenFile) -> None:
    asks = {"mode": "token", "token_file": str(tokens.path)}
    with_pages = settings.model_copy(update={"system": settings.system.model_copy(update={"serve_index": True})})
    paths = ("/", "/pages/api", "/openapi/", "/openapi/openapi.json", "/openapi/swagger")
    opened, closed = auth_client(with_pages, **asks), auth_client(settings, **asks)
    assert {opened.get(path).status_code for path in paths} == {200}
    assert {closed.get(path).status_code for path in paths} == {401}
    proxied = auth_client(with_pages, mode="proxy")
    assert {proxied.get(path).status_code for path in paths} == {401}


def test_a_damaged_token_file_gets_503(settings: Settings, tokens: TokenFile, cycle: Cycle) -> None:
    cycle.run()
    good = tokens.add("grafana", "admin", None)
    client = auth_client(settings, mode="token", token_file=str(tokens.path))
    tokens.path.write_text("[]garbage")
    answer = client.get("/nodes", headers=bearer(good))
    (error,) = answer.get_json()["errors"]
    assert (answer.status_code, error["title"], error["detail"]) == (
        503,
        "Tokens not readable",
        "The token file (`auth.token_file`) cannot be read. See the log of the service.",
    )
    assert str(tokens.path) not in answer.text


def test_shared_caches_must_not_store_private_responses(settings: Settings, tokens: TokenFile, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="token", token_file=str(tokens.path))
    known = bearer(tokens.add("grafana", "admin", None))
    answer = client.get("/nodes", headers=known)
    unchanged = client.get("/nodes", headers={**known, "If-None-Match": answer.headers["ETag"]})
    assert (answer.status_code, unchanged.status_code) == (200, 304)
    for got in (answer, unchanged):
        assert "private" in got.headers["Cache-Control"]
        assert "public" not in got.headers["Cache-Control"]
        assert {"Authorization", "X-SLURM-USER-TOKEN", "Accept-Encoding"} <= set(got.headers["Vary"].split(", "))


def test_slurm_tokens_are_accepted_in_both_headers(settings: Settings, tmp_path: Path, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="jwt", jwt_key_file=str(key_file(tmp_path)))
    token = slurm_token("alice")
    assert status(client, bearer(token)) == 200
    assert status(client, {"X-SLURM-USER-TOKEN": token}) == 200
    assert status(client, {"X-SLURM-USER-TOKEN": token, "X-SLURM-USER-NAME": "alice"}) == 200
    assert status(client, {"X-SLURM-USER-TOKEN": token, "X-SLURM-USER-NAME": "root"}) == 401


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def test_invalid_jwts_are_refused(settings: Settings, tmp_path: Path, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="jwt", jwt_key_file=str(key_file(tmp_path)))
    now = int(time.time())
    refused = [
        slurm_token(exp=now - 60),
        slurm_token(key=b"another key of thirty-two bytes or more"),
        slurm_token(algorithm="HS512", key=b"a key of thirty-two bytes or more, for tests" * 2),
        slurm_token(nbf=now + 600),
        slurm_token(aud="another-service"),
        slurm_token(sun=""),
        slurm_token(sun=["root"]),
        slurm_token(exp=None),
        unsigned(slurm_token()),
        slurm_token() + "x",
        "not.a.token",
        "...",
    ]
    assert {detail(client.get("/nodes", headers=bearer(token))) for token in refused} == {
        "The token is invalid: expired, not signed by a trusted key, or issued to another user. Request a new token."
    }


def test_provider_tokens_need_a_key_of_its_jwks(settings: Settings, tmp_path: Path, cycle: Cycle) -> None:
    cycle.run()
    ours, foreign = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    jwks = tmp_path / "jwks.json"
    public = {**RSAAlgorithm.to_jwk(ours.public_key(), as_dict=True), "kid": "one", "alg": "RS256"}
    jwks.write_text(json.dumps({"keys": [public]}))
    client = auth_client(settings, mode="jwt", jwt_jwks_file=str(jwks), jwt_audience="slurm")

    def token(key: rsa.RSAPrivateKey, kid: str, aud: str = "slurm") -> str:
        claims = {"exp": int(time.time()) + 600, "sun": "alice", "aud": aud}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})

    assert status(client, bearer(token(ours, "one"))) == 200
    assert status(client, bearer(token(foreign, "one"))) == 401
    assert status(client, bearer(token(ours, "two"))) == 401
    assert status(client, bearer(token(ours, "one", aud="mail"))) == 401
    pem = ours.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert status(client, bearer(confused(pem))) == 401


def confused(public_pem: bytes) -> str:
    """Creates a token that uses the provider's public key as the secret of HS256."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (
            {"alg": "HS256", "typ": "JWT", "kid": "one"},
            {"exp": int(time.time()) + 600, "sun": "root", "aud": "slurm"},
        )
    )
    mac = hmac.digest(public_pem, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_only_the_proxy_can_name_the_user(settings: Settings, cycle: Cycle) -> None:
    cycle.run()
    client = auth_client(settings, mode="proxy", admins=["root"], private_data=["nodes"])
    for header in ("Remote-User", "REMOTE_USER", "X-Remote-User", "X-Forwarded-User"):
        answer = client.get("/nodes", headers={header: "root"})
        assert answer.status_code == 401
        assert detail(answer) == "The reverse proxy did not set REMOTE_USER. Check its authentication settings."
    assert status(client, bearer("root")) == 401
    assert client.get("/nodes", environ_overrides={"REMOTE_USER": "root"}).status_code == 200
    refused = client.get("/nodes", environ_overrides={"REMOTE_USER": "alice"})
    missing = client.get("/no-such-route", environ_overrides={"REMOTE_USER": "alice"})
    assert (refused.status_code, missing.status_code) == (403, 403)
    assert detail(refused) == "Your role may not read /nodes (`auth.private_data`: nodes)."
    assert detail(missing) == "Your role may not read /no-such-route (`auth.private_data`: nodes)."


def test_a_preflight_needs_no_token(settings: Settings, cycle: Cycle) -> None:
    system = settings.system.model_copy(update={"use_cors": True, "cors_origins": ("https://dash.example.org",)})
    client = auth_client(settings.model_copy(update={"system": system}), mode="proxy")
    asked = {"Origin": "https://dash.example.org", "Access-Control-Request-Method": "GET"}
    answer = client.options("/nodes", headers={**asked, "Access-Control-Request-Headers": "Authorization"})
    assert answer.status_code == 200
    assert answer.data == b""
    assert answer.headers["Access-Control-Allow-Origin"] == "https://dash.example.org"
    foreign = client.options("/nodes", headers={**asked, "Origin": "https://evil.example.org"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
