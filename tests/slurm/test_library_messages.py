"""Messages of Slurm's library, as releases of Slurm print them, and their causes."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.library_messages import (
    CONFIGURATION,
    KEY,
    LIBRARY,
    MUNGE,
    PLUGINS,
    READABLE,
    REBUILD,
    VALID,
    library_fault,
)

# What 26.05.5 printed to standard error, unless a release is named.
MESSAGES = [
    (
        "python: error: cannot create auth context for auth/nothere\npython: fatal: failed to initialize auth plugin\n",
        "Slurm's library cannot load the plugin auth/nothere",
        PLUGINS,
    ),
    (
        "python: error: cannot create accounting_storage context for accounting_storage/nothere\n"
        "python: fatal: failed to initialize the accounting storage plugin\n",
        "Slurm's library cannot load the plugin accounting_storage/nothere",
        PLUGINS,
    ),
    # src/common/plugin.c of 22.05 and 24.11.
    (
        "python: error: Couldn't find the specified plugin name for auth/munge looking at all files\n"
        "python: error: cannot find auth plugin for auth/munge\n"
        "python: error: cannot create auth context for auth/munge\n"
        "python: fatal: failed to initialize auth plugin\n",
        "Slurm's library cannot load the plugin auth/munge",
        PLUGINS,
    ),
    (
        "python: error: Couldn't load specified plugin name for hash/k12: Incompatible plugin version\n"
        "python: error: cannot create hash context for hash/k12\n",
        "Slurm's library cannot load the plugin hash/k12",
        PLUGINS,
    ),
    ("python: fatal: failed to initialize auth plugin", "Slurm's library cannot load the plugin auth", PLUGINS),
    (
        "python: plugin_load_from_file: Incompatible Slurm plugin /usr/lib64/slurm/auth_munge.so version (24.11.6)\n"
        "python: error: Couldn't load specified plugin name for auth/munge: Incompatible plugin version\n",
        "the plugin /usr/lib64/slurm/auth_munge.so is of Slurm 24.11.6, and the library is of another version",
        PLUGINS,
    ),
    (
        "python: error: plugin_load_from_file: dlopen(/usr/lib64/slurm/auth_munge.so): libmunge.so.2: cannot open"
        " shared object file: No such file or directory\n",
        "the library libmunge.so.2 is missing, or not where the dynamic linker searches",
        LIBRARY,
    ),
    (
        "python: error: plugin_load_from_file: dlopen(/usr/lib64/slurm/auth_munge.so): file too short",
        "Slurm's library cannot load the plugin /usr/lib64/slurm/auth_munge.so",
        PLUGINS,
    ),
    (
        "python: error: PluginDir: /tmp/nowhere: No such file or directory\n"
        'python: error: Bad value "/tmp/nowhere" for PluginDir\n'
        "python: fatal: Unable to process configuration file\n",
        "PluginDir of slurm.conf is wrong: /tmp/nowhere: No such file or directory",
        PLUGINS,
    ),
    (
        "ImportError: libslurmfull.so: cannot open shared object file: No such file or directory",
        "the library libslurmfull.so is missing, or not where the dynamic linker searches",
        LIBRARY,
    ),
    (
        "scontrol: error while loading shared libraries: libslurmfull.so: cannot open shared object file: No such file",
        "the library libslurmfull.so is missing, or not where the dynamic linker searches",
        LIBRARY,
    ),
    (
        "ImportError: /venv/pyslurm/deprecated.so: undefined symbol: slurm_free_ctl_conf",
        "Slurm's library has no symbol slurm_free_ctl_conf",
        REBUILD,
    ),
    (
        "python: error: s_p_parse_file: cannot stat file /nosuch/slurm.conf: No such file or directory, retrying in"
        " 1sec up to 60sec\npython: error: ClusterName needs to be specified\n"
        "python: fatal: Unable to process configuration file\n",
        "there is no slurm.conf: /nosuch/slurm.conf",
        CONFIGURATION,
    ),
    (
        "python: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
        "python: error: fetch_config: DNS SRV lookup failed\n"
        "python: error: _establish_config_source: failed to fetch config\n"
        "python: fatal: Could not establish a configuration source\n",
        "there is no slurm.conf, and no slurmctld sends one",
        CONFIGURATION,
    ),
    (
        'python: error: s_p_parse_file: unable to read "/etc/slurm/slurm.conf": Permission denied\n'
        "python: error: ClusterName needs to be specified\npython: fatal: Unable to process configuration file\n",
        "slurm.conf cannot be read: /etc/slurm/slurm.conf: Permission denied",
        READABLE,
    ),
    (
        "python: error: _parse_next_key: Parsing error at unrecognized key: Nonsense\n"
        "python: fatal: Unable to process configuration file\n",
        "slurm.conf is invalid: _parse_next_key: Parsing error at unrecognized key: Nonsense",
        VALID,
    ),
    ("python: fatal: Unable to process slurm.conf file", "slurm.conf is invalid", VALID),
    (
        "python: fatal: auth/slurm: cannot stat '/etc/slurm/slurm.key': No such file or directory",
        "auth/slurm cannot read its key /etc/slurm/slurm.key: No such file or directory",
        KEY,
    ),
    (
        "python: fatal: auth/slurm: key file is insecure: '/etc/slurm/slurm.key' mode=0644",
        "Slurm refuses the mode of the key /etc/slurm/slurm.key",
        KEY,
    ),
    (
        "scontrol: error: If munged is up, restart with --num-threads=10\nscontrol: error: Munge encode failed: Failed"
        ' to access "/run/munge/munge.socket.2": No such file or directory (Did you start munged?)\n',
        'munge does not work: Failed to access "/run/munge/munge.socket.2": No such file or directory (Did you start'
        " munged?)",
        MUNGE,
    ),
]


@pytest.mark.parametrize(("text", "cause", "remedy"), MESSAGES)
def test_a_message_of_the_library_has_its_cause(text: str, cause: str, remedy: str) -> None:
    fault = library_fault(f"Some other line.\n{text}")
    assert fault is not None
    assert (fault.cause, fault.remedy) == (cause, remedy)


@pytest.mark.parametrize("text", ["", "Unable to contact slurm controller (connect failure)", "Traceback"])
def test_another_text_has_no_cause(text: str) -> None:
    assert library_fault(text) is None


def test_a_cause_is_bounded() -> None:
    fault = library_fault(f"error: cannot create auth context for {'x' * 5000}")
    assert fault is not None
    assert len(fault.cause) == 200
    assert library_fault(f"undefined symbol: x{' ' * 50_000}") is None
