"""Runs the benchmarks one after the other, and writes `benchmarks/results/` and the table of docs/performance.md.

Run `python3 -m benchmarks.all` as root in the checkout, on an idle Debian with `nginx`, `wrk`, `curl` and `chromium`.
It installs uWSGI in its own environment once, and takes up to 45 minutes. `--only NAME` (repeatable) runs some and
keeps the figures of the others. Only it runs `freshness` and `jobs`, which take 20 minutes more.

A benchmark that fails, or is not done in time, keeps its results of an earlier run, and the next one starts. The table
is written after each. `--quick FOLDER` runs with the smallest sizes and writes into the folder, to see that all work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.figures import write_table
from benchmarks.run_command import run_command
from tests.testbed.layout import layout_from
from tests.testbed.processes import processes_inside

_ROOT: Final = Path(__file__).parents[1]
# uWSGI is compiled for the Python that runs the benchmarks.
_UWSGI: Final = Path("/var/cache/slurm-rest-api-benchmarks/venv/bin/uwsgi")
_TOOLS: Final = ("nginx", "wrk", "curl", "chromium")
# Ten million records with their indexes, and the log of the database server.
_DISK_BYTES: Final = 20 * 2**30
_LIMIT_SECONDS: Final = 25 * 60


@dataclass(frozen=True)
class Program:
    """One benchmark: options that keep all within 45 minutes, and those of the smallest sizes.

    `keeps` names the options for files that it writes besides its table: `figures`, and `results` of finished parts.
    """

    options: Sequence[str] = ()
    smallest: Sequence[str] = ()
    keeps: Sequence[str] = ()
    on_cluster: bool = False
    on_uwsgi: bool = False


_PROGRAMS: Final = {
    "peers": Program(
        ("--clients", "1", "50"),
        ("--clients", "1", "5", "--jobs=300", "--seconds=1"),
        ("figures", "results"),
        on_cluster=True,
    ),
    "live": Program(("--jobs=50000",), ("--jobs=300",), on_cluster=True),
    "asking": Program(
        (), ("--clients", "1", "5", "--jobs=2000", "--nodes=100", "--seconds=1"), ("results",), on_uwsgi=True
    ),
    "reload": Program((), ("--jobs=500", "--nodes=50", "--times=1"), on_uwsgi=True),
    "history": Program(
        ("--times=10", "--steps-of=2000000"),
        ("--times=2", "--rows=100000", "--steps-of=100000"),
        ("figures",),
        on_cluster=True,
    ),
    "map": Program((), ("--nodes=100", "--jobs=300", "--rounds=3"), ("figures",)),
    "freshness": Program(("--seconds=60",), ("--seconds=5", "--size=100:10"), on_cluster=True),
    "jobs": Program(("--rows=1000000",), ("--times=3", "--rows=30000"), ("figures",), on_cluster=True),
    "load": Program((), ("--days=3",)),
}
_BY_DEFAULT: Final = ("peers", "live", "asking", "reload", "history", "map")


def main(arguments: list[str]) -> int:
    """Runs the programs and says how long each took. Returns the number of those that failed."""
    options = _parser().parse_args(arguments)
    names = tuple(dict.fromkeys(options.only or _BY_DEFAULT))
    results = _ROOT / "benchmarks" / "results"
    page = _ROOT / "docs" / "performance.md"
    if options.quick is not None:
        results, page = _copies(results, page, options.quick)
    problems = list(_problems(names, needs_disk=options.quick is None))
    for problem in problems:
        print(f"benchmarks.all: {problem}", file=sys.stderr)
    if problems:
        return len(problems)
    if any(_PROGRAMS[name].on_uwsgi for name in names):
        _install_uwsgi()
    failed = []
    for name in names:
        began = time.monotonic()
        ended = run_command(_command(name, results, quick=options.quick is not None), _ROOT, options.minutes * 60)
        print(f"benchmarks.{name}: {ended or 'done'} after {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
        if ended:
            failed.append(name)
        if ended and _PROGRAMS[name].on_cluster:
            # The next one needs a cluster without jobs.
            run_command([sys.executable, "-m", "tests.testbed", "down"], _ROOT, _LIMIT_SECONDS)
        if (results / "figures.json").exists():
            write_table(results / "figures.json", page)
    print(f"benchmarks.all: {len(names) - len(failed)} done, {len(failed)} failed {' '.join(failed)}".rstrip())
    return len(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.all", description=__doc__)
    parser.add_argument("--only", action="append", choices=_PROGRAMS, help="run this one; repeatable")
    parser.add_argument("--quick", type=Path, metavar="FOLDER", help="try all with the smallest sizes, write into it")
    parser.add_argument(
        "--minutes", type=float, default=_LIMIT_SECONDS / 60, help="the longest duration of one (default: %(default)g)"
    )
    return parser


def _problems(names: Sequence[str], *, needs_disk: bool) -> Iterator[str]:
    """Yields a sentence for each reason for which a program would fail later."""
    if os.geteuid() != 0:
        yield "the cluster of tests/testbed needs root. Start this program as root."
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            yield f"{tool} is not installed. Install Debian's package."
    layout = layout_from(os.environ)
    if any(_PROGRAMS[name].on_cluster for name in names) and processes_inside(layout.root):
        yield f"the cluster in {layout.base} is up. Take it down with 'python3 -m tests.testbed down'."
    free = shutil.disk_usage(layout.base if layout.base.exists() else layout.base.parent).free
    if needs_disk and "history" in names and free < _DISK_BYTES:
        yield f"free space for {layout.base}: {free / 2**30:.0f} GiB. Provide {_DISK_BYTES / 2**30:.0f} GiB."


def _copies(results: Path, page: Path, folder: Path) -> tuple[Path, Path]:
    """Copies the results and the page into `folder`. Returns the copies."""
    shutil.copytree(results, folder, dirs_exist_ok=True)
    return folder, Path(shutil.copy(page, folder))


def _install_uwsgi() -> None:
    environment = _UWSGI.parents[1]
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    lock = str(_ROOT / "requirements" / "uwsgi.lock")
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", lock], check=True)


def _command(name: str, results: Path, *, quick: bool) -> list[str]:
    program = _PROGRAMS[name]
    raw = _ROOT / "build" / "benchmarks"
    raw.mkdir(parents=True, exist_ok=True)
    files = {"figures": results / "figures.json", "results": raw / f"{name}{'-quick' * quick}.json"}
    kept = [f"--{kind}={files[kind]}" for kind in program.keeps]
    uwsgi = [f"--uwsgi={_UWSGI}"] if program.on_uwsgi else []
    sizes = program.smallest if quick else program.options
    return [sys.executable, "-m", f"benchmarks.{name}", *sizes, f"--output={results / name}.md", *kept, *uwsgi]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
