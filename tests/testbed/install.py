"""Installs the service inside the root with the project's own build.sh."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT, Layout
from .shell import Shell
from .steps import CommandFailedError, TestbedError, step
from .suites import suite_of

# The files that build.sh reads. A read-only checkout is installed as a copy, so the package is among them.
_INGREDIENTS = ("build.sh", "pyproject.toml", "setup.py", "README.md", "requirements/**/*", "slurm_rest_api/**/*")


def install_service(layout: Layout, *, checkout_changed: bool) -> None:
    """Runs build.sh inside the root, unless nothing it depends on has changed since its last success.

    Raises:
        TestbedError: build.sh failed. The message has all its output.
    """
    stamp = layout.inside(f"{VENV_IN_ROOT}.stamp")
    wanted = _fingerprint(layout.checkout)
    if not checkout_changed and stamp.exists() and stamp.read_text().strip() == wanted:
        return
    # uWSGI is compiled, and only one suite's root has a compiler.
    options = ["--uwsgi", "--require-pyslurm"] if suite_of(layout.suite).is_whole else []
    with step("install the service with build.sh (with pyslurm it takes minutes, once)"):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        try:
            Shell(layout.root).run(
                ["bash", f"{CHECKOUT_IN_ROOT}/build.sh", *options],
                env={"SLURM_REST_API_VENV": VENV_IN_ROOT}, cwd=CHECKOUT_IN_ROOT, timeout=3600,
            )  # fmt: skip
        except CommandFailedError as error:
            raise TestbedError(f"build.sh could not install the service: {error}") from error
        stamp.write_text(wanted + "\n")


def _fingerprint(checkout: Path) -> str:
    digest = hashlib.sha256()
    for pattern in _INGREDIENTS:
        for path in sorted(checkout.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(checkout)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
