"""`bash tests.sh` passes on a fresh machine: no root, no Slurm, no services."""

from __future__ import annotations

from tests.fresh.machine import FOLDER, USER, FreshMachine


def test_the_tests_pass_and_name_what_they_left_out(machine: FreshMachine) -> None:
    # Thousands of questions to an application in this process: what they find depends on no machine.
    command = ["bash", "tests.sh", "--", "--ignore=tests/slurmapi/query"]
    done = machine.shell.run(command, user=USER, cwd=FOLDER, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    left_out = [line for line in done.stdout.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 4
    assert all(line.endswith("with them: bash tests.sh --all") for line in left_out)
