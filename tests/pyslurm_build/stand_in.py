"""Small packages in pyslurm's place, a Slurm to build them for, and a web server that has them."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# The build of a stand-in needs no packages: it has its own backend, which writes the wheel.
_BACKEND = """\
import os, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    gate = os.environ.get("STAND_IN_GATE")
    if gate:
        open(gate + ".reached", "w").close()
        while not os.path.exists(gate):
            time.sleep(0.02)
    version = open("pyslurm/version.py").read().split('"')[1]
    name = f"pyslurm-{version}-py3-none-any.whl"
    info = f"pyslurm-{version}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for file in ("__init__.py", "version.py"):
            wheel.write(f"pyslurm/{file}")
        wheel.writestr("pyslurm/built_with.txt", os.environ["SLURM_LIB_DIR"] + "\\n" + os.environ["SLURM_INCLUDE_DIR"])
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: pyslurm\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
# Without a slurm.conf Slurm's library ends the process when pyslurm is imported.
_PACKAGE = """\
import os, sys
from .version import __version__
COLOUR = "{colour}"
if not os.environ.get("PYSLURM_DISABLE_AUTO_INIT"):
    sys.exit(1)
"""


def source(folder: Path, version: str = "24.11.0", colour: str = "blue", package: str = _PACKAGE) -> Path:
    """Writes a source of a stand-in and returns its folder. `colour` distinguishes sources of the same version."""
    files = {
        "setup.py": "# links libslurmfull\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": _BACKEND,
        "pyslurm/__init__.py": package.replace("{colour}", colour),
        "pyslurm/version.py": f'__version__ = "{version}"\n',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def packed(folder: Path, name: str = "pyslurm-1", level: int = 9) -> bytes:
    """Returns a folder as tar.gz below the folder `name`."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=level, mtime=0) as file,
        tarfile.open(fileobj=file, mode="w") as tar,
    ):
        tar.add(folder, arcname=name)
    return out.getvalue()


def slurm(folder: Path, number: int = 0x180B05) -> dict[str, str]:
    """Writes the headers and the library of a Slurm, and returns the variables that name them."""
    (folder / "include/slurm").mkdir(parents=True)
    (folder / "include/slurm/slurm_version.h").write_text(f"#define SLURM_VERSION_NUMBER 0x{number:06x}\n")
    (folder / "lib").mkdir()
    version = f"{number >> 16}.{number >> 8 & 0xFF:02d}.{number & 0xFF}"
    (folder / "lib/libslurmfull.so").write_text(version)
    return {"SLURM_INCLUDE_DIR": str(folder / "include"), "SLURM_LIB_DIR": str(folder / "lib")}


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class WebServer:
    """A web server on this host. `answers` are by path, `requests` the paths that were asked for."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def put(self, path: str, body: bytes) -> str:
        """Serves a file and returns its URL."""
        self.answers[path] = lambda handler: send(handler, 200, body, length=len(body))
        return self.url + path

    def redirect(self, path: str, target: str) -> str:
        """Serves a redirect and returns its URL."""
        self.answers[path] = lambda handler: send(handler, 302, b"", location=target, length=0)
        return self.url + path


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, *, length: int | None = None, location: str | None = None
) -> None:
    """Sends an answer. With a `length` above that of the body it is truncated."""
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    if location is not None:
        handler.send_header("Location", location)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Runs a web server on the loopback interface."""
    served = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            answer = served.answers.get(self.path)
            if answer is None:
                send(self, 404, b"", length=0)
            else:
                answer(self)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        served.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
