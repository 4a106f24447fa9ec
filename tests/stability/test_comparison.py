"""The comparison of interfaces finds what is taken away, and lets additions pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.stability.comparison import compare_api, compare_names, compare_schemas

API: Final[dict[str, Any]] = {
    "paths": {
        "/queue": {
            "get": {
                "operationId": "get_queue",
                "parameters": [
                    {"in": "query", "name": "state", "schema": {"enum": ["PD", "R"], "type": "string"}},
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 1000, "default": 10}},
                    {
                        "in": "query",
                        "name": "group_by",
                        "schema": {"anyOf": [{"type": "string", "pattern": "^(user|qos)$"}, {"type": "null"}]},
                    },
                    {
                        "in": "query",
                        "name": "name",
                        "schema": {
                            "anyOf": [{"type": "string", "pattern": "^\\w+$", "maxLength": 9}, {"type": "null"}]
                        },
                    },
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Queue"}},
                            "text/csv": {"schema": {"type": "string"}},
                        }
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Queue": {
                "type": "object",
                "properties": {"data": {"additionalProperties": {"$ref": "#/components/schemas/Job"}}},
                "required": ["data"],
            },
            "Job": {
                "type": "object",
                "properties": {
                    "job_id": {"type": "integer"},
                    "state": {"enum": ["PENDING"], "type": "string"},
                    "parts": {"items": {"$ref": "#/components/schemas/Job"}, "type": "array"},
                    "eligible": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                },
                "required": ["job_id"],
            },
        }
    },
}


def operation(api: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api["paths"]["/queue"]["get"]
    return found


def schema(api: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns the first alternative of a parameter's schema, or the schema itself."""
    (found,) = (one["schema"] for one in operation(api)["parameters"] if one["name"] == name)
    alternative: dict[str, Any] = found.get("anyOf", [found])[0]
    return alternative


def job(api: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api["components"]["schemas"]["Job"]
    return found


def changed(change: Callable[[dict[str, Any]], Any]) -> list[str]:
    newer = copy.deepcopy(API)
    change(newer)
    return compare_api(API, newer)


BODY: Final = "GET /queue 200 application/json.data.*"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda api: api["paths"].clear(), ["GET /queue: removed"]),
        (lambda api: operation(api).update(operationId="queue"), ["GET /queue: operationId changed"]),
        (lambda api: operation(api)["parameters"].pop(1), ["GET /queue ?limit: removed"]),
        (lambda api: operation(api)["parameters"][1].update(required=True), ["GET /queue ?limit: required now"]),
        (lambda api: schema(api, "limit").update(maximum=10), ["GET /queue ?limit: maximum 10"]),
        (lambda api: schema(api, "limit").update(minimum=1), ["GET /queue ?limit: minimum 1"]),
        (lambda api: schema(api, "limit").update(default=20), ["GET /queue ?limit: default changed"]),
        (lambda api: schema(api, "limit").pop("default"), ["GET /queue ?limit: default changed"]),
        (lambda api: schema(api, "name").update(maxLength=8), ["GET /queue ?name: maxLength 8"]),
        (lambda api: schema(api, "name").update(pattern="^[a-z]+$"), ["GET /queue ?name: another pattern: ^[a-z]+$"]),
        (
            lambda api: schema(api, "group_by").update(pattern="^(user)$"),
            ["GET /queue ?group_by: qos accepted no more"],
        ),
        (
            lambda api: operation(api)["parameters"][1]["schema"].update(type="string"),
            ["GET /queue ?limit: accepted no more: integer"],
        ),
        (
            lambda api: operation(api)["parameters"][0]["schema"].update(enum=["PD"]),
            ["GET /queue ?state: R accepted no more"],
        ),
        (
            lambda api: operation(api)["responses"]["200"]["content"].pop("text/csv"),
            ["GET /queue 200 text/csv: removed"],
        ),
        (lambda api: job(api)["properties"].pop("state"), [f"{BODY}.state: removed"]),
        (lambda api: job(api).update(required=[]), [f"{BODY}.job_id: may be missing now"]),
        (lambda api: job(api)["properties"]["job_id"].update(type="number"), [f"{BODY}.job_id: new type: number"]),
        (lambda api: job(api)["properties"]["job_id"].pop("type"), [f"{BODY}.job_id: new type: any"]),
        (
            lambda api: job(api)["properties"].update(job_id={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            [f"{BODY}.job_id: new type: null"],
        ),
    ],
)
def test_what_is_taken_away_is_listed(change: Callable[[dict[str, Any]], Any], expected: list[str]) -> None:
    assert changed(change) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda api: api["paths"].update({"/nodes": {"get": {}}}),
        lambda api: operation(api)["parameters"].append({"in": "query", "name": "user", "schema": {}}),
        lambda api: operation(api)["parameters"][1]["schema"].update(type=["integer", "string"], maximum=2000),
        lambda api: operation(api)["responses"].update({"404": {}}),
        lambda api: schema(api, "name").pop("pattern"),
        lambda api: schema(api, "name").pop("maxLength"),
        lambda api: schema(api, "group_by").update(pattern="^(user|qos|account)$"),
        lambda api: job(api)["properties"].update(user={"type": "string"}),
        lambda api: job(api)["properties"]["state"]["enum"].append("RUNNING"),
        lambda api: job(api)["properties"].update(eligible={"type": "integer"}),
    ],
)
def test_additions_pass(change: Callable[[dict[str, Any]], Any]) -> None:
    assert changed(change) == []


def test_settings_are_sent_by_the_administrator() -> None:
    old = {"properties": {"port": {"type": "integer"}}, "required": []}
    text = {"properties": {"port": {"type": ["integer", "string"]}, "host": {"type": "string"}}, "required": []}
    assert compare_schemas(old, text, "sent") == []
    assert compare_schemas(text, old, "sent") == [".port: accepted no more: string", ".host: removed"]
    assert compare_schemas(old, {**old, "required": ["port"]}, "sent") == [".port: required now"]


def test_names_keep_their_facts_and_lists_grow() -> None:
    old: dict[str, Any] = {"run": ["--port"], "jobs": {"labels": ["state"]}}
    assert compare_names(old, {**old, "run": ["--host", "--port"], "new": []}) == []
    assert compare_names(old, {"run": [], "jobs": {"labels": ["state", "user"]}}) == ["run", "jobs"]
