"""Large routes: what clients of two workers get while a version is rendered."""

from __future__ import annotations

import errno
import gzip
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.slurmapi.responses import whole_bodies
from slurm_rest_api.slurmapi.responses.body_files import try_lock
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.responses.version_files import VersionFiles
from slurm_rest_api.slurmapi.responses.whole_bodies import WholeBodies, WholeBody
from slurm_rest_api.web.compression import decompress
from tests.slurmapi.responses.two_workers import GZIP, PLAIN, SLOTS, Host
from tests.waiting import wait_for

CLIENTS, LOADS = 6, 12


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(tmp_path, monkeypatch)
    yield host
    host.renderer.gate.set()
    wait_for("the end of the threads", host.has_no_follower)


def version_of(response: TestResponse) -> int:
    """The version in the body of a 200, else that in the ETag."""
    if response.status_code == 304 or response.request.method == "HEAD":
        return int(response.headers["ETag"].split("-")[1])
    body = gzip.decompress(response.data) if response.headers.get("Content-Encoding") == GZIP else response.data
    return int(orjson.loads(body)["meta"]["version"].rpartition("-")[2])


def test_version_is_rendered_once_for_all_workers_and_clients(host: Host) -> None:
    loaded = [host.load()]
    for number in range(12):
        assert version_of(host.ask(number % 2)) == loaded[0]
    for _ in range(3):
        loaded.append(host.load())
        wait_for("the rendering", lambda: version_of(host.ask(1)) == loaded[-1])
    assert host.renderer.versions == loaded


def test_version_before_is_sent_with_its_own_metadata_while_the_next_is_rendered(host: Host) -> None:
    before, plain = host.load_while_rendering()
    assert plain.headers["ETag"] == before.headers["ETag"]
    for worker, accepted, expected in ((0, GZIP, before), (1, GZIP, before), (1, PLAIN, plain), (0, PLAIN, plain)):
        found = host.ask(worker, accepted)
        assert found.data == expected.data
        same = ("ETag", "Last-Modified", "Cache-Control", "Vary")
        assert [found.headers[name] for name in same] == [expected.headers[name] for name in same]
        assert "X-Slurm-Stale" not in found.headers
    assert before.headers["Cache-Control"] == "public, max-age=3600, stale-while-revalidate=3600"
    host.renderer.gate.set()
    wait_for("the next version", lambda: version_of(host.ask(1)) == version_of(before) + 1)


def test_repeated_request_for_the_version_before_is_cached_until_the_next_is_rendered(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = host.load_while_rendering()
    opened: list[str] = []

    def count(bodies: WholeBodies, found: Snapshot, *others: Any) -> WholeBody:
        opened.append(found.name)
        return open_body(bodies, found, *others)

    open_body = WholeBodies.open
    monkeypatch.setattr(WholeBodies, "open", count)

    def is_cached() -> bool:
        earlier = len(opened)
        assert host.ask().data == before.data
        return len(opened) == earlier

    wait_for("a response from the cache", is_cached)
    host.renderer.gate.set()
    wait_for("the next version", lambda: version_of(host.ask()) == version_of(before) + 1)


def test_change_of_the_folder_ends_cached_responses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time_ns() - 10**12
    os.utime(tmp_path, ns=(long_ago, long_ago))
    is_unchanged = VersionFiles(tmp_path).unchanged_check()
    assert is_unchanged is not None
    assert is_unchanged()
    (tmp_path / "queue-next").touch()
    assert not is_unchanged()
    # Another file of the same moment would leave the time of the folder as it is.
    changed = tmp_path.stat().st_mtime_ns
    monkeypatch.setattr(time, "time_ns", lambda: changed + 1)
    assert VersionFiles(tmp_path).unchanged_check() is None


def test_age_of_the_version_before_is_its_own(host: Host) -> None:
    before, _ = host.load_while_rendering()
    (file,) = (path for path in host.prepared.iterdir() if path.name.endswith(".json.gz"))
    path = str(file).replace(file.name.split("~")[2], repr(time.time() - 100.0))
    file.rename(path)
    os.utime(path, (time.time(), time.time() - 100.0))
    found = host.ask()
    assert found.headers["ETag"] == before.headers["ETag"]
    assert 100 <= int(found.headers["Age"]) < 3600


def test_client_with_the_version_before_gets_a_304_until_the_next_is_rendered(host: Host) -> None:
    before, _ = host.load_while_rendering()
    etag = before.headers["ETag"]
    for worker in (0, 1, 0):
        found = host.ask(worker, headers={"If-None-Match": etag})
        assert (found.status_code, found.headers["ETag"]) == (304, etag)
    host.renderer.gate.set()
    wait_for("the next version", lambda: host.ask(headers={"If-None-Match": etag}).status_code == 200)


@pytest.mark.parametrize(
    "headers",
    [{"Cache-Control": "no-cache"}, {"Cache-Control": "max-age=0"}, {"If-None-Match": 'W/"{generation}-99-a"'}],
    ids=["no-cache", "max-age", "a later ETag"],
)
def test_client_that_demands_the_current_version_waits_for_it(host: Host, headers: dict[str, str]) -> None:
    before, _ = host.load_while_rendering()
    generation = before.headers["ETag"].removeprefix('W/"').partition("-")[0]
    sent = {name: value.format(generation=generation) for name, value in headers.items()}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(host.ask, headers=sent)
        # The client without a demand does not wait meanwhile.
        assert version_of(host.ask()) == version_of(before)
        assert not waiting.done()
        host.renderer.gate.set()
        assert version_of(waiting.result()) == version_of(before) + 1


def test_no_more_requests_wait_for_a_first_rendering_than_there_are_slots(host: Host) -> None:
    host.load()
    host.renderer.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(host.ask) for _ in range(8)]
        wait_for("the answers to those that do not wait", lambda: sum(one.done() for one in asked) == 8 - SLOTS)
        # A thread is free for other routes.
        assert pool.submit(host.api.client.get, "/queue?limit=1").result().status_code == 200
        refused = [one.result() for one in asked if one.done()]
        host.renderer.gate.set()
        codes = sorted(one.result().status_code for one in asked)
    assert codes == [200] * SLOTS + [503] * (8 - SLOTS)
    assert {(one.headers["Retry-After"], one.get_json()["errors"][0]["title"]) for one in refused} == {
        ("2", "Being rendered")
    }
    assert len(host.renderer.versions) == 1


