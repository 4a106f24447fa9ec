"""Compares two versions of a published interface, and lists what the newer one takes away from its users."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Schema = Mapping[str, Any]
Direction = Literal["sent", "received"]
"""Clients send parameters and settings, and receive responses."""

# Limits of values, with the types that have them. A newer version may widen what it accepts.
_UPPER_LIMITS: Final = {"maximum": ("integer", "number"), "maxLength": ("string",), "maxItems": ("array",)}
_LOWER_LIMITS: Final = {"minimum": ("integer", "number"), "minLength": ("string",), "minItems": ("array",)}
# A pattern that lists words is a list of values.
_WORDS: Final = re.compile(r"\^\((\w+(?:\|\w+)*)\)\$")


@dataclass
class Shape:
    """Holds the types, values and members that a schema allows, over all its alternatives."""

    types: set[str] = field(default_factory=set)
    values: set[str] | None = None
    properties: dict[str, Schema] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    items: Schema | None = None
    others: Schema | None = None
    """Schema of members whose names are data, such as job ids."""
    limits: dict[str, float] = field(default_factory=dict)
    """The widest limit of each kind. A kind is absent if an alternative has none."""
    patterns: set[str] = field(default_factory=set)


@dataclass
class Document:
    """An OpenAPI document or a JSON schema, which holds the schemas that it refers to."""

    content: Schema

    def follow(self, schema: Schema) -> Schema:
        """Returns the schema that `schema` refers to, or itself."""
        while "$ref" in schema:
            found: Any = self.content
            for key in schema["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            schema = found
        return schema

    def alternatives(self, schema: Schema) -> Iterator[Schema]:
        """Yields the schemas of `anyOf`, `oneOf` and `allOf`, however deep, or the schema itself."""
        schema = self.follow(schema)
        inner = [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]
        if not inner:
            yield schema
        for one in inner:
            yield from self.alternatives(one)

    def shape(self, schema: Schema) -> Shape:
        """Returns what `schema` allows. Fixed values count only if each alternative has them, or is null."""
        shape, listed, is_open = Shape(), set[str](), False
        for one in self.alternatives(schema):
            kinds = one.get("type", [])
            shape.types |= {kinds} if isinstance(kinds, str) else {*kinds}
            fixed = _fixed_values(one)
            if "pattern" in one and fixed is None:
                shape.patterns.add(one["pattern"])
            listed |= {str(value) for value in fixed or ()}
            is_open |= fixed is None and kinds != "null"
            shape.properties |= one.get("properties", {})
            shape.required |= set(one.get("required", ()))
            shape.items = one.get("items", shape.items)
            others = one.get("additionalProperties")
            shape.others = others if isinstance(others, Mapping) else shape.others
        shape.values = None if is_open else listed
        shape.limits = _widest_limits([*self.alternatives(schema)])
        return shape


def _fixed_values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    if words := _WORDS.fullmatch(schema.get("pattern", "")):
        return words[1].split("|")
    found: list[Any] | None = schema.get("enum")
    return found


def _widest_limits(alternatives: list[Schema]) -> dict[str, float]:
    widest: dict[str, float] = {}
    for limits, choose, without in ((_UPPER_LIMITS, max, float("inf")), (_LOWER_LIMITS, min, float("-inf"))):
        for word, types in limits.items():
            found = [one.get(word, without) for one in alternatives if one.get("type") in types]
            if found and (limit := choose(found)) != without:
                widest[word] = limit
    return widest


def compare_api(old: Schema, new: Schema) -> list[str]:
    """Lists the routes, parameters, values, statuses, media types and fields of `old` that `new` lacks or changes."""
    return list(_compare_paths(Document(old), Document(new)))


def compare_schemas(old: Schema, new: Schema, direction: Direction) -> list[str]:
    """Lists the members, types and values of the JSON schema `old` that `new` lacks or changes."""
    return list(_Comparison(Document(old), Document(new), direction).compare(old, new, ""))


def compare_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Lists the names of `old` that `new` lacks or describes in another way. Lists in a description may grow."""
    return [name for name, facts in old.items() if name not in new or not _holds(new[name], facts)]


def _holds(new: Any, old: Any) -> bool:
    return set(old) <= set(new) if isinstance(old, list) and isinstance(new, list) else bool(new == old)


