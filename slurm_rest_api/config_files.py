"""Checks the files and folders that the settings name, before a start or a reload of the service."""

from __future__ import annotations

from slurm_rest_api.auth.factory import open_auth
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ConfigError
from slurm_rest_api.pages.site import logo_fault
from slurm_rest_api.slurmapi.shared.runtime_dir import require_usable


def check_files(settings: Settings) -> None:
    """Checks what `settings` require of files and folders. A start and a reload are refused without it.

    Raises:
        ConfigError: a file of the authentication, the logo or the runtime directory cannot be used, or other users can
            read what clients may not. It holds all these faults.
    """
    logo = logo_fault(settings.pages.logo)
    found = [] if logo is None else [logo]
    for check in (open_auth, require_usable):
        try:
            check(settings)
        except ConfigError as error:
            found += error.faults
    if found:
        raise ConfigError(settings.origin, found)
