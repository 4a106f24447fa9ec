"""Removes hidden partitions from a snapshot, with everything that belongs to them alone.

Hidden with a partition are its jobs, the nodes that are in hidden partitions only, and the names of all these in fields
of other records that Slurm fills. Texts that users write stay: job names, comments, features, paths, drain reasons.
The one exception is `submit_line`, which Slurm records by itself.

Once slurmctld has purged a hidden job, its id looks like that of any other purged job, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from slurm_rest_api.slurm import hostlist
from slurm_rest_api.slurm.partitions import names_partition, shown_partitions
from slurm_rest_api.slurmapi.collector.hide_reservations import (
    hidden_nodes_of,
    names_of_hidden,
    shown_licenses,
    shown_reservations,
    without_reservations,
)
from slurm_rest_api.slurmapi.collector.node_name_filter import NodeNames
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, Snapshot, UnchangedJob

# Fields of the job record: hostlist texts, single names, dictionaries by node name, lists of hostlist pieces.
_JOB_HOSTLISTS = ("nodes", "sched_nodes")
_JOB_HOSTS = ("batch_host", "alloc_node", "failed_node")
_JOB_BY_NODE = ("cpus_allocated", "mem_allocated", "cpus_alloc_layout", "gres_allocated")
_JOB_HOSTLIST_PIECES = ("req_nodes", "exc_nodes")
# Fields with the id of an array or of a heterogeneous job (called "pack" up to Slurm 19.05).
_GROUP_FIELDS = ("array_job_id", "het_job_id", "pack_job_id")
_GROUP_SET_FIELDS = ("het_job_id_set", "pack_job_id_set")

_LINK_FIELDS = ("dependency", *_GROUP_FIELDS, *_GROUP_SET_FIELDS)

_LEADING_ID = re.compile(r"\d+")
_TERM = re.compile(r"([,?]?)([^,?]+)")


def hide_partitions(
    snapshot: Snapshot, hidden: Collection[str], fingerprints: JobFingerprints | None = None
) -> Snapshot:
    """Returns the snapshot without the partitions named in `hidden`, and without all that belongs to them.

    Jobs stay lazy and can be iterated once. Jobs that refer to a job that was not read yet come last. Changed records
    are copies. An `UnchangedJob` of a visible partition stays one. A job with a list of partitions is visible if one of
    them is, and names only the visible ones.

    Args:
        snapshot: The cluster.
        hidden: Names of partitions.
        fingerprints: Those of the jobs iterated so far. A job that refers to others loses its own, because its record
            changes when another job is hidden.
    """
    if not hidden:
        return snapshot
    known = {} if fingerprints is None else fingerprints
    names = frozenset(hidden)
    hidden_nodes = hidden_nodes_of(snapshot.nodes, names)
    reservations = shown_reservations(snapshot.reservations, snapshot.nodes, names, hidden_nodes)
    return replace(
        snapshot,
        jobs=_visible_jobs(snapshot.jobs, names, hidden_nodes, names_of_hidden(snapshot, names), known),
        nodes=[_shown_node(node, names) for node in snapshot.nodes if node["name"] not in hidden_nodes],
        partitions=[
            _shown_partition(partition, names, hidden_nodes)
            for partition in snapshot.partitions
            if partition["name"] not in names
        ],
        statistics=hidden_nodes.without_in_host_fields(snapshot.statistics),
        reservations=reservations,
        licenses=None if snapshot.licenses is None else shown_licenses(snapshot.licenses, hidden_nodes),
        fair_share=_in_shown_partition(snapshot.fair_share, names),
        priority_factors=_in_shown_partition(snapshot.priority_factors, names),
    )


def _in_shown_partition(records: list[Record] | None, hidden: frozenset[str]) -> list[Record] | None:
    return None if records is None else [record for record in records if record.get("partition") not in hidden]


def _shown_node(node: Record, hidden: frozenset[str]) -> Record:
    partitions = node.get("partitions")
    if not partitions or hidden.isdisjoint(partitions):
        return node
    return {**node, "partitions": [name for name in partitions if name not in hidden]}


def _shown_partition(partition: Record, hidden: frozenset[str], hidden_nodes: NodeNames) -> Record:
    """Returns the partition without hidden names. Its `nodes` are all visible, because the partition is."""
    changes: Record = {}
    if partition.get("alternate") in hidden:
        changes["alternate"] = None
    submit_nodes = partition.get("allow_alloc_nodes")
    if isinstance(submit_nodes, list) and (shown := hidden_nodes.without_pieces(submit_nodes)) != submit_nodes:
        changes["allow_alloc_nodes"] = shown
    return {**partition, **changes} if changes else partition


def _visible_jobs(
    jobs: Iterable[Record],
    hidden: frozenset[str],
    hidden_nodes: NodeNames,
    hidden_reservations: frozenset[str],
    fingerprints: JobFingerprints,
) -> Iterator[Record]:
    references = _JobReferences()
    waiting: list[Record] = []
    shown_by_partition: dict[str, str] = {}
    for job in jobs:
        partition = job.get("partition") or ""
        if (shown_partition := shown_by_partition.get(partition)) is None:
            shown_partition = shown_by_partition[partition] = shown_partitions(partition, hidden)
        is_hidden = bool(partition) and not shown_partition
        if isinstance(job, UnchangedJob):
            references.add_job(job["job_id"], is_hidden=is_hidden)
            if not is_hidden:
                yield job
            continue
        has_references = _has_references(job)
        if has_references:
            fingerprints.pop(job["job_id"], None)
        references.add_job(job["job_id"], _groups(job) if has_references else (), is_hidden=is_hidden)
        if is_hidden:
            continue
        changes = _job_changes(job, hidden, hidden_nodes)
        if shown_partition != partition:
            changes["partition"] = shown_partition
        if hidden_reservations and (names := job.get("resv_name")):
            changes["resv_name"] = without_reservations(names, hidden_reservations)
        shown = {**job, **changes} if changes else job
        if not has_references:
            yield shown
        elif references.are_unread(shown):
            waiting.append(shown)
        else:
            yield references.without_hidden(shown)
    for job in waiting:
        yield references.without_hidden(job)


def _job_changes(job: Record, hidden: frozenset[str], hidden_nodes: NodeNames) -> Record:
    changes: Record = {}
    line = job.get("submit_line")
    if line and (names_partition(line, hidden) or hidden_nodes.in_command(line)):
        changes["submit_line"] = None
    # At most sites hidden partitions share their nodes with visible ones. Then no node is hidden.
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
    if (reason := get("state_reason")) and (shown_reason := hidden_nodes.without_in_reason(reason)) != reason:
        changes["state_reason"] = shown_reason
    return changes


class _JobReferences:
    """Collects visible and hidden job ids while jobs are iterated, and removes references to hidden jobs.

    An id is hidden if its job is, or if it is only known as the array or heterogeneous id of hidden jobs.
    """

    def __init__(self) -> None:
        self._visible: set[int] = set()
        self._visible_groups: set[int] = set()
        self._hidden: set[int] = set()
        self._hidden_groups: set[int] = set()

    def add_job(self, job_id: int, groups: Iterable[int] = (), *, is_hidden: bool) -> None:
        """Adds a job with the ids of its array and of its heterogeneous job."""
        ids, group_ids = (self._hidden, self._hidden_groups) if is_hidden else (self._visible, self._visible_groups)
        ids.add(job_id)
        if groups:
            group_ids.update(groups)

    def are_unread(self, job: Record) -> bool:
        """Returns True if `job` refers to the id of a job that was not read yet."""
        return any(
            job_id not in self._visible and job_id not in self._hidden for job_id in _references(job, job["job_id"])
        )

    def without_hidden(self, job: Record) -> Record:
        """Returns the job without references to hidden jobs: the same object, or a copy if something changed."""
        if not any(self._is_hidden(job_id) for job_id in _references(job, job["job_id"])):
            return job
        shown = dict(job)
        for field in _GROUP_FIELDS:
            if (job_id := job.get(field)) and self._is_hidden(job_id):
                shown[field] = None
        for field in _GROUP_SET_FIELDS:
            if (text := job.get(field)) and any(self._is_hidden(job_id) for job_id in _ids_of_set(text)):
                shown[field] = None
        if dependency := job.get("dependency"):
            shown["dependency"] = self._shown_dependency(dependency)
            # The command line repeats the dependency as the user wrote it.
            if shown["dependency"] != dependency and job.get("submit_line"):
                shown["submit_line"] = None
        return shown

    def _is_hidden(self, job_id: int) -> bool:
        if job_id in self._hidden:
            return True
        return job_id in self._hidden_groups and job_id not in self._visible and job_id not in self._visible_groups

    def _shown_dependency(self, text: str) -> str | None:
        """Removes hidden jobs from `afterok:1(unfulfilled),after:2:3+5`. Terms without a job stay (`singleton`)."""
        shown = ""
        for separator, term in _TERM.findall(text):
            kind, *references = term.split(":")
            kept = [reference for reference in references if not self._is_hidden(_leading_id(reference))]
            if kept or not references:
                shown += (separator if shown else "") + ":".join([kind, *kept])
        return shown or None


def _has_references(job: Record) -> bool:
    """Returns True if the job may refer to another one."""
    return any(map(job.get, _LINK_FIELDS))


def _groups(job: Record) -> Iterator[int]:
    return (job[field] for field in _GROUP_FIELDS if job.get(field))


def _references(job: Record, own_id: int) -> Iterator[int]:
    for job_id in _groups(job):
        if job_id != own_id:
            yield job_id
    for field in _GROUP_SET_FIELDS:
        if text := job.get(field):
            yield from _ids_of_set(text)
    if dependency := job.get("dependency"):
        for _, term in _TERM.findall(dependency):
            yield from filter(None, map(_leading_id, term.split(":")[1:]))


def _leading_id(reference: str) -> int:
    """Returns the job id of `12(unfulfilled)`, `12_3`, `12_*` or `12+5` (minutes), or 0 if there is none."""
    found = _LEADING_ID.match(reference)
    return int(found.group()) if found else 0


def _ids_of_set(text: str) -> list[int]:
    """Returns the job ids of `100-102,105`, or none for other texts."""
    try:
        names = hostlist.expand(text if text.startswith("[") else f"[{text}]")
    except ValueError:
        return []
    return [int(name) for name in names if name.isdecimal()]
