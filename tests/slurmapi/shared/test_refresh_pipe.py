"""The named pipe through which web workers request loads from the collector."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener, request_refresh
from tests.waiting import wait_for


def test_requests_that_come_together_are_heard_once(tmp_path: Path) -> None:
    heard = []
    entered, leave = threading.Event(), threading.Event()

    def on_request() -> None:
        heard.append(1)
        entered.set()
        assert leave.wait(600)

    listener = RefreshListener(tmp_path / "pipe", on_request)
    try:
        assert request_refresh(tmp_path / "pipe")
        assert entered.wait(600)
        for _ in range(100):
            assert request_refresh(tmp_path / "pipe")
        leave.set()
        wait_for("the second call", lambda: len(heard) == 2)
        assert os.stat(tmp_path / "pipe").st_mode & 0o777 == 0o600
    finally:
        leave.set()
        listener.close()


def test_request_without_a_listener_returns_false(tmp_path: Path) -> None:
    assert not request_refresh(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe")
    assert not request_refresh(tmp_path / "pipe")
