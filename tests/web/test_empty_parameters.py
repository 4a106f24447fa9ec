"""An empty parameter is no filter, on each route: an HTML form sends its empty fields."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.demo.accounting import ASSOC_TABLE, JOB_TABLE, STEP_TABLE
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source_with_history import SourceWithHistory
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.conftest import make_client
from tests.waiting import wait_for

ROUTES = {"/queue", "/nodes", "/partitions", "/usage", "/stats", "/users", "/qos", "/history", "/load"}


def test_all_parameters_empty_are_the_same_as_none(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    settings = Settings.model_validate(
        {
            "system": {
                "runtime_dir": tmp_path / "run",
                "use_acct_db": True,
                "archive_usage_load": True,
                "archive_path": str(folder.archive),
            },
            "database": {
                "db_sqlite_file": str(folder.accounting),
                "table_job": JOB_TABLE,
                "table_assoc": ASSOC_TABLE,
                "table_step": STEP_TABLE,
            },
        }
    )
    paths = RuntimePaths.of(settings)
    paths.make()
    source = SourceWithHistory(Scale(20, 60), folder, start_backfill=lambda _scale, _folder: None)
    Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
    client = make_client(settings)
    documented = create_app(settings).api_doc["paths"]
    asked = {}
    for path, methods in documented.items():
        names = [given["name"] for given in methods["get"].get("parameters", []) if given["in"] == "query"]
        if path not in ROUTES:
            continue
        three = (path, f"{path}?{urlencode(dict.fromkeys(names, ''))}", path)
        whole, empty = wait_for(f"{path} to be the same before and after", partial(_settled, client, three))
        assert (whole.status_code, empty.status_code) == (200, 200), (path, empty.get_data(as_text=True))
        if empty.is_json:
            assert empty.get_json()["data"] == whole.get_json()["data"], path
        asked[path] = names
    assert set(asked) == ROUTES
    assert {"user", "partition", "state", "jobid", "limit", "offset", "cursor"} <= set(asked["/history"])


def _settled(client: FlaskClient, paths: Iterable[str]) -> tuple[TestResponse, TestResponse] | None:
    """Returns the first two of three responses, None if a second has passed that changed the first one's data."""
    before, between, after = map(client.get, paths)
    is_settled = not before.is_json or before.get_json()["data"] == after.get_json()["data"]
    return (before, between) if is_settled else None
