"""Describes the machine and writes a report into its file."""

from __future__ import annotations

import os
from pathlib import Path

from tests.testbed.cluster import Cluster


def machine(cluster: Cluster) -> str:
    """Returns Slurm's release and the machine as a clause without a full stop."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"Slurm {cluster.release}, {os.cpu_count()} cores ({model}), {gib:.0f} GiB; load average {load:.1f}"


def write_between_marks(path: Path, text: str, name: str = "figures") -> None:
    """Writes `text` into a file. In a file with the marks called `name`, replaces only the text between them."""
    first, last = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, begin, rest = path.read_text().partition(first) if path.exists() else ("", "", "")
    _, end, after = rest.partition(last)
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}" if end else f"{text}\n")
