"""Reads a YAML file with the line of each of its settings, and refuses what YAML lets pass silently."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from slurm_rest_api.errors import ConfigError

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_QUOTE: Final = "a value that begins with * & ! or % must stand in quotes"


@dataclass(frozen=True)
class YamlFile:
    """What a file holds: its mapping, the line of each section and setting, and a sentence for each key given twice."""

    data: dict[Any, Any]
    lines: dict[tuple[str, ...], int]
    duplicates: list[str]


def read_yaml(file: Path) -> YamlFile:
    """Read `file`; an empty file is an empty mapping.

    Raises:
        ConfigError: the file cannot be read, is not YAML (with line and column), or is not a mapping.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(str(file), [f"The file cannot be read: {error.strerror}."]) from error
    try:
        # The loader decodes as it is made, so a file that is no text fails here already.
        loader = _Loader(raw)
        node = loader.get_single_node()
        data = {} if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(str(file), [_syntax_fault(error)]) from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        told = "The file must hold the sections system, database, filter and auth, each as `name:`."
        raise ConfigError(str(file), [told])
    lines: dict[tuple[str, ...], int] = {}
    duplicates: list[str] = []
    if isinstance(node, yaml.MappingNode):
        _walk(node, (), lines, duplicates)
    return YamlFile(data, lines, duplicates)


class _Loader(yaml.SafeLoader):
    """SafeLoader, except that a scalar which only looks like a date or a number is YAML's error with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            problem = "this looks like a date or a number but is none; put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def _walk(
    node: yaml.MappingNode, path: tuple[str, ...], lines: dict[tuple[str, ...], int], duplicates: list[str]
) -> None:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE_TAG:
            continue
        here = (*path, key.value)
        line = key.start_mark.line + 1
        if here in lines:
            duplicates.append(f"{'.'.join(here)} is given twice, in lines {lines[here]} and {line}; expected once.")
        lines.setdefault(here, line)
        if not path and isinstance(value, yaml.MappingNode):
            _walk(value, here, lines, duplicates)


def _syntax_fault(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "The file is not text in UTF-8, or holds control characters."
    mark = error.problem_mark
    # These two problems quote what they found, and that may be a password without its quotes.
    quotes = error.problem and error.problem.startswith(("found undefined alias", "could not determine a constructor"))
    problem = _QUOTE if quotes else error.problem
    return f"Line {mark.line + 1}, column {mark.column + 1} is not valid YAML: {problem}."
