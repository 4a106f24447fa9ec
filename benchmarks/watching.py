"""What a run costs: processor time and memory of the service's processes, and how its collector keeps its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.deployed import Deployed
from slurm_rest_api.slurmapi.store.reader import StoreReader

_LOOK_SECONDS: Final = 0.25


@dataclass
class Watched:
    """`cpu` in seconds, `pss_mib` and its largest value by kind of process; `loads` are when data came, epoch s."""

    cpu: dict[str, float] = field(default_factory=dict)
    pss_mib: dict[str, float] = field(default_factory=dict)
    peak_pss_mib: dict[str, float] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    cycle_seconds: list[float] = field(default_factory=list)

    @property
    def longest_gap(self) -> float:
        """Seconds between two loads, at most; 0 where there were not two."""
        return max((later - earlier for earlier, later in zip(self.loads, self.loads[1:], strict=False)), default=0.0)


@contextmanager
def watched(service: Deployed) -> Iterator[Watched]:
    """Watches from the beginning of the block to its end; what it returns is complete after that."""
    found, over = Watched(), threading.Event()
    begin = _cpu(service)
    thread = threading.Thread(target=_look, args=(service, found, over))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    found.cpu = {name: seconds - begin.get(name, 0.0) for name, seconds in _cpu(service).items()}


def _look(service: Deployed, found: Watched, over: threading.Event) -> None:
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
        # Reading what memory is shared by whom takes a few ms of each process.
        if over.wait(_LOOK_SECONDS * 4):
            return


def _cpu(service: Deployed) -> dict[str, float]:
    return {
        name: sum(sum(process.cpu_times()[:2]) for process in processes)
        for name, processes in service.processes().items()
    }


def _pss(service: Deployed) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name, processes in service.processes().items():
        for process in processes:
            try:
                sizes[name] = sizes.get(name, 0.0) + process.memory_full_info().pss / 2**20
            except psutil.NoSuchProcess:
                continue
    return sizes
