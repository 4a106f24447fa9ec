"""Options of the nginx block: user names from nginx, TLS, and the micro-cache."""

from __future__ import annotations

import base64
import re
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import GROUP, Site, demo_site
from tests.testbed.service import free_port
from tests.waiting import GIVE_UP_SECONDS, wait_for

PASSWORDS = {"root": "for root", "alice": "for alice", "bruno": "for bruno"}
# The lines of docs/deployment.md, "Names from nginx".
BASIC = """\
        auth_basic "Slurm";
        auth_basic_user_file {file};
        uwsgi_param REMOTE_USER $remote_user;
"""
CACHE = (
    "#uwsgi_cache slurm_rest_api_answers;",
    "#uwsgi_cache_key",
    "#uwsgi_cache_lock",
    "#uwsgi_cache_revalidate",
)


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(
        installation, {"auth": {"mode": "proxy", "admins": ["root"], "private_data": ["jobs", "partitions"]}}
    ) as site:
        yield site


def hashed(password: str) -> str:
    done = subprocess.run(["openssl", "passwd", "-apr1", password], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def names(site: Site) -> Path:
    file = site.path("/htpasswd")
    file.write_text("".join(f"{name}:{hashed(password)}\n" for name, password in PASSWORDS.items()))
    return file


def basic(name: str, password: str | None = None) -> dict[str, str]:
    pair = f"{name}:{PASSWORDS[name] if password is None else password}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def unlimited(block: str) -> str:
    return block.replace("        limit_req zone", "        #limit_req zone")


def cached(block: str, folder: Path) -> str:
    """The documented micro-cache, switched on."""
    for line in CACHE:
        assert line in block
        block = block.replace(line, line.removeprefix("#"))
    return f"uwsgi_cache_path {folder} keys_zone=slurm_rest_api_answers:1m max_size=1g;\n{block}"


@pytest.fixture(scope="module")
def web(site: Site, names: Path) -> Iterator[Nginx]:
    def ask_for_names(block: str) -> str:
        line = "        include uwsgi_params;\n"
        return unlimited(block).replace(line, line + BASIC.format(file=names))

    with nginx(site, ask_for_names) as running:
        wait_for("data", lambda: ask(running, "/nodes", **basic("root")).status == 200)
        yield running


def test_names_come_from_nginx_alone(web: Nginx) -> None:
    assert ask(web, "/partitions", **basic("root")).status == 200
    assert ask(web, "/nodes", **basic("alice")).status == 200
    assert ask(web, "/partitions", **basic("alice")).status == 403
    assert ask(web, "/nodes").status == 401
    assert ask(web, "/nodes", **basic("root", "guessed")).status == 401


@pytest.mark.parametrize("header", ["Remote-User", "REMOTE_USER", "Remote_User", "X-Remote-User", "HTTP_REMOTE_USER"])
def test_no_header_of_a_client_is_a_name(web: Nginx, header: str) -> None:
    assert ask(web, "/partitions", **{header: "root"}).status == 401
    assert ask(web, "/partitions", **{**basic("alice"), header: "root"}).status == 403


def test_block_without_user_names_refuses_all(site: Site) -> None:
    with nginx(site, unlimited) as plain:
        for headers in ({}, basic("root"), {"Remote-User": "root"}):
            assert ask(plain, "/queue", **headers).status == 401
        assert ask(plain, "/health/live").status == 200


@pytest.mark.parametrize(
    ("folder", "message"), [("absent", "No such file or directory"), ("closed", "Permission denied"), (None, None)]
)
def test_worker_sends_a_file_that_nginx_cannot_open(
    folder: str | None, message: str | None, site: Site, names: Path
) -> None:
    site.path("/closed").mkdir(mode=0o700, exist_ok=True)

    def change(block: str) -> str:
        line = "        include uwsgi_params;\n"
        named = unlimited(block).replace(line, line + BASIC.format(file=names))
        if folder is None:
            return named
        assert "/prepared/;" in named
        return re.sub(r"alias \S+/prepared/;", f"alias {site.path(f'/{folder}')}/;", named)

    # As an administrator installs it: nginx is not root, and in the group of the service.
    with nginx(site, change, user=f"www-data {GROUP}") as web:
        for path in ("/queue", "/usage?compact=true", "/nodes"):
            for encoding in ("zstd", "gzip", "identity"):
                answer = ask(web, path, **{**basic("root"), "Accept-Encoding": encoding})
                assert (answer.status, answer.headers["x-authenticated-user"]) == (200, "root")
                assert len(answer.body) == int(answer.headers["content-length"])
        assert len(answer.body) > 0
        assert ask(web, "/queue").status == 401
        failed = set(re.findall(r'open\(\) "\S+?/(\w+)/[^/]+" failed \(\d+: ([^)]+)\)', web.error_log.read_text()))
    assert failed == ({(folder, message)} if folder else set())


def test_no_user_is_answered_from_the_cache_of_another(site: Site, names: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    def change(block: str) -> str:
        line = "        include uwsgi_params;\n"
        named = unlimited(block).replace(line, line + BASIC.format(file=names))
        return cached(named, tmp_path / "cache").replace("uwsgi_cache_lock on;", SHOWN)

    # Bruno coordinates no account, so the jobs of others are hidden from this user.
    with nginx(site, change) as web:
        for _ in range(3):
            everybodys, own = (ask(web, "/queue", **basic(name)).json["data"] for name in ("root", "bruno"))
            assert (
                {job["user_name"] for job in own.values()}
                <= {"bruno"}
                < {job["user_name"] for job in everybodys.values()}
            )
            assert ask(web, "/partitions", **basic("root")).status == 200
            assert ask(web, "/partitions", **basic("bruno")).status == 403
            assert ask(web, "/queue").status == 401
            answer = ask(web, "/nodes", **basic("root"))
            # nginx keeps nothing that says that it is private.
            assert answer.headers["x-cache"] == "MISS"
            assert "private" in answer.headers["cache-control"]
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


SHOWN = "uwsgi_cache_lock on; add_header X-Cache $upstream_cache_status always;"


def test_the_cache_answers_where_all_may_see_the_same(installation: Installation, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    def change(block: str) -> str:
        return cached(unlimited(block), tmp_path / "cache").replace("uwsgi_cache_lock on;", SHOWN)

    with demo_site(installation, {"system": {"refresh_seconds": 30}}, processes=1) as site, nginx(site, change) as web:
        wait_healthy(web)
        seen = [ask(web, "/partitions").headers["x-cache"] for _ in range(6)]
        assert "HIT" in seen
        # What differs in anything that the answer depends on is another entry.
        assert ask(web, "/partitions?fields=name").headers["x-cache"] != "HIT"
        assert ask(web, "/partitions", **{"Accept-Encoding": "gzip"}).headers["x-cache"] != "HIT"
        assert ask(web, "/partitions", "HEAD").body == b""
        # An error is not kept.
        assert [ask(web, "/queue?nothing=1").status for _ in range(2)] == [400, 400]


def test_tls_as_in_the_example(site: Site, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()

    def with_tls(block: str) -> str:
        for line in ("listen 443 ssl;", "ssl_certificate ", "ssl_certificate_key ", "ssl_protocols ", "add_header Str"):
            assert f"    #{line}" in block
            block = block.replace(f"    #{line}", f"    {line}")
        block = block.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        block = block.replace("/etc/ssl/certs/slurm.example.org.pem", str(certificate))
        return block.replace("/etc/ssl/private/slurm.example.org.key", str(key))

    context = ssl.create_default_context(cafile=str(certificate))
    with (
        nginx(site, with_tls),
        urllib.request.urlopen(
            f"https://127.0.0.1:{port}/health/live", context=context, timeout=GIVE_UP_SECONDS
        ) as reply,
    ):
        assert reply.status == 200
        assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(certificate)
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError, match=r"(?i)ssl|eof|reset"):
            urllib.request.urlopen(f"https://127.0.0.1:{port}/health/live", context=old, timeout=GIVE_UP_SECONDS)
