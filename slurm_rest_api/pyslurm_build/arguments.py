"""Parses `--pyslurm_arguments`: settings of pyslurm's build."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable

APPENDED = ("CFLAGS", "CPPFLAGS", "LDFLAGS")
_OPTIONS = {"--slurm-lib": "SLURM_LIB_DIR", "--slurm-inc": "SLURM_INCLUDE_DIR"}


def parse_arguments(text: str) -> dict[str, str]:
    """Parses the arguments into environment variables of the build.

    Accepts NAME=VALUE, and the options of older pyslurm releases: `--slurm-lib=DIR`, `--slurm-inc=DIR`, `--slurm=DIR`.

    Raises:
        SourceUnusable: an argument is invalid.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SourceUnusable(f"Invalid --pyslurm_arguments: {text!r}. {error}.") from error
    variables: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if value and name == "--slurm":
            variables |= _below_prefix(Path(value))
        elif value and name in _OPTIONS:
            variables[_OPTIONS[name]] = value
        elif "=" in word and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            variables[name] = value
        else:
            raise SourceUnusable(
                f"Invalid --pyslurm_arguments: {word!r}. Expected NAME=VALUE, --slurm=DIR, --slurm-lib=DIR or "
                f"--slurm-inc=DIR."
            )
    return variables


def merged(environ: Mapping[str, str], *layers: Mapping[str, str]) -> dict[str, str]:
    """Returns `environ` with `layers` applied. Later values replace earlier ones, but compiler options are joined."""
    result = dict(environ)
    for layer in layers:
        for name, value in layer.items():
            result[name] = f"{result[name]} {value}" if name in APPENDED and result.get(name) else value
    return result


def _below_prefix(prefix: Path) -> dict[str, str]:
    lib = "lib64" if (prefix / "lib64").is_dir() else "lib"
    return {"SLURM_INCLUDE_DIR": str(prefix / "include"), "SLURM_LIB_DIR": str(prefix / lib)}
