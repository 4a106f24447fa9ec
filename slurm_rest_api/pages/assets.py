"""The files of the pages, under a name that changes with what is in them: browsers may keep them for ever."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).with_name("static")
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