def test_no_client_gets_an_older_version_than_before(host: Host) -> None:
    """Clients go from worker to worker, with and without gzip, HEAD and ETags, while versions come quickly."""
    first, ended = host.load(), threading.Event()

    def client(number: int) -> list[int]:
        seen, etag = [first], ""
        for turn in itertools.count(number):
            if ended.is_set() and turn - number >= LOADS:
                return seen
            headers = {"Accept-Encoding": (GZIP, PLAIN)[turn // 3 % 2]}
            if etag and turn % 5 == 0:
                headers["If-None-Match"] = etag
            method = "HEAD" if turn % 7 == 0 else "GET"
            answer = host.workers[turn % 2].open("/queue", method=method, headers=headers)
            assert answer.status_code in (200, 304, 503)
            if answer.status_code != 503:
                seen.append(version_of(answer))
                etag = answer.headers["ETag"]
        return seen

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        last = [host.load() for _ in range(LOADS)][-1]
        ended.set()
        found = [one.result() for one in clients]
    assert [seen for seen in found if seen != sorted(seen)] == []
    assert len(host.renderer.versions) <= 2 * (LOADS + 1)
    wait_for("the last version", lambda: version_of(host.ask()) == last)


# Holds the lock of a rendering that never ends, and says so.
_RENDERER = """
import pathlib, sys, time
from slurm_rest_api.slurmapi.responses.body_files import try_lock
lock = try_lock(pathlib.Path(sys.argv[1]))
print("rendering", flush=True)
time.sleep(3600)
"""


def test_worker_that_is_killed_while_it_renders_is_replaced_by_the_next(host: Host) -> None:
    before, _ = host.load_while_rendering()
    host.renderer.gate.set()
    wait_for("the version", lambda: version_of(host.ask()) > version_of(before))
    lock = host.prepared / "queue.render.lock"
    worker = subprocess.Popen([sys.executable, "-c", _RENDERER, str(lock)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"rendering\n"
    last = host.load()
    assert version_of(host.ask()) < last
    worker.kill()
    worker.communicate()
    wait_for("the next rendering", lambda: version_of(host.ask()) == last)


def test_client_gets_no_older_version_after_a_disk_was_full(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    before = host.load()
    assert [version_of(host.ask()), version_of(host.ask(accepted=PLAIN))] == [before, before]

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(VersionFiles, "write", fail)
        last = host.load()
        streamed = wait_for(
            "a stream", lambda: found if (found := host.ask()).headers["Cache-Control"] == "no-store" else None
        )
        assert version_of(streamed) == last
        assert version_of(host.ask(1, PLAIN)) == last
    assert version_of(host.ask(1)) == last


def refuses_to_wait(worker: FlaskClient) -> bool:
    """True if a request to a worker without slots is answered with 503, because no version may be sent."""
    status = worker.get("/queue", headers={"Accept-Encoding": GZIP}).status_code
    assert status in (200, 503)
    return status == 503


def test_version_of_a_store_that_was_deleted_is_not_sent(host: Host) -> None:
    host.load_while_rendering()
    host.slots = 0
    worker = host.another_worker()
    assert not refuses_to_wait(worker)
    host.api.reset()
    host.load()
    assert refuses_to_wait(worker)


def test_version_before_is_not_sent_if_the_other_encoding_is_rendered_already(host: Host) -> None:
    host.load_while_rendering()
    host.slots = 0
    worker = host.another_worker()
    (plain,) = (path for path in host.prepared.iterdir() if path.suffix == ".json" and "~" in path.name)
    generation, number, rest = plain.name.split("-", 3)[1:]
    plain.rename(plain.with_name(f"queue-{generation}-{int(number) + 1}-{rest}"))
    assert refuses_to_wait(worker)


def test_file_of_the_version_before_stays_for_nginx_until_the_next_is_written(host: Host) -> None:
    host.load()
    host.ask()
    (named,) = rendered(host)
    version = host.load()
    wait_for("the next version", lambda: _is_rendered(host, version))
    assert named.exists()
    version = host.load()
    wait_for("the version after it", lambda: _is_rendered(host, version))
    assert not named.exists()
    assert len(rendered(host)) == 2


def test_body_is_kept_in_each_content_coding_that_clients_asked_for(host: Host) -> None:
    host.load()
    plain = host.ask(accepted=PLAIN)
    assert endings(host) == {".json"}
    packed = host.ask(1, "zstd, gzip")
    assert (packed.headers["Content-Encoding"], packed.headers["ETag"]) == ("zstd", plain.headers["ETag"])
    assert decompress(packed.data, "zstd") == plain.data
    assert endings(host) == {".json", ".zst"}
    version = host.load()
    wait_for("the next version", lambda: _is_rendered(host, version))
    # It is rendered once for both.
    assert endings(host) == {".json", ".zst"}
    assert host.renderer.versions == [version - 1, version - 1, version]


def endings(host: Host) -> set[str]:
    """The ends of the names of the rendered versions."""
    return {path.suffix for path in rendered(host)}


def rendered(host: Host) -> list[Path]:
    """The files of rendered versions."""
    return [path for path in host.prepared.iterdir() if "~" in path.name]


def test_version_is_rendered_before_anyone_asks_while_clients_ask_now_and_then(host: Host) -> None:
    host.load()
    host.ask()
    last = host.load()
    wait_for("a rendering after the load", partial(_is_rendered, host, last))
    assert host.renderer.versions == [last - 1, last]


def test_first_version_is_rendered_after_its_load_if_a_client_asked_before(host: Host) -> None:
    assert [host.ask(worker).status_code for worker in (0, 1, 0)] == [503, 503, 503]
    # One thread of the host waits, and no request does.
    assert len(host.followers()) == 1
    first = host.load()
    wait_for("a rendering after the load", partial(_is_rendered, host, first))
    host.slots = 0
    assert version_of(host.another_worker().get("/queue", headers={"Accept-Encoding": GZIP})) == first
    assert host.renderer.versions == [first]


def test_thread_that_waits_for_the_first_load_ends_without_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_bodies, "FIRST_LOAD_SECONDS", 0.0)
    assert host.ask().status_code == 503
    wait_for("its end", lambda: not host.followers())
    # Its lock is free again.
    monkeypatch.undo()
    lock = try_lock(host.prepared / "queue.follow.lock")
    assert lock is not None
    os.close(lock)


def test_worker_that_starts_later_sends_what_earlier_ones_have_rendered(host: Host) -> None:
    host.load()
    before = host.ask()
    host.slots = 0
    after = host.another_worker().get("/queue", headers={"Accept-Encoding": GZIP})
    assert (after.status_code, after.data) == (200, before.data)
    assert len(host.renderer.versions) == 1


def test_nothing_is_rendered_once_no_client_asks(host: Host) -> None:
    host.load()
    host.ask()
    wait_for("the thread that follows", host.followers)
    for file in host.prepared.iterdir():
        os.utime(file, (0.0, file.stat().st_mtime))
    wait_for("its end", lambda: not host.followers())
    for _ in range(3):
        host.load()
    assert len(host.renderer.versions) == 1


def _is_rendered(host: Host, version: int) -> bool:
    return any(file.version.number == version for file in VersionFiles(host.prepared).of_route("queue"))
