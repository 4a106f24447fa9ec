"""Keeps the configuration that the service was started with, so that an edited file takes effect at a reload only.

uWSGI and `run` start workers and collectors again for years, and config.yml may be broken or half edited by then. So
the start and each reload check the configuration once, and save a copy in the runtime folder. All processes load it.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import SecretStr

from slurm_rest_api.config.loading import load_settings
from slurm_rest_api.config.models import Settings
from slurm_rest_api.errors import ConfigError

logger = logging.getLogger(__name__)

IN_USE_VARIABLE: Final = "SLURM_REST_API_CONFIG_IN_USE"
"""Names the file of the copy. uWSGI and `run` set it for the processes that they start."""
IN_USE_NAME: Final = "config-in-use.json"
"""Name of the copy in the runtime folder."""
RELOAD_NAME: Final = "reload"
"""Name of the file next to it that uWSGI watches (`touch-chain-reload`)."""
REFUSED: Final = "The reload is refused. The configuration from before stays in use."

Check = Callable[[Settings], None]
"""Checks what settings require of files and folders. Raises ConfigError."""


class ConfigInUse:
    """The copy at `path`. It holds passwords, so only its owner can read it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ) -> ConfigInUse | None:
        """Returns the copy that $SLURM_REST_API_CONFIG_IN_USE names, None if this process has none."""
        named = environ.get(IN_USE_VARIABLE)
        return cls(Path(named)) if named else None

    def save(self, settings: Settings) -> None:
        """Replaces the copy. Its modification time shows which touches of the reload file it follows.

        Raises:
            OSError: the file cannot be written.
        """
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(_with_key(settings).model_dump(exclude_unset=True), file, default=_plain)
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def restore(self, settings: Settings) -> None:
        """Writes the copy again if it was deleted."""
        try:
            if not self.path.exists():
                self.save(settings)
        except OSError as error:
            logger.warning("%s cannot be written: %s.", self.path, error.strerror)

    def read(self) -> Settings | None:
        """Reads the copy. Returns None if it is missing, damaged, or of another version."""
        try:
            return Settings.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, pydantic.ValidationError) as error:
            logger.warning("%s cannot be used: %s. The configuration file is read.", self.path, type(error).__name__)
            return None

    def load(self, config: Path | None, check: Check) -> Settings:
        """Returns the settings of the last start or reload.

        If a user has touched the reload file since, it loads the configuration file first, and saves it if it has no
        fault. Otherwise it logs the faults and keeps the copy.

        Raises:
            ConfigError: there is no copy, and the configuration file has faults.
        """
        settings = self.read()
        if settings is not None and not self._is_reload_requested():
            return settings
        try:
            loaded = load_settings(config)
            check(loaded)
        except ConfigError as error:
            if settings is None:
                raise
            logger.error("%s %s", REFUSED, error)
            self._settle()
            return settings
        try:
            self.save(loaded)
        except OSError as error:
            # For example a file system that has become read-only. The settings were checked all the same.
            logger.warning("%s cannot be written: %s.", self.path, error.strerror)
        return loaded

    def _is_reload_requested(self) -> bool:
        try:
            touched = self.path.with_name(RELOAD_NAME).stat().st_mtime_ns
            return touched > self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return False

    def _settle(self) -> None:
        """Marks the copy as newer than the reload file, so that the other processes do not check it again."""
        try:
            os.utime(self.path)
        except OSError as error:
            logger.warning("%s cannot be written: %s.", self.path, error.strerror)


def load_in_use(config: Path | None, check: Check, environ: Mapping[str, str] = os.environ) -> Settings:
    """Returns the settings of this process: the copy of its service if it has one, else those of the file `config`.

    Raises:
        ConfigError: the file has faults, and there is no copy.
    """
    copy = ConfigInUse.of_environment(environ)
    if copy is not None:
        return copy.load(config, check)
    settings = load_settings(config)
    check(settings)
    return settings


def request_reload(settings: Settings, file: Path) -> None:
    """Makes `settings` those of the service, and touches `file`, which uWSGI watches.

    Raises:
        OSError: a file cannot be written.
    """
    copy = ConfigInUse(file.with_name(IN_USE_NAME))
    copy.save(settings)
    saved = copy.path.stat().st_mtime_ns
    file.touch(mode=0o600)
    # Not newer than the copy, which the processes would then take for outdated.
    os.utime(file, ns=(saved, saved))


def _with_key(settings: Settings) -> Settings:
    """Adds the key that tokens are signed with. Without it, a worker that starts later could not check any."""
    if settings.auth.mode != "jwt" or settings.auth.jwt_key_file is None or settings.jwt_key is not None:
        return settings
    return settings.model_copy(update={"jwt_key": SecretStr(settings.auth.jwt_key_file.read_bytes().hex())})


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
