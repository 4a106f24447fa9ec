"""Large responses that nginx sends: what a worker answers, and to whom it does so."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.web.proxied_files import LOCATION
from tests.builders import make_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

BEHIND_NGINX = {LOCATION: "/files/"}
# Their plain list is larger than what a worker sends by itself.
JOBS = 200


@pytest.fixture(autouse=True)
def many_jobs(cycle: Cycle, source: FakeSource) -> None:
    source.snapshot = make_snapshot(jobs=[make_job(number, comment="c" * 2000) for number in range(1, JOBS + 1)])
    cycle.run()


def headers_of(client: FlaskClient, method: str = "GET", **request: Any) -> dict[str, str]:
    answer = client.open("/queue", method=method, **request)
    assert answer.status_code == 200
    return headers_without_age(answer)


def headers_without_age(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name != "Age"}


def test_worker_names_the_file_in_place_of_its_bytes(client: FlaskClient, paths: RuntimePaths) -> None:
    direct = client.get("/queue")
    proxied = client.get("/queue", environ_overrides=BEHIND_NGINX)
    folder, _, name = proxied.headers["X-Accel-Redirect"].rpartition("/")
    assert (folder, proxied.data) == ("/files", b"")
    file = paths.prepared / name
    assert file.read_bytes() == direct.data
    # nginx is in the group of the service. It may open the file, and not list the folder.
    assert (file.stat().st_mode & 0o777, paths.prepared.stat().st_mode & 0o777) == (0o640, 0o710)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_headers_are_those_of_a_response_by_the_worker(client: FlaskClient, method: str) -> None:
    proxied = headers_of(client, method, environ_overrides=BEHIND_NGINX)
    del proxied["X-Accel-Redirect"]
    assert proxied == headers_of(client, method)
    assert int(proxied["Content-Length"]) > 256 * 1024


def test_vary_is_one_header(settings: Settings) -> None:
    origins = ["https://a.example.org", "https://b.example.org"]
    system = settings.system.model_copy(update={"use_cors": True, "cors_origins": origins})
    client = make_client(settings.model_copy(update={"system": system}))
    asked = {"Origin": origins[1]}
    answers = [client.get("/queue", headers=asked, environ_overrides=each) for each in ({}, BEHIND_NGINX)]
    assert [answer.headers.getlist("Vary") for answer in answers] == [
        ["Accept-Encoding", "Origin"],
        ["Accept-Encoding, Origin"],
    ]


def test_client_cannot_name_a_location(client: FlaskClient) -> None:
    for name in (LOCATION, LOCATION.replace("_", "-"), "X-Accel-Mapping", "X-Sendfile-Type"):
        assert "X-Accel-Redirect" not in headers_of(client, headers={name: "/files/"})


def test_conditions_are_evaluated_by_the_worker(client: FlaskClient) -> None:
    etag = client.get("/queue", environ_overrides=BEHIND_NGINX).headers["ETag"]
    unchanged = client.get("/queue", headers={"If-None-Match": etag}, environ_overrides=BEHIND_NGINX)
    assert (unchanged.status_code, unchanged.headers.get("X-Accel-Redirect")) == (304, None)
    refused = client.get("/queue", headers={"If-Match": etag}, environ_overrides=BEHIND_NGINX)
    assert (refused.status_code, refused.headers.get("X-Accel-Redirect")) == (412, None)


def test_user_who_sees_a_part_gets_no_file(settings: Settings) -> None:
    auth = type(settings.auth).model_validate({"mode": "proxy", "admins": ["root"], "private_data": ["jobs"]})
    client = make_client(settings.model_copy(update={"auth": auth}))
    found = {
        user: client.get("/queue", environ_overrides={**BEHIND_NGINX, "REMOTE_USER": user}) for user in ("root", "eve")
    }
    assert {user: answer.headers.get("X-Accel-Redirect") is None for user, answer in found.items()} == {
        "root": False,
        "eve": True,
    }
    assert found["eve"].get_json()["data"] == {}


def test_no_file_stays_open(client: FlaskClient, settings: Settings) -> None:
    folder = RuntimePaths.of(settings).prepared
    with client.get("/queue", environ_overrides=BEHIND_NGINX):
        pass
    (file, *_) = [path for path in folder.iterdir() if path.is_file()]
    with file.open():
        assert _open_in(folder) == 1
    for method in ("GET", "HEAD") * 5:
        headers_of(client, method, environ_overrides=BEHIND_NGINX)
    assert _open_in(folder) == 0


def _open_in(folder: Path) -> int:
    """Returns the number of files of a folder that this process has open. Other tests leave others open."""
    found = 0
    for descriptor in os.listdir("/proc/self/fd"):
        # Another thread may close it meanwhile.
        with contextlib.suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"{folder}/")
    return found


def test_worker_sends_a_file_that_nginx_cannot_be_allowed_to_read(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = client.get("/queue").data

    def refuse(*_: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    answer = client.get("/queue", environ_overrides=BEHIND_NGINX)
    assert (answer.headers.get("X-Accel-Redirect"), answer.data) == (None, expected)


def test_repeated_request_costs_no_other_look_at_the_file(client: FlaskClient, paths: RuntimePaths) -> None:
    expected = client.get("/queue")
    proxied = client.get("/queue", environ_overrides=BEHIND_NGINX)
    file = paths.prepared / proxied.headers["X-Accel-Redirect"].rpartition("/")[2]
    file.unlink()
    repeated = client.get("/queue", environ_overrides=BEHIND_NGINX)
    assert headers_without_age(repeated) == headers_without_age(proxied)
    assert not file.exists()
    # nginx could not open the file, and asks again for its bytes.
    direct = client.get("/queue")
    assert (direct.data, headers_without_age(direct)) == (expected.data, headers_without_age(expected))
    assert file.exists()


def test_debug_leaves_a_file_of_nginx_as_it_is(settings: Settings) -> None:
    system = settings.system.model_copy(update={"debug": True})
    client = make_client(settings.model_copy(update={"system": system}))
    assert "X-Accel-Redirect" in headers_of(client, environ_overrides=BEHIND_NGINX)
