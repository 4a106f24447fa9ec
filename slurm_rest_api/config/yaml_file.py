"""Reads a YAML file with line numbers, and reports duplicate keys, which PyYAML accepts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from slurm_rest_api.errors import ConfigError

_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_QUOTE: Final = "a value that begins with * & ! or % must be in quotes"


@dataclass(frozen=True)
class YamlFile:
    """The content of a file: `data`, the line of each section and setting, and a message for each duplicate key."""

    data: dict[Any, Any]
    lines: dict[tuple[str, ...], int]
    duplicates: list[str]


def read_yaml(file: Path) -> YamlFile:
    """Reads `file`. An empty file is an empty mapping.

    Raises:
        ConfigError: the file cannot be read, is not YAML (with line and column), or is not a mapping.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(str(file), [f"The file cannot be read: {error.strerror}."]) from error
    try:
        # The constructor decodes the text, so it raises for binary files.
        loader = _Loader(raw)
        node = loader.get_single_node()
        data = {} if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(str(file), [_syntax_fault(error)]) from error
    except RecursionError as error:
        raise ConfigError(
            str(file), ["Its lists or mappings are nested too deeply. A setting has at most a list of mappings."]
        ) from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        message = (
            "The file is not a mapping. Write the sections system, database, filter, auth and pages, each as `name:`."
        )
        raise ConfigError(str(file), [message])
    lines: dict[tuple[str, ...], int] = {}
    duplicates: list[str] = []
    if isinstance(node, yaml.MappingNode):
        _walk(node, (), lines, duplicates)
    return YamlFile(data, lines, duplicates)


class _Loader(yaml.SafeLoader):
    """SafeLoader that reports an invalid date or number as a YAML error, with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as error:
            problem = "this is not a valid date or number, put it in quotes if it is text"
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
            duplicates.append(f"{'.'.join(here)} is set twice: in lines {lines[here]} and {line}. Remove one.")
        lines.setdefault(here, line)
        if not path and isinstance(value, yaml.MappingNode):
            _walk(value, here, lines, duplicates)


def _syntax_fault(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "The file is not UTF-8 text, or has control characters."
    mark = error.problem_mark
    # These two messages of PyYAML quote the value, which may be a password.
    quotes = error.problem and error.problem.startswith(("found undefined alias", "could not determine a constructor"))
    problem = _QUOTE if quotes else error.problem
    return f"Line {mark.line + 1}, column {mark.column + 1} is not valid YAML: {problem}."
