"""Large answers: what is read before the first byte, what is held on the way, and clients that go away."""

from __future__ import annotations

import gzip
import json
import socket
import sqlite3
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import waitress.server

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job
from tests.slurmapi.query.service import Service
from tests.slurmapi.store_connections import watch_connections
from tests.waiting import GIVE_UP_SECONDS, wait_for

MANY, SOME = 40_000, 20_000
MIB = 2**20


class Large(Service):
    """40,000 jobs, half of them grace's; `fetched` counts the rows that answers have read of the store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fetched = 0
        cluster = {number: self.job(number) for number in range(1, MANY + 1)}
        self.load(cluster)
        self.before = self.get("/queue", count="true")["meta"]["version"]
        self.load({**cluster, **{number: self.job(number, comment="new") for number in cluster if number % 2 == 0}})

    def job(self, number: int, **fields: Any) -> Record:
        user = "grace" if number % 2 == 0 else "ada"
        return make_job(number, user_name=user, priority=number % 1000, std_out="/home/" + "x" * 100, **fields)

    def count(self, _cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        self.fetched += 1
        return row


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    service = Large(tmp_path_factory.mktemp("large"))

    def watch(connection: sqlite3.Connection) -> None:
        connection.row_factory = service.count

    with pytest.MonkeyPatch.context() as patch:
        watch_connections(patch, service.paths.root, watch)
        # A new application, whose connections count.
        service.client = Service(service.paths.root).client
        yield service


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Tells the most bytes of Python objects that were held at once since the beginning."""
    tracemalloc.start()
    try:
        begin = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        yield lambda: tracemalloc.get_traced_memory()[1] - begin
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("query", "records"),
    [
        ("format=ndjson", MANY),
        ("user=grace&format=ndjson", SOME),
        ("user=grace&format=csv&fields=job_id,name,std_out,user_name", SOME),
        ("user=grace&format=tsv&fields=job_id,name,std_out,user_name", SOME),
        ("user=grace&format=table&fields=job_id,name,std_out,user_name", SOME),
        ("user=grace&sort=-priority", SOME),
        ("user=grace&shape=list&fields=job_id,name,std_out", SOME),
        ("user=grace&since=none", SOME),
        ("since={before}", SOME),
    ],
)
def test_response_is_sent_while_it_is_read(large: Large, query: str, records: int) -> None:
    path = f"/queue?{query.format(before=large.before)}"
    large.client.get("/queue?limit=1")
    with traced() as peak:
        large.fetched = 0
        response = large.client.get(path, buffered=False)
        pieces = response.iter_encoded()
        size = len(next(pieces))
        before_the_first = large.fetched
        for piece in pieces:
            size += len(piece)
        response.close()
        held = peak()
    assert size > 1_500_000
    assert before_the_first < records / 4, "rows that were read before the first byte"
    assert large.fetched >= records
    assert held < 4 * MIB, f"{held / MIB:.1f} MiB were held for an answer of {size / MIB:.1f} MiB"


def test_every_job_of_a_large_queue_is_a_line(large: Large) -> None:
    response = large.client.get("/queue?format=ndjson", buffered=False)
    ids = [json.loads(line)["job_id"] for line in b"".join(response.iter_encoded()).splitlines()]
    response.close()
    assert ids == list(range(1, MANY + 1))
    assert response.headers["X-Total-Count"] == str(MANY)


@contextmanager
def served(service: Service) -> Iterator[int]:
    """The application in the server of `slurm-rest-api serve`. Yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = waitress.server.create_server(service.client.application, sockets=[listening], threads=2)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        thread.join(GIVE_UP_SECONDS)


def is_being_read(store: Path) -> bool:
    """Returns True if a response holds a view of the store open, so that its log cannot be emptied."""
    connection = sqlite3.connect(store, timeout=0)
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return bool(busy)
    finally:
        connection.close()


def test_client_that_disconnects_closes_the_view(large: Large) -> None:
    with served(large) as port:
        for ending in ("reset", "close"):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"GET /queue?format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
            StoreWriter(large.paths.store).record_failure("something is written meanwhile", time.time())
            assert is_being_read(large.paths.store)
            if ending == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            wait_for("the view of the store to be closed", lambda: not is_being_read(large.paths.store))


def test_large_responses_are_streamed_and_close_the_view(api: Service) -> None:
    api.load({number: make_job(number, comment="x" * 500) for number in range(1, 1001)})
    response = api.client.get("/queue?sort=-job_id&shape=list", buffered=False)
    assert "Content-Length" not in response.headers
    pieces = response.iter_encoded()
    assert next(iter(pieces)).startswith(b'{"data":')
    # The client goes away in the middle.
    response.close()
    with StoreReader(api.paths.store).view() as view:
        assert view is not None
    packed = api.client.get("/queue?sort=-job_id&shape=list", headers={"Accept-Encoding": "gzip"})
    plain = api.client.get("/queue?sort=-job_id&shape=list")
    assert gzip.decompress(packed.data) == plain.data
    assert [job["job_id"] for job in json.loads(plain.data)["data"]] == list(range(1000, 0, -1))
