"""The files that pages load: their own, and the chart library of the package plotly.

The address of a file has a version that changes with its content, so browsers may cache it forever.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

LIBRARY: Final = "plotly.min.js"
STATIC: Final = Path(__file__).with_name("static")
# 6 is within 1 % of 9 at a third of the time.
_GZIP_LEVEL: Final = 6
# Modules that are imported where they are needed, `import(...)`, are left out.
_IMPORT: Final = re.compile(r'^(?:import \{.*)?\} from "\./([\w-]+\.js)";$', re.MULTILINE)


def edition_of(folder: Path = STATIC) -> str:
    """A short name for the present content of all files in `folder`."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def modules_of(script: str, folder: Path = STATIC) -> list[str]:
    """The modules that `script` imports, and those that these import.

    A page names them all at once: else a browser learns of each from the one before, a round trip later.
    """
    found: list[str] = []
    wanted = [script]
    while wanted:
        for module in _IMPORT.findall((folder / wanted.pop()).read_text()):
            if module not in found:
                found.append(module)
                wanted.append(module)
    return sorted(found)


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
        return None if self.body is None else gzip.compress(self.body, _GZIP_LEVEL, mtime=0)

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
    files = (Path(folder) / "package_data" / LIBRARY for folder in folders or ())
    return ChartLibrary(next((file for file in files if file.is_file()), None))
