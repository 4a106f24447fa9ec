from __future__ import annotations

import os
from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.slurmapi.sources.commands import programs as module
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from tests.waiting import wait_for, with_longer_limits

PLENTY = 300.0
"""Seconds. Only a failure takes this long."""


def make(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> SlurmPrograms:
    return SlurmPrograms(str(tmp_path), PLENTY)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_lines_come_without_their_newline_and_as_bytes(tmp_path: Path, programs: SlurmPrograms) -> None:
    make(tmp_path, "squeue", r"printf 'a b\n\nf\374r\nlast'")
    assert list(programs.lines("squeue")) == [b"a b", b"", b"f\xfcr", b"last"]


def test_a_final_newline_adds_no_line(tmp_path: Path, programs: SlurmPrograms) -> None:
    make(tmp_path, "squeue", r"printf 'a\nb\n'")
    assert list(programs.lines("squeue")) == [b"a", b"b"]


def test_arguments_reach_the_program_without_a_shell(tmp_path: Path, programs: SlurmPrograms) -> None:
    make(tmp_path, "squeue", "printf '%s\\n' \"$@\"")
    assert list(programs.lines("squeue", "-o", "%i $HOME; *")) == [b"-o", b"%i $HOME; *"]


def test_many_lines_arrive_whole(tmp_path: Path, programs: SlurmPrograms) -> None:
    make(tmp_path, "squeue", "seq 1 200000")
    assert [int(line) for line in programs.lines("squeue")] == list(range(1, 200001))


def test_a_long_line_is_cut(tmp_path: Path, programs: SlurmPrograms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_LIMIT", 100_000)
    make(tmp_path, "squeue", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next")
    assert list(programs.lines("squeue")) == [b"x" * 100_000, b"next"]


def test_a_text_has_undecodable_bytes_replaced(tmp_path: Path, programs: SlurmPrograms) -> None:
    make(tmp_path, "sdiag", r"printf 'f\374r\nb\n'")
    assert programs.text("sdiag") == "f\ufffdr\nb"


def test_a_text_has_a_limit(tmp_path: Path, programs: SlurmPrograms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_LIMIT", 1000)
    make(tmp_path, "sdiag", "yes")
    with pytest.raises(SourceUnavailable, match="sdiag printed more than 1000 bytes"):
        programs.text("sdiag")


def test_the_environment_has_no_secret_and_asks_for_epoch_seconds(tmp_path: Path) -> None:
    make(tmp_path, "squeue", "env")
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
        "SLURM_CONF": "/opt/slurm.conf",
        "SLURM_REST_API_DB_PASSWORD": "secret",
        "SLURM_JWT": "secret",
        "SQUEUE_FORMAT": "%j",
    }
    lines = SlurmPrograms(str(tmp_path), PLENTY, environ).lines("squeue")
    found = dict(line.decode().split("=", 1) for line in lines)
    assert {name: found[name] for name in found if name not in ("PWD", "SHLVL", "_")} == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
        "SLURM_CONF": "/opt/slurm.conf",
        "LC_ALL": "C.UTF-8",
        "SLURM_TIME_FORMAT": "%s",
        "SLURM_BITSTR_LEN": "0",
        "TZ": "UTC",
    }


def test_without_a_directory_the_program_is_found_in_path(tmp_path: Path) -> None:
    make(tmp_path, "squeue", "echo found")
    assert list(SlurmPrograms(None, PLENTY, {"PATH": f"{tmp_path}:/usr/bin:/bin"}).lines("squeue")) == [b"found"]


def test_a_missing_program_is_an_error_with_its_setting(programs: SlurmPrograms, tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable) as caught:
        list(programs.lines("squeue"))
    assert str(caught.value) == (
        f"Slurm's command cannot be found: squeue in {tmp_path}. "
        "Install Slurm's client commands, or set `system.slurm_bin_dir` to their directory."
    )


def test_a_program_that_cannot_be_started_is_an_error(programs: SlurmPrograms, tmp_path: Path) -> None:
    (tmp_path / "squeue").write_text("#!/no/such/interpreter\n")
    (tmp_path / "squeue").chmod(0o755)
    with pytest.raises(SourceUnusable, match=r"cannot be started: .*squeue: No such file or directory"):
        list(programs.lines("squeue"))


def test_standard_error_becomes_the_error(programs: SlurmPrograms, tmp_path: Path) -> None:
    script = "echo 12\necho 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2\nexit 1"
    make(tmp_path, "squeue", script)
    with pytest.raises(ProgramFailed) as caught:
        list(programs.lines("squeue"))
    assert str(caught.value) == (
        "slurmctld cannot be read: squeue ended with exit status 1 (slurm_load_jobs error: Unable to contact slurm "
        "controller (connect failure)). Run `squeue` on this host to check."
    )
    assert (caught.value.status, caught.value.program) == (1, "squeue")


def test_a_long_standard_error_is_cut(programs: SlurmPrograms, tmp_path: Path) -> None:
    make(tmp_path, "squeue", "head -c 1000000 /dev/zero | tr '\\0' x >&2\nexit 3")
    with pytest.raises(ProgramFailed) as caught:
        list(programs.lines("squeue"))
    assert caught.value.message == "x" * module.ERROR_LIMIT


def test_an_end_by_a_signal_is_an_error(programs: SlurmPrograms, tmp_path: Path) -> None:
    make(tmp_path, "squeue", "kill -SEGV $$")
    with pytest.raises(ProgramFailed, match="squeue ended with signal 11"):
        list(programs.lines("squeue"))


def test_a_program_that_is_too_slow_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    make(tmp_path, "squeue", f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 1000")

    def attempt(limit: float) -> str:
        with pytest.raises(SourceUnavailable) as caught:
            list(SlurmPrograms(str(tmp_path), limit).lines("squeue"))
        return str(caught.value)

    limit, message = with_longer_limits(attempt, lambda _message: pid_file.exists())
    assert message == (
        f"slurmctld cannot be read: squeue did not finish within {limit:g} seconds. Run `squeue` on this host to check."
    )
    assert not is_running(int(pid_file.read_text()))


def test_a_program_is_killed_and_reaped_when_the_iterator_is_closed(programs: SlurmPrograms, tmp_path: Path) -> None:
    make(tmp_path, "squeue", "echo $$; exec yes")
    lines = programs.lines("squeue")
    pid = int(next(lines))
    assert is_running(pid)
    lines.close()
    assert not is_running(pid)


def test_no_program_starts_before_its_first_line_is_asked_for(programs: SlurmPrograms, tmp_path: Path) -> None:
    make(tmp_path, "squeue", f"touch {tmp_path}/started")
    lines = programs.lines("squeue")
    assert not (tmp_path / "started").exists()
    assert list(lines) == []
    assert (tmp_path / "started").exists()


def test_pipes_are_closed_after_each_run(programs: SlurmPrograms, tmp_path: Path) -> None:
    make(tmp_path, "squeue", "echo 1")
    list(programs.lines("squeue"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        list(programs.lines("squeue"))
    assert wait_for("all pipes closed", lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_a_program_that_runs_in_a_block_starts_at_once_and_ends_with_it(
    programs: SlurmPrograms, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    make(tmp_path, "scontrol", f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 1000")
    with programs.running(b"\n", "scontrol"):
        pid = wait_for("the program to start", lambda: pid_file.exists() and int(pid_file.read_text()))
    assert not is_running(pid)
