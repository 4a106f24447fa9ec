"""Gives tests the outputs that Slurm's commands printed on small real clusters of several releases.

`recorded/RELEASE` has, for one moment of one cluster:

- job.txt: `scontrol -d -a show job`, without some of the jobs. `-o` prints the same with the lines joined.
- node.txt: `scontrol -d -o -a show node`. The version of the kernel is changed.
- part.txt, res.txt, lic.txt: `scontrol -o -a show part`, `scontrol -o -a show res`, `scontrol -o show lic`.
- config.txt, sdiag.txt, sshare.txt: `scontrol show config`, `sdiag`, `sshare -l -P -a`.
- sprio.txt, squeue.txt: `sprio` with the format of `priority_factors.py`, `squeue -a -h -t all` with the format of
  `squeue.py` for the jobs of job.txt.

The right values are what the same release prints in another way:

- sinfo.txt: `sinfo -a -h -N -o '%N|%T|%C|%m|%G'`, a line for each node and partition.
- sinfo-partitions.txt: `sinfo -a -h -s -o '%R|%a|%l|%D|%N'`.
- squeue-values.txt: `squeue -a -h -t all -o '%A|%C|%D|%m|%Q|%S|%e|%l|%r'`.

All were recorded with `LC_ALL=C.UTF-8 SLURM_TIME_FORMAT=%s TZ=UTC`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "recorded"
RELEASES: Final = sorted(path.name for path in FOLDER.iterdir())


class RecordedCluster:
    """One cluster.

    Args:
        release: Name of a release, such as `17.11`.
    """

    def __init__(self, release: str) -> None:
        self.release = release
        self.folder = FOLDER / release

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor number of the release."""
        major, minor = self.release.split(".")
        return int(major), int(minor)

    def output(self, name: str) -> bytes:
        return (self.folder / f"{name}.txt").read_bytes()

    def text(self, name: str) -> str:
        return self.output(name).decode(errors="replace")

    def lines(self, name: str) -> list[bytes]:
        return self.output(name).removesuffix(b"\n").split(b"\n")

    def rows(self, name: str, separator: str = "|") -> list[list[str]]:
        """Returns the columns of each line."""
        return [line.decode(errors="replace").split(separator) for line in self.lines(name)]
