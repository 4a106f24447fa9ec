"""The script that draws graphs is served out of an installed package, compressed, and may be kept for ever."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.pages.assets import LIBRARY, ChartLibrary, installed_library
from tests.conftest import make_client


@pytest.fixture
def pages(tmp_path: Path) -> FlaskClient:
    return make_client(Settings.model_validate({"system": {"runtime_dir": tmp_path, "serve_index": True}}))


def address(pages: FlaskClient) -> str:
    """Where the page of the graphs says that the script is."""
    found = re.search(r'data-library="\.\./([^"]+)"', pages.get("/pages/load").text)
    assert found is not None
    return f"/{found[1]}"


def test_the_page_of_the_graphs_alone_names_it(pages: FlaskClient) -> None:
    assert address(pages).endswith(LIBRARY)
    assert LIBRARY not in pages.get("/").text
    assert LIBRARY not in pages.get("/pages/history").text


def test_it_is_sent_compressed_to_whoever_can_read_that(pages: FlaskClient) -> None:
    plain = pages.get(address(pages))
    zipped = pages.get(address(pages), headers={"Accept-Encoding": "gzip"})
    assert (plain.status_code, zipped.status_code) == (200, 200)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) / 2
    assert plain.mimetype == zipped.mimetype == "text/javascript"
    assert b"plotly" in plain.data[:200]


def test_it_may_be_kept_under_its_own_name_and_not_under_another(pages: FlaskClient) -> None:
    kept = pages.get(address(pages)).headers["Cache-Control"]
    assert "immutable" in kept
    assert "max-age=31536000" in kept
    other = pages.get(f"/pages/library/older/{LIBRARY}").headers["Cache-Control"]
    assert "immutable" not in other
    assert "max-age=0" in other


def test_who_has_it_already_is_told_so(pages: FlaskClient) -> None:
    tag = pages.get(address(pages)).headers["ETag"]
    again = pages.get(address(pages), headers={"If-None-Match": tag, "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    assert again.data == b""


def test_without_the_package_there_is_no_edition_and_no_body() -> None:
    missing = ChartLibrary(None)
    assert (missing.edition, missing.body, missing.compressed) == ("", None, None)


def test_another_release_has_another_edition(tmp_path: Path) -> None:
    file = tmp_path / LIBRARY
    file.write_text("first")
    before = ChartLibrary(file).edition
    file.write_text("the second one")
    assert ChartLibrary(file).edition != before
    assert installed_library().edition not in ("", before)
