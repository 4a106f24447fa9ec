"""The configuration: one YAML file, read once, validated into frozen settings.

`models` declares every setting, `loading` finds and reads the file, `faults` words its errors, and `document` writes
config.yml and docs/settings.md from the models.
"""

from slurm_rest_api.config.loading import load_settings
from slurm_rest_api.config.models import DatabaseSettings, FilterSettings, Settings, SystemSettings

__all__ = ["DatabaseSettings", "FilterSettings", "Settings", "SystemSettings", "load_settings"]
