"""Chooses the adapter for the pyslurm that is installed on this host."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import ClusterSource
from slurm_rest_api.slurmapi.sources.legacy import LegacySource
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource

SLURM = "slurm"
# Sources that only the configuration opens, by name. No other source falls back to them.
BY_NAME = {"demo": "slurm_rest_api.demo.options:open_demo"}
OBJECT_PARTS = ("Jobs", "Job", "Nodes", "Node", "Partitions", "Partition", "slurmctld.Statistics")
CLASSIC_PARTS = ("job", "node", "partition", "statistics")


def open_source(name: str, import_module: Callable[[str], ModuleType] = importlib.import_module) -> ClusterSource:
    """Opens the source with a name from the configuration.

    Args:
        name: `slurm`; `demo`, or `demo:` with options of the demonstration cluster; or `package.module:function` for a
            function without parameters that returns a ClusterSource.
        import_module: How modules are imported.

    Raises:
        SourceUnusable: The source cannot be opened on this host. The message says what to do.

    Importing pyslurm ends the whole process if Slurm has no usable configuration. Call this in a process that may end.
    """
    if name == SLURM:
        return _open_slurm(import_module)
    built_in, _, options = name.partition(":")
    if built_in in BY_NAME:
        source: ClusterSource = _function(BY_NAME[built_in], import_module, name)(options)
    else:
        source = _function(name, import_module, name)()
    return source


def _function(path: str, import_module: Callable[[str], ModuleType], name: str) -> Callable[..., ClusterSource]:
    module_name, colon, function_name = path.partition(":")
    if not (module_name and colon and function_name):
        raise SourceUnusable(f"The source {name!r} is unknown: it is `slurm`, `demo`, or `package.module:function`.")
    function = getattr(_import(module_name, import_module, name), function_name, None)
    if not callable(function):
        raise SourceUnusable(f"The source {name!r} is unusable: {module_name} has no function {function_name}.")
    opener: Callable[..., ClusterSource] = function
    return opener


def _import(module_name: str, import_module: Callable[[str], ModuleType], name: str) -> ModuleType:
    try:
        return import_module(module_name)
    except ImportError as error:
        raise SourceUnusable(f"The source {name!r} is unusable: {module_name} cannot be imported: {error}.") from error


def _open_slurm(import_module: Callable[[str], ModuleType]) -> ClusterSource:
    try:
        pyslurm = import_module("pyslurm")
    except ImportError as error:
        raise SourceUnusable(
            f"pyslurm cannot be imported: {error}. Run build.sh on this host: it builds the pyslurm that fits."
        ) from error
    lacking = _lacking(pyslurm, OBJECT_PARTS)
    if not lacking:
        return PyslurmSource(pyslurm, UserNames())
    lacking_classic = _lacking(pyslurm, CLASSIC_PARTS)
    if not lacking_classic:
        return LegacySource(pyslurm, UserNames())
    version = getattr(pyslurm, "__version__", "of unknown version")
    raise SourceUnusable(
        f"pyslurm {version} has neither API as a whole: it lacks {', '.join(lacking)} of the object API and "
        f"{', '.join(lacking_classic)} of the classic one. Run build.sh on this host: it builds the pyslurm that fits."
    )


def _lacking(module: Any, parts: tuple[str, ...]) -> list[str]:
    return [part for part in parts if not _has(module, part)]


def _has(owner: Any, path: str) -> bool:
    for step in path.split("."):
        owner = getattr(owner, step, None)
        if owner is None:
            return False
    return True
