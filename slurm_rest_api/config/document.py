"""Writes config.yml and docs/settings.md from the models of the settings."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from slurm_rest_api.config.faults import expectation
from slurm_rest_api.config.models import SECTIONS

_WIDTH: Final = 100
_PLAIN_FROM_DEFAULT: Final = ("true or false", "text", "text that is not empty")
_HEAD: Final = """\
## The configuration of slurm-rest-api: every setting, with its default.
##
## To change a setting, remove the # in front of it and the # in front of its section's name.
## Lines with ## are explanations.
##
## The service reads the first of these files, once, when it starts: that of --config, that of
## $SLURM_REST_API_CONFIG, config.yml in the working folder, /etc/slurm-rest-api/config.yml.
## Unknown settings and invalid values stop the start.
## `slurm-rest-api check` reports if this host can run the service with it.
"""
_PAGE_HEAD: Final = """\
# Settings

Every setting of `config.yml`. The file in the top folder has the same settings, commented out with their defaults.
[Installation](installation.md#the-configuration-file) says where the service searches for the file. It reads the file
once, when it starts. A faulty file stops the start, and all its faults are reported.

This page is generated from `slurm_rest_api/config/models.py`.
"""


def config_yml() -> str:
    """Returns the text of config.yml: every setting with its default, commented out."""
    return _HEAD + "".join(_section(name) for name in SECTIONS).rstrip("\n") + "\n"


def settings_page() -> str:
    """Returns the text of docs/settings.md: a table of settings for each section."""
    return _PAGE_HEAD + "".join(f"\n## {section}\n\n{settings_table(section)}" for section in SECTIONS)


def settings_table(section: str) -> str:
    """Returns the settings of a section as a Markdown table: name, default, accepted values, meaning."""
    rows = ["| setting | default | takes | meaning |", "|---|---|---|---|"]
    for name, field in SECTIONS[section].model_fields.items():
        cells = (f"`{name}`", f"`{default_text(field)}`", expectation(field), _meaning(field))
        rows.append(f"| {' | '.join(_in_cell(cell) for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _in_cell(text: str) -> str:
    # Markdown reads <ClusterName> as an HTML tag.
    return text.replace("|", chr(92) + "|").replace("<", "&lt;")


def default_text(field: FieldInfo) -> str:
    """Returns a default as the file has it, in JSON, which is YAML, too."""
    return json.dumps(_plain(field.default))


def _section(section: str) -> str:
    lines = [f"\n#{section}:\n\n"]
    for name, field in SECTIONS[section].model_fields.items():
        expected = expectation(field)
        takes = "" if expected in _PLAIN_FROM_DEFAULT else f" Takes {expected}."
        text = _meaning(field) + takes
        lines += [
            f"{line}\n" for line in textwrap.wrap(text, _WIDTH, initial_indent="  ## ", subsequent_indent="  ## ")
        ]
        lines.append(f"#  {name}: {default_text(field)}\n\n")
    return "".join(lines)


def _meaning(field: FieldInfo) -> str:
    assert field.description is not None
    return field.description


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
