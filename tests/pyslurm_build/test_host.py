"""Finding Slurm in folders that imitate usual hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.host import SearchPaths, SlurmHost, find_slurm, library_matches

TRIPLET = "x86_64-linux-gnu"


def put_header(include: Path, number: str = "0x1a0505") -> None:
    (include / "slurm").mkdir(parents=True)
    text = f"#define SLURM_VERSION_NUMBER {number}\n#define SLURM_VERSION_MAJOR(a) (((a) >> 16) & 0xff)\n"
    (include / "slurm" / "slurm_version.h").write_text(text, encoding="utf-8")


def put_library(folder: Path, content: bytes = b"\x7fELF 26.05.5") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "libslurmfull.so").write_bytes(content)
    return folder / "libslurmfull.so"


def place(root: Path, scontrol: Path | None = None) -> SearchPaths:
    return SearchPaths(root=root, which=lambda name: str(scontrol) if scontrol else None, triplet=TRIPLET)


@pytest.mark.parametrize(
    ("include", "library"),
    [
        ("usr/include", f"usr/lib/{TRIPLET}/slurm-wlm"),
        ("usr/include", "usr/lib64/slurm"),
        ("usr/include", "usr/lib/slurm"),
        ("usr/local/include", "usr/local/lib/slurm"),
        ("opt/slurm/include", "opt/slurm/lib64/slurm"),
        ("opt/slurm/include", "opt/slurm/lib"),
    ],
)
def test_finds_usual_places(tmp_path: Path, include: str, library: str) -> None:
    put_header(tmp_path / include)
    expected = put_library(tmp_path / library)
    found = find_slurm({}, place(tmp_path))
    assert found == SlurmHost(0x1A0505, tmp_path / include, expected)
    assert (found.version, found.line) == ("26.05.5", (26, 5))


def test_finds_a_slurm_elsewhere_by_its_command(tmp_path: Path) -> None:
    prefix = tmp_path / "cluster/slurm-26.05.5"
    put_header(prefix / "include")
    expected = put_library(prefix / "lib/slurm")
    assert find_slurm({}, place(tmp_path / "empty", prefix / "bin/scontrol")).library == expected


def test_named_folders_win_over_usual_places(tmp_path: Path) -> None:
    put_header(tmp_path / "usr/include", "0x180b05")
    put_library(tmp_path / "usr/lib64/slurm")
    put_header(tmp_path / "mine/include")
    expected = put_library(tmp_path / "mine/lib/slurm-wlm")
    environ = {"SLURM_INCLUDE_DIR": str(tmp_path / "mine/include"), "SLURM_LIB_DIR": str(tmp_path / "mine/lib")}
    assert find_slurm(environ, place(tmp_path)) == SlurmHost(0x1A0505, tmp_path / "mine/include", expected)


@pytest.mark.parametrize(
    ("header", "library", "message"),
    [
        (False, False, "pyslurm cannot be built"),
        (True, False, "Slurm's library is missing, but its headers are installed ("),
        (False, True, "Slurm's headers are missing, but its library is installed ("),
    ],
)
def test_the_error_names_the_missing_part_and_its_packages(
    tmp_path: Path, header: bool, library: bool, message: str
) -> None:
    if header:
        put_header(tmp_path / "usr/include")
    if library:
        put_library(tmp_path / "usr/lib64/slurm")
    with pytest.raises(SourceUnusable) as raised:
        find_slurm({}, place(tmp_path))
    text = str(raised.value)
    assert message in text
    assert "apt-get install libslurm-dev slurm-wlm-basic-plugins" in text
    assert "dnf install slurm slurm-devel" in text


def test_refuses_a_header_without_a_version(tmp_path: Path) -> None:
    put_header(tmp_path / "usr/include", "unknown")
    put_library(tmp_path / "usr/lib64/slurm")
    with pytest.raises(SourceUnusable, match="does not define SLURM_VERSION_NUMBER"):
        find_slurm({}, place(tmp_path))


@pytest.mark.parametrize(("content", "expected"), [(b"x 26.05.5\0y", True), (b"x 24.11.5\0y", False)])
def test_compares_library_with_headers(tmp_path: Path, content: bytes, expected: bool) -> None:
    library = put_library(tmp_path, content)
    assert library_matches(SlurmHost(0x1A0505, tmp_path, library)) is expected


def test_a_library_with_a_version_in_its_name_needs_a_link(tmp_path: Path) -> None:
    # slurm.spec of Fedora and EPEL: slurm-libs has libslurmfull-VERSION.so, and the link is deleted.
    put_header(tmp_path / "usr/include")
    library = tmp_path / "usr/lib64/libslurmfull-22.05.9.so"
    library.parent.mkdir(parents=True)
    library.touch()
    with pytest.raises(SourceUnusable) as raised:
        find_slurm({}, place(tmp_path))
    assert f"\n  ln -sf {library} /usr/local/lib/slurm-rest-api/libslurmfull.so\n" in str(raised.value)
    assert str(raised.value).endswith('bash build.sh --pyslurm_arguments="SLURM_LIB_DIR=/usr/local/lib/slurm-rest-api"')
