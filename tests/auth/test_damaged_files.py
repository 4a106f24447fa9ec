"""A token file that is damaged while the service runs: no client gets in by it, and restoring the file is enough."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.conftest import make_client
from tests.fakes import FakeSource


def deleted(file: Path) -> None:
    file.unlink()


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    file.write_bytes(b"\xff" * 100)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [deleted, emptied, halved, overwritten, a_folder])
def test_no_client_gets_in_and_the_restored_file_is_enough(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file = tmp_path / "etc" / "tokens.json"
    file.parent.mkdir(mode=0o700)
    token = TokenFile(file).add("grafana", "admin", None)
    whole = file.read_bytes()
    settings = Settings.model_validate(
        {"system": {"runtime_dir": tmp_path / "run"}, "auth": {"mode": "token", "token_file": file}}
    )
    paths = RuntimePaths.of(settings)
    paths.make()
    Cycle(FakeSource(), StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
    client = make_client(settings)

    def status(presented: str) -> int:
        return client.get("/partitions", headers={"Authorization": f"Bearer {presented}"}).status_code

    assert (status(token), status("x" * 43)) == (200, 401)
    damage(file)
    assert status(token) in (401, 503)
    assert status("x" * 43) in (401, 503)
    assert client.get("/health/live").status_code == 200
    if file.is_dir():
        file.rmdir()
    file.write_bytes(whole)
    file.chmod(0o600)
    assert (status(token), status("x" * 43)) == (200, 401)
