"""The one place that holds the version; pyproject.toml and the CHANGELOG test read it."""

__version__ = "1.0.0.dev0"
