"""The version of this package, for pyproject.toml and the test of the CHANGELOG."""

__version__ = "1.0.0"
