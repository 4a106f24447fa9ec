"""Runs pip-audit over the locked packages and reports how many of them were audited.

pip-audit succeeds if an index, such as a mirror, has no data of vulnerabilities. Then nothing was audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "run.lock"
_COMMAND = (
    sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off",
    "--format", "json", "--requirement", str(LOCK),
)  # fmt: skip


class Verdict(NamedTuple):
    """A message, and True if a vulnerability was found."""

    words: str
    vulnerable: bool


def judge(report: Mapping[str, Any]) -> Verdict:
    """Returns the verdict on pip-audit's report (`--format json`)."""
    packages = report["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    found = [
        f"  {package['name']} {package['version']}: {fault['id']}, fixed in {' '.join(fault['fix_versions']) or 'none'}"
        for package in audited
        for fault in package["vulns"]
    ]
    if not audited:
        return Verdict(
            f"pip-audit: NOTHING WAS AUDITED. The index knows no vulnerabilities of any of {len(packages)} packages;"
            " a mirror seldom has them. Run this where PyPI itself is reached.",
            vulnerable=False,
        )
    words = f"pip-audit: {len(audited)} of {len(packages)} packages audited, {len(found)} vulnerabilities found."
    return Verdict("\n".join([words, *found]), vulnerable=bool(found))


def main() -> int:
    """Audits the packages. Returns 1 if a vulnerability was found, or if pip-audit failed."""
    done = subprocess.run(_COMMAND, capture_output=True, text=True, check=False)
    try:
        verdict = judge(json.loads(done.stdout))
    except ValueError:
        sys.stderr.write(f"pip-audit failed:\n{done.stdout}{done.stderr}")
        return 1
    sys.stdout.write(f"{verdict.words}\n")
    return int(verdict.vulnerable)


if __name__ == "__main__":
    sys.exit(main())
