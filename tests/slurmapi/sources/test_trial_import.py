"""The import of pyslurm in a child process, with modules that behave as pyslurm does on real hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import import_fault
from tests.waiting import GIVE_UP_SECONDS

COMPLETE = """
from types import SimpleNamespace
__version__ = "{version}"
class RPCError(Exception):
    pass
class Adjusted:
    def __getattr__(self, name):
        return None
    def load(self):
        return {{}}
Jobs = Job = Nodes = Node = Partitions = Partition = Adjusted()
slurmctld = SimpleNamespace(Statistics=Adjusted())
print("unknown TRES: bb/datawarp")
def slurm_api_version():
    return (26, 5, 5)
"""
READ = "\ndef load():\n    {action}\nNodes.load = load\n"
OBJECTS_WITHOUT_STATISTICS = """
__version__ = "26.5.0"
Jobs = Job = Nodes = Node = Partitions = Partition = object
"""
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


def fault(host: Path, module: str, seconds: float = GIVE_UP_SECONDS, state: State | None = None) -> str | None:
    (host / "pyslurm.py").write_text(module)
    return import_fault(seconds, state)


@pytest.mark.parametrize("version", ["26.5.0", "26.5.0+pyslurm25.11.2"])
def test_a_pyslurm_for_this_slurm_can_be_used(host: Path, version: str) -> None:
    assert fault(host, COMPLETE.format(version=version)) is None


@pytest.mark.parametrize("action", ["raise RPCError('connect failure')", "import time; time.sleep(3600)"])
def test_a_slurmctld_that_does_not_answer_is_no_fault(host: Path, action: str) -> None:
    module = COMPLETE.format(version="26.5.0") + READ.format(action=action)
    seconds = 10.0 if "sleep" in action else GIVE_UP_SECONDS
    assert fault(host, module, seconds) is None


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed with SIGSEGV"),
        ("raise ValueError('job 7 of partition secret')", "ended its process with exit code 1"),
    ],
)
def test_a_pyslurm_that_cannot_read_the_cluster(
    host: Path, caplog: pytest.LogCaptureFixture, action: str, reason: str
) -> None:
    module = COMPLETE.format(version="26.5.0") + READ.format(action=action)
    assert fault(host, module) == f"reading the cluster with pyslurm {reason}"
    # Only the log has the message, which may be about a hidden partition.
    assert ("ValueError: job 7 of partition secret" in caplog.text) == ("raise" in action)


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
    assert fault(host, OBJECTS_WITHOUT_STATISTICS) == "pyslurm 26.5.0 lacks slurmctld.Statistics"


def test_a_pyslurm_that_build_sh_has_not_adjusted_is_not_used(host: Path) -> None:
    plain = COMPLETE.replace("Job = ", "").format(version="26.5.0") + "Job = object\n"
    assert fault(host, plain) == "pyslurm 26.5.0 lacks the adjustments of build.sh"


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
    assert import_fault(GIVE_UP_SECONDS, None) == "pyslurm is not installed"
