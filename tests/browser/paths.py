"""Every page, as a path below the address of the service."""

from __future__ import annotations

from tests.browser.asking import asked

PAGES = (
    "", "pages/nodes", "pages/queue", "pages/my-jobs", "pages/history", "pages/load", "pages/api", "pages/job",
    "pages/node", "pages/usage",
)  # fmt: skip

# The pages of the menu Cluster, and those with one account or QOS.
CLUSTER = ("pages/partitions", "pages/reservations", "pages/licenses", "pages/events", "pages/accounts", "pages/qos")
CHOSEN = ("pages/accounts?name=physics", "pages/accounts?name=physics&user=alice", "pages/qos?name=high")

# For each page, the last element that it loads.
READY = {
    "": "#hour svg",
    "pages/nodes": "#map[data-drawn] section",
    "pages/queue": "#summary button + button, #blank :is(p)",
    "pages/history": "#rows tr, #state .empty",
    "pages/my-jobs": "#ended tbody tr, #ended .empty",
    "pages/load": "#graphs .legend",
    "pages/usage": "#sum tr",
    "pages/api": "#outcome:has-text('endpoints OK')",
    "pages/job": "#raw summary",
    "pages/node": "#raw summary",
}


def filled(address: str, path: str) -> str:
    """Returns `path`, with a running job, its user or the name of a node for their pages."""
    if path == "pages/job":
        (job,) = asked(address, "queue?state=RUNNING&limit=1&fields=job_id")["data"]
        return f"{path}?id={job}"
    if path == "pages/my-jobs":
        (job,) = asked(address, "queue?state=RUNNING&limit=1&fields=user_name&shape=list")["data"]
        return f"{path}?user={job['user_name']}"
    if path == "pages/node":
        (node,) = asked(address, "nodes?limit=1&fields=name")["data"]
        return f"{path}?name={node}"
    return path
