"""Finding the Slurms of a host, in folder trees of usual and unusual installations."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.build import library_folder
from slurm_rest_api.pyslurm_build.host import PROGRAMS, SearchPaths, find_commands, find_slurm
from slurm_rest_api.pyslurm_build.installations import answers, installations

TRIPLET = "x86_64-linux-gnu"
NUMBERS = {"22.05.8": "0x160508", "24.11.5": "0x180b05", "26.05.5": "0x1a0505"}


def put(
    prefix: Path, *, programs: bool = True, header: str | None = "24.11.5", library: str | None = "lib/slurm"
) -> None:
    """Creates the files of a Slurm below `prefix`."""
    if programs:
        (prefix / "bin").mkdir(parents=True)
        for name in PROGRAMS:
            (prefix / "bin" / name).write_text("#!/bin/sh\n")
    if header:
        (prefix / "include/slurm").mkdir(parents=True)
        text = f"#define SLURM_VERSION_NUMBER {NUMBERS[header]}\n"
        (prefix / "include/slurm/slurm_version.h").write_text(text)
    if library:
        (prefix / library).mkdir(parents=True)
        (prefix / library / "libslurmfull.so").write_bytes(b"\x7fELF")


def place(root: Path, scontrol: Path | None = None, up: Path | None = None) -> SearchPaths:
    """`scontrol` is that of PATH. slurmctld answers the programs in the folder `up`."""
    return SearchPaths(root, lambda _name: str(scontrol) if scontrol else None, TRIPLET, lambda folder: folder == up)


def refuses(root: Path, scontrol: Path | None = None) -> SearchPaths:
    """A place where no program may be asked."""

    def fail(folder: Path) -> bool:
        raise AssertionError(folder)

    return SearchPaths(root, lambda _name: str(scontrol) if scontrol else None, TRIPLET, fail)


@pytest.mark.parametrize(
    ("prefix", "library"),
    [
        # Debian and Ubuntu; RPMs of RHEL, Rocky and openSUSE; source installations of administrators.
        ("usr", f"lib/{TRIPLET}/slurm-wlm"),
        ("usr", "lib/aarch64-linux-gnu/slurm-wlm"),
        ("usr", "lib64/slurm"),
        ("usr/local", "lib/slurm"),
        ("opt/slurm", "lib/slurm"),
        ("opt/slurm", "lib64/slurm"),
        ("opt/slurm", "lib"),
        ("opt/slurm/24.11.5", "lib/slurm"),
        ("opt/slurm-24.11.5", "lib/slurm"),
        ("usr/local/slurm/24.11", "lib/slurm"),
    ],
)
def test_one_slurm_is_found_without_asking_it(tmp_path: Path, prefix: str, library: str) -> None:
    put(tmp_path / prefix, library=library)
    found = find_slurm({}, refuses(tmp_path))
    assert (found.version, found.note) == ("24.11.5", None)
    assert found.include_dir == tmp_path / prefix / "include"
    assert found.library == tmp_path / prefix / library / "libslurmfull.so"
    assert library_folder(found, "libslurmfull.so") == tmp_path / prefix / library
    assert found.programs == find_commands(refuses(tmp_path), {}) == tmp_path / prefix / "bin"


def test_the_link_to_the_current_version_is_kept(tmp_path: Path) -> None:
    # So that pyslurm uses the library of the next version, and the upgrade is noticed.
    put(tmp_path / "opt/slurm/24.11.5")
    (tmp_path / "opt/slurm/current").symlink_to("24.11.5")
    found = find_slurm({}, refuses(tmp_path))
    assert found.library == tmp_path / "opt/slurm/current/lib/slurm/libslurmfull.so"
    # A link in PATH leads there, too.
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    (tmp_path / "usr/local/bin/scontrol").symlink_to(tmp_path / "opt/slurm/current/bin/scontrol")
    found = find_slurm({}, refuses(tmp_path, tmp_path / "usr/local/bin/scontrol"))
    assert found.library == tmp_path / "opt/slurm/current/lib/slurm/libslurmfull.so"


@pytest.mark.parametrize("conf", ["etc/slurm.conf", "etc/slurm/slurm.conf"])
def test_slurm_conf_leads_to_its_slurm(tmp_path: Path, conf: str) -> None:
    put(tmp_path / "cluster/slurm")
    found = find_slurm({"SLURM_CONF": str(tmp_path / "cluster/slurm" / conf)}, refuses(tmp_path))
    assert found.include_dir == tmp_path / "cluster/slurm/include"


@pytest.mark.parametrize("is_named", [True, False])
def test_plugin_dir_leads_to_its_slurm(tmp_path: Path, is_named: bool) -> None:
    plugins = tmp_path / "cluster/slurm/lib/plugins"
    put(tmp_path / "cluster/slurm", library="lib/plugins")
    conf = tmp_path / ("elsewhere.conf" if is_named else "etc/slurm/slurm.conf")
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f"ClusterName=a\n#PluginDir=/no\nplugindir = {plugins}:/other # both\n")
    found = find_slurm({"SLURM_CONF": str(conf)} if is_named else {}, refuses(tmp_path))
    assert found.library == plugins / "libslurmfull.so"
    assert found.include_dir == tmp_path / "cluster/slurm/include"


def test_slurm_conf_in_etc_leads_nowhere(tmp_path: Path) -> None:
    found = installations({"SLURM_CONF": "/etc/slurm/slurm.conf"}, refuses(tmp_path))
    assert Path("/") not in [slurm.prefix for slurm in found]


def test_of_several_slurms_the_one_that_slurmctld_answers_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "usr", header="22.05.8", library=f"lib/{TRIPLET}/slurm-wlm")
    for version in ("24.11.5", "26.05.5"):
        put(tmp_path / "opt/slurm" / version, header=version)
    up = tmp_path / "opt/slurm/24.11.5/bin"
    found = find_slurm({}, place(tmp_path, tmp_path / "usr/bin/scontrol", up))
    assert (found.version, found.programs) == ("24.11.5", up)
    assert found.note == (
        f"Of several Slurms {tmp_path}/opt/slurm/24.11.5 (24.11.5) was chosen, because slurmctld answers its scontrol."
        f" Others: {tmp_path}/usr (22.05.8), {tmp_path}/opt/slurm/26.05.5 (26.05.5). To choose another one:"
        ' bash build.sh --pyslurm_arguments="--slurm=DIR"'
    )
    # The service runs the commands in PATH.
    assert find_commands(place(tmp_path, tmp_path / "usr/bin/scontrol", up), {}) == tmp_path / "usr/bin"
    assert find_commands(place(tmp_path, None, up), {}) == up


def test_without_an_answer_the_first_slurm_with_programs_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "usr", programs=False, header="22.05.8")
    put(tmp_path / "opt/slurm/24.11.5")
    put(tmp_path / "opt/slurm/26.05.5", header="26.05.5")
    found = find_slurm({}, place(tmp_path))
    # The newest version comes first.
    assert found.version == "26.05.5"
    assert "because it is the first one with headers and library. Others: " in (found.note or "")


def test_headers_and_library_are_never_of_two_slurms(tmp_path: Path) -> None:
    put(tmp_path / "usr", programs=False, header="22.05.8", library=None)
    put(tmp_path / "opt/slurm", header="24.11.5")
    found = find_slurm({}, refuses(tmp_path))
    assert (found.version, found.library.parent) == ("24.11.5", tmp_path / "opt/slurm/lib/slurm")


def test_an_answering_slurm_without_headers_is_named(tmp_path: Path) -> None:
    put(tmp_path / "opt/slurm", header=None)
    put(tmp_path / "usr", header="22.05.8", library="lib64/slurm")
    up = tmp_path / "opt/slurm/bin"
    found = find_slurm({}, place(tmp_path, up / "scontrol", up))
    assert found.version == "22.05.8"
    assert f"slurmctld answers the scontrol in {up}, which has none of its own" in (found.note or "")
    assert f"{tmp_path}/opt/slurm (without headers)" in (found.note or "")


def test_named_folders_ask_no_program(tmp_path: Path) -> None:
    put(tmp_path / "usr")
    put(tmp_path / "mine", header="26.05.5")
    environ = {"SLURM_INCLUDE_DIR": str(tmp_path / "mine/include"), "SLURM_LIB_DIR": str(tmp_path / "mine/lib")}
    assert find_slurm(environ, refuses(tmp_path)).version == "26.05.5"


def test_a_library_without_headers_is_an_error_that_names_it(tmp_path: Path) -> None:
    put(tmp_path / "opt/slurm/24.11.5", header=None)
    with pytest.raises(SourceUnusable, match="Slurm's headers are missing, but its library is installed"):
        find_slurm({}, refuses(tmp_path))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Slurmctld(primary) at head is UP", True),
        ("Slurmctld(primary/backup) at head/(NULL) are UP/DOWN", True),
        ("Slurmctld(primary) at head is DOWN", False),
        ("", False),
    ],
)
def test_slurmctld_answers_scontrol_ping(tmp_path: Path, printed: str, expected: bool) -> None:
    program = tmp_path / "scontrol"
    program.write_text(f"#!/bin/sh\necho '{printed}'\n[ \"$1\" = ping ]\n")
    assert answers(tmp_path) is False, "it cannot be run"
    program.chmod(0o755)
    assert answers(tmp_path) is expected
