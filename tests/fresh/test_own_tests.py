"""`bash tests.sh` works on a fresh machine: no root, no Slurm, no services."""

from __future__ import annotations

from tests.fresh.machine import FOLDER, USER, FreshMachine

INSTALL_SECONDS = 3600.0
# The script checks format, lint and types of everything. A selection of the tests shows that it runs and selects them.
SELECTION = ["tests/test_cli.py::test_run_on_every_address_warns", "tests/web", "tests/deployed/test_wheel.py"]


def test_own_tests_run_without_root(machine: FreshMachine) -> None:
    # mypy reads a file again if its hash has changed. Without the cache it takes minutes of processor time.
    machine.copy(".mypy_cache")
    command = ["bash", "tests.sh", "--", *SELECTION]
    done = machine.shell.run(command, user=USER, cwd=FOLDER, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    for check in ("== ruff format: ", "== ruff check: ", "== mypy: ", "== plain tests: "):
        assert check in done.stdout
    *_, left_out, closing = done.stdout.splitlines()
    assert " passed in " in closing
    assert "failed" not in closing
    assert left_out.endswith("tests that need nginx and uWSGI, as root. Run: bash tests.sh --deployed")
