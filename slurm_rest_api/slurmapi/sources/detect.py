"""Opens the source that the configuration names, and chooses between pyslurm and Slurm's commands."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.state import State, read_state
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import ClusterSource, Snapshot
from slurm_rest_api.slurmapi.sources.commands.source import open_commands
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import missing_parts, version_of
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import import_fault

SLURM: Final = "slurm"
PYSLURM: Final = "slurm:pyslurm"
COMMANDS: Final = "slurm:commands"
KINDS_OF_SLURM: Final = (SLURM, PYSLURM, COMMANDS)
# Sources that only the configuration opens, by name. No other source falls back to them.
BY_NAME: Final = {"demo": "slurm_rest_api.demo.options:open_demo"}

_IMPORT_SHARE: Final = 0.4
"""Share of a load's time limit that the trial of pyslurm may take."""

_COMMAND_SHARE: Final = 0.8
"""Share of a load's time limit that one command may take, so that its own error is reported."""

ImportModule = Callable[[str], ModuleType]
ImportFault = Callable[[float, State | None], str | None]
OpenCommands = Callable[[str | None, float], ClusterSource]


@dataclass(frozen=True)
class SlurmAccess:
    """Settings of the source `slurm`: directory of Slurm's commands (None: PATH), and time limit of a load."""

    bin_dir: str | None = None
    cycle_seconds: float = 120.0


class Fallback:
    """Slurm's commands in place of a pyslurm that cannot be used, for the given `reason`."""

    def __init__(self, commands: ClusterSource, reason: str) -> None:
        self.reason = reason
        self._commands = commands

    @property
    def name(self) -> str:
        """Returns the name of the source."""
        return self._commands.name

    @property
    def detail(self) -> str:
        """Returns the detail of the commands with the reason."""
        return f"{self._commands.detail}, because {self.reason}"

    @property
    def rpcs_of_last_load(self) -> int:
        """Returns the number of RPCs of the last load."""
        return self._commands.rpcs_of_last_load

    def load(self) -> Snapshot:
        """Reads the cluster with the commands."""
        return self._commands.load()


def open_source(
    name: str,
    access: SlurmAccess = SlurmAccess(),
    *,
    import_module: ImportModule = importlib.import_module,
    import_fault: ImportFault = import_fault,
    open_commands: OpenCommands = open_commands,
) -> ClusterSource:
    """Opens the source with a name from the configuration.

    Args:
        name: `slurm` (pyslurm where it is installed and fits, else the commands), `slurm:pyslurm`, `slurm:commands`;
            `demo`, or `demo:` with options of the demonstration cluster; or `package.module:function` for a function
            without parameters that returns a ClusterSource.
        access: How Slurm is read.
        import_module: How modules are imported.
        import_fault: Tries pyslurm, see `trial_import`.
        open_commands: Opens Slurm's commands.

    Raises:
        SourceUnusable: The source cannot be opened on this host. The message says what to do.
        SourceUnavailable: Slurm's commands could not be run.

    With `slurm:pyslurm` the import ends the whole process if Slurm has no usable configuration. Call this in a process
    that may end.
    """
    seconds = access.cycle_seconds
    if name == COMMANDS:
        return open_commands(access.bin_dir, seconds * _COMMAND_SHARE)
    if name == SLURM:
        reason = import_fault(seconds * _IMPORT_SHARE, read_state(Path(sys.prefix)))
        if reason is not None:
            return _fallback(reason, partial(open_commands, access.bin_dir, seconds * _COMMAND_SHARE))
    if name in (SLURM, PYSLURM):
        return _open_pyslurm(import_module)
    built_in, _, options = name.partition(":")
    if built_in in BY_NAME:
        source: ClusterSource = _function(BY_NAME[built_in], import_module, name)(options)
    else:
        source = _function(name, import_module, name)()
    return source


def _fallback(reason: str, open_commands: Callable[[], ClusterSource]) -> Fallback:
    try:
        return Fallback(open_commands(), reason)
    except SourceUnusable as error:
        raise SourceUnusable(
            f"Slurm cannot be read on this host: {reason}. {error} Or run build.sh, which builds the pyslurm that fits."
        ) from error


def _open_pyslurm(import_module: ImportModule) -> ClusterSource:
    try:
        pyslurm = import_module("pyslurm")
    except ImportError as error:
        raise SourceUnusable(
            f"pyslurm cannot be imported: {error}. Run build.sh on this host: it builds the pyslurm that fits."
        ) from error
    if missing := missing_parts(pyslurm):
        raise SourceUnusable(
            f"pyslurm {version_of(pyslurm)} lacks {', '.join(missing)}. Run build.sh on this host, or"
            " set `system.source` to slurm:commands."
        )
    return PyslurmSource(pyslurm, UserNames())


def _function(path: str, import_module: ImportModule, name: str) -> Callable[..., ClusterSource]:
    module_name, colon, function_name = path.partition(":")
    if not (module_name and colon and function_name):
        raise SourceUnusable(
            f"The source {name!r} is unknown: it is `slurm`, `slurm:pyslurm`, `slurm:commands`, `demo`, or"
            " `package.module:function`."
        )
    function = getattr(_import(module_name, import_module, name), function_name, None)
    if not callable(function):
        raise SourceUnusable(f"The source {name!r} is unusable: {module_name} has no function {function_name}.")
    opener: Callable[..., ClusterSource] = function
    return opener


def _import(module_name: str, import_module: ImportModule, name: str) -> ModuleType:
    try:
        return import_module(module_name)
    except ImportError as error:
        raise SourceUnusable(f"The source {name!r} is unusable: {module_name} cannot be imported: {error}.") from error
