"""Connections to one store, for tests that count the costs of reading it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.slurmapi.store import schema


def watch_connections(patch: pytest.MonkeyPatch, folder: Path, watch: Callable[[sqlite3.Connection], None]) -> None:
    """Calls `watch` with each new connection that reads a store in `folder`.

    A thread of an earlier test may still read the store of that test, and its reads must not count.
    """
    connect = schema.connect_readonly

    def connect_watched(path: Path, *arguments: Any) -> sqlite3.Connection:
        connection = connect(path, *arguments)
        if path.is_relative_to(folder):
            watch(connection)
        return connection

    patch.setattr(schema, "connect_readonly", connect_watched)
