"""The frames of the pages load nothing from other hosts, and work under any path prefix."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.pages.assets import STATIC
from slurm_rest_api.pages.registry import PAGES, Page, navigation
from tests.conftest import make_client

ADDRESSES = ["/", *(f"/pages/{name}" for name in PAGES if name != "now")]


class Links(HTMLParser):
    """Collects what a page refers to, and what it has inline."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # The icon is part of the page.
        targets = [value for name in ("href", "src") if (value := given.get(name)) is not None]
        self.targets += [target for target in targets if not target.startswith("data:image/")]
        self.inline += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(f"{self._inside}: {data.strip()}")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""


def client_with(tmp_path: Path, **system: object) -> FlaskClient:
    return make_client(Settings.model_validate({"system": {"runtime_dir": tmp_path, "serve_index": True, **system}}))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return client_with(tmp_path_factory.mktemp("pages"))


def test_every_route_of_the_openapi_document_is_listed_once(pages: FlaskClient) -> None:
    # /jobs needs ids.
    found = pages.get("/openapi/openapi.json").get_json()["paths"]
    paths = [path for path in found if "{" not in path and path != "/jobs"]
    listed = re.findall(r'data-path="([^"]*)"', pages.get("/pages/api").text)
    assert sorted(f"/{path}" for path in listed) == sorted(paths)
    assert "/queue" in paths


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_script_or_style_is_inline_and_the_policy_forbids_it(pages: FlaskClient, address: str) -> None:
    answer = pages.get(address)
    assert answer.mimetype == "text/html"
    assert Links(answer.text).inline == []
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_refers_to_this_service_only(pages: FlaskClient, address: str) -> None:
    targets = Links(pages.get(address).text).targets
    assert any(target.endswith("/shared.js") for target in targets)
    routes = pages.get("/openapi/openapi.json").get_json()["paths"]
    for target in targets:
        assert not re.match(r"\w+:|/", target), f"{target} is not relative"
        url = urlsplit(urljoin(address, target)).path
        # A route that is switched off answers 404, a route without data 503.
        assert url.removesuffix(".csv") in routes or pages.get(url).status_code == 200, target


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_are_relative_to_the_prefix(pages: FlaskClient, address: str) -> None:
    page = pages.get(address, environ_overrides={"SCRIPT_NAME": "/slurm"}).text
    joined = [urljoin(f"/slurm{address}", target) for target in Links(page).targets]
    assert joined
    assert all(url.startswith("/slurm/") for url in joined)


@pytest.mark.parametrize("file", sorted(STATIC.iterdir()), ids=lambda file: file.name)
def test_files_name_no_other_host(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|//[a-z]|@import", text.replace("// ", "")) == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_ids_of_a_page_are_unique(pages: FlaskClient, address: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', pages.get(address).text)
    assert "main" in ids
    assert [name for name, number in Counter(ids).items() if number > 1] == []


def test_a_page_loads_the_shared_script_and_its_own(pages: FlaskClient) -> None:
    named = re.findall(r'<script type="module" src="[^"]*/([\w-]+\.js)"', pages.get("/pages/job").text)
    assert named == ["shared.js", "job.js"]


def test_an_unknown_page_is_404_with_the_known_ones(pages: FlaskClient) -> None:
    answer = pages.get("/pages/quue")
    assert answer.status_code == 404
    assert "No such page: 'quue'. Did you mean `queue`? Pages: now, nodes" in answer.get_json()["errors"][0]["detail"]


def test_pages_without_accounting_or_archive_are_not_in_the_navigation(pages: FlaskClient) -> None:
    links = Links(pages.get("/").text).targets
    assert "./pages/queue" in links
    assert "./pages/history" not in links
    assert "./pages/load" not in links


def test_pages_of_a_menu_share_its_entry_in_the_navigation() -> None:
    pages = [
        Page("one", "One", "one"),
        Page("two", "Two", "two", menu="More"),
        Page("three", "Three", "three"),
        Page("four", "Four", "four", menu="More", needs="accounting"),
        Page("five", "Five", "five", menu="More"),
        Page("six", "Six", "six", menu="Rest", needs="archive"),
    ]
    entries = [
        (entry.title, entry.is_menu, [page.name for page in entry.pages]) for entry in navigation(frozenset(), pages)
    ]
    assert entries == [("One", False, ["one"]), ("More", True, ["two", "five"]), ("Three", False, ["three"])]


def test_only_the_demo_has_the_demo_notice(pages: FlaskClient, tmp_path: Path) -> None:
    notice = "This is the demonstration cluster."
    assert notice in client_with(tmp_path, source="demo").get("/").text
    assert notice in client_with(tmp_path, source="demo:nodes=40,jobs=90").get("/").text
    assert notice not in pages.get("/").text


def test_pages_are_off_by_default(client: FlaskClient) -> None:
    assert client.get("/").status_code == 404
    assert client.get("/pages/api").status_code == 404
    assert client.get("/pages/static/x/shared.js").status_code == 404


def test_the_interactive_reference_loads_from_this_service_only(pages: FlaskClient) -> None:
    page = pages.get("/openapi/swagger").text
    targets = Links(page).targets
    assert targets
    for target in targets:
        assert pages.get(urljoin("/openapi/swagger", target)).status_code == 200, target
