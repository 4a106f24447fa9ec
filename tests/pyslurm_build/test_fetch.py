"""Getting sources: digests, repacked archives, mirrors, Git repositories."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.fetch import Fetcher
from slurm_rest_api.pyslurm_build.unpack import tree_digest
from slurm_rest_api.pyslurm_build.wanted import Wanted, parse_source
from tests.pyslurm_build.stand_in import WebServer, packed, source

COMMIT = "2adb2da8b5a1ca5d1b94d94858dd4c406f9f2f07"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="this host has no git")


def fetcher(tmp_path: Path, mirror: str = "http://127.0.0.1:1", **environ: str) -> Fetcher:
    def from_pypi(wanted: Wanted) -> Path:
        pytest.fail(f"PyPI was asked for {wanted}")

    folder = tmp_path / "work"
    folder.mkdir()
    settings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environ}
    # test_download.py asks a pip for its settings, that takes a second.
    return Fetcher(folder, Path("/bin/true"), settings, from_pypi, mirror)


def pin(archive: bytes, tree: str) -> Wanted:
    return Wanted("revision", COMMIT, (24, 11), sha256=hashlib.sha256(archive).hexdigest(), tree=tree)


def test_a_pinned_revision_comes_from_the_mirror(web: WebServer, tmp_path: Path) -> None:
    folder = source(tmp_path / "p")
    archive = packed(folder)
    web.put(f"/mirror/archive/{COMMIT}.tar.gz", archive)
    got, digest = fetcher(tmp_path, f"{web.url}/mirror/").fetch(pin(archive, tree_digest(folder)))
    assert digest == tree_digest(folder)
    assert (got / "setup.py").read_bytes() == (folder / "setup.py").read_bytes()


def test_an_archive_that_was_packed_again_is_judged_by_its_files(
    web: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = source(tmp_path / "p")
    archive, again = packed(folder), packed(folder, level=1)
    assert archive != again
    web.put(f"/archive/{COMMIT}.tar.gz", again)
    with caplog.at_level(logging.INFO):
        _, digest = fetcher(tmp_path, web.url).fetch(pin(archive, tree_digest(folder)))
    assert digest == tree_digest(folder)
    assert "The archive is packed differently than expected" in caplog.text


def test_another_content_is_refused(web: WebServer, tmp_path: Path) -> None:
    folder = source(tmp_path / "p")
    wanted = pin(packed(folder), tree_digest(folder))
    url = web.put(f"/archive/{COMMIT}.tar.gz", packed(source(tmp_path / "q", colour="red")))
    with pytest.raises(SourceUnusable) as raised:
        fetcher(tmp_path, web.url).fetch(wanted)
    assert str(raised.value).startswith(f"The content of {url} is not the expected one")
    assert f"expected {wanted.tree}" in str(raised.value)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (Wanted("tag", "v24.11.0", (24, 11)), "/archive/refs/tags/v24.11.0.tar.gz"),
        (Wanted("branch", "24.11.x", (24, 11)), "/archive/refs/heads/24.11.x.tar.gz"),
    ],
)
def test_tags_and_branches_are_told_apart_by_their_digests(
    web: WebServer, tmp_path: Path, wanted: Wanted, path: str
) -> None:
    folder = source(tmp_path / "p", colour=wanted.kind)
    web.put(path, packed(folder))
    _, digest = fetcher(tmp_path, web.url).fetch(wanted)
    assert digest == tree_digest(folder)


def test_a_missing_branch_is_named_with_its_url(web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable) as raised:
        fetcher(tmp_path, web.url).fetch(Wanted("branch", "24.11.x", (24, 11)))
    text = str(raised.value)
    assert text.startswith(f"Cannot download {web.url}/archive/refs/heads/24.11.x.tar.gz: ")
    assert "404" in text
    assert "pyslurm may have no branch 24.11.x." in text
    assert "--pyslurm_source=FOLDER" in text


def test_a_truncated_download_is_refused(web: WebServer, tmp_path: Path) -> None:
    web.put("/p.tar.gz", packed(source(tmp_path / "p"))[:-20])
    with pytest.raises(SourceUnusable, match="is damaged or not a tar archive"):
        fetcher(tmp_path).fetch(parse_source(f"{web.url}/p.tar.gz"))


def test_the_digest_in_a_url_is_checked(web: WebServer, tmp_path: Path) -> None:
    archive = packed(source(tmp_path / "p"))
    url = web.put("/p.tar.gz", archive)
    with pytest.raises(SourceUnusable, match=r"The SHA-256 of .*/p\.tar\.gz is [0-9a-f]{64}, expected 0{64}"):
        fetcher(tmp_path).fetch(parse_source(f"{url}#sha256={'0' * 64}"))
    shutil.rmtree(tmp_path / "work")
    right = f"{url}#sha256={hashlib.sha256(archive).hexdigest()}"
    assert fetcher(tmp_path).fetch(parse_source(right))[1] == tree_digest(tmp_path / "p")


def test_folder_and_archive_of_the_same_files_have_the_same_digest(tmp_path: Path) -> None:
    folder = source(tmp_path / "p")
    (tmp_path / "p.tar.gz").write_bytes(packed(folder))
    _, of_folder = fetcher(tmp_path).fetch(parse_source(str(folder)))
    shutil.rmtree(tmp_path / "work")
    _, of_archive = fetcher(tmp_path).fetch(parse_source(str(tmp_path / "p.tar.gz")))
    assert of_folder == of_archive == tree_digest(folder)


def git(folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
    environ |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Makes a Git repository: the tag v24.11.0 is blue, the branch 24.11.x green."""
    folder = source(tmp_path / "repository", colour="blue")
    git(folder, "init", "--quiet", "--initial-branch=24.11.x")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    git(folder, "tag", "v24.11.0")
    source(folder, colour="green")
    git(folder, "commit", "--quiet", "--all", "--message=second")
    return folder


@needs_git
@pytest.mark.parametrize(("ref", "colour"), [("@v24.11.0", "blue"), ("@24.11.x", "green"), ("", "green")])
def test_a_git_repository_has_tags_and_branches(tmp_path: Path, repository: Path, ref: str, colour: str) -> None:
    expected = tree_digest(source(tmp_path / "p", colour=colour))
    assert fetcher(tmp_path).fetch(parse_source(f"file://{repository}{ref}"))[1] == expected


@needs_git
def test_a_git_repository_has_commits(tmp_path: Path, repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    expected = tree_digest(source(tmp_path / "p", colour="green"))
    assert fetcher(tmp_path).fetch(parse_source(f"{repository}@{commit}"))[1] == expected


@needs_git
def test_a_missing_revision_is_named(tmp_path: Path, repository: Path) -> None:
    with pytest.raises(SourceUnusable, match=f"git cannot get absent of file://{repository}: fatal: "):
        fetcher(tmp_path).fetch(parse_source(f"file://{repository}@absent"))


def test_without_git_the_archive_is_advised(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable) as raised:
        fetcher(tmp_path, PATH=str(tmp_path)).fetch(parse_source("https://github.com/PySlurm/pyslurm.git@24.11.x"))
    assert str(raised.value) == (
        "https://github.com/PySlurm/pyslurm.git is a Git repository, but this host has no git. Install git, or use "
        "--pyslurm_source=https://github.com/PySlurm/pyslurm/archive/24.11.x.tar.gz"
    )
