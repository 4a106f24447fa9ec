"""Attacks of unknown clients and of users through the real nginx and uWSGI.

The service asks for Slurm's own tokens (auth.mode jwt, with the cluster's key) and keeps jobs and partitions private.
"""

from __future__ import annotations

import base64
import json
import signal
import socket
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import psutil
import pytest

from tests.cluster.web_server import Deployment, Nginx, installed, nginx, start_uwsgi
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import SERVICE_USER
from tests.waiting import GIVE_UP_SECONDS, wait_for

_SLURM_KEY = "/etc/slurm/jwt.key"
_KEY = "/var/lib/slurm-rest-api/jwt_hs256.key"
CONFIG = f"""\
system:
  refresh_seconds: 1
  use_cors: true
  cors_origins: ["https://dash.example.org"]
filter:
  partitions: [secret]
auth:
  mode: jwt
  jwt_key_file: {_KEY}
  admins: [root]
  private_data: [jobs, partitions]
"""


class Reply:
    """The bytes that a connection returned, and the first status among them (0 if there is none)."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.statuses = [int(line.split()[1]) for line in raw.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        self.status = self.statuses[0] if self.statuses else 0
        head = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        self.headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in head)}


def talk(web: Nginx, request: bytes) -> Reply:
    """Sends bytes as they are and reads until the server closes the connection."""
    host, port = urllib.parse.urlsplit(web.url).hostname, urllib.parse.urlsplit(web.url).port
    with socket.create_connection((host, port), timeout=GIVE_UP_SECONDS) as connection:
        received = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            # Closed while this side was still sending. The answer, if any, is among the received bytes.
            pass
        return Reply(received)


def ask(web: Nginx, path: str, *headers: str, method: str = "GET") -> Reply:
    lines = [f"{method} {path} HTTP/1.1", "Host: slurm.example.org", "Connection: close", *headers]
    return talk(web, "\r\n".join([*lines, "", ""]).encode("latin-1"))


def reload(web: Nginx) -> None:
    """Reloads nginx, and waits until no worker with the old configuration is left."""
    master = psutil.Process(int((web.folder / "pid").read_text()))
    old = {child.pid for child in master.children()}
    web.signal(signal.SIGHUP)
    wait_for("nginx's new workers", lambda: old.isdisjoint(child.pid for child in master.children()))


@pytest.fixture(scope="module")
def deployment(cluster: Cluster) -> Iterator[Deployment]:
    with installed(cluster, CONFIG):
        cluster.run(["install", "-m", "0400", "-o", SERVICE_USER, _SLURM_KEY, _KEY])
        deployment = start_uwsgi(cluster)
        yield deployment
        deployment.stop()


@pytest.fixture(scope="module")
def web(cluster: Cluster, deployment: Deployment) -> Iterator[Nginx]:
    with nginx(cluster) as running:
        block = running.folder / "block.conf"
        # One test is of the limit of requests. The others must not reach it.
        block.write_text(block.read_text().replace("burst=100", "burst=2000").replace("rate=10r/s", "rate=1000r/s"))
        reload(running)
        wait_for("the first load", lambda: ask(running, "/health").status == 200)
        yield running


@pytest.fixture(scope="module")
def alice(cluster: Cluster) -> str:
    return f"X-SLURM-USER-TOKEN: {cluster.token('alice')}"


@pytest.fixture(scope="module")
def root(cluster: Cluster) -> str:
    return f"Authorization: Bearer {cluster.token('root')}"


def test_real_tokens_of_scontrol_open_what_their_role_may_see(web: Nginx, alice: str, root: str) -> None:
    assert ask(web, "/nodes", alice).status == 200
    assert ask(web, "/queue", alice).status == 200
    assert ask(web, "/partitions", alice).status == 403
    assert b"slurm_jobs" not in ask(web, "/metrics", alice).raw
    assert ask(web, "/queue", root).status == 200
    assert ask(web, "/nodes").status == 401


@pytest.mark.parametrize(
    "path",
    [
        "//partitions",
        "/./partitions",
        "/nodes/../partitions",
        "/nodes/%2e%2e/partitions",
        "/nodes/..%2fpartitions",
        "/%70artitions",
        "/partitions/",
        "/partitions%00",
        "/partitions%2f",
        "/partitions;x=1",
        "/partitions/?a",
        "/QUEUE",
        "/health/../partitions",
        "/health/%2e%2e/partitions",
        "/health/live/../../partitions",
        "/slurm/partitions",
        "/slurm//partitions",
        "/slurm/../partitions",
        "/openapi/../partitions",
        "/openapi/..%2f..%2fpartitions",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/openapi/static/../../../etc/passwd",
        "/openapi/swagger/%2e%2e%2f%2e%2e%2fetc/passwd",
        "http://slurm.example.org/partitions",
    ],
)
def test_no_way_of_writing_a_path_leads_past_the_role(web: Nginx, alice: str, path: str) -> None:
    stranger, user = ask(web, path), ask(web, path, alice)
    assert stranger.status in (400, 401, 404)
    assert user.status in (400, 403, 404)
    for reply in (stranger, user):
        assert b'"data"' not in reply.raw
        assert b"root:" not in reply.raw


@pytest.mark.parametrize(
    "header",
    [
        "X-Original-URL: /health",
        "X-Rewrite-URL: /health",
        "X-Forwarded-Prefix: /health",
        "X-HTTP-Method-Override: OPTIONS",
        "X-Script-Name: /queue",
        "Remote-User: root",
        "REMOTE_USER: root",
        "X-Remote-User: root",
        "X-Forwarded-User: root",
        "X-Forwarded-For: 127.0.0.1",
        "Authorization: Basic cm9vdDpyb290",
        "Authorization: Bearer",
        "Authorization: Bearer null",
        "Cookie: token=root",
        "X-SLURM-USER-NAME: root",
    ],
)
def test_no_other_header_replaces_a_token(web: Nginx, header: str) -> None:
    reply = ask(web, "/nodes", header)
    assert (reply.status, b'"data"' in reply.raw) == (401, False)


@pytest.mark.parametrize(
    "request_text",
    [
        "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health HTTP/1.1\r\n\r\n",
        "GET /health\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hea lth HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_requests_that_two_servers_could_read_differently_are_refused(web: Nginx, request_text: str) -> None:
    hidden = "GET /queue HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    reply = talk(web, (request_text + hidden).encode("latin-1"))
    # One refusal, nothing after it. 501 is nginx's word for a transfer coding that it does not know.
    assert reply.statuses in ([400], [501])


def test_a_request_within_a_body_is_no_request_of_the_one_before(web: Nginx, alice: str) -> None:
    hidden = "GET /queue HTTP/1.1\r\nHost: a\r\n\r\n"
    reply = ask(web, "/health", f"Content-Length: {len(hidden)}\r\n\r\n{hidden}".rstrip("\r\n"), alice)
    assert b"job_state" not in reply.raw
    assert len(reply.statuses) <= 1


def test_oversized_requests_are_refused(web: Nginx, alice: str) -> None:
    assert ask(web, "/nodes?_=" + "x" * 20000, alice).status == 414
    assert ask(web, "/nodes", alice, "X-Long: " + "x" * 20000).status == 400
    assert ask(web, "/nodes", alice, *(f"X-{number}: {'x' * 8000}" for number in range(40))).status == 400
    assert ask(web, "/nodes", alice, "Content-Length: 100000000").status == 413
    assert ask(web, "/nodes", f"Authorization: Bearer {'x' * 14000}").status == 401


def test_only_reading_methods_exist(web: Nginx, root: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"):
        reply = ask(web, "/queue", root, method=method)
        assert reply.status in (400, 405), method
        assert b'"data"' not in reply.raw


def forged(claims: dict[str, object], head: dict[str, str], signature: bytes = b"") -> str:
    parts = [json.dumps(head).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_forged_expired_and_foreign_tokens_are_refused(web: Nginx, cluster: Cluster) -> None:
    key = cluster.path(_SLURM_KEY).read_bytes()
    now = int(time.time())
    claims = {"exp": now + 600, "iat": now, "sun": "root"}
    tried = {
        "no signature": forged(claims, {"alg": "none"}),
        "none in another case": forged(claims, {"alg": "nOnE"}),
        "an empty signature": forged(claims, {"alg": "HS256"}),
        "a foreign key": jwt.encode(claims, b"f" * 64, "HS256"),
        "another algorithm": jwt.encode(claims, key, "HS384"),
        "expired": jwt.encode({**claims, "exp": now - 60}, key, "HS256"),
        "no expiry": jwt.encode({"sun": "root"}, key, "HS256"),
        "no user": jwt.encode({"exp": now + 600}, key, "HS256"),
        "not yet": jwt.encode({**claims, "nbf": now + 600}, key, "HS256"),
        "a key of its own": jwt.encode(claims, b"f" * 64, "HS256", headers={"jwk": json.dumps({"kty": "oct"})}),
        "a key from elsewhere": jwt.encode(claims, b"f" * 64, "HS256", headers={"jku": "http://127.0.0.1:1/"}),
        "a file as its key": jwt.encode(claims, b"f" * 64, "HS256", headers={"kid": "../../dev/null"}),
    }
    let_in = [
        name for name, token in tried.items() if ask(web, "/nodes", f"Authorization: Bearer {token}").status != 401
    ]
    assert let_in == []
    assert ask(web, "/nodes", f"Authorization: Bearer {jwt.encode(claims, key, 'HS256')}").status == 200


@pytest.mark.parametrize(
    "query",
    [
        "'",
        "' OR '1'='1",
        "1;DROP TABLE x",
        "${7*7}",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "%0d%0aSet-Cookie:a=b",
        "%00",
        "%ff",
    ],
)
def test_nothing_in_a_query_is_more_than_text(web: Nginx, root: str, query: str) -> None:
    quoted = query if query.startswith("%") else urllib.parse.quote(query)
    reply = ask(web, f"/queue?nothing={quoted}&{quoted}=1", root)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in reply.headers
    assert b"49" not in reply.raw.partition(b"\r\n\r\n")[2]
    assert b"Traceback" not in reply.raw


def test_a_foreign_origin_may_not_read(web: Nginx, root: str) -> None:
    allowed = ask(web, "/nodes", root, "Origin: https://dash.example.org")
    assert allowed.headers["access-control-allow-origin"] == "https://dash.example.org"
    for origin in ("https://evil.example.org", "null", "https://dash.example.org.evil.org", "http://dash.example.org"):
        reply = ask(web, "/nodes", root, f"Origin: {origin}")
        assert "access-control-allow-origin" not in reply.headers
        assert "access-control-allow-credentials" not in reply.headers


def test_no_shared_cache_may_keep_an_answer_for_one_user(web: Nginx, alice: str, root: str) -> None:
    first = ask(web, "/nodes", root)
    tag = first.headers["etag"]
    replies = [
        first,
        ask(web, "/nodes", alice),
        ask(web, "/nodes", root, f"If-None-Match: {tag}"),
        ask(web, "/queue", alice, f"If-None-Match: {ask(web, '/queue', root).headers['etag']}"),
        ask(web, "/partitions", alice, f"If-None-Match: {ask(web, '/partitions', root).headers['etag']}"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 304, 200, 403]
    for reply in replies:
        assert "private" in reply.headers["cache-control"]
        assert "public" not in reply.headers["cache-control"]
        assert "Authorization" in reply.headers["vary"]
        assert "X-SLURM-USER-TOKEN" in reply.headers["vary"]


def is_closed(connection: socket.socket) -> bool:
    """Waits for the server. Returns True if it has closed or reset the connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_slow_clients_delay_no_other(web: Nginx, root: str) -> None:
    host, port = urllib.parse.urlsplit(web.url).hostname, urllib.parse.urlsplit(web.url).port
    slow = [socket.create_connection((host, port), timeout=GIVE_UP_SECONDS) for _ in range(60)]
    try:
        for connection in slow:
            connection.sendall(b"GET /queue HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        assert ask(web, "/nodes", root).status == 200
        # client_header_timeout of the block: nginx closes them.
        wait_for("nginx to close a slow connection", lambda: is_closed(slow[0]))
    finally:
        for connection in slow:
            connection.close()


def test_too_many_requests_get_429(web: Nginx) -> None:
    block = web.folder / "block.conf"
    present = block.read_text()
    block.write_text(present.replace("burst=2000", "burst=5").replace("rate=1000r/s", "rate=1r/s"))
    reload(web)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _n: ask(web, "/health/live").status, range(60)))
    assert 429 in statuses
    assert set(statuses) <= {200, 429}


def test_nothing_secret_was_logged(deployment: Deployment, web: Nginx, alice: str, root: str) -> None:
    written = deployment.log.read_text(errors="replace") + web.access_log.read_text(errors="replace")
    assert "/nodes" in written
    for header in (alice, root):
        assert header.rpartition(" ")[2] not in written
