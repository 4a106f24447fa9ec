"""The frames of the pages: they load nothing from elsewhere, and work wherever a proxy puts them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.pages.assets import STATIC, edition_of, modules_of
from slurm_rest_api.pages.registry import PAGES
from tests.conftest import make_client

ADDRESSES = ["/", *(f"/pages/{name}" for name in PAGES if name != "now")]


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
        # The icon is in the page itself: nothing is asked for it.
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


@pytest.fixture
def pages(tmp_path: Path) -> FlaskClient:
    return client_with(tmp_path)


def test_every_route_of_the_openapi_document_is_listed_once(pages: FlaskClient) -> None:
    paths = [path for path in pages.get("/openapi/openapi.json").get_json()["paths"] if "{" not in path]
    listed = re.findall(r'data-path="([^"]*)"', pages.get("/pages/api").text)
    assert sorted(f"/{path}" for path in listed) == sorted(paths)
    assert "/queue" in paths


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_inline_and_the_policy_forbids_it(pages: FlaskClient, address: str) -> None:
    answer = pages.get(address)
    assert answer.mimetype == "text/html"
    assert Links(answer.text).inline == []
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("address", ADDRESSES)
def test_all_that_a_page_refers_to_is_here(pages: FlaskClient, address: str) -> None:
    targets = Links(pages.get(address).text).targets
    assert any(target.endswith("/frame.js") for target in targets)
    routes = pages.get("/openapi/openapi.json").get_json()["paths"]
    for target in targets:
        assert not re.match(r"\w+:|/", target), f"{target} is not relative"
        url = urlsplit(urljoin(address, target)).path
        # A route that is switched off answers 404 itself, one without data 503.
        assert url.removesuffix(".csv") in routes or pages.get(url).status_code == 200, target


@pytest.mark.parametrize("address", ADDRESSES)
def test_they_work_behind_a_prefix(pages: FlaskClient, address: str) -> None:
    page = pages.get(address, environ_overrides={"SCRIPT_NAME": "/slurm"}).text
    joined = [urljoin(f"/slurm{address}", target) for target in Links(page).targets]
    assert joined
    assert all(url.startswith("/slurm/") for url in joined)


@pytest.mark.parametrize("file", sorted(STATIC.iterdir()), ids=lambda file: file.name)
def test_the_files_name_no_other_host(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|//[a-z]|@import", text.replace("// ", "")) == []


def test_a_page_names_every_module_that_its_script_imports(pages: FlaskClient) -> None:
    named = re.findall(r'rel="modulepreload" href="[^"]*/([\w-]+\.js)"', pages.get("/pages/job").text)
    assert named == ["api-client.js", "dom.js", "frame.js", "job-live.js", "jobs.js"]


def test_modules_are_followed_and_those_that_wait_are_not(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(
        'import { a } from "./a.js";\nimport {\n  c,\n} from "./c.js";\nconst later = () => import("./later.js");\n'
    )
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "c.js").write_text("")
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    assert modules_of("page.js", tmp_path) == ["a.js", "b.js", "c.js"]


def test_a_file_is_kept_until_its_content_changes(pages: FlaskClient, tmp_path: Path) -> None:
    script = next(target for target in Links(pages.get("/").text).targets if target.endswith("/frame.js"))
    assert pages.get(urljoin("/", script)).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = re.sub(r"static/\w+/", "static/0123456789ab/", script)
    answer = pages.get(urljoin("/", other))
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]
    (tmp_path / "a.js").write_text("1")
    before = edition_of(tmp_path)
    (tmp_path / "a.js").write_text("2")
    assert edition_of(tmp_path) != before


def test_pages_that_do_not_exist_are_told(pages: FlaskClient) -> None:
    answer = pages.get("/pages/quue")
    assert answer.status_code == 404
    assert "There is no page 'quue'" in answer.get_json()["errors"][0]["detail"]
    assert pages.get("/pages/static/x/../views.py").status_code == 404


def test_pages_whose_part_is_off_are_not_in_the_navigation(pages: FlaskClient) -> None:
    links = Links(pages.get("/").text).targets
    assert "./pages/queue" in links
    assert "./pages/history" not in links
    assert "./pages/load" not in links


def test_the_demo_is_told_in_words_and_only_the_demo(pages: FlaskClient, tmp_path: Path) -> None:
    told = "This is the demonstration cluster."
    assert told in client_with(tmp_path, source="demo").get("/").text
    assert told in client_with(tmp_path, source="demo:nodes=40,jobs=90").get("/").text
    assert told not in pages.get("/").text


def test_without_the_setting_there_is_no_page(client: FlaskClient) -> None:
    assert client.get("/").status_code == 404
    assert client.get("/pages/api").status_code == 404
    assert client.get("/pages/static/x/frame.js").status_code == 404


def test_the_interactive_reference_loads_nothing_from_elsewhere(pages: FlaskClient) -> None:
    page = pages.get("/openapi/swagger").text
    targets = Links(page).targets
    assert targets
    for target in targets:
        assert pages.get(urljoin("/openapi/swagger", target)).status_code == 200, target
