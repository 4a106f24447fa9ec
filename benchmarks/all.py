"""Runs the benchmarks one after the other, and writes `benchmarks/results/` and the table of docs/performance.md.

Run `python3 -m benchmarks.all` as root in the checkout, on an idle Debian with `nginx`, `wrk` and `chromium`. It
installs uWSGI in its own environment once, and takes up to 45 minutes. `--only NAME` (repeatable) runs some and keeps
the figures of the others. Only it runs `freshness`, `jobs` and `load`, which take 20 minutes more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.figures import write_table

_ROOT: Final = Path(__file__).parents[1]
_RESULTS: Final = _ROOT / "benchmarks" / "results"
_FIGURES: Final = _RESULTS / "figures.json"
_PAGE: Final = _ROOT / "docs" / "performance.md"
# uWSGI is compiled for the Python that runs the benchmarks.
_UWSGI: Final = Path("/var/cache/slurm-rest-api-benchmarks/venv/bin/uwsgi")
# Each with the options that keep the default ones within 45 minutes.
_PROGRAMS: Final = {
    "peers": ("--clients", "1", "50"),
    "live": ("--jobs=50000",),
    "asking": (),
    "reload": (),
    "history": ("--times=10", "--steps-of=2000000"),
    "map": (),
    "freshness": ("--seconds=60",),
    "jobs": ("--rows=1000000",),
    "load": (),
}
_BY_DEFAULT: Final = ("peers", "live", "asking", "reload", "history", "map")
_WITH_FIGURES: Final = ("peers", "history", "jobs", "map")
_WITH_UWSGI: Final = ("asking", "reload")


def main(arguments: list[str]) -> int:
    """Runs the programs and says how long each took. Returns the number of those that failed."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.all", description=__doc__)
    parser.add_argument("--only", action="append", choices=_PROGRAMS, help="run this one; repeatable")
    options = parser.parse_args(arguments)
    programs = options.only or _BY_DEFAULT
    if not set(_WITH_UWSGI).isdisjoint(programs):
        _install_uwsgi()
    failed = 0
    for name in programs:
        began = time.monotonic()
        status = subprocess.run(_command(name), cwd=_ROOT, check=False).returncode
        failed += status != 0
        ended = "done" if status == 0 else f"failed with exit status {status}"
        print(f"benchmarks.{name}: {ended} after {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    if _FIGURES.exists():
        write_table(_FIGURES, _PAGE)
    return failed


def _install_uwsgi() -> None:
    environment = _UWSGI.parents[1]
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    lock = str(_ROOT / "requirements" / "uwsgi.lock")
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", lock], check=True)


def _command(name: str) -> list[str]:
    figures = ["--figures", str(_FIGURES)] if name in _WITH_FIGURES else []
    output = ["--output", str(_RESULTS / f"{name}.md")]
    uwsgi = ["--uwsgi", str(_UWSGI)] if name in _WITH_UWSGI else []
    return [sys.executable, "-m", f"benchmarks.{name}", *_PROGRAMS[name], *output, *figures, *uwsgi]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
