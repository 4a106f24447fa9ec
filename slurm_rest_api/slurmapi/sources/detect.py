"""Opens the source that the configuration names, and chooses between pyslurm and Slurm's commands."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.pyslurm_build.state import State, read_state
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import ClusterSource, Kind
from slurm_rest_api.slurmapi.sources.commands.optional_records import OptionalRecords
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.source import open_commands
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS, PartReader
from slurm_rest_api.slurmapi.sources.parts import PARTS, Origin, PartOrigin, all_from
from slurm_rest_api.slurmapi.sources.proof_record import Identity, identity_of
from slurm_rest_api.slurmapi.sources.proof_run import ProofSettings, compare_once
from slurm_rest_api.slurmapi.sources.pyslurm.abilities import part_faults
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import Trial, try_pyslurm
from slurm_rest_api.slurmapi.sources.slurm_source import SlurmSource

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

_OPTIONAL_SHARE: Final = 0.1
"""Share of a load's time limit that one command of an optional kind may take, so that the load does not fail by it."""

ImportModule = Callable[[str], ModuleType]
TryPyslurm = Callable[[float, State | None], Trial]
OpenCommands = Callable[[str | None, float], PartReader]
Compare = Callable[[Identity, State | None, ProofSettings], Mapping[str, str]]


_COMPARISON_SHARE: Final = 0.3
"""Share of a load's time limit that the comparison of pyslurm with the commands may take. It is made after upgrades."""


@dataclass(frozen=True)
class SlurmAccess:
    """Settings of the source `slurm`.

    Attributes:
        bin_dir: Directory of Slurm's commands, None for PATH.
        cycle_seconds: Time limit of a load.
        record_dir: Directory of the record of the comparison of pyslurm with the commands (`sources.proof_record`).
            None for the record of build.sh alone.
        compares: True to make the comparison where there is no record of it.
        intervals: Seconds between two readings of each optional kind, 0 for each load. A kind that is absent is off.
    """

    bin_dir: str | None = None
    cycle_seconds: float = 120.0
    record_dir: Path | None = None
    compares: bool = False
    intervals: Mapping[Kind, float] = field(default_factory=dict)


def open_source(
    name: str,
    access: SlurmAccess = SlurmAccess(),
    *,
    import_module: ImportModule = importlib.import_module,
    try_pyslurm: TryPyslurm = try_pyslurm,
    open_commands: OpenCommands = open_commands,
    compare: Compare = compare_once,
) -> ClusterSource:
    """Opens the source with a name from the configuration.

    Args:
        name: `slurm` (each part from pyslurm where it is installed and fits, else from the commands); `slurm:pyslurm`
            (the same, but pyslurm has to be there); `slurm:commands`;
            `demo`, or `demo:` with options of the demonstration cluster; or `package.module:function` for a function
            without parameters that returns a ClusterSource.
        access: How Slurm is read.
        import_module: How modules are imported.
        try_pyslurm: Tries pyslurm, see `trial_import`.
        open_commands: Opens Slurm's commands.
        compare: Returns the parts of pyslurm that differ from the commands, see `proof_run`.

    Raises:
        SourceUnusable: The source cannot be opened on this host. The message says what to do.
        SourceUnavailable: Slurm's commands could not be run.

    With `slurm:pyslurm` the import ends the whole process if Slurm has no usable configuration. Call this in a process
    that may end.
    """
    seconds = access.cycle_seconds
    opener = partial(open_commands, access.bin_dir, seconds * _COMMAND_SHARE)
    if name == COMMANDS:
        return SlurmSource(all_from("commands"), {"commands": opener()}, _optional(access))
    if name in (SLURM, PYSLURM):
        state = read_state(Path(sys.prefix))
        trial = try_pyslurm(seconds * _IMPORT_SHARE, state)
        if name == SLURM and trial.reason is not None:
            return _open_parts(None, dict.fromkeys(PARTS, trial.reason), opener, _optional(access))
        pyslurm = _import_pyslurm(import_module)
        limit = seconds * _COMPARISON_SHARE if access.compares else 0.0
        differences = compare(identity_of(pyslurm), state, ProofSettings(access.record_dir, limit, access.bin_dir))
        faults = {**differences, **trial.faults, **part_faults(pyslurm)}
        return _open_parts(pyslurm, faults, opener, _optional(access))
    built_in, _, options = name.partition(":")
    if built_in in BY_NAME:
        source: ClusterSource = _function(BY_NAME[built_in], import_module, name)(options)
    else:
        source = _function(name, import_module, name)()
    return source


def _optional(access: SlurmAccess) -> OptionalRecords | None:
    """Returns the reader of the optional kinds that are on. All are read with Slurm's commands."""
    if not access.intervals:
        return None
    return OptionalRecords(SlurmPrograms(access.bin_dir, access.cycle_seconds * _OPTIONAL_SHARE), access.intervals)


def _open_parts(
    pyslurm: ModuleType | None,
    faults: Mapping[str, str],
    open_commands: Callable[[], PartReader],
    optional: OptionalRecords | None,
) -> SlurmSource:
    """Opens the source that takes from Slurm's commands the parts with `faults`, which has the reasons by part."""
    readers: dict[Origin, PartReader] = {}
    if pyslurm is not None:
        readers["pyslurm"] = PyslurmSource(pyslurm, UserNames())
    needed = [part for part in SNAPSHOT_PARTS if part in faults]
    try:
        if faults:
            readers["commands"] = open_commands()
    except SourceUnusable as error:
        if needed:
            raise SourceUnusable(_neither(needed, faults, error)) from error
    except SourceUnavailable:
        if needed:
            raise
    other: Origin = "commands" if "commands" in readers else "none"
    origins = [
        PartOrigin(part, other, faults[part]) if part in faults else PartOrigin(part, "pyslurm") for part in PARTS
    ]
    return SlurmSource(origins, readers, optional)


def _neither(needed: Sequence[str], faults: Mapping[str, str], error: SourceUnusable) -> str:
    reasons = "; ".join(dict.fromkeys(faults[part] for part in needed))
    what = "Slurm" if len(needed) == len(SNAPSHOT_PARTS) else f"The state of {', '.join(needed)}"
    return (
        f"{what} cannot be read on this host: {reasons}. {error} Or run build.sh, which builds the pyslurm that fits."
    )


def _import_pyslurm(import_module: ImportModule) -> ModuleType:
    try:
        return import_module("pyslurm")
    except ImportError as error:
        raise SourceUnusable(
            f"pyslurm cannot be imported: {error}. Run build.sh on this host: it builds the pyslurm that fits."
        ) from error


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
