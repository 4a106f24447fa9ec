"""What every report begins with, and the file that it goes into."""

from __future__ import annotations

import os
from pathlib import Path

from tests.testbed.cluster import Cluster


def machine(cluster: Cluster) -> str:
    """Slurm's release and the machine that it runs on, in a clause without a stop."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"Slurm {cluster.release}, {os.cpu_count()} cores ({model}), {gib:.0f} GiB; load average {load:.1f}"


def write_between_marks(path: Path, text: str, name: str = "figures") -> None:
    """Write `text` into a file; of one with our marks, those called `name`, only what is between them is replaced."""
    first, last = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, begin, rest = path.read_text().partition(first) if path.exists() else ("", "", "")
    _, end, after = rest.partition(last)
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}" if end else f"{text}\n")
