"""The files of the pages are compressed and cacheable."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.pages.assets import STATIC, Asset, content_version
from tests.conftest import make_client

MOST_LINES, MOST_COLUMNS = 300, 120


@pytest.fixture
def pages(tmp_path: Path) -> FlaskClient:
    return make_client(Settings.model_validate({"system": {"runtime_dir": tmp_path, "serve_index": True}}))


def script_address(pages: FlaskClient, name: str = "shared.js") -> str:
    """Returns the address of a script on the home page."""
    found = re.search(rf'src="\./([^"]+/{re.escape(name)})"', pages.get("/").text)
    assert found is not None
    return f"/{found[1]}"


def test_a_file_is_compressed_for_clients_that_accept_gzip(pages: FlaskClient) -> None:
    url = script_address(pages)
    plain, zipped = pages.get(url), pages.get(url, headers={"Accept-Encoding": "gzip"})
    assert (plain.status_code, zipped.status_code) == (200, 200)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) / 2
    assert plain.mimetype == zipped.mimetype == "text/javascript"


def test_a_file_is_cacheable_under_its_version_only(pages: FlaskClient) -> None:
    url = script_address(pages)
    assert pages.get(url).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = pages.get(re.sub(r"/[0-9a-f]{12}/", "/0123456789ab/", url))
    assert other.status_code == 200
    assert other.headers["Cache-Control"] == "public, max-age=0"


def test_a_client_with_the_current_file_gets_304(pages: FlaskClient) -> None:
    url = script_address(pages)
    tag = pages.get(url).headers["ETag"]
    again = pages.get(url, headers={"If-None-Match": tag, "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    assert again.data == b""


def test_a_style_sheet_has_its_media_type(pages: FlaskClient) -> None:
    assert pages.get(script_address(pages).replace("shared.js", "pages.css")).mimetype == "text/css"


def test_unknown_files_are_404(pages: FlaskClient) -> None:
    assert pages.get("/pages/static/x/nosuch.js").status_code == 404
    assert pages.get("/pages/static/x/../views.py").status_code == 404


def test_another_content_of_the_files_has_another_version() -> None:
    before = content_version({"a.js": Asset("a.js", b"1")})
    assert content_version({"a.js": Asset("a.js", b"2")}) != before
    assert content_version({"b.js": Asset("b.js", b"1")}) != before


def test_scripts_are_short() -> None:
    for script in STATIC.glob("*.js"):
        lines = script.read_text().splitlines()
        assert len(lines) <= MOST_LINES, script.name
        assert max(map(len, lines)) <= MOST_COLUMNS, script.name
