"""Words the faults of a configuration: where, which value, what was expected."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from slurm_rest_api.config.models import SECTIONS
from slurm_rest_api.config.section import AbsolutePath, Section

Lines = Mapping[tuple[str, ...], int]
"""Line of each section and setting in the file, counted from 1."""

_REMOVED: Final = {
    ("system", "waiting_requests"): "this setting was removed with the query parameter `wait`. Delete the line"
}
"""Settings of earlier releases, and the advice for each."""


def messages(section: str, error: ValidationError, lines: Lines) -> list[str]:
    """Returns one message for each fault that pydantic found in `section`.

    Secrets and the values of unknown settings are left out.
    """
    return [_message(section, details, lines) for details in error.errors(include_url=False)]


def location(path: tuple[str | int, ...], lines: Lines) -> str:
    """Returns the location of a fault: `system.cors_origins[1] (line 4)`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    # Lines are known only for settings, so an entry of a list gets the line of its setting.
    line = lines.get(tuple(part for part in path if isinstance(part, str)))
    return text if line is None else f"{text} (line {line})"


def unknown_key(section: str | None, key: object, lines: Lines) -> str:
    """Returns the message for an unknown key, with the nearest setting that exists."""
    known = list(SECTIONS if section is None else SECTIONS[section].model_fields)
    if not isinstance(key, str):
        where = "the file" if section is None else section
        return f"{where}: {key!r} is not a setting. Expected one of {', '.join(known)}."
    where = location((key,) if section is None else (section, key), lines)
    if section is not None and (section, key) in _REMOVED:
        return f"{where}: {_REMOVED[section, key]}."
    sections = [name for name, model in SECTIONS.items() if key in model.model_fields]
    if sections:
        return f"{where}: not a setting of this section. Move it to section `{sections[0]}`."
    near = difflib.get_close_matches(key.lower(), known, n=1)
    kind = "section" if section is None else "setting"
    hint = f"Did you mean `{near[0]}`?" if near else f"Expected one of {', '.join(known)}."
    return f"{where}: unknown {kind}. {hint}"


def expectation(field: FieldInfo) -> str:
    """Returns the accepted values of a setting in words: `a whole number from 1 to 65535`."""
    choices = [part for part in _parts(field.annotation) if part is not NoneType]
    if (entry := _entry_model(field)) is not None:
        return f"a list of entries with {_listed(entry)}"
    words = _type_words(choices[0], field) + _range_words(field)
    return f"{words}, or null" if len(choices) < len(_parts(field.annotation)) else words


def _is_secret(field: FieldInfo, value: object) -> bool:
    # The URL of a database, in a setting that takes none, may have a password.
    return SecretStr in _parts(field.annotation) or (isinstance(value, str) and "://" in value and "@" in value)


def _message(section: str, details: ErrorDetails, lines: Lines) -> str:
    path = (section, *details["loc"])
    name = str(details["loc"][0])
    if len(path) > 3 and (entry := _entry_model(SECTIONS[section].model_fields[name])) is not None:
        return _entry_message(entry, path, details, lines)
    if details["type"] in ("extra_forbidden", "invalid_key"):
        return unknown_key(section, details["loc"][0], lines)
    field = SECTIONS[section].model_fields[name]
    where = location(tuple(path[: 3 if len(path) > 2 and isinstance(path[2], int) else 2]), lines)
    value = "(not shown)" if _is_secret(field, details["input"]) else _shown(details["input"])
    if details["type"] == "value_error":
        expected = str(details["ctx"]["error"])
        return f"{where}: invalid value {value}. {expected[0].upper()}{expected[1:]}."
    item = len(path) > 2 and isinstance(path[2], int)
    expected = _item_words(field) if item else expectation(field)
    hint = _quotes_hint(details)
    return f"{where}: invalid value {value}. Expected {expected}{hint}."


def _entry_message(entry: type[Section], path: tuple[str | int, ...], details: ErrorDetails, lines: Lines) -> str:
    """Returns the message for a fault inside an entry of a list, such as `pages.links[0].url`."""
    where, key = location(path[:3], lines), str(path[3])
    if details["type"] == "missing":
        return f"{where}: `{key}` is missing."
    if key not in entry.model_fields:
        return f"{where}: unknown setting `{key}`. Expected {_listed(entry)}."
    if details["type"] == "value_error":
        expected = str(details["ctx"]["error"])
    else:
        expected = f"expected {expectation(entry.model_fields[key])}"
    return f"{where}: invalid `{key}` {_shown(details['input'])}. {expected[0].upper()}{expected[1:]}."


def _entry_model(field: FieldInfo) -> type[Section] | None:
    """Returns the model of the entries of a setting that is a list of mappings."""
    item = get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else None
    return item if isinstance(item, type) and issubclass(item, Section) else None


def _listed(entry: type[Section]) -> str:
    required = [name for name, field in entry.model_fields.items() if field.is_required()]
    optional = [name for name in entry.model_fields if name not in required]
    return " and ".join(required) + (f", with or without {', '.join(optional)}" if optional else "")


def _quotes_hint(details: ErrorDetails) -> str:
    if details["type"] == "string_type" and isinstance(details["input"], bool | int | float):
        return " (put it in quotes: YAML reads it as a number or a boolean)"
    return ""


def _shown(value: object) -> str:
    if value is None:
        return "null"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _parts(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _item_words(field: FieldInfo) -> str:
    if (entry := _entry_model(field)) is not None:
        return _listed(entry)
    item = get_args(field.annotation)[0]
    return f"one of {', '.join(get_args(item))}" if get_origin(item) is Literal else "text that is not empty"


def _type_words(kind: Any, field: FieldInfo) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) is tuple and get_origin(get_args(kind)[0]) is Literal:
        return f"a list of some of {', '.join(get_args(get_args(kind)[0]))}"
    if get_origin(kind) is tuple:
        return 'a list of texts such as ["a", "b"]'
    if kind in (AbsolutePath, Path):
        return "an absolute path"
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    words: dict[Any, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        SecretStr: "text",
    }
    return words[kind] if not _constraint(field, "min_length") else f"{words[kind]} that is not empty"


def _range_words(field: FieldInfo) -> str:
    low, high = _constraint(field, "ge"), _constraint(field, "le")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "" if low is None else f" of at least {low}"


def _constraint(field: FieldInfo, name: str) -> Any:
    return next((getattr(item, name) for item in field.metadata if hasattr(item, name)), None)
