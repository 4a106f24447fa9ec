"""Gets the source of a pyslurm: from PyPI, pyslurm's repository, a folder, an archive or a Git repository."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.download import DownloadFailed, download, network_settings, shown
from slurm_rest_api.pyslurm_build.pins import REPOSITORY
from slurm_rest_api.pyslurm_build.unpack import copy_folder, file_digest, tree_digest, unpack
from slurm_rest_api.pyslurm_build.wanted import Wanted

logger = logging.getLogger(__name__)

GIT_SECONDS: Final = 600.0
_ARCHIVES: Final = {"revision": "{}.tar.gz", "tag": "refs/tags/{}.tar.gz", "branch": "refs/heads/{}.tar.gz"}
"""Paths below REPOSITORY/archive/."""


@dataclass(frozen=True)
class Fetcher:
    """The means to get a source.

    `folder` is an empty scratch folder, `python` the service's Python, `mirror` the address of pyslurm's repository or
    of a copy of it. `from_pypi` downloads a release from PyPI and returns the archive.
    """

    folder: Path
    python: Path
    environ: Mapping[str, str]
    from_pypi: Callable[[Wanted], Path]
    mirror: str = REPOSITORY

    def fetch(self, wanted: Wanted) -> tuple[Path, str]:
        """Gets a source, checks its digests, and returns its folder and the digest of its files.

        Raises:
            SourceUnusable: it cannot be had, or its content is not the expected one.
        """
        folder = self._folder(wanted)
        digest = tree_digest(folder)
        if wanted.tree is not None and digest != wanted.tree:
            raise SourceUnusable(
                f"The content of {self.where(wanted)} is not the expected one: the digest of its files is {digest}, "
                f"expected {wanted.tree}. It was not used. {_OTHER_WAYS}"
            )
        return folder, digest

    def where(self, wanted: Wanted) -> str:
        """Returns the URL or path of a source, for messages."""
        if wanted.kind in _ARCHIVES:
            return f"{shown(self.mirror)}/archive/{_ARCHIVES[wanted.kind].format(wanted.name)}"
        return f"pyslurm {wanted.name} on PyPI" if wanted.kind == "pypi" else wanted.shown_name

    def _folder(self, wanted: Wanted) -> Path:
        source = self.folder / "source"
        if wanted.kind == "folder":
            return copy_folder(Path(wanted.name), source)
        if wanted.kind == "git":
            return copy_folder(self._clone(wanted), source)
        return unpack(self._archive(wanted), source)

    def _archive(self, wanted: Wanted) -> Path:
        if wanted.kind == "pypi":
            return self.from_pypi(wanted)
        if wanted.kind in _ARCHIVES:
            url = f"{self.mirror.rstrip('/')}/archive/{_ARCHIVES[wanted.kind].format(wanted.name)}"
            archive = self._download(url, wanted)
        elif "://" in wanted.name:
            archive = self._download(wanted.name, wanted)
        else:
            archive = Path(wanted.name)
        self._check_archive(archive, wanted)
        return archive

    def _download(self, url: str, wanted: Wanted) -> Path:
        archive = self.folder / f"pyslurm-{wanted.name.rpartition('/')[2]}"
        try:
            download(url, archive, network_settings(self.environ, self.python))
        except DownloadFailed as error:
            missing = f" pyslurm may have no {wanted.kind} {wanted.name}." if wanted.kind in ("tag", "branch") else ""
            raise SourceUnusable(f"Cannot download {shown(url)}: {error}.{missing} {_OTHER_WAYS}") from error
        return archive

    def _check_archive(self, archive: Path, wanted: Wanted) -> None:
        if wanted.sha256 is None:
            return
        digest = file_digest(archive)
        if digest == wanted.sha256:
            return
        if wanted.tree is None:
            raise SourceUnusable(
                f"The SHA-256 of {self.where(wanted)} is {digest}, expected {wanted.sha256}. It was not used."
            )
        logger.info("The archive is packed differently than expected (SHA-256 %s). Checking its files instead.", digest)

    def _clone(self, wanted: Wanted) -> Path:
        git = shutil.which("git", path=self.environ.get("PATH"))
        if git is None:
            raise SourceUnusable(
                f"{shown(wanted.name)} is a Git repository, but this host has no git. {_without_git(wanted)}"
            )
        folder = self.folder / "repository"
        environ = {**network_settings(self.environ, self.python), "GIT_TERMINAL_PROMPT": "0"}
        logger.info("Getting %s with git", shown(wanted.name))
        try:
            for arguments in (
                ["init", "--quiet", str(folder)],
                ["-C", str(folder), "fetch", "--quiet", "--depth=1", "--", wanted.name, wanted.ref or "HEAD"],
                ["-C", str(folder), "-c", "core.autocrlf=false", "checkout", "--quiet", "FETCH_HEAD"],
            ):
                subprocess.run(
                    [git, *arguments],
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=GIT_SECONDS,
                    check=True,
                )
        except subprocess.TimeoutExpired as error:
            raise SourceUnusable(
                f"git did not get {shown(wanted.name)} within {GIT_SECONDS:.0f} s. {_OTHER_WAYS}"
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().replace(wanted.name, shown(wanted.name))
            raise SourceUnusable(
                f"git cannot get {wanted.ref or 'the default branch'} of {shown(wanted.name)}: {said}. Name a branch, "
                f"a tag or a whole commit. {_OTHER_WAYS}"
            ) from error
        return folder


_OTHER_WAYS: Final = (
    "Without a way to it from this host (proxy: https_proxy, ~/.curlrc or pip's `proxy`), get the source on another "
    f"host and name it: --pyslurm_source=FOLDER or --pyslurm_source=FILE.tar.gz. The sources are at {REPOSITORY}."
)


def _without_git(wanted: Wanted) -> str:
    if wanted.name.startswith("https://github.com/"):
        base = wanted.name.removesuffix("/").removesuffix(".git")
        return f"Install git, or use --pyslurm_source={base}/archive/{wanted.ref or 'HEAD'}.tar.gz"
    return "Install git, or name an archive of it: --pyslurm_source=FILE.tar.gz"
