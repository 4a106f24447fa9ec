"""Thin on purpose: pyproject.toml declares everything."""

from setuptools import setup

setup()
