"""Every page with something on it, as a path below the service's address."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.waiting import GIVE_UP_SECONDS

PAGES = ("", "pages/nodes", "pages/queue", "pages/history", "pages/load", "pages/api", "pages/job", "pages/node")

# Per page, an element that is there once what was asked has come, the last of it.
READY = {
    "": "#hour svg",
    "pages/nodes": "#map[data-drawn] section",
    "pages/queue": "#summary button + button, #blank :is(p)",
    "pages/history": "#rows tr, #state .empty",
    "pages/load": "#graphs .legend",
    "pages/api": "#outcome:has-text('routes answer')",
    "pages/job": "#raw summary",
    "pages/node": "#raw summary",
}


def answer(address: str, question: str) -> Any:
    """What the API answers to `question`, as the whole document."""
    with urllib.request.urlopen(address + question, timeout=GIVE_UP_SECONDS) as answered:
        return json.load(answered)


def filled(address: str, path: str) -> str:
    """`path`, where it is the page of one job or node with one that exists."""
    if path == "pages/job":
        (job,) = answer(address, "queue?state=RUNNING&limit=1&fields=job_id")["data"]
        return f"{path}?id={job}"
    if path == "pages/node":
        (node,) = answer(address, "nodes?limit=1&fields=name")["data"]
        return f"{path}?name={node}"
    return path