def _compare_paths(old: Document, new: Document) -> Iterator[str]:
    for path, operations in old.content["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            if (newer := new.content["paths"].get(path, {}).get(method)) is None:
                yield f"{name}: removed"
                continue
            if newer["operationId"] != operation["operationId"]:
                yield f"{name}: operationId changed"
            yield from _compare_parameters(old, new, name, operation, newer)
            yield from _compare_responses(old, new, name, operation, newer)


def _compare_parameters(old: Document, new: Document, name: str, operation: Schema, newer: Schema) -> Iterator[str]:
    before, after = _parameters(operation), _parameters(newer)
    for key, parameter in before.items():
        where = f"{name} ?{key[1]}"
        if key not in after:
            yield f"{where}: removed"
            continue
        yield from _Comparison(old, new, "sent").compare(parameter["schema"], after[key]["schema"], where)
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{name} ?{key[1]}: required now"


def _parameters(operation: Schema) -> dict[tuple[str, str], Schema]:
    return {(one["in"], one["name"]): one for one in operation.get("parameters", ())}


def _compare_responses(old: Document, new: Document, name: str, operation: Schema, newer: Schema) -> Iterator[str]:
    for status, response in operation["responses"].items():
        for media, content in response.get("content", {}).items():
            where = f"{name} {status} {media}"
            after = newer["responses"].get(status, {}).get("content", {}).get(media)
            if after is None:
                yield f"{where}: removed"
            else:
                yield from _Comparison(old, new, "received").compare(content["schema"], after["schema"], where)


class _Comparison:
    """Compares schemas of two documents in one direction. A pair of schemas that refers to itself ends."""

    def __init__(self, old: Document, new: Document, direction: Direction) -> None:
        self._old = old
        self._new = new
        self._is_sent = direction == "sent"
        self._compared = set[tuple[int, int]]()

    def compare(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        """Yields what `new` takes away, each with its place."""
        if self._is_sent and "default" in old and old["default"] != new.get("default"):
            yield f"{where}: default changed"
        old, new = self._old.follow(old), self._new.follow(new)
        if (pair := (id(old), id(new))) in self._compared:
            return
        self._compared.add(pair)
        before, after = self._old.shape(old), self._new.shape(new)
        yield from self._compare_values(before, after, where)
        if self._is_sent:
            yield from _narrowed_limits(before, after, where)
        for name, schema in before.properties.items():
            if name not in after.properties:
                yield f"{where}.{name}: removed"
            else:
                yield from self.compare(schema, after.properties[name], f"{where}.{name}")
        more, fewer = (after, before) if self._is_sent else (before, after)
        changed = "required now" if self._is_sent else "may be missing now"
        yield from (f"{where}.{name}: {changed}" for name in sorted(more.required - fewer.required))
        for inner, newer, place in ((before.items, after.items, "[]"), (before.others, after.others, ".*")):
            if inner is not None and newer is not None:
                yield from self.compare(inner, newer, f"{where}{place}")

    def _compare_values(self, before: Shape, after: Shape, where: str) -> Iterator[str]:
        sent, accepted = (before.types, after.types) if self._is_sent else (after.types, before.types)
        if accepted and (unknown := _not_within(sent, accepted)):
            change = "accepted no more" if self._is_sent else "new type"
            yield f"{where}: {change}: {', '.join(sorted(unknown))}"
        # New states, reasons and flags come with new releases of Slurm, so the values of responses may grow.
        if self._is_sent and after.values is not None:
            lost = (before.values or set()) - after.values
            if before.values is None:
                yield f"{where}: any value was accepted"
            yield from (f"{where}: {value} accepted no more" for value in sorted(lost))


def _not_within(sent: set[str], accepted: set[str]) -> set[str]:
    """Returns the types that are not accepted. A schema without a type is any type. A number may be whole."""
    if not sent:
        return {"any"}
    return sent - accepted - ({"integer"} if "number" in accepted else set())


def _narrowed_limits(old: Shape, new: Shape, where: str) -> Iterator[str]:
    for word, limit in new.limits.items():
        before = old.limits.get(word)
        if before is None or (limit < before if word in _UPPER_LIMITS else limit > before):
            yield f"{where}: {word} {limit}"
    # Only a person can say if another pattern accepts the same texts. The record of the old one can be edited then.
    yield from (f"{where}: another pattern: {pattern}" for pattern in sorted(new.patterns - old.patterns))
