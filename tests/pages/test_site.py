"""A site's own face of the pages, and wrong addresses of pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.config_files import check_files
from slurm_rest_api.diagnosis.checks import check_pages
from slurm_rest_api.errors import ConfigError
from slurm_rest_api.pages.site import MAX_LOGO_BYTES, MAX_MESSAGE
from tests.conftest import make_client

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<?xml version="1.0"?>\n<!-- a logo -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = "<script>alert(1)</script> & more"


def client_with(folder: Path, **pages: object) -> FlaskClient:
    system = {"runtime_dir": folder / "run", "serve_index": True}
    return make_client(Settings.model_validate({"system": system, "pages": pages}))


def faults_of(folder: Path, text: str) -> list[str]:
    file = folder / "config.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_files(load_settings(file, {}))
    return caught.value.faults


def test_all_faults_of_the_section_are_reported_at_once(tmp_path: Path) -> None:
    text = """
pages:
  title: "two\\nlines"
  message: a
  message_file: /b
  links:
    - {name: Help, url: "javascript:alert(1)"}
    - {name: Help}
    - {name: Help, url: "https://user:secret@example.org", target: x}
  clusters:
    - {name: alpha, url: "https://alpha.example.org/?q", colour: red}
  racks:
    - {name: r1, nodes: "n[001-"}
"""
    found = faults_of(tmp_path, text)
    assert len(found) == 9
    for part in (
        "pages.message_file (line 5): `message` is set, too. Set only one of them.",
        'pages.title (line 3): invalid value "two\\nlines". Expected text in one line.',
        'pages.links[0] (line 6): invalid `url` "javascript:alert(1)". Expected a URL that begins with https:// or',
        "pages.links[1] (line 6): `url` is missing.",
        "pages.links[2] (line 6): unknown setting `target`. Expected name and url.",
        "without blanks and without a password.",
        "pages.clusters[0] (line 10): invalid `url`",
        'pages.racks[0] (line 12): invalid `nodes` "n[001-". Expected a hostlist such as n[001-032].',
        'invalid `colour` "red". Expected a colour such as "#0072b2", in quotes.',
    ):
        assert any(part in fault for fault in found), (part, found)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"<html><svg></svg></html>", "it is no PNG, JPEG, GIF, WebP or SVG image."),
        (PNG + bytes(MAX_LOGO_BYTES), "it is larger than 256 KiB."),
        (None, "cannot be read: No such file or directory."),
    ],
    ids=["no image", "large", "missing"],
)
def test_an_unusable_logo_stops_the_start_and_is_a_finding(tmp_path: Path, content: bytes | None, fault: str) -> None:
    file = tmp_path / "logo.png"
    if content is not None:
        file.write_bytes(content)
    [found] = faults_of(tmp_path, f"pages:\n  logo: {file}\n")
    assert found.startswith(f'pages.logo: "{file}" ')
    assert found.endswith(fault)
    settings = Settings.model_validate({"system": {"serve_index": True}, "pages": {"logo": file}})
    assert [(one.verdict, one.sentence) for one in check_pages(settings)] == [("problem", found)]
    # A worker that starts after the file was deleted goes on without a logo.
    assert "pages/logo" not in client_with(tmp_path, logo=file).get("/").text


def test_check_reports_the_files_and_a_section_without_pages(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    pages = {"logo": logo, "message_file": tmp_path / "none"}
    findings = check_pages(Settings.model_validate({"pages": pages}))
    assert [one.verdict for one in findings] == ["ok", "ok", "warning"]
    assert check_pages(Settings()) == []


@pytest.mark.parametrize(("content", "media_type"), [(PNG, "image/png"), (SVG, "image/svg+xml")], ids=["png", "svg"])
def test_the_logo_is_served_by_its_content_and_runs_no_script(tmp_path: Path, content: bytes, media_type: str) -> None:
    file = tmp_path / "logo"
    file.write_bytes(content)
    client = client_with(tmp_path, logo=file, title="Example")
    assert '<img class="logo" src="./pages/logo" alt="">' in client.get("/").text
    answer = client.get("/pages/logo")
    assert (answer.data, answer.mimetype) == (content, media_type)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert client.get("/pages/logo", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_texts_of_the_site_are_text(tmp_path: Path) -> None:
    link = {"name": HOSTILE, "url": "https://docs.example.org/?a=1&b=2"}
    clusters = [{"name": "alpha", "url": "https://alpha.example.org/slurm", "colour": "#0072b2"}]
    page = client_with(tmp_path, title=HOSTILE, message=HOSTILE, links=[link], clusters=clusters).get("/pages/queue")
    assert "<script>alert" not in page.text
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"
    assert f"<title>Queue · {escaped}</title>" in page.text
    assert f'href="https://docs.example.org/?a=1&amp;b=2" rel="noreferrer">{escaped}</a>' in page.text
    assert 'href="https://alpha.example.org/slurm" rel="noreferrer">' in page.text


def test_the_map_has_the_racks_of_the_site(tmp_path: Path) -> None:
    racks = [{"name": "b'1", "nodes": "n[08-10]"}, {"name": "a1", "nodes": "x"}]
    assert (
        """data-racks='[["b\\u00271", ["n08", "n09", "n10"]], ["a1", ["x"]]]'"""
        in client_with(tmp_path, racks=racks).get("/pages/nodes").text
    )
    assert "data-racks='[]'" in client_with(tmp_path).get("/pages/nodes").text


def test_the_message_file_is_read_again_and_limited(tmp_path: Path) -> None:
    file = tmp_path / "message"
    client = client_with(tmp_path, message_file=file)
    assert client.get("/pages/message").text == ""
    assert 'id="message" class="strip message" role="note" data-follow hidden>' in client.get("/").text
    file.write_text("Maintenance on <Monday>\n")
    assert client.get("/pages/message").text == "Maintenance on <Monday>"
    assert "data-follow>Maintenance on &lt;Monday&gt;</p>" in client.get("/").text
    file.write_bytes(b"\xff" + b"x" * 3 * MAX_MESSAGE)
    assert client.get("/pages/message").text == f"\ufffd{'x' * (MAX_MESSAGE - 1)}…"
    assert client.get("/pages/message").mimetype == "text/plain"


@pytest.mark.parametrize("address", ["/pages/quue", "/pages/queue/7", "/pages/", "/pages/now", "/pages/a/b/c"])
def test_a_wrong_address_answers_a_page_to_browsers_and_json_to_programs(tmp_path: Path, address: str) -> None:
    client = client_with(tmp_path)
    answer = client.get(address, headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<h1>Page not found</h1>" in answer.text
    assert f'href="{"../" * (address.count("/") - 1)}pages/queue"' in answer.text
    assert "Accept" in answer.headers["Vary"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    for accepted in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        program = client.get(address, headers=accepted)
        assert (program.status_code, program.mimetype) == (404, "application/json")
        assert program.get_json()["errors"][0]["detail"].startswith("No such page: ")


def test_a_wrong_address_names_the_nearest_page_and_holds_no_markup(tmp_path: Path) -> None:
    client = client_with(tmp_path)
    assert "No such page: &#39;quue&#39;. Did you mean queue?" in client.get("/pages/quue", headers=BROWSER).text
    assert "<b>" not in client.get("/pages/<b>", headers=BROWSER).text
    slash = client.get("/pages/queue/?user=a%26b", headers=BROWSER)
    assert (slash.status_code, slash.headers["Location"]) == (308, "../queue?user=a%26b")
    # Routes of the API keep their errors in JSON.
    assert client.get("/quue", headers=BROWSER).mimetype == "application/json"
