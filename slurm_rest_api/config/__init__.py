"""The configuration: one YAML file, read once, validated into frozen settings.

`models` declares every setting, `loading` finds and reads the file, `faults` words its errors, and `document` writes
config.yml and docs/settings.md from the models. `in_use` keeps the settings of a running service.
"""

from slurm_rest_api.config.in_use import ConfigInUse, load_in_use
from slurm_rest_api.config.loading import load_settings
from slurm_rest_api.config.models import DatabaseSettings, FilterSettings, Settings, SystemSettings

__all__ = [
    "ConfigInUse",
    "DatabaseSettings",
    "FilterSettings",
    "Settings",
    "SystemSettings",
    "load_in_use",
    "load_settings",
]
