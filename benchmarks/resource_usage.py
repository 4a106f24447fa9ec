"""Measures processor time and memory of processes, and the collector's cycles, during a run."""

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

_INTERVAL_SECONDS: Final = 1.0


class Measurable(Protocol):
    """Processes by role, and an optional snapshot store. `folder` holds files of the run."""

    @property
    def folder(self) -> Path: ...
    @property
    def store(self) -> Path: ...
    def processes(self) -> dict[str, list[psutil.Process]]: ...


@dataclass
class ResourceUsage:
    """Resources of one run: `seconds` of wall clock, `cpu` seconds and PSS in MiB by role.

    `loads` are the times of loads in epoch seconds, `cycle_seconds` their durations.
    """

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    pss_mib: dict[str, float] = field(default_factory=dict)
    peak_pss_mib: dict[str, float] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    cycle_seconds: list[float] = field(default_factory=list)


@contextmanager
def measured(service: Measurable, interval_seconds: float = _INTERVAL_SECONDS) -> Iterator[ResourceUsage]:
    """Measures from the start of the block to its end. The result is complete after the block.

    Reading the PSS of a process takes a few milliseconds, so the interval is long.
    """
    found, over = ResourceUsage(), threading.Event()
    began, begin = time.monotonic(), _cpu(service)
    thread = threading.Thread(target=_sample_until, args=(service, found, over, interval_seconds))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    found.seconds = time.monotonic() - began
    found.cpu = {name: seconds - begin.get(name, 0.0) for name, seconds in _cpu(service).items()}


def _sample_until(service: Measurable, found: ResourceUsage, over: threading.Event, interval_seconds: float) -> None:
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
        if over.wait(interval_seconds):
            return


def _cpu(service: Measurable) -> dict[str, float]:
    return {
        name: sum(sum(process.cpu_times()[:2]) for process in processes)
        for name, processes in service.processes().items()
    }


def _pss(service: Measurable) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name, processes in service.processes().items():
        for process in processes:
            try:
                sizes[name] = sizes.get(name, 0.0) + process.memory_full_info().pss / 2**20
            except psutil.NoSuchProcess:
                continue
    return sizes
