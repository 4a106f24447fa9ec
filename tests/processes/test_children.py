"""The parent-death signal."""

from __future__ import annotations

import subprocess
import sys

import psutil

from tests.waiting import wait_for

# Calls die_with_parent() only after its parent ended, like a process with slow imports.
_CHILD = """
import os, time
from slurm_rest_api.processes.children import die_with_parent
while os.getppid() == int(os.environ["SLURM_REST_API_PARENT"]):
    time.sleep(0.01)
die_with_parent()
time.sleep(60)
"""
_PARENT = f"""
import subprocess, sys
from slurm_rest_api.processes.children import child_environment
print(subprocess.Popen([sys.executable, "-c", {_CHILD!r}], env=child_environment()).pid)
"""


def test_a_child_ends_if_its_parent_ended_before_the_call() -> None:
    done = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, text=True, check=True)
    child = int(done.stdout)
    wait_for("the child to end", lambda: not psutil.pid_exists(child))
