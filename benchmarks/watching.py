"""What a run costs: processor time and memory of the service's processes, and how its collector keeps its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import psutil

from slurm_rest_api.slurmapi.store.reader import StoreReader

_LOOK_SECONDS: Final = 1.0


class Watchable(Protocol):
    """What has processes, by what they are, and perhaps a snapshot store; `folder` is for files of the run."""

    @property
    def folder(self) -> Path: ...
    @property
    def store(self) -> Path: ...
    def processes(self) -> dict[str, list[psutil.Process]]: ...


@dataclass
class Watched:
    """How many `seconds` it took; `cpu` in seconds, `pss_mib` and its largest value by kind of process.

    `loads` are when data came, epoch s.
    """

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    pss_mib: dict[str, float] = field(default_factory=dict)
    peak_pss_mib: dict[str, float] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    cycle_seconds: list[float] = field(default_factory=list)


@contextmanager
def watched(service: Watchable, look_seconds: float = _LOOK_SECONDS) -> Iterator[Watched]:
    """Watches from the beginning of the block to its end; what it returns is complete after that.

    Reading what memory is shared by whom takes a few ms of each process, so it looks seldom.
    """
    found, over = Watched(), threading.Event()
    began, begin = time.monotonic(), _cpu(service)
    thread = threading.Thread(target=_look, args=(service, found, over, look_seconds))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    found.seconds = time.monotonic() - began
    found.cpu = {name: seconds - begin.get(name, 0.0) for name, seconds in _cpu(service).items()}


def _look(service: Watchable, found: Watched, over: threading.Event, look_seconds: float) -> None:
    reader = StoreReader(service.store)
    while True:
        with reader.view() as view:
            status = None if view is None else view.status()
        if status is not None and status.loaded_at is not None and status.loaded_at not in found.loads[-1:]:
            found.loads.append(status.loaded_at)
            found.cycle_seconds.append(status.cycle_seconds or 0.0)
        found.pss_mib = _pss(service)
        for name, size in found.pss_mib.items():
            found.peak_pss_mib[name] = max(size, found.peak_pss_mib.get(name, 0.0))
        if over.wait(look_seconds):
            return


def _cpu(service: Watchable) -> dict[str, float]:
    return {
        name: sum(sum(process.cpu_times()[:2]) for process in processes)
        for name, processes in service.processes().items()
    }


def _pss(service: Watchable) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name, processes in service.processes().items():
        for process in processes:
            try:
                sizes[name] = sizes.get(name, 0.0) + process.memory_full_info().pss / 2**20
            except psutil.NoSuchProcess:
                continue
    return sizes
