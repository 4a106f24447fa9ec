"""The home page: it lists every route, loads nothing from elsewhere, and works wherever a proxy puts it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from tests.conftest import make_client

STATIC = Path(__file__).parents[2] / "slurm_rest_api" / "pages" / "static"


class Links(HTMLParser):
    """What a page refers to, and what it has inline."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [value for name in ("href", "src") if (value := given.get(name)) is not None]
        self.inline += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(f"{self._inside}: {data.strip()}")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""


def client_with(tmp_path: Path, **system: object) -> FlaskClient:
    return make_client(Settings.model_validate({"system": {"runtime_dir": tmp_path, "serve_index": True, **system}}))


@pytest.fixture
def pages(tmp_path: Path) -> FlaskClient:
    return client_with(tmp_path)


def test_every_route_of_the_openapi_document_is_listed_once(pages: FlaskClient) -> None:
    paths = [path for path in pages.get("/openapi/openapi.json").get_json()["paths"] if "{" not in path]
    listed = re.findall(r'data-path="([^"]*)"', pages.get("/").text)
    assert sorted(f"/{path}" for path in listed) == sorted(paths)
    assert "/queue" in paths


def test_nothing_is_inline_and_the_policy_forbids_it(pages: FlaskClient) -> None:
    answer = pages.get("/")
    assert answer.mimetype == "text/html"
    assert Links(answer.text).inline == []
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_all_that_the_page_refers_to_is_here(pages: FlaskClient) -> None:
    page = pages.get("/").text
    targets = Links(page).targets
    assert "pages/index.js" in targets
    # A route that is switched off answers 404 itself.
    routes = re.findall(r'data-path="([^"]*)"', page)
    for target in targets:
        assert not re.match(r"\w+:|/", target), f"{target} is not relative"
        assert target in routes or pages.get(urljoin("/", target)).status_code == 200, target


def test_it_works_behind_a_prefix(pages: FlaskClient) -> None:
    page = pages.get("/", environ_overrides={"SCRIPT_NAME": "/slurm"}).text
    assert {urljoin("/slurm/", target).partition("/slurm/")[1] for target in Links(page).targets} == {"/slurm/"}


@pytest.mark.parametrize("file", ["index.js", "index.css", "icon.svg"])
def test_the_files_of_the_page_name_no_other_host(file: str) -> None:
    text = (STATIC / file).read_text().replace("http://www.w3.org/2000/svg", "")
    assert text
    assert re.findall(r"https?:|//[a-z]|@import", text.replace("// ", "")) == []


def test_the_demo_is_told_in_words_and_only_the_demo(pages: FlaskClient, tmp_path: Path) -> None:
    told = "This is the demonstration cluster."
    assert told in client_with(tmp_path, source="demo").get("/").text
    assert told in client_with(tmp_path, source="demo:nodes=40,jobs=90").get("/").text
    assert told not in pages.get("/").text


def test_without_the_setting_there_is_no_page(client: FlaskClient) -> None:
    assert client.get("/").status_code == 404
    assert client.get("/pages/index.js").status_code == 404


def test_the_interactive_reference_loads_nothing_from_elsewhere(pages: FlaskClient) -> None:
    page = pages.get("/openapi/swagger").text
    targets = Links(page).targets
    assert targets
    for target in targets:
        assert pages.get(urljoin("/openapi/swagger", target)).status_code == 200, target
