"""Unpacks source archives and copies source folders, with bounds, and computes the digest of the result."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from slurm_rest_api.errors import SourceUnusable

CHUNK: Final = 1 << 16
_OPENERS: Final[dict[bytes, Callable[..., Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_DAMAGES: Final = (tarfile.TarError, EOFError, OSError, KeyError, ValueError, zlib.error, lzma.LZMAError)
# Traces of earlier builds in a folder. An archive of pyslurm has none of them.
_LEFTOVERS: Final = frozenset({".git", ".eggs", ".venv", "__pycache__", "build", "dist", "pyslurm.egg-info"})
_LEFTOVER_SUFFIXES: Final = (".pyc", ".so", ".o", ".c")


@dataclass(frozen=True)
class Bounds:
    """The largest source that is accepted. pyslurm's has 220 files with 1.4 MB."""

    files: int = 10_000
    bytes: int = 128 << 20


def unpack(archive: Path, folder: Path, bounds: Bounds = Bounds()) -> Path:
    """Unpacks a tar archive (plain, gzip, bzip2, xz) into `folder` and returns the only folder in it.

    Only regular files are created. Hard links become copies. Symbolic links are left out, pyslurm's build needs none.

    Raises:
        SourceUnusable: the archive is damaged or larger than `bounds`, a path leads out of it, it has a device or
            another special file, or there is not exactly one folder in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder.with_name(f"{folder.name}.tar")
    try:
        _decompress(archive, plain, bounds)
        # extractall(filter="data") needs Python 3.11.4, but Debian 12 has 3.11.2.
        with tarfile.open(plain, mode="r:") as tar:
            _write_members(tar, folder, archive.name, bounds)
    except _DAMAGES as error:
        raise SourceUnusable(_not_an_archive(archive, error)) from error
    finally:
        plain.unlink(missing_ok=True)
    found = sorted(folder.iterdir())
    if len(found) != 1 or not found[0].is_dir():
        names = ", ".join(path.name for path in found[:5]) or "nothing"
        raise SourceUnusable(f"{archive.name} does not hold exactly one folder, but {names}. It was not used.")
    return found[0]


def copy_folder(source: Path, target: Path, bounds: Bounds = Bounds()) -> Path:
    """Copies the files of a source folder to `target` and returns it. Git's data and earlier builds are left out.

    Raises:
        SourceUnusable: the folder is larger than `bounds`, cannot be read, or a link leads out of it.
    """
    target.mkdir(parents=True)
    files = size = 0
    try:
        for name in _files_below(source):
            file = source / name
            files, size = files + 1, size + file.stat().st_size
            if files > bounds.files or size > bounds.bytes:
                raise SourceUnusable(f"{source} has more than {_text(bounds)}. Name the folder of pyslurm's setup.py.")
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / name)
            (target / name).chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    except OSError as error:
        raise SourceUnusable(f"Cannot copy {source}: {error}. Check its permissions.") from error
    return target


def tree_digest(folder: Path) -> str:
    """Returns the digest of a folder's files: SHA-256 over one line each, sorted by name.

    A line is: name, NUL, `x` if the file is executable, else `-`, NUL, SHA-256 of the content in hexadecimal, newline.
    Names are relative, with `/`, in UTF-8. The archive's time, owner and compression do not count.
    """
    digest = hashlib.sha256()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name, path in sorted((os.fsencode(name), path) for name, path in files.items()):
        mark = b"x" if path.stat().st_mode & 0o100 else b"-"
        digest.update(b"\0".join((name, mark, file_digest(path).encode())) + b"\n")
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decompress(archive: Path, plain: Path, bounds: Bounds) -> None:
    """Writes the archive without its compression, so that tarfile reads no more than the bounds allow."""
    with archive.open("rb") as file:
        head = file.read(6)
    opener = next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), Path.open)
    # Each member adds a header, and is padded to 512 bytes.
    limit = bounds.bytes + bounds.files * 2048
    written = 0
    with opener(archive, "rb") as source, plain.open("wb") as target:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > limit:
                raise SourceUnusable(f"{archive.name} has more than {_text(bounds)}. It was not used.")
            target.write(chunk)


def _write_members(tar: tarfile.TarFile, folder: Path, archive: str, bounds: Bounds) -> None:
    left = bounds.bytes
    for count, member in enumerate(tar, start=1):
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts or not name.parts:
            raise SourceUnusable(f"{archive} has a path that leads out of it: {member.name!r:.200}. It was not used.")
        if member.issym() or member.islnk():
            _check_link(member, name, archive)
        elif not (member.isfile() or member.isdir()):
            raise SourceUnusable(f"{archive} has a special file: {member.name!r:.200}. It was not used.")
        if member.isfile() or member.islnk():
            left -= _write_file(tar, member, folder.joinpath(*name.parts), left)
        if count > bounds.files or left < 0:
            raise SourceUnusable(f"{archive} has more than {_text(bounds)}. It was not used.")


def _write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, limit: int) -> int:
    """Writes one file and returns its size in bytes. It stops after `limit`."""
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.TarError(f"{member.name!r:.200} has no content")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("wb") as out:
        while written <= limit and (chunk := content.read(CHUNK)):
            written += out.write(chunk)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
    return written


def _check_link(member: tarfile.TarInfo, name: PurePosixPath, archive: str) -> None:
    """Checks that a link stays in the archive. A hard link's target is relative to the archive, not to the link."""
    start = name.parent if member.issym() else PurePosixPath()
    leads = PurePosixPath(os.path.normpath(start / member.linkname))
    top = name.parts[0]
    if leads.is_absolute() or leads.parts[:1] != (top,):
        raise SourceUnusable(
            f"{archive} has a link that leads out of it: {member.name!r:.200} to {member.linkname!r:.200}. "
            "It was not used."
        )


def _files_below(source: Path) -> Iterator[str]:
    """Yields the relative names of the regular files below a folder. A link to a file or folder in it is left out.

    Raises:
        SourceUnusable: a link leads out of the folder.
    """
    top = source.resolve()
    for folder, folders, names in os.walk(source, onerror=_raise):
        folders[:] = sorted(set(folders) - _LEFTOVERS)
        for name in (*folders, *sorted(names)):
            path = Path(folder, name)
            if path.is_symlink():
                if not path.resolve().is_relative_to(top):
                    raise SourceUnusable(f"{path} is a link that leads out of {source}. Copy the file there.")
            elif path.is_file() and not name.endswith(_LEFTOVER_SUFFIXES):
                yield path.relative_to(source).as_posix()


def _raise(error: OSError) -> None:
    raise error


def _not_an_archive(archive: Path, error: Exception) -> str:
    with archive.open("rb") as file:
        head = file.read(60)
    if head.lstrip()[:1] == b"<":
        return f"{archive.name} is a web page, not an archive: {head!r}. A proxy or a login page may have answered."
    return f"{archive.name} is damaged or not a tar archive: {error}. It was not used. Get it again."


def _text(bounds: Bounds) -> str:
    return f"{bounds.files} files or {bounds.bytes >> 20} MiB"
