"""Unpacking of archives, copies of folders, and the digest of their files."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.unpack import Bounds, copy_folder, tree_digest, unpack
from tests.pyslurm_build.stand_in import packed, source


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def archive(path: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for each in members:
            info, content = each if isinstance(each, tuple) else (each, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def refusal(path: Path, tmp_path: Path, bounds: Bounds | None = None) -> str:
    with pytest.raises(SourceUnusable) as raised:
        unpack(path, tmp_path / "out", bounds or Bounds())
    return str(raised.value)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_unpacks_each_compression_into_one_folder(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    plain = gzip.decompress(packed(source(tmp_path / "p", "24.11.0")))
    (tmp_path / "p.tar").write_bytes(compress(plain))
    folder = unpack(tmp_path / "p.tar", tmp_path / "out")
    assert folder == tmp_path / "out/pyslurm-1"
    assert (folder / "pyslurm/version.py").read_text() == '__version__ = "24.11.0"\n'


def test_only_the_executable_bit_of_modes_is_kept(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tgz", member("p/run", mode=0o6755), member("p/read", mode=0o600))
    folder = unpack(path, tmp_path / "out")
    assert [(folder / name).stat().st_mode & 0o7777 for name in ("run", "read")] == [0o755, 0o644]


@pytest.mark.parametrize("name", ["../evil", "/evil", "p/../../evil", "p/x/../../../evil"])
def test_refuses_paths_that_lead_out(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.tgz", (member("p/ok"), b"x"), (member(name), b"y"))
    assert "leads out of it" in refusal(path, tmp_path)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    "bad",
    [
        member("p/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("p/link", tarfile.SYMTYPE, "../../etc"),
        member("p/link", tarfile.SYMTYPE, ".."),
        member("p/link", tarfile.LNKTYPE, "../etc/passwd"),
        member("p/link", tarfile.LNKTYPE, "/etc/passwd"),
    ],
)
def test_refuses_links_that_lead_out(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    assert "link that leads out of it: 'p/link'" in refusal(archive(tmp_path / "a.tgz", bad), tmp_path)


def test_writes_nothing_through_a_link(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tgz", member("p/d", tarfile.SYMTYPE, "e"), (member("p/d/file"), b"x"))
    folder = unpack(path, tmp_path / "out")
    assert not (folder / "d").is_symlink()
    assert (folder / "d/file").read_bytes() == b"x"


def test_leaves_out_symbolic_links_and_copies_hard_links(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tgz",
        (member("p/logo.png"), b"logo"),
        member("p/docs/logo.png", tarfile.SYMTYPE, "../logo.png"),
        member("p/hard.png", tarfile.LNKTYPE, "p/logo.png"),
    )
    folder = unpack(path, tmp_path / "out")
    assert sorted(path.name for path in folder.rglob("*")) == ["hard.png", "logo.png"]
    assert (folder / "hard.png").read_bytes() == b"logo"


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_refuses_special_files(tmp_path: Path, kind: bytes) -> None:
    assert "special file: 'p/odd'" in refusal(archive(tmp_path / "a.tgz", member("p/odd", kind)), tmp_path)


@pytest.mark.parametrize(
    "members",
    [
        [(member("p/zeros"), bytes(300_000))],
        [member(f"p/{number}") for number in range(12)],
        [(member("p/a"), bytes(60_000)), member("p/b", tarfile.LNKTYPE, "p/a"), member("p/c", tarfile.LNKTYPE, "p/a")],
    ],
)
def test_refuses_more_than_the_bounds(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    path = archive(tmp_path / "a.tgz", *members)
    assert "more than 10 files or 0 MiB" in refusal(path, tmp_path, Bounds(files=10, bytes=100_000))
    written = sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert written < 300_000


@pytest.mark.parametrize("cut", [10, 200, -1])
def test_a_truncated_archive_is_damaged(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a.tgz").write_bytes(packed(source(tmp_path / "p"))[:cut])
    assert "a.tgz is damaged or not a tar archive" in refusal(tmp_path / "a.tgz", tmp_path)


def test_a_web_page_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(b"\n<!DOCTYPE html><title>Login</title>")
    assert "is a web page, not an archive" in refusal(tmp_path / "a.tgz", tmp_path)


@pytest.mark.parametrize("names", [(), ("p/a", "q/b"), ("file",)])
def test_an_archive_has_one_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = archive(tmp_path / "a.tgz", *(member(name) for name in names))
    assert "does not hold exactly one folder" in refusal(path, tmp_path)


def test_the_digest_is_as_documented(tmp_path: Path) -> None:
    (tmp_path / "p/sub").mkdir(parents=True)
    (tmp_path / "p/sub/b").write_bytes(b"two")
    (tmp_path / "p/a").write_bytes(b"one")
    (tmp_path / "p/a").chmod(0o755)
    # printf one | sha256sum, printf two | sha256sum
    one = b"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    two = b"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
    expected = hashlib.sha256(b"a\0x\0" + one + b"\n" + b"sub/b\0-\0" + two + b"\n").hexdigest()
    assert tree_digest(tmp_path / "p") == expected


def test_the_digest_depends_on_names_modes_and_contents_alone(tmp_path: Path) -> None:
    first, second = source(tmp_path / "1"), source(tmp_path / "2")
    (tmp_path / "a.tgz").write_bytes(packed(first, "pyslurm-x", level=1))
    digest = tree_digest(first)
    assert digest == tree_digest(second) == tree_digest(unpack(tmp_path / "a.tgz", tmp_path / "out"))
    (second / "setup.py").chmod(0o755)
    assert tree_digest(second) != digest
    (second / "setup.py").chmod(0o644)
    (second / "setup.py").rename(second / "other.py")
    assert tree_digest(second) != digest


def test_a_copy_leaves_out_git_and_earlier_builds(tmp_path: Path) -> None:
    folder = source(tmp_path / "p")
    digest = tree_digest(folder)
    for name in (".git/config", "build/lib/x.py", "pyslurm/api.c", "pyslurm/api.so", "pyslurm/__pycache__/a.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "logo").symlink_to("setup.py")
    assert tree_digest(copy_folder(folder, tmp_path / "copy")) == digest


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "/etc"])
def test_a_copy_refuses_links_that_lead_out(tmp_path: Path, target: str) -> None:
    folder = source(tmp_path / "p")
    (folder / "pyslurm/link").symlink_to(target if target != ".." else "../..")
    with pytest.raises(SourceUnusable, match="is a link that leads out of"):
        copy_folder(folder, tmp_path / "copy")


def test_a_copy_has_bounds(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="has more than 3 files"):
        copy_folder(source(tmp_path / "p"), tmp_path / "copy", Bounds(files=3))
