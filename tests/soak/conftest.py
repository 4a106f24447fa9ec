"""Fixtures of the soak: the installation of the deployed tests."""

from __future__ import annotations

from tests.deployed.conftest import installation

__all__ = ["installation"]
