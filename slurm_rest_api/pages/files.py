"""The files of the pages, under a name that changes with what is in them: browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).with_name("static")


def edition_of(folder: Path = STATIC) -> str:
    """A short name for the present content of all files in `folder`."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
