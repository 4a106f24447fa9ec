"""Imports the libraries of the web workers once, in uWSGI's main process, so that all workers share them.

uWSGI imports this module before it starts the workers (`shared-pyimport`). A worker then imports only the service
itself. The main process keeps the libraries until it executes itself again. So it notes their versions for
`slurm-rest-api reload`. It must not import modules of the service that a reload may replace.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module
from pathlib import Path
from typing import Final

from slurm_rest_api.deployment.libraries import LIBRARIES, installed_versions

VARIABLE: Final = "SLURM_REST_API_LIBRARIES"
"""Names the file for the versions. uWSGI's configuration sets it."""


def import_libraries(note: Path) -> None:
    """Imports the libraries and writes their versions into the file `note`.

    Raises:
        ImportError: a library is missing.
        OSError: the file cannot be written.
    """
    versions = installed_versions()
    # A worker copies each page of memory in which its garbage collector marks an object.
    gc.disable()
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()
    gc.enable()
    note.write_text(versions, encoding="utf-8")


if VARIABLE in os.environ:
    import_libraries(Path(os.environ[VARIABLE]))
