"""Prepared bodies in a real folder."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies


class Renderer:
    """Counts how often a body is rendered."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.calls = 0

    def __call__(self) -> Iterator[bytes]:
        self.calls += 1
        return iter(self.chunks)


def read(bodies: PreparedBodies, name: str, tag: str, render: Renderer, *, compressed: bool = False) -> bytes:
    with bodies.open(name, tag, "gzip" if compressed else "identity", render=render) as file:
        return file.read()


def test_body_is_rendered_once_per_version(tmp_path: Path) -> None:
    bodies, render = PreparedBodies(tmp_path / "prepared"), Renderer(b"one ", b"two")
    assert read(bodies, "queue", "run-1", render) == b"one two"
    assert read(bodies, "queue", "run-1", render) == b"one two"
    assert render.calls == 1
    assert read(bodies, "queue", "run-2", Renderer(b"three")) == b"three"


def test_compressed_body_has_the_same_content(tmp_path: Path) -> None:
    compressed = read(PreparedBodies(tmp_path), "queue", "run-1", Renderer(b"one ", b"two"), compressed=True)
    assert gzip.decompress(compressed) == b"one two"


def test_only_old_versions_of_the_same_body_are_removed(tmp_path: Path) -> None:
    bodies = PreparedBodies(tmp_path)
    read(bodies, "queue", "run-1", Renderer(b"old"))
    read(bodies, "queue", "run-1", Renderer(b"old"), compressed=True)
    read(bodies, "nodes", "run-1", Renderer(b"nodes"))
    read(bodies, "queue", "run-2", Renderer(b"new"))
    kept = {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert kept == {"queue-run-2.json", "queue-run-1.json.gz", "nodes-run-1.json"}


def test_versions_of_a_route_that_was_large_are_removed(tmp_path: Path) -> None:
    bodies = PreparedBodies(tmp_path)
    large = [tmp_path / f"queue-run-1-a~1.0~1.0~1.0~0.{ending}" for ending in ("json", "json.gz", "json.zst")]
    for file in large:
        file.touch()
    read(bodies, "queue", "run-2", Renderer(b"new"))
    assert [file for file in large if file.exists()] == []


def test_file_that_is_being_sent_survives_its_removal(tmp_path: Path) -> None:
    bodies = PreparedBodies(tmp_path)
    with bodies.open("queue", "run-1", "identity", render=Renderer(b"old")) as sending:
        read(bodies, "queue", "run-2", Renderer(b"new"))
        assert sending.read() == b"old"


def test_concurrent_requests_share_one_rendering(tmp_path: Path) -> None:
    bodies, render = PreparedBodies(tmp_path), Renderer(*[b"x" * 1000] * 500)
    start, answers = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        answers.append(read(bodies, "queue", "run-1", render))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"x" * 500_000] * 8
    assert render.calls == 1


def test_failed_rendering_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> Iterator[bytes]:
        yield b"half"
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        PreparedBodies(tmp_path).open("queue", "run-1", "identity", render=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["queue.json.lock"]


# Writes half a body, says so, and waits to be killed.
_WRITER = """
import pathlib, sys, time
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
def render():
    yield b"x" * 100_000
    print("half", flush=True)
    time.sleep(3600)
PreparedBodies(pathlib.Path(sys.argv[1])).open("queue", "run-1", "identity", render=render)
"""


def test_body_of_a_killed_worker_is_removed_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"half\n"
    bodies = PreparedBodies(tmp_path)
    read(bodies, "nodes", "run-1", Renderer(b"nodes"))
    assert len(unfinished(tmp_path)) == 1
    writer.kill()
    writer.communicate()
    assert len(unfinished(tmp_path)) == 1
    read(bodies, "nodes", "run-2", Renderer(b"new"))
    assert unfinished(tmp_path) == []
    assert read(bodies, "queue", "run-1", Renderer(b"whole")) == b"whole"


def unfinished(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("making-")]
