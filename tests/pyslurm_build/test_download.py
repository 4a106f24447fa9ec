"""Downloads by curl and by Python: redirects, errors, limits, proxies."""

from __future__ import annotations

import os
import re
import shutil
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from slurm_rest_api.pyslurm_build.download import (
    DownloadFailed,
    Limits,
    SafeRedirects,
    download,
    network_settings,
    shown,
)
from tests.pyslurm_build.stand_in import WebServer, send

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="this host has no curl")


@pytest.fixture(params=["python", pytest.param("curl", marks=needs_curl)])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Returns an environment without proxies. Without curl in PATH, Python downloads."""
    (tmp_path / "bin").mkdir()
    if request.param == "curl":
        (tmp_path / "bin/curl").symlink_to(shutil.which("curl") or "")
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}


def got(url: str, tmp_path: Path, environ: dict[str, str], limits: Limits | None = None) -> bytes:
    download(url, tmp_path / "file", environ, limits or Limits(idle=30, total=60))
    return (tmp_path / "file").read_bytes()


def failure(url: str, tmp_path: Path, environ: dict[str, str], limits: Limits | None = None) -> str:
    with pytest.raises(DownloadFailed) as raised:
        got(url, tmp_path, environ, limits)
    return str(raised.value)


def test_follows_redirects(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    web.redirect("/a", web.put("/b", b"content"))
    assert got(f"{web.url}/a", tmp_path, environ) == b"content"
    assert web.requests == ["/a", "/b"]


def test_ends_a_circle_of_redirects(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    assert "redirect" in failure(web.redirect("/a", f"{web.url}/a"), tmp_path, environ)
    assert len(web.requests) <= 11


def test_refuses_a_redirect_to_a_file(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "secret").write_text("secret")
    assert failure(web.redirect("/a", f"file://{tmp_path}/secret"), tmp_path, environ)
    assert (tmp_path / "file").read_bytes() == b""


def test_names_the_http_status(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    assert "404" in failure(f"{web.url}/absent", tmp_path, environ)


def test_no_connection_is_a_failure(tmp_path: Path, environ: dict[str, str]) -> None:
    # Port 1 of the loopback interface has no service.
    assert re.search(r"refused|connect", failure("http://127.0.0.1:1/", tmp_path, environ))


def test_a_truncated_body_is_a_failure(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    web.answers["/a"] = lambda handler: send(handler, 200, b"half", length=8)
    assert failure(f"{web.url}/a", tmp_path, environ)


@pytest.mark.parametrize("with_length", [True, False])
def test_a_body_above_the_limit_is_a_failure(
    web: WebServer, tmp_path: Path, environ: dict[str, str], with_length: bool
) -> None:
    body = bytes(200_000)
    web.answers["/a"] = lambda handler: send(handler, 200, body, length=len(body) if with_length else None)
    failure(f"{web.url}/a", tmp_path, environ, Limits(bytes=70_000))
    assert (tmp_path / "file").stat().st_size < len(body)


def test_a_server_that_stops_sending_is_a_failure(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    def stall(handler: BaseHTTPRequestHandler) -> None:
        send(handler, 200, b"half", length=8)
        web.closing.wait()

    web.answers["/a"] = stall
    text = failure(f"{web.url}/a", tmp_path, environ, Limits(idle=1, total=60))
    assert "timed out" in text or "too slow" in text


def test_a_server_that_sends_slowly_is_a_failure(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        send(handler, 200, b"", length=1_000_000)
        while not web.closing.wait(0.05):
            handler.wfile.write(b"xx")

    web.answers["/a"] = drip
    assert "time" in failure(f"{web.url}/a", tmp_path, environ, Limits(idle=30, total=1)).lower()


def test_a_proxy_variable_is_obeyed(web: WebServer, tmp_path: Path, environ: dict[str, str]) -> None:
    web.put("http://pyslurm.example/a.tar.gz", b"by proxy")
    assert got("http://pyslurm.example/a.tar.gz", tmp_path, {**environ, "http_proxy": web.url}) == b"by proxy"


@needs_curl
def test_curlrc_is_obeyed(web: WebServer, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text(f'proxy = "{web.url}"\n')
    web.put("http://pyslurm.example/a.tar.gz", b"by proxy")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    assert got("http://pyslurm.example/a.tar.gz", tmp_path, environ) == b"by proxy"


def test_pips_proxy_and_certificates_are_obeyed(tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nproxy = http://proxy.example:3128\ncert = /etc/ssl/site.pem\n")
    result = network_settings({"PIP_CONFIG_FILE": str(settings)}, Path(sys.executable))
    assert result["https_proxy"] == result["http_proxy"] == "http://proxy.example:3128"
    assert result["SSL_CERT_FILE"] == result["CURL_CA_BUNDLE"] == "/etc/ssl/site.pem"


def test_variables_come_before_pips_settings(tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nproxy = http://proxy.example:3128\n")
    environ = {"PIP_CONFIG_FILE": str(settings), "HTTPS_PROXY": "http://other.example:8080"}
    result = network_settings(environ, Path(sys.executable))
    assert result["https_proxy"] == "http://other.example:8080"
    assert "http_proxy" not in result


def test_a_password_in_the_url_is_not_shown(tmp_path: Path, environ: dict[str, str]) -> None:
    assert "hunter2" not in failure("http://user:hunter2@127.0.0.1:1/a?token=hunter2", tmp_path, environ)
    assert shown("https://user:hunter2@host/a?token=hunter2") == "https://host/a"


def test_python_follows_no_redirect_from_https_to_http(web: WebServer) -> None:
    request = urllib.request.Request("https://pyslurm.example/a")
    with (
        urllib.request.urlopen(web.put("/b", b"x")) as answer,
        pytest.raises(DownloadFailed, match="from HTTPS to http"),
    ):
        SafeRedirects().redirect_request(
            request, answer, 302, "Found", answer.headers, "http://pyslurm.example/b?token=1"
        )
