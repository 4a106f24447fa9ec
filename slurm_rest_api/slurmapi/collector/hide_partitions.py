"""Takes hidden partitions out of a snapshot, with everything that belongs to them alone; pure.

Hidden with a partition: its jobs, the nodes that are in hidden partitions only, and the names of all these
in the fields of other records that Slurm fills. What people write is left alone: job names, comments,
features, paths, reasons of a drained node. The one exception is `submit_line`, which Slurm records by itself.

The id of a hidden job that slurmctld has forgotten already cannot be told from any other forgotten job's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from slurm_rest_api.slurm.partitions import shown_partitions
from slurm_rest_api.slurmapi.collector.job_references import JobLinks
from slurm_rest_api.slurmapi.collector.node_name_filter import NodeNames
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot, UnchangedJob

# A hostlist text, one name, and dictionaries by node name, as the classic job record has them.
_JOB_HOSTLISTS = ("nodes", "sched_nodes")
_JOB_HOSTS = ("batch_host", "alloc_node", "failed_node")
_JOB_BY_NODE = ("cpus_allocated", "mem_allocated", "cpus_alloc_layout", "gres_allocated")
_JOB_HOSTLIST_PIECES = ("req_nodes", "exc_nodes")


def hide_partitions(snapshot: Snapshot, hidden: Collection[str]) -> Snapshot:
    """The snapshot without what belongs to the partitions named in `hidden`.

    Jobs stay lazy and can be walked once; those that refer to a job not seen so far come last. Records that
    change are copied. An `UnchangedJob` job of a visible partition stays one. A job in several partitions stays
    while one of them is visible, and names only those.
    """
    if not hidden:
        return snapshot
    names = frozenset(hidden)
    hidden_nodes = NodeNames(
        node["name"] for node in snapshot.nodes if node.get("partitions") and names.issuperset(node["partitions"])
    )
    return replace(
        snapshot,
        jobs=_visible_jobs(snapshot.jobs, names, hidden_nodes),
        nodes=[_shown_node(node, names) for node in snapshot.nodes if node["name"] not in hidden_nodes],
        partitions=[
            _shown_partition(partition, names, hidden_nodes)
            for partition in snapshot.partitions
            if partition["name"] not in names
        ],
        statistics=hidden_nodes.without_in_host_fields(snapshot.statistics),
    )


def _shown_node(node: Record, hidden: frozenset[str]) -> Record:
    partitions = node.get("partitions")
    if not partitions or hidden.isdisjoint(partitions):
        return node
    return {**node, "partitions": [name for name in partitions if name not in hidden]}


def _shown_partition(partition: Record, hidden: frozenset[str], hidden_nodes: NodeNames) -> Record:
    """`nodes` needs nothing: a node in a visible partition is visible."""
    changes: Record = {}
    if partition.get("alternate") in hidden:
        changes["alternate"] = None
    submit_nodes = partition.get("allow_alloc_nodes")
    if isinstance(submit_nodes, list) and (shown := hidden_nodes.without_pieces(submit_nodes)) != submit_nodes:
        changes["allow_alloc_nodes"] = shown
    return {**partition, **changes} if changes else partition


def _visible_jobs(jobs: Iterable[Record], hidden: frozenset[str], hidden_nodes: NodeNames) -> Iterator[Record]:
    links = JobLinks()
    waiting: list[Record] = []
    for job in jobs:
        partition = job.get("partition") or ""
        shown_partition = shown_partitions(partition, hidden)
        if partition and not shown_partition:
            links.add_hidden(job)
            continue
        linked = links.add_visible(job)
        if isinstance(job, UnchangedJob):
            yield job
            continue
        changes = _job_changes(job, hidden, hidden_nodes)
        if shown_partition != partition:
            changes["partition"] = shown_partition
        shown = {**job, **changes} if changes else job
        if not linked:
            yield shown
        elif links.are_open(shown):
            waiting.append(shown)
        else:
            yield links.without_hidden(shown)
    for job in waiting:
        yield links.without_hidden(job)


def _job_changes(job: Record, hidden: frozenset[str], hidden_nodes: NodeNames) -> Record:
    changes: Record = {}
    line = job.get("submit_line")
    if line and (_names_partition(line, hidden) or hidden_nodes.in_command(line)):
        changes["submit_line"] = None
    # Most sites hide partitions over nodes that others share: then there is nothing more to look for.
    if hidden_nodes:
        changes.update(_node_changes(job, hidden_nodes))
    return changes


def _node_changes(job: Record, hidden_nodes: NodeNames) -> Record:
    changes: Record = {}
    get = job.get
    for field in _JOB_HOSTS:
        if get(field) in hidden_nodes:
            changes[field] = None
    for field in _JOB_HOSTLISTS:
        if (text := get(field)) and (shown := hidden_nodes.without(text)) != text:
            changes[field] = shown
    for field in _JOB_HOSTLIST_PIECES:
        if (pieces := get(field)) and (listed := hidden_nodes.without_pieces(pieces)) != pieces:
            changes[field] = listed
    for field in _JOB_BY_NODE:
        if (by_node := get(field)) and not hidden_nodes.isdisjoint(by_node):
            changes[field] = {node: value for node, value in by_node.items() if node not in hidden_nodes}
    if (reason := get("state_reason")) and (told := hidden_nodes.without_in_reason(reason)) != reason:
        changes["state_reason"] = told
    return changes


def _names_partition(line: str, hidden: frozenset[str]) -> bool:
    """Whether a command line has a hidden name as a word, in a comma list, or stuck to `-p`."""
    for name in hidden:
        if name in line:
            break
    else:
        return False
    words = line.translate(str.maketrans(",='\"", "    ")).split()
    return not hidden.isdisjoint(words) or not hidden.isdisjoint(
        word.removeprefix("-p") for word in words if word.startswith("-p")
    )
