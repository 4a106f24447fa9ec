"""Single sign-on with OpenID Connect: the blocks of the documentation, and tokens of an identity provider."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from slurm_rest_api.config import Settings
from tests.conftest import make_client
from tests.debian import install_unless
from tests.deployed.installation import CHECKOUT, Installation
from tests.deployed.nginx_server import nginx
from tests.deployed.site import RUNTIME, USER, Site, demo_site
from tests.testbed.service import free_port, http_status
from tests.waiting import GIVE_UP_SECONDS, wait_for

PAGE: Final = (CHECKOUT / "docs" / "single-sign-on.md").read_text()
MODULES: Final = Path("/usr/lib/apache2/modules")
# What Debian's apache2.conf and a2enmod would load.
LOADED: Final = (
    "mpm_event", "authn_core", "authz_core", "authz_user", "alias", "proxy", "proxy_uwsgi", "auth_openidc",
)  # fmt: skip
ALICE: Final = {"sub": "1234", "preferred_username": "alice", "aud": "slurm-rest-api"}
# The headers of a browser that opens a page, and of a page's script.
NAVIGATION: Final = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SESSION: Final = {"Cookie": "session=1"}
SCRIPT: Final = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Runs an OpenID provider with the user alice. Returns its address."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(port)]
    where = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [*command, "--user-claims", json.dumps(ALICE)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for("the provider", lambda: http_status(f"{where}/.well-known/openid-configuration") == 200)
        yield where
    finally:
        process.terminate()
        process.wait(GIVE_UP_SECONDS)


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    auth = {"mode": "proxy", "private_data": ["jobs"]}
    with demo_site(installation, {"auth": auth}, processes=1) as site:
        yield site


@pytest.fixture(scope="module")
def apache(site: Site, provider: str) -> Iterator[str]:
    """Runs Apache with the documented block, without TLS. Returns its address."""
    install_unless((MODULES / "mod_auth_openidc.so").exists, "apache2-bin", "libapache2-mod-auth-openidc")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="apache-") as name:
        folder = Path(name)
        for secret in ("oidc-secret", "oidc-passphrase"):
            (folder / secret).write_text("not a secret of anyone")
        (folder / "apache.conf").write_text(_configuration(folder, port, provider, site.path(RUNTIME)))
        subprocess.run(["apache2", "-f", str(folder / "apache.conf")], check=True, env=_environment())
        where = f"http://127.0.0.1:{port}"
        try:
            wait_for("Apache", lambda: http_status(f"{where}/health/live") == 200)
            wait_for("data", lambda: Browser().log_in(where).status == 200)
            yield where
        finally:
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
            wait_for("Apache to end", lambda: not (folder / "pid").exists())


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/bin", "LANG": "C"}


def _configuration(folder: Path, port: int, provider: str, runtime: Path) -> str:
    [block] = re.findall(r"```apache\n(.*?)```", PAGE, re.DOTALL)
    block = re.sub(r"^ +SSL.*\n", "", block, flags=re.MULTILINE)
    for old, new in (
        ("*:443", f"127.0.0.1:{port}"),
        ("https://login.example.org/realms/site", provider),
        ("https://slurm.example.org", f"http://127.0.0.1:{port}"),
        ("/etc/apache2", str(folder)),
        ("/run/slurm-rest-api", str(runtime)),
    ):
        assert old in block
        block = block.replace(old, new)
    # A module may be built into the program.
    loaded = [f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED
              if (MODULES / f"mod_{name}.so").exists()]  # fmt: skip
    server = f"ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n"
    # The documentation puts www-data into the group of the service.
    user = f"User {USER}\nGroup nogroup\n"
    return f"{''.join(loaded)}{server}{user}Listen 127.0.0.1:{port}\n{block}"


@dataclass(frozen=True)
class Reply:
    """A response after all redirects."""

    status: int
    url: str
    headers: Message
    text: str


class Browser:
    """A client with cookies that follows redirects, as a browser does."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def open(self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] = NAVIGATION) -> Reply:
        """Returns the response to a GET, or to a POST of `form`."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data, dict(headers))
        try:
            reply = self._opener.open(request, timeout=GIVE_UP_SECONDS)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            return Reply(reply.status, reply.url, reply.headers, reply.read().decode())

    def log_in(self, url: str) -> Reply:
        """Opens `url` without a session, and logs in as alice at the provider."""
        asked = self.open(url)
        assert "/oauth2/authorize?" in asked.url, asked
        return self.open(asked.url, {"sub": ALICE["sub"]})


def test_a_browser_logs_in_and_comes_back_to_its_page(apache: str) -> None:
    browser = Browser()
    page = browser.log_in(f"{apache}/pages/queue?state=R")
    assert (page.status, page.url) == (200, f"{apache}/pages/queue?state=R")
    assert 'data-auth="proxy"' in page.text
    answer = browser.open(f"{apache}/queue?shape=list&fields=user_name")
    assert answer.status == 200
    assert answer.headers["X-Authenticated-User"] == "alice"
    assert answer.headers["X-Private-Data"] == "jobs"


def test_a_request_of_a_script_without_a_session_gets_401(apache: str) -> None:
    answer = Browser().open(f"{apache}/queue", headers=SCRIPT)
    assert answer.status == 401
    assert answer.url == f"{apache}/queue"


@pytest.mark.parametrize("name", ["Remote-User", "REMOTE_USER", "X-Remote-User", "OIDC_CLAIM_preferred_username"])
def test_a_header_names_no_user(apache: str, name: str) -> None:
    browser = Browser()
    browser.log_in(f"{apache}/pages/queue")
    assert browser.open(f"{apache}/nodes", headers={**SCRIPT, name: "root"}).headers["X-Authenticated-User"] == "alice"
    assert Browser().open(f"{apache}/nodes", headers={**SCRIPT, name: "root"}).status == 401


def test_health_needs_no_login(apache: str) -> None:
    assert [Browser().open(f"{apache}{path}").status for path in ("/health", "/health/live")] == [200, 200]


class OAuth2Proxy(BaseHTTPRequestHandler):
    """Answers as oauth2-proxy: a client with the cookie `session` is alice."""

    def do_GET(self) -> None:
        """Answers the authentication request of nginx, and shows the sign-in page."""
        is_known = "session=1" in self.headers.get("Cookie", "")
        self.send_response(200 if not self.path.startswith("/oauth2/auth") else 202 if is_known else 401)
        if is_known:
            self.send_header("X-Auth-Request-Preferred-Username", "alice")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Logs nothing."""


