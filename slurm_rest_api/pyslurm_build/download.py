"""Downloads a file by HTTP, with the proxy settings of curl and pip."""

from __future__ import annotations

import contextlib
import functools
import http.client
import logging
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from slurm_rest_api.errors import SourceUnusable

logger = logging.getLogger(__name__)

CHUNK: Final = 1 << 16
REDIRECTS: Final = 10
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_PIP_SETTING: Final = re.compile(r"^(?:global|install|download|:env:)\.(proxy|cert)='(.*)'$", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Limits of one download. `idle` and `total` are seconds, `bytes` is the size of the body."""

    bytes: int = 64 << 20
    idle: float = 20.0
    total: float = 300.0


class DownloadFailed(SourceUnusable):
    """The file could not be downloaded. The text says why, without the URL."""


def download(url: str, target: Path, environ: Mapping[str, str], limits: Limits = Limits()) -> None:
    """Downloads `url` to `target` with curl, where it is installed, else with Python.

    curl reads its own settings (curlrc). Both obey the proxy variables in `environ`, see `network_settings`.

    Raises:
        DownloadFailed: no connection, an HTTP error, or a limit was reached.
    """
    curl = shutil.which("curl", path=environ.get("PATH"))
    logger.info("Downloading %s", shown(url))
    with target.open("wb") as out:
        if curl is not None:
            _with_curl(curl, url, out, environ, limits)
        else:
            _with_python(url, out, environ, limits)


def shown(url: str) -> str:
    """Returns a URL without user, password and query, for messages and records."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", "")) if parts.scheme else url


def network_settings(environ: Mapping[str, str], python: Path) -> dict[str, str]:
    """Returns `environ` with pip's settings `proxy` and `cert` as variables, where it has none of its own.

    `python` is the Python whose pip is asked. curl does not read HTTP_PROXY in capitals, so that is set in both forms.
    """
    result = dict(environ)
    for name in _PROXIES:
        if value := result.get(name.upper()):
            result.setdefault(name, value)
    has_proxy = any(result.get(name) for name in _PROXIES)
    has_cert = any(result.get(name) for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"))
    if has_proxy and has_cert:
        return result
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, env=result, capture_output=True, text=True, check=False)
    of_pip = dict(_PIP_SETTING.findall(done.stdout))
    if not has_proxy and (proxy := of_pip.get("proxy")):
        result |= {"http_proxy": proxy, "https_proxy": proxy}
    cert = of_pip.get("cert") or result.get("REQUESTS_CA_BUNDLE")
    if not has_cert and cert:
        result |= {"SSL_CERT_FILE": cert, "CURL_CA_BUNDLE": cert}
    return result


def _with_curl(curl: str, url: str, out: IO[bytes], environ: Mapping[str, str], limits: Limits) -> None:
    secure = "=https" if url.startswith("https:") else "=http,https"
    options = ["--fail", "--silent", "--show-error", "--location", "--proto", secure, "--proto-redir", secure]
    options += ["--max-redirs", str(REDIRECTS), "--connect-timeout", str(limits.idle)]
    options += ["--speed-limit", "1", "--speed-time", str(max(1, round(limits.idle)))]
    options += ["--max-time", str(limits.total), "--max-filesize", str(limits.bytes), "--config", "-"]
    # The URL may hold a password, which a command line would show to all users of the host.
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    with subprocess.Popen(
        [curl, *options],
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # A curl that ends at once (a fault in curlrc) breaks the pipe. Its status and message are read below.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f'url = "{quoted}"\n'.encode())
            process.stdin.close()
        try:
            _write(iter(functools.partial(process.stdout.read, CHUNK), b""), out, limits)
        except BaseException:
            process.kill()
            raise
        message = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise DownloadFailed(message.replace(url, shown(url)) or f"curl exited with status {process.returncode}")


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from HTTPS to HTTP."""

    max_redirections = REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            fp.close()
            raise DownloadFailed(f"it redirects from HTTPS to {shown(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _with_python(url: str, out: IO[bytes], environ: Mapping[str, str], limits: Limits) -> None:
    proxies = {name.partition("_")[0]: environ[name] for name in _PROXIES[:2] if environ.get(name)}
    if every := environ.get("all_proxy"):
        proxies = {"http": every, "https": every, **proxies}
    context = ssl.create_default_context(cafile=environ.get("SSL_CERT_FILE") or None)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context), SafeRedirects
    )
    deadline = time.monotonic() + limits.total
    try:
        # The schemes are limited by the handlers of `opener` and by `wanted.parse_source`.
        with opener.open(urllib.request.Request(url), timeout=limits.idle) as answer:  # noqa: S310
            _write(_chunks(answer, deadline), out, limits)
            expected = answer.headers.get("Content-Length")
            if expected is not None and out.tell() != int(expected):
                raise DownloadFailed(f"the connection ended after {out.tell()} of {expected} bytes")
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadFailed(f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadFailed(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailed(str(error) or type(error).__name__) from error


def _chunks(answer: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
    # read1 returns after each packet, so that a slow server cannot stretch the total time.
    while chunk := answer.read1(CHUNK):
        yield chunk
        if time.monotonic() > deadline:
            raise DownloadFailed("it took longer than the time limit")


def _write(chunks: Iterator[bytes], out: IO[bytes], limits: Limits) -> None:
    for chunk in chunks:
        out.write(chunk)
        if out.tell() > limits.bytes:
            raise DownloadFailed(f"it is larger than {limits.bytes >> 20} MiB")
