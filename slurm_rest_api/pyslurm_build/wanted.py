"""Parses the options of build.sh that name a pyslurm: `--pyslurm_version` and `--pyslurm_source`."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.download import shown
from slurm_rest_api.pyslurm_build.pins import Pin
from slurm_rest_api.pyslurm_build.versions import Line

Kind = Literal["pypi", "revision", "tag", "branch", "folder", "archive", "git"]

ARCHIVE_SUFFIXES: Final = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
_NUMBER: Final = re.compile(r"(\d{2})\.(\d{1,2})((?:\.\d+){0,2})")
_BRANCH: Final = re.compile(r"(\d{2})\.(\d{1,2})\.x")
_SCHEMES: Final = ("http", "https", "ssh", "git", "file")
_DIGEST: Final = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(frozen=True)
class Wanted:
    """A pyslurm to get.

    `name` depends on `kind`: the version on PyPI, the commit, the tag, the branch, the path or the URL. `ref` is a
    branch, tag or commit of a Git repository. `line` is None if the name does not say the release line. `sha256` is the
    expected digest of an archive, `tree` that of its files.
    """

    kind: Kind
    name: str
    line: Line | None = None
    ref: str | None = None
    sha256: str | None = None
    tree: str | None = None

    @property
    def shown_name(self) -> str:
        """The name for messages and the record, without a password."""
        return f"{shown(self.name)}@{self.ref}" if self.ref else shown(self.name)


def pinned(line: Line, pin: Pin) -> Wanted:
    """Returns the pinned revision of a release line."""
    return Wanted("revision", pin.commit, line, sha256=pin.sha256, tree=pin.tree)


def parse_version(text: str) -> Wanted:
    """Parses `--pyslurm_version`: a number (`25.11.2`), a tag (`v24.11.0`) or a branch (`24.11.x`).

    A number becomes kind `pypi`. Leading zeros are removed, as pyslurm names its tags and branches without them.

    Raises:
        SourceUnusable: it is none of them.
    """
    if match := _BRANCH.fullmatch(text):
        line = int(match[1]), int(match[2])
        return Wanted("branch", f"{line[0]}.{line[1]}.x", line)
    match = _NUMBER.fullmatch(text.removeprefix("v"))
    if match is None or (text.startswith("v") and not match[3]):
        raise SourceUnusable(
            f"Invalid --pyslurm_version: {text!r:.100}. Expected a number, a tag or a branch of pyslurm: 25.11.2, "
            "v24.11.0 or 24.11.x. For any other revision use --pyslurm_source=https://github.com/PySlurm/pyslurm@REVISION."
        )
    line = int(match[1]), int(match[2])
    number = f"{line[0]}.{line[1]}{match[3]}"
    return Wanted("tag", f"v{number}", line) if text.startswith("v") else Wanted("pypi", number, line)


def parse_source(text: str) -> Wanted:
    """Parses `--pyslurm_source`: a folder, a tar archive, or a URL of an archive or a Git repository (`URL@REF`).

    `~` is the home folder. An archive's URL can end in `#sha256=DIGEST`.

    Raises:
        SourceUnusable: there is no such file, or the URL is not understood.
    """
    text = text.removeprefix("git+")
    scheme = urllib.parse.urlsplit(text).scheme
    if "://" in text and scheme in _SCHEMES:
        return _parse_url(text)
    if re.match(r"[\w.-]+@[\w.-]+:", text):
        # The form of scp: user@host:path@REF.
        host, _, path = text.partition(":")
        path, _, ref = path.partition("@")
        return Wanted("git", f"{host}:{path}", ref=ref or None)
    if "://" in text:
        raise SourceUnusable(f"Invalid --pyslurm_source: {shown(text)!r:.200}. Known schemes: {', '.join(_SCHEMES)}.")
    return _parse_path(text)


def _parse_url(text: str) -> Wanted:
    url, _, fragment = text.partition("#")
    parts = urllib.parse.urlsplit(url)
    if parts.path.endswith(ARCHIVE_SUFFIXES):
        digest = _DIGEST.fullmatch(fragment)
        if fragment and digest is None:
            raise SourceUnusable(f"Invalid --pyslurm_source: {fragment!r:.100} after '#'. Expected sha256=DIGEST.")
        sha256 = digest[1] if digest else None
        if parts.scheme == "file":
            return Wanted("archive", urllib.parse.unquote(parts.path), sha256=sha256)
        if parts.scheme in ("http", "https"):
            return Wanted("archive", url, sha256=sha256)
        raise SourceUnusable(
            f"Invalid --pyslurm_source: {shown(url)!r:.200}. Archives are read by http, https or file."
        )
    path, _, ref = parts.path.partition("@")
    if path.endswith(ARCHIVE_SUFFIXES):
        raise SourceUnusable(
            f"Invalid --pyslurm_source: {shown(url)!r:.200}. An archive has no @{ref}. Name the archive of that "
            "revision."
        )
    return Wanted("git", urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), ref=ref or None)


def _parse_path(text: str) -> Wanted:
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        return Wanted("folder", str(path))
    if path.is_file():
        return Wanted("archive", str(path))
    before, at, ref = str(path).rpartition("@")
    if at and Path(before).is_dir():
        return Wanted("git", before, ref=ref)
    raise SourceUnusable(
        f"Invalid --pyslurm_source: {text!r:.200}. There is no such folder or file. Expected a folder, a tar archive "
        "or a URL, for example ~/pyslurm-24.11.x, ~/pyslurm-24.11.x.tar.gz or https://github.com/PySlurm/pyslurm@24.11.x."
    )
