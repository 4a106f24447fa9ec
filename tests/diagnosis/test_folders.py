"""Checks of the runtime folder."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.diagnosis.folders import check_runtime_dir

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
NOBODY = 65534


def as_nobody(folder: Path) -> list[Finding]:
    """Runs the check as a user without rights. Root, which may write everywhere, becomes that user in a fork."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def check() -> None:
        if os.geteuid() == 0:
            os.setresuid(NOBODY, NOBODY, NOBODY)
        sender.send(check_runtime_dir(folder))

    child = context.Process(target=check)
    child.start()
    child.join()
    found: list[Finding] = receiver.recv()
    return found


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        (0o700, "ok", "is private and writable."),
        (0o755, "warning", "is readable by other users (mode 0755)."),
        (0o750, "ok", "is writable, and readable for its group (mode 0750)."),
        (0o770, "problem", "is writable by other users (mode 0770). They could forge API responses."),
        (0o1777, "problem", "is writable by other users (mode 1777). They could forge API responses."),
    ],
)
def test_a_folder_must_be_private(tmp_path: Path, mode: int, verdict: str, words: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    finding = check_runtime_dir(folder)[0]
    assert finding.verdict == verdict
    assert finding.sentence == f"{folder} {words}"
    mends = {"ok": None, "warning": f"Run `chmod o-rwx {folder}`.", "problem": f"Run `chmod 0700 {folder}`."}
    assert finding.remedy == mends[verdict]


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    findings = check_runtime_dir(folder)
    assert findings[0].verdict == "ok"
    assert findings[0].sentence == f"{folder} does not exist yet and can be created."
    assert not folder.parent.exists()


def test_the_free_space_is_reported(tmp_path: Path) -> None:
    space = check_runtime_dir(tmp_path)[-1]
    assert space.name == "free space"
    assert space.sentence.endswith(f" MiB are free in {tmp_path}.")


def test_a_folder_that_any_user_could_create_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    finding = check_runtime_dir(tmp_path / "run")[0]
    assert finding.verdict == "warning"
    assert finding.sentence == (
        f"{tmp_path / 'run'} does not exist yet. Any user of this host could create it in {tmp_path} first."
    )


def test_a_file_instead_of_a_folder_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert check_runtime_dir(file)[0].sentence == f"{file} is not a folder."
    below = check_runtime_dir(file / "run")
    assert [finding.verdict for finding in below] == ["problem"]
    assert below[0].sentence == f"{file / 'run'} cannot be created: {file} is not a folder."


def test_symbolic_links_that_lead_nowhere_are_problems(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "missing" / "folder")
    (tmp_path / "loop").symlink_to("loop")
    for link in (tmp_path / "dangling", tmp_path / "loop"):
        for folder in (link, link / "run"):
            [finding] = check_runtime_dir(folder)
            assert finding.verdict == "problem"
            assert finding.sentence == f"{folder} cannot be created: {link} is a symbolic link that leads to no folder."


@needs_root
def test_a_folder_of_another_user_is_a_problem(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    findings = check_runtime_dir(tmp_path)
    assert [finding.verdict for finding in findings] == ["problem"]
    assert findings[0].sentence == f"{tmp_path} belongs to user nobody, but the check runs as root."


def test_a_folder_that_cannot_be_created_is_a_problem() -> None:
    findings = as_nobody(Path("/slurm-rest-api-test"))
    assert [finding.verdict for finding in findings] == ["problem"]
    assert "cannot create it in /." in findings[0].sentence


@pytest.mark.parametrize(("mode", "verdict"), [(0o755, "problem"), (0o701, "problem"), (0o750, "ok"), (0o700, "ok")])
def test_folder_that_every_user_may_enter_is_a_problem_where_clients_authenticate(
    tmp_path: Path, mode: int, verdict: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    assert check_runtime_dir(folder, is_restricted=True)[0].verdict == verdict
    assert check_runtime_dir(folder)[0].verdict != "problem"