def _documented(block: str, port: int, users: Path) -> str:
    """Returns nginx's installed block with the lines of the documentation."""
    before, of_users = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    begin = block.index("    location / {\n")
    end = block.index("    }\n", begin)
    lines = block[begin:end].partition("\n")[2]
    users.write_text(lines.replace("include uwsgi_params", "include /etc/nginx/uwsgi_params") + of_users)
    before = before.replace("/etc/nginx/slurm-rest-api-users.conf", str(users))
    before = before.replace("127.0.0.1:4180", f"127.0.0.1:{port}")
    return f"{block[:begin]}{before}{block[begin:end]}{of_users}{block[end:]}"


@pytest.fixture(scope="module")
def behind_nginx(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Runs nginx with the documented block, and a stand-in for oauth2-proxy. Returns nginx's address."""
    users = tmp_path_factory.mktemp("nginx") / "users.conf"
    with ThreadingHTTPServer(("127.0.0.1", 0), OAuth2Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with nginx(site, lambda block: _documented(block, server.server_port, users)) as running:
            wait_for("data", lambda: Browser().open(f"{running.url}/nodes", headers=SESSION).status == 200)
            yield running.url
        server.shutdown()


def test_nginx_asks_oauth2_proxy(behind_nginx: str) -> None:
    answer = Browser().open(f"{behind_nginx}/queue", headers={**SESSION, "Remote-User": "root"})
    assert (answer.status, answer.headers["X-Authenticated-User"]) == (200, "alice")
    assert Browser().open(f"{behind_nginx}/queue", headers={"X-Auth-Request-Preferred-Username": "root"}).status == 401


@pytest.mark.parametrize("path", ["/", "/pages/queue?state=R"])
def test_nginx_sends_people_to_the_login(behind_nginx: str, path: str) -> None:
    page = Browser().open(f"{behind_nginx}{path}")
    assert urllib.parse.urlsplit(page.url).path == "/oauth2/sign_in"
    assert page.url.endswith(path)


def _id_token(provider: str) -> str:
    """Logs in as alice with the code flow. Returns the token that the provider signs."""
    callback, client = "http://127.0.0.1:9/callback", ALICE["aud"]
    query = {"client_id": client, "redirect_uri": callback, "response_type": "code", "scope": "openid profile"}
    authorize = f"{provider}/oauth2/authorize?{urllib.parse.urlencode(query)}"

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(authorize, urllib.parse.urlencode({"sub": ALICE["sub"]}).encode())
    except urllib.error.HTTPError as redirect:
        [code] = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.headers["Location"]).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "client_id": client,
            "client_secret": "any"}  # fmt: skip
    answer = Browser().open(f"{provider}/oauth2/token", form)
    token: str = json.loads(answer.text)["id_token"]
    return token


@pytest.mark.parametrize(("audience", "status"), [("slurm-rest-api", 503), ("another-service", 401)])
def test_tokens_of_the_provider(provider: str, settings: Settings, tmp_path: Path, audience: str, status: int) -> None:
    keys = tmp_path / "jwks.json"
    [key] = json.loads(Browser().open(f"{provider}/jwks").text)["keys"]
    # This provider names its key here, but not in its tokens.
    keys.write_text(json.dumps({"keys": [{name: value for name, value in key.items() if name != "kid"}]}))
    [text] = re.findall(r"```yaml\n(auth:\n  mode: jwt\n.*?)```", PAGE, re.DOTALL)
    auth = yaml.safe_load(text)["auth"] | {"jwt_jwks_file": str(keys), "jwt_audience": audience}
    client = make_client(Settings.model_validate({"system": settings.system.model_dump(), "auth": auth}))
    # There is no snapshot, so a user who is let in gets a 503.
    answer = client.get("/usage", headers={"Authorization": f"Bearer {_id_token(provider)}"})
    assert answer.status_code == status
    assert answer.headers.get("X-Authenticated-User") == ("alice" if status == 503 else None)
