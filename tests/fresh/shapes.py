"""Compares an answer with a documented one: do the fields exist, and are they of the same type?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Objects whose keys are names, such as jobs, nodes and partitions: one entry documents all.
BY_NAME = frozenset(
    ("cpus_allocated", "mem_allocated", "tres_alloc", "max_tres_per_job", "grp_tres", "nodes_by_state", "partitions",
     "nodes", "parts", "facts", "rpc_type_stats", "rpc_user_stats")
)  # fmt: skip
KEYED_DATA = frozenset(("/queue", "/nodes", "/partitions", "/jobs", "/availability"))


def differences(documented: Any, answers: Sequence[Any], where: str, *, by_name: bool = False) -> list[str]:
    """Returns the differences of `documented` from `answers`, the values at the same place of one answer.

    A documented null says nothing of a type, and an answered null may be any; so at least one answer has to have the
    documented type, unless all are null.
    """
    present = [answer for answer in answers if answer is not None]
    if documented is None or not present:
        return []
    alike = [answer for answer in present if _kind(answer) == _kind(documented)]
    if not alike:
        return [f"{where}: {_kind(present[0])}, documented as {_kind(documented)}"]
    if isinstance(documented, dict):
        return _of_object(documented, alike, where, by_name=by_name)
    if isinstance(documented, list):
        inner = [item for answer in alike for item in answer]
        return [fault for item in documented for fault in differences(item, inner, f"{where}[]")]
    return []


def _of_object(documented: dict[str, Any], answers: Sequence[Any], where: str, *, by_name: bool) -> list[str]:
    if by_name:
        inner = [value for answer in answers for value in answer.values()]
        return [fault for value in documented.values() for fault in differences(value, inner, f"{where}.*")]
    found = []
    for key, value in documented.items():
        inner = [answer[key] for answer in answers if key in answer]
        if not inner:
            found.append(f"{where}.{key}: not in the answer")
        found += differences(value, inner, f"{where}.{key}", by_name=isinstance(value, dict) and key in BY_NAME)
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object" if isinstance(value, dict) else "null"
