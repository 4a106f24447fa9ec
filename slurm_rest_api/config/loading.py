"""Finds and reads the configuration file, and validates it into settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import SecretStr

from slurm_rest_api.config import faults
from slurm_rest_api.config.models import SECTIONS, DatabaseSettings, Settings
from slurm_rest_api.config.yaml_file import YamlFile, read_yaml
from slurm_rest_api.errors import ConfigError

CONFIG_VARIABLE: Final = "SLURM_REST_API_CONFIG"
PASSWORD_VARIABLE: Final = "SLURM_REST_API_DB_PASS"  # noqa: S105 - the name of a variable
FILE_NAME: Final = "config.yml"
SYSTEM_FILE: Final = Path("/etc/slurm-rest-api") / FILE_NAME

_ONE_OF: Final = (("database", "db_pass", "db_pass_file"), ("pages", "message", "message_file"))
"""Section and two settings of which only one may be set."""


def load_settings(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
    system_file: Path = SYSTEM_FILE,
) -> Settings:
    """Reads the configuration from the first file that exists.

    The order is `path`, $SLURM_REST_API_CONFIG, config.yml in `cwd` (default: the working folder), `system_file`.
    Without a file, the defaults apply. The database's password comes from $SLURM_REST_API_DB_PASS, else from
    db_pass_file, else from db_pass.

    Raises:
        ConfigError: a named file does not exist, or the file has faults. It holds all of them.
    """
    file = _find(path, environ, cwd or Path.cwd(), system_file)
    if file is None:
        return _with_password(Settings(), environ)
    content = read_yaml(file)
    settings, found = _validate(content, str(file))
    if settings is not None and not found:
        return _with_password(settings, environ)
    raise ConfigError(str(file), found)


def _find(path: Path | None, environ: Mapping[str, str], cwd: Path, system_file: Path) -> Path | None:
    if path is not None:
        return _existing(path, cwd, "--config")
    if named := environ.get(CONFIG_VARIABLE):
        return _existing(Path(named), cwd, f"${CONFIG_VARIABLE}")
    return next((file for file in (cwd / FILE_NAME, system_file) if file.exists()), None)


def _existing(path: Path, cwd: Path, named_by: str) -> Path:
    file = cwd / path
    if not file.exists():
        raise ConfigError(str(file), [f"The file does not exist: {path}. Check {named_by}."])
    return file


def _validate(content: YamlFile, origin: str) -> tuple[Settings | None, list[str]]:
    found = list(content.duplicates)
    sections: dict[str, Any] = {}
    for name, values in content.data.items():
        if not isinstance(name, str) or name not in SECTIONS:
            found.append(faults.unknown_key(None, name, content.lines))
        elif values is not None and not isinstance(values, dict):
            found.append(
                f"{faults.location((name,), content.lines)}: expected settings, one per line, as `name: value`."
            )
        else:
            sections[name] = values or {}
    for section, first, second in _ONE_OF:
        found += _both_set(section, first, second, sections.get(section, {}), content.lines)
    models = {}
    for name, values in sections.items():
        try:
            models[name] = SECTIONS[name].model_validate(values)
        except pydantic.ValidationError as error:
            found += faults.messages(name, error, content.lines)
    return (None, found) if found else (Settings.model_validate({**models, "origin": origin}), [])


def _both_set(section: str, first: str, second: str, values: Mapping[str, Any], lines: faults.Lines) -> list[str]:
    if values.get(first) is None or values.get(second) is None:
        return []
    return [f"{faults.location((section, second), lines)}: `{first}` is set, too. Set only one of them."]


def _with_password(settings: Settings, environ: Mapping[str, str]) -> Settings:
    database = settings.database
    if given := environ.get(PASSWORD_VARIABLE):
        password = given
    elif database.db_pass_file is not None:
        password = _password_of(database.db_pass_file, settings.origin)
    else:
        return settings
    return settings.model_copy(update={"database": _replace_password(database, password)})


def _replace_password(database: DatabaseSettings, password: str) -> DatabaseSettings:
    return database.model_copy(update={"db_pass": SecretStr(password)})


def _password_of(file: Path, origin: str) -> str:
    where = f'database.db_pass_file: "{file}"'
    try:
        if file.stat().st_mode & stat.S_IROTH:
            raise ConfigError(origin, [f"{where} is readable by every user of this host. Run `chmod o-r` on it."])
        first = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise ConfigError(origin, [f"{where} cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(origin, [f"{where} is not UTF-8 text."]) from error
    if not first:
        raise ConfigError(origin, [f"{where} has no password. Write it into the first line."])
    return first
