"""The files that pages load.

The address of a file has a version that changes with its content, so browsers may cache it forever.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from slurm_rest_api.pages.bundles import bundles
from slurm_rest_api.pages.registry import MISSING, PAGES

STATIC: Final = Path(__file__).with_name("static")
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
# The frame first: the sheets of single pages overrule it.
_SHEETS: Final = ("pages.css", "cluster.css", "usage.css")
# 6 is within 1 % of 9 at a third of the time.
_GZIP_LEVEL: Final = 6


class Asset:
    """A file that pages load, plain and compressed. It is compressed on first use, once per process."""

    def __init__(self, name: str, body: bytes) -> None:
        self.body = body
        self.media_type = _MEDIA_TYPES[Path(name).suffix]

    @cached_property
    def compressed(self) -> bytes:
        """The body as gzip."""
        return gzip.compress(self.body, _GZIP_LEVEL, mtime=0)


@cache
def page_files() -> Mapping[str, Asset]:
    """Returns the files of the pages by name: one style sheet, and scripts with the modules that they import.

    The files are read once per process. One sheet of 13 kB takes a request less than two.
    """
    sources = {file.name: file.read_text(encoding="utf-8") for file in sorted(STATIC.glob("*.js"))}
    scripts = bundles(sources, (f"{page.script}.js" for page in (*PAGES.values(), MISSING)))
    sheet = "".join((STATIC / name).read_text(encoding="utf-8") for name in _SHEETS)
    return MappingProxyType(
        {name: Asset(name, text.encode()) for name, text in {"pages.css": sheet, **scripts}.items()}
    )


def content_version(files: Mapping[str, Asset]) -> str:
    """Returns a hash of the names and contents of files, for their addresses."""
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(name.encode())
        digest.update(file.body)
    return digest.hexdigest()[:12]
