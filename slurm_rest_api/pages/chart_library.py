"""The script that draws graphs, out of the package plotly that pip installs: nothing of it lies in this package."""

from __future__ import annotations

import gzip
import hashlib
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

NAME: Final = "plotly.min.js"
# 6 is within 1 % of 9 at a third of the time.
_LEVEL: Final = 6


class ChartLibrary:
    """The script in `file`; None: it is not installed, and graphs are shown as tables."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @cached_property
    def body(self) -> bytes | None:
        """The script, or None where there is none. Reading it waits until somebody wants it."""
        return None if self._file is None else self._file.read_bytes()

    @cached_property
    def compressed(self) -> bytes | None:
        """The script as gzip, made once a process."""
        return None if self.body is None else gzip.compress(self.body, _LEVEL, mtime=0)

    @cached_property
    def edition(self) -> str:
        """A short name for this release of it: empty where there is none."""
        if self._file is None:
            return ""
        # The package is replaced as a whole, and to read 5 MB for a frame would be a waste.
        status = self._file.stat()
        return hashlib.sha256(f"{self._file} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]


def installed_library() -> ChartLibrary:
    """The library of this environment. Its package is found but not imported: that takes a second and 50 MB."""
    spec = find_spec("plotly")
    folders = spec.submodule_search_locations if spec is not None else None
    files = (Path(folder) / "package_data" / NAME for folder in folders or ())
    return ChartLibrary(next((file for file in files if file.is_file()), None))
