"""The base class of all sections of the configuration, and types of values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Sizes of Linux: NAME_MAX, and PATH_MAX with its final NUL (limits.h).
_MOST_NAME_BYTES: Final = 255
_MOST_PATH_BYTES: Final = 4095


def require_possible_path(value: str | Path) -> None:
    """Checks that Linux can have a file of this path, whatever exists now.

    Raises:
        ValueError: the path has a NUL, or it or one of its names is too long.
    """
    path = os.fsencode(value)
    if b"\0" in path:
        raise ValueError("expected a path without NUL characters")
    if len(path) > _MOST_PATH_BYTES or any(len(name) > _MOST_NAME_BYTES for name in path.split(b"/")):
        raise ValueError(
            f"expected a path of at most {_MOST_PATH_BYTES} bytes, with names of at most {_MOST_NAME_BYTES} bytes"
        )


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("expected an absolute path (one that begins with /)")
    require_possible_path(value)
    return value


Text = Annotated[str, Field(min_length=1)]
# Strict mode would accept only Path and tuple objects, which YAML never makes.
AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]


class Section(BaseModel):
    """Base of every section: refuses unknown settings, and is immutable."""

    # Inputs stay out of pydantic's messages, because one of them may be a password.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)
