"""The options that name a pyslurm."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.wanted import Kind, Wanted, parse_source, parse_version

COMMIT = "2adb2da8b5a1ca5d1b94d94858dd4c406f9f2f07"


@pytest.mark.parametrize(
    ("text", "kind", "name", "line"),
    [
        ("25.11.2", "pypi", "25.11.2", (25, 11)),
        ("24.05.1", "pypi", "24.5.1", (24, 5)),
        ("17.11.0.11", "pypi", "17.11.0.11", (17, 11)),
        ("v24.11.0", "tag", "v24.11.0", (24, 11)),
        ("v24.05.0", "tag", "v24.5.0", (24, 5)),
        ("24.11.x", "branch", "24.11.x", (24, 11)),
        ("22.05.x", "branch", "22.5.x", (22, 5)),
    ],
)
def test_a_version_is_a_number_a_tag_or_a_branch(text: str, kind: Kind, name: str, line: tuple[int, int]) -> None:
    assert parse_version(text) == Wanted(kind, name, line)


@pytest.mark.parametrize(
    "text",
    ["25", "25.11.2; rm -rf", "latest", "==25.11.2", "", "v24.11", "24.x", "24.11.0.x", "v24.11.x", "../24.11.x"],
)
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(SourceUnusable, match="Invalid --pyslurm_version"):
        parse_version(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/PySlurm/pyslurm", Wanted("git", "https://github.com/PySlurm/pyslurm")),
        (
            "https://github.com/PySlurm/pyslurm@24.11.x",
            Wanted("git", "https://github.com/PySlurm/pyslurm", ref="24.11.x"),
        ),
        (f"git+https://host/p.git@{COMMIT}", Wanted("git", "https://host/p.git", ref=COMMIT)),
        ("https://me:pw@host/p.git@topic/x", Wanted("git", "https://me:pw@host/p.git", ref="topic/x")),
        ("ssh://git@host/p.git@v24.11.0", Wanted("git", "ssh://git@host/p.git", ref="v24.11.0")),
        ("git@host:group/p.git@v24.11.0", Wanted("git", "git@host:group/p.git", ref="v24.11.0")),
        ("git@host:group/p.git", Wanted("git", "git@host:group/p.git")),
        ("https://host/24.11.x.tar.gz", Wanted("archive", "https://host/24.11.x.tar.gz")),
        ("https://host/p@1.tar.gz?raw=1", Wanted("archive", "https://host/p@1.tar.gz?raw=1")),
        (f"https://host/p.tar.xz#sha256={'a' * 64}", Wanted("archive", "https://host/p.tar.xz", sha256="a" * 64)),
        ("file:///srv/my%20p.tgz", Wanted("archive", "/srv/my p.tgz")),
    ],
)
def test_a_source_can_be_a_url(text: str, expected: Wanted) -> None:
    assert parse_source(text) == expected


def test_a_source_can_be_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyslurm-24.11.x").mkdir()
    (tmp_path / "p.tar.gz").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = Wanted("folder", f"{tmp_path}/pyslurm-24.11.x")
    assert parse_source("~/pyslurm-24.11.x") == parse_source("pyslurm-24.11.x") == folder
    assert parse_source("~/p.tar.gz") == Wanted("archive", f"{tmp_path}/p.tar.gz")
    assert parse_source("~/pyslurm-24.11.x@v24.11.0") == Wanted("git", folder.name, ref="v24.11.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/absent/pyslurm", "There is no such folder or file"),
        ("ftp://host/p.tar.gz", "Known schemes: http, https"),
        ("https://host/p.tar.gz@24.11.x", "An archive has no @24.11.x"),
        ("https://host/p.tar.gz#md5=0", "Expected sha256=DIGEST"),
        ("ssh://host/p.tar.gz", "Archives are read by http, https or file"),
    ],
)
def test_other_sources_are_refused(text: str, message: str) -> None:
    with pytest.raises(SourceUnusable) as raised:
        parse_source(text)
    assert str(raised.value).startswith("Invalid --pyslurm_source: ")
    assert message in str(raised.value)


def test_a_password_is_not_recorded() -> None:
    assert parse_source("https://me:pw@host/p.git@v1").shown_name == "https://host/p.git@v1"
