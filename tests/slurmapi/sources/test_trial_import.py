"""The import of pyslurm in a child process, with modules that behave as pyslurm does on real hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import Trial, try_pyslurm
from tests.waiting import GIVE_UP_SECONDS, with_longer_limits

COMPLETE = """
from tests.slurmapi.sources.fake_pyslurm import make_pyslurm
globals().update(vars(make_pyslurm()))
__version__ = "{version}"
print("unknown TRES: bb/datawarp")
"""
READ = "\ndef load():\n    {action}\nNodes.load = load\n"
NO_CONF = """
import os, sys
sys.stderr.write("fatal: Could not establish a configuration source\\n")
sys.stderr.flush()
os._exit(1)
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder of modules that the child imports from."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def trial(host: Path, module: str, seconds: float = GIVE_UP_SECONDS, state: State | None = None) -> Trial:
    (host / "pyslurm.py").write_text(module)
    return try_pyslurm(seconds, state)


def fault(host: Path, module: str, seconds: float = GIVE_UP_SECONDS, state: State | None = None) -> str | None:
    return trial(host, module, seconds, state).reason


@pytest.mark.parametrize("version", ["26.5.0", "26.5.0+pyslurm25.11.2"])
def test_a_pyslurm_for_this_slurm_can_be_used(host: Path, version: str) -> None:
    found = trial(host, COMPLETE.format(version=version))
    assert found.reason is None
    assert not set(SNAPSHOT_PARTS) & found.faults.keys()


@pytest.mark.parametrize("action", ["raise RPCError('connect failure', 1800)", "import time; time.sleep(3600)"])
def test_a_slurmctld_that_does_not_answer_is_no_fault(host: Path, action: str) -> None:
    module = COMPLETE.format(version="26.5.0") + READ.format(action=action)
    # The import ends within the limit, and the reading of a sleeping slurmctld never does.
    _, found = with_longer_limits(lambda seconds: fault(host, module, seconds), lambda reason: reason is None)
    assert found is None


def test_a_pyslurm_that_crashes_when_it_reads_the_cluster(host: Path) -> None:
    action = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    module = COMPLETE.format(version="26.5.0") + READ.format(action=action)
    assert fault(host, module) == "reading the cluster with pyslurm crashed with SIGSEGV"


def test_a_part_that_cannot_be_read(host: Path) -> None:
    action = "raise ValueError('job 7 of partition secret')"
    found = trial(host, COMPLETE.format(version="26.5.0") + READ.format(action=action))
    # The message may be about a hidden partition.
    assert found.faults["nodes"] == "pyslurm 26.5.0 fails with ValueError"
    assert found.reason is None
    assert not {"jobs", "partitions"} & found.faults.keys()


def test_a_pyslurm_for_another_slurm_does_not_fit(host: Path) -> None:
    assert fault(host, COMPLETE.format(version="25.11.2")) == (
        "pyslurm 25.11.2 is for Slurm 25.11, but this host has Slurm 26.05"
    )


@pytest.mark.parametrize(
    ("installed", "slurm", "fits"),
    [
        ("25.11.2", "26.05.3", True),
        ("25.11.2", None, True),
        # Slurm was upgraded after build.sh had tested this pyslurm.
        ("25.11.2", "25.11.7", False),
        # Another pyslurm was installed after build.sh.
        ("25.11.0", "26.05.3", False),
    ],
)
def test_build_sh_can_have_tested_the_pair(host: Path, installed: str, slurm: str | None, fits: bool) -> None:
    state = State("key", installed, [], slurm=slurm)
    assert (fault(host, COMPLETE.format(version="25.11.2"), state=state) is None) == fits


def test_a_release_without_statistics_lacks_a_part(host: Path) -> None:
    found = trial(host, COMPLETE.format(version="26.5.0") + "\ndel slurmctld\n")
    assert found.reason is None
    assert found.faults["statistics"] == "pyslurm 26.5.0 lacks slurmctld.Statistics"
    assert "nodes" not in found.faults


def test_a_pyslurm_that_build_sh_has_not_adjusted_lacks_parts(host: Path) -> None:
    plain = COMPLETE.format(version="26.5.0") + "Job = object\n"
    found = trial(host, plain)
    assert found.reason is None
    assert found.faults["jobs"] == "pyslurm 26.5.0 lacks the adjustments of build.sh"
    assert not {"nodes", "partitions"} & found.faults.keys()


def test_an_import_that_ends_the_process(host: Path) -> None:
    assert fault(host, NO_CONF) == (
        "importing pyslurm ended its process with exit code 1: there is no slurm.conf, and no slurmctld sends one"
    )


def test_an_import_that_crashes(host: Path) -> None:
    crash = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
    assert fault(host, crash) == "importing pyslurm crashed with SIGSEGV"


def test_an_import_that_hangs(host: Path) -> None:
    assert fault(host, "import time\ntime.sleep(3600)", 1.0) == "importing pyslurm did not end within 1 s"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            'ImportError("libslurmfull.so: cannot open shared object file")',
            "pyslurm cannot be imported: libslurmfull.so: cannot open shared object file",
        ),
        (
            """ModuleNotFoundError("No module named 'numpy'", name="numpy")""",
            "pyslurm cannot be imported: No module named 'numpy'",
        ),
        (
            'RuntimeError("libslurm of another version")',
            "importing pyslurm ended its process with exit code 1: RuntimeError: libslurm of another version",
        ),
    ],
)
def test_an_import_that_fails(host: Path, error: str, reason: str) -> None:
    assert fault(host, f"raise {error}") == reason


def test_a_long_reason_is_cut(host: Path) -> None:
    reason = fault(host, f"raise ImportError('{'x' * 5000}')")
    assert reason is not None
    assert len(reason) == 300


def test_a_host_without_pyslurm() -> None:
    assert try_pyslurm(GIVE_UP_SECONDS, None).reason == "pyslurm is not installed"
