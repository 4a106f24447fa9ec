"""Reads the cause from what Slurm's library prints before it ends a process.

Sources, Slurm 22.05 to 26.05: slurm_init() of src/api/init.c, src/common/plugin.c, src/common/parse_config.c,
src/common/read_config.c, src/common/fetch_config.c, src/interfaces/auth.c, src/plugins/auth. Messages of the dynamic
linker: dlopen(3) of glibc.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_LONGEST: Final = 200
"""Letters of a cause."""

_LARGEST: Final = 20_000
"""Letters of a text that are searched, from its end."""

PLUGINS: Final = (
    "Install the packages with Slurm's plugins, of the same version as its library (Debian: slurm-wlm-basic-plugins,"
    " RHEL: slurm), and check PluginDir in slurm.conf. After an upgrade of Slurm, run `bash build.sh` again."
)
LIBRARY: Final = (
    "Install Slurm's library (Debian: slurm-wlm-basic-plugins, RHEL: slurm). If Slurm was upgraded or moved, run"
    " `bash build.sh` again. A library in an unusual folder needs LD_LIBRARY_PATH, or a line in /etc/ld.so.conf.d."
)
REBUILD: Final = "Run `bash build.sh` on this host: the installed pyslurm does not fit Slurm's library."
CONFIGURATION: Final = (
    "Provide Slurm's configuration on this host: /etc/slurm/slurm.conf, a file named by SLURM_CONF, or a configless"
    " slurmctld found through DNS or sackd. `scontrol ping` must work as the user of this service."
)
READABLE: Final = "Let the user of this service read the file, and run `scontrol ping` as this user."
VALID: Final = "Fix slurm.conf. It has to fit the release of Slurm on this host. `scontrol ping` must work."
KEY: Final = (
    "With AuthType=auth/slurm only root and SlurmUser read the key. Run sackd on this host, and `scontrol ping` as the"
    " user of this service."
)
MUNGE: Final = "Start munge on this host (`systemctl status munge`), with the same key and clock as the controller."


class LibraryFault(NamedTuple):
    """A cause in one sentence without a full stop, and the advice."""

    cause: str
    remedy: str


_Say = Callable[[re.Match[str]], str]


def _plugin_of(match: re.Match[str]) -> str:
    return f"Slurm's library cannot load the plugin {match[1]}"


# The first one that is found anywhere in the text counts: what follows from a cause is printed after it.
_FAULTS: Final[tuple[tuple[re.Pattern[str], _Say, str], ...]] = tuple(
    (re.compile(pattern, re.MULTILINE), say, remedy)
    for pattern, say, remedy in (
        (
            r"([^\s:]{1,200}\.so[.\d]{0,20}): cannot open shared object file",
            lambda m: f"the library {m[1]} is missing, or not where the dynamic linker searches",
            LIBRARY,
        ),
        (
            r"Incompatible Slurm plugin (\S+) version \(([\d.]+)\)",
            lambda m: f"the plugin {m[1]} is of Slurm {m[2]}, and the library is of another version",
            PLUGINS,
        ),
        (r"plugin_load_from_file: dlopen\(([^)]+)\)", _plugin_of, PLUGINS),
        (r"undefined symbol: (\S+)", lambda m: f"Slurm's library has no symbol {m[1]}", REBUILD),
        (r"PluginDir: (\S+): (.+)", lambda m: f"PluginDir of slurm.conf is wrong: {m[1]}: {m[2]}", PLUGINS),
        (r"cannot open plugin directory (\S+)", lambda m: f"the folder of plugins {m[1]} cannot be read", PLUGINS),
        (r"cannot create \w+ context for (\S+)", _plugin_of, PLUGINS),
        (r"cannot find \w+ plugin for (\S+)", _plugin_of, PLUGINS),
        (r"Couldn't (?:find|load) (?:the )?specified plugin name for (\S+?):? ", _plugin_of, PLUGINS),
        (r"(auth/\w+): cannot stat '([^']+)': (.+)", lambda m: f"{m[1]} cannot read its key {m[2]}: {m[3]}", KEY),
        (r"key file is insecure: '([^']+)'", lambda m: f"Slurm refuses the mode of the key {m[1]}", KEY),
        (r"Could not load keys? file \(([^)]+)\)", lambda m: f"Slurm cannot read the key {m[1]}", KEY),
        (r"failed to initialize (?:the )?([\w ]+?) plugins?\b", _plugin_of, PLUGINS),
        (r"Munge encode failed: (.+)", lambda m: f"munge does not work: {m[1]}", MUNGE),
        (r"cannot stat file (\S+?):? ", lambda m: f"there is no slurm.conf: {m[1]}", CONFIGURATION),
        (r"unable to read \"([^\"]+)\": (.+)", lambda m: f"slurm.conf cannot be read: {m[1]}: {m[2]}", READABLE),
        (
            r"Could not establish a configuration source|DNS SRV lookup failed|failed to fetch (?:remote )?config",
            lambda _: "there is no slurm.conf, and no slurmctld sends one",
            CONFIGURATION,
        ),
        (
            r"error: ([^\n]+)\n[^\n]*fatal: Unable to process (?:configuration|slurm\.conf) file",
            lambda m: f"slurm.conf is invalid: {m[1]}",
            VALID,
        ),
        (r"Unable to process (?:configuration|slurm\.conf) file", lambda _: "slurm.conf is invalid", VALID),
    )
)


def library_fault(text: str) -> LibraryFault | None:
    """Returns the cause that a text of Slurm's library names, None if it names no known one."""
    end = text[-_LARGEST:]
    for pattern, say, remedy in _FAULTS:
        if match := pattern.search(end):
            return LibraryFault(" ".join(say(match).split())[:_LONGEST].rstrip(". "), remedy)
    return None
