"""The bill of materials names what is installed, and the documentation lists the licenses that it has."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Final

import pytest

from slurm_rest_api.version import __version__
from tests.deployed.installation import CHECKOUT, Installation

PAGE: Final = CHECKOUT / "docs" / "licenses.md"
# Packages that have a classifier, not an expression of SPDX.
CLASSIFIED: Final = {
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "Zope Public License": "ZPL-2.1",
}


@pytest.fixture(scope="module")
def bill(installation: Installation) -> dict[str, Any]:
    """Returns the bill of materials of the installation."""
    command = ["bash", str(CHECKOUT / "requirements/sbom.sh"), str(installation.venv)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def _locked() -> dict[str, str]:
    """Returns the versions in the lock files, without packages for other systems, by normalized name."""
    lines = [
        line
        for lock in ("run.lock", "uwsgi.lock")
        for line in (CHECKOUT / "requirements" / lock).read_text().splitlines()
        if re.match(r"\w", line) and "win32" not in line
    ]
    return {_normalized(name): version for name, version in (re.findall(r"^(\S+?)==(\S+)", line)[0] for line in lines)}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _license(component: dict[str, Any]) -> str:
    names = [entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]
             for entry in component["licenses"]]  # fmt: skip
    words = [name.rpartition(" :: ")[2] for name in names]
    return " and ".join(CLASSIFIED.get(word, word) for word in words)


def test_the_bill_names_the_service_and_each_locked_package(bill: dict[str, Any]) -> None:
    assert bill["bomFormat"] == "CycloneDX"
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == ("slurm-rest-api", __version__)
    named = {_normalized(one["name"]): one["version"] for one in bill["components"]}
    named.pop("pip")
    assert named == _locked()


def test_the_documentation_lists_each_license(bill: dict[str, Any]) -> None:
    documented = dict(re.findall(r"^\| (\S+) \| (\S.*?) \|$", PAGE.read_text(), re.MULTILINE))
    del documented["package"]
    installed = {one["name"]: _license(one) for one in bill["components"] if one["name"] != "pip"}
    assert documented == installed
