"""The base class of all sections of the configuration, and types of values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("expected an absolute path (one that begins with /)")
    return value


Text = Annotated[str, Field(min_length=1)]
# Strict mode would accept only Path and tuple objects, which YAML never makes.
AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]


class Section(BaseModel):
    """Base of every section: refuses unknown settings, and is immutable."""

    # Inputs stay out of pydantic's messages, because one of them may be a password.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)
