"""Names the libraries that uWSGI's main process imports, and tells if other versions have been installed since."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path
from typing import Final

FILE_NAME: Final = "libraries"
"""Name of the file in the runtime directory with the versions of the imported libraries."""
RESTART_NAME: Final = "restart"
"""Name of the file there that uWSGI watches to execute itself again (`touch-reload`)."""

LIBRARIES: Final = (
    "ClusterShell.NodeSet",
    "ctypes",
    "encodings.idna",
    "flask_cors",
    "flask_openapi3.plugins",
    "flask_openapi3_swagger.plugins",
    "jwt",
    "orjson",
    "platformdirs.unix",
    "prometheus_client.core",
    "prometheus_client.multiprocess",
    "pydantic.dataclasses",
    "pydantic.root_model",
    "pydantic.type_adapter",
    "pymysql",
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.ext.compiler",
    "sqlite3",
    "yaml",
    "zlib_ng.zlib_ng",
    "zstandard",
)
"""The modules that a web worker imports, without those of the service. Each also imports others of its library."""

_OWN: Final = "slurm-rest-api"


def installed_versions() -> str:
    """Returns names and versions of the installed packages except the service, one a line."""
    found = {(package.name.lower().replace("_", "-"), package.version) for package in distributions()}
    return "".join(f"{name} {version}\n" for name, version in sorted(found) if name != _OWN)


def are_other_libraries_installed(runtime: Path) -> bool:
    """Returns True if the main process has imported other versions than are installed.

    It is False if the main process has imported none, so that it has noted none in the directory `runtime`.
    """
    try:
        return (runtime / FILE_NAME).read_text(encoding="utf-8") != installed_versions()
    except FileNotFoundError:
        return False
