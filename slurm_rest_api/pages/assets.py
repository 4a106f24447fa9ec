"""The files that pages load.

The address of a file has a version that changes with its content, so browsers may cache it forever.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).with_name("static")
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
# 6 is within 1 % of 9 at a third of the time.
_GZIP_LEVEL: Final = 6
# Static imports only: `import(...)` loads a module on demand.
_IMPORT: Final = re.compile(r'^(?:import \{.*)?\} from "\./([\w-]+\.js)";$', re.MULTILINE)


def content_version(folder: Path = STATIC) -> str:
    """Returns a hash of the content of all files in `folder`, for their addresses."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def modules_of(script: str, folder: Path = STATIC) -> list[str]:
    """Returns the modules that `script` imports, directly and indirectly, sorted.

    A page names them all in its head. Otherwise the browser finds each one only after it has loaded the one before.
    """
    found: list[str] = []
    wanted = [script]
    while wanted:
        for module in _IMPORT.findall((folder / wanted.pop()).read_text()):
            if module not in found:
                found.append(module)
                wanted.append(module)
    return sorted(found)


class Asset:
    """A file that pages load, plain and compressed. It is read and compressed on first use, once per process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.media_type = _MEDIA_TYPES[file.suffix]

    @cached_property
    def body(self) -> bytes:
        return self._file.read_bytes()

    @cached_property
    def compressed(self) -> bytes:
        """The body as gzip."""
        return gzip.compress(self.body, _GZIP_LEVEL, mtime=0)


def page_files(folder: Path = STATIC) -> dict[str, Asset]:
    """Returns the files of the pages by name."""
    return {file.name: Asset(file) for file in folder.iterdir() if file.suffix in _MEDIA_TYPES}
