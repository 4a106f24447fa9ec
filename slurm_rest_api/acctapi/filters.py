"""Filters of /history, and the SQL conditions that they compile to."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    LargeBinary,
    String,
    Table,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from slurm_rest_api.acctapi import states
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.web.operator_params import Comparison

Condition = ColumnElement[bool]

_LETTERS_IN_FRONT: Final = re.compile(r"\D*")
# More names would make a statement long and slow.
_MOST_NODE_NAMES: Final = 20
_MOST_IN_LIST: Final = 400
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_LIKE_LETTER: Final = re.compile(r"[%_/]")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True)
class AssociationFilter:
    """Records to return: those of `association_ids`, and matching ones without an association.

    `orphan_association_ids` are ids in the job table that the association table lacks. 0 is one of them.
    Records with such an id match if their own `id_user` and `account` are among `uids` and `accounts`. None is any.
    """

    association_ids: frozenset[int]
    orphan_association_ids: frozenset[int] = frozenset()
    uids: frozenset[int] | None = None
    accounts: frozenset[str] | None = None

    def orphan_condition(self, job: FromClause) -> Condition:
        """Returns the condition for records without an association."""
        conditions: list[Condition] = [] if self.uids is None else [job.c.id_user.in_(sorted(self.uids))]
        if self.accounts is not None:
            conditions.append(one_of_texts(job.c.account, self.accounts))
        return and_(job.c.id_assoc.in_(sorted(self.orphan_association_ids)), *conditions)


@dataclass(frozen=True)
class RowFilter:
    """Records that the current user may see: those of `association_ids`, and without one those of `uid` or `accounts`.

    `orphan_association_ids` is as in `AssociationFilter`. `accounts` are those that the user coordinates.
    """

    association_ids: frozenset[int]
    orphan_association_ids: frozenset[int]
    uid: int | None
    accounts: frozenset[str]


@dataclass(frozen=True)
class JobFilter:
    """Records of the jobs `ids`, and those with the primary keys `keys`, whose ids meet all `comparisons`.

    `groups` are ids of arrays and heterogeneous jobs, whose tasks and components match, too. If `ids` and `keys` are
    None, the records of all jobs match.
    """

    ids: frozenset[int] | None = None
    keys: frozenset[int] | None = None
    comparisons: tuple[Comparison, ...] = ()
    groups: frozenset[int] = frozenset()

    @property
    def is_range(self) -> bool:
        """True if there are comparisons only."""
        return self.ids is None and self.keys is None


@dataclass(frozen=True)
class Filters:
    """All filters of /history, with names resolved to ids. Times are epoch seconds. None matches every record.

    `…_after` is inclusive, `…_before` exclusive. Neither matches a record without that time.
    """

    associations: AssociationFilter | None = None
    visible: RowFilter | None = None
    uids: frozenset[int] | None = None
    states: frozenset[int] | None = None
    qos: frozenset[int] | None = None
    partitions: frozenset[str] | None = None
    job_names: frozenset[str] | None = None
    nodes: frozenset[str] | None = None
    jobs: JobFilter | None = None
    submit_after: int | None = None
    submit_before: int | None = None
    start_after: int | None = None
    start_before: int | None = None
    end_after: int | None = None
    end_before: int | None = None
    duplicates: bool = True
    hidden: frozenset[str] = frozenset()
    now: int = 0

    @property
    def is_exact(self) -> bool:
        """True if SQL selects exactly the matching records. Otherwise each has to be checked with `matches`."""
        return self.nodes is None and not any(map(_is_undecodable, self.job_names or ()))


def conditions(job: FromClause, filters: Filters) -> list[Condition]:
    """Returns all conditions on a row, without `association_condition`.

    They select candidates only, unless `filters.is_exact`.
    """
    found = [*_number_conditions(job, filters), *_time_conditions(job, filters)]
    if filters.visible is not None:
        found.append(_visible_to_user(job, filters.visible))
    if filters.partitions is not None:
        found.append(or_(*(_in_partition(job, name, filters.hidden) for name in sorted(filters.partitions))))
    if filters.job_names is not None:
        found.append(_has_name(job, filters.job_names))
    if filters.nodes is not None:
        found.append(_near_nodes(job, filters.nodes))
    if filters.hidden:
        found.append(_in_shown_partition(job, filters.hidden))
    return found


def association_condition(job: FromClause, associations: AssociationFilter) -> Condition:
    """Returns the condition on the association of a row."""
    known = job.c.id_assoc.in_(sorted(associations.association_ids))
    return or_(known, associations.orphan_condition(job)) if associations.orphan_association_ids else known


def newest_attempt(job: Table, filters: Filters) -> Condition:
    """Selects the latest matching attempt at each job, as sacct does without --duplicates.

    Revoked siblings of a federation are excluded. Records that a resize closed are always included.
    """
    newer = job.alias("newer")
    same = [newer.c.id_job == job.c.id_job, newer.c.time_submit > job.c.time_submit, newer.c.state != states.REVOKED]
    matching = [*same, *conditions(newer, filters)]
    if filters.associations is not None:
        matching.append(association_condition(newer, filters.associations))
    later = exists(select(literal(1)).select_from(newer).where(*matching))
    return and_(job.c.state != states.REVOKED, or_(job.c.state == states.RESIZED, not_(later)))


def _visible_to_user(job: FromClause, visible: RowFilter) -> Condition:
    known = job.c.id_assoc.in_(sorted(visible.association_ids))
    if not visible.orphan_association_ids:
        return known
    own = [] if visible.uid is None else [job.c.id_user == visible.uid]
    if visible.accounts:
        names = [name.encode() for name in sorted(visible.accounts)]
        own.append(cast(job.c.account, LargeBinary).in_(names))
    return or_(known, and_(job.c.id_assoc.in_(sorted(visible.orphan_association_ids)), or_(false(), *own)))


def one_of_texts(column: ColumnElement[Any], texts: Collection[str]) -> Condition:
    """Compares bytes: with the collations of slurmdbd's tables `Run` and `rün ` would match `run`."""
    return cast(column, LargeBinary).in_([text.encode() for text in sorted(texts)])


def one_of_many(column: ColumnElement[Any], values: Collection[Any]) -> Condition:
    """Compares with values that may be many.

    MariaDB turns a list of 1,000 values (`in_predicate_conversion_threshold`) into a join with a temporary table.
    """
    ordered = sorted(values)
    lists = [ordered[start : start + _MOST_IN_LIST] for start in range(0, len(ordered), _MOST_IN_LIST)]
    return or_(false(), *(column.in_(values) for values in lists))


def job_condition(job: FromClause, jobs: JobFilter) -> Condition:
    """Returns the condition on the ids of jobs."""
    found = [_comparison(job.c.id_job, comparison) for comparison in jobs.comparisons]
    if not jobs.is_range:
        columns = [(job.c.id_job, jobs.ids), (job.c.job_db_inx, jobs.keys)]
        columns += [(column, jobs.groups) for column in group_columns(job).values()]
        found.append(or_(false(), *(one_of_many(column, values) for column, values in columns if values)))
    return and_(true(), *found)


def group_columns(job: FromClause) -> dict[str, Any]:
    """Returns the columns with the ids of arrays and heterogeneous jobs by their indexes.

    Before 20.02 the index of heterogeneous jobs is missing in some databases, so it cannot be forced.
    """
    return {"array_job": job.c.id_array_job, **({"het_job": job.c.het_job_id} if "het_job_id" in job.c else {})}


def _number_conditions(job: FromClause, filters: Filters) -> list[Condition]:
    found: list[Condition] = [] if filters.jobs is None else [job_condition(job, filters.jobs)]
    if filters.uids is not None:
        found.append(job.c.id_user.in_(sorted(filters.uids)))
    if filters.qos is not None:
        found.append(job.c.id_qos.in_(sorted(filters.qos)))
    if filters.states is not None:
        found.append(job.c.state.in_(sorted(filters.states)))
        if filters.states <= states.ACTIVE:
            found.append(job.c.time_end == 0)
    return found


def _comparison(column: ColumnElement[Any], comparison: Comparison) -> Condition:
    compared: Condition = column.op(comparison.operator, is_comparison=True)(comparison.number)
    return compared


def _has_name(job: FromClause, names: Collection[str]) -> Condition:
    """Matches the names. For bytes that were published as replacement characters SQL selects candidates only."""
    undecodable = {name for name in names if _is_undecodable(name)}
    exact = set(names) - undecodable
    # The character set of the column is unknown, so a pattern has only the ASCII letters of a name.
    patterns = sorted({_NOT_ASCII.sub("%", _LIKE_LETTER.sub(r"/\g<0>", name)) for name in undecodable})
    candidates = [job.c.job_name.like(pattern, escape="/") for pattern in patterns]
    return or_(false(), *([one_of_texts(job.c.job_name, exact)] if exact else []), *candidates)


def _is_undecodable(name: str) -> bool:
    return _REPLACEMENT in name


def _time_conditions(job: FromClause, filters: Filters) -> list[Condition]:
    found: list[Condition] = []
    for column, after, before in (
        (job.c.time_submit, filters.submit_after, filters.submit_before),
        (job.c.time_start, filters.start_after, filters.start_before),
        (job.c.time_end, filters.end_after, filters.end_before),
    ):
        if after is not None:
            found.append(column >= max(after, 1))
        if before is not None:
            found.append(column < min(before, NO_VAL))
        if after is not None and before is None:
            found.append(column < NO_VAL)
        if before is not None and after is None:
            found.append(column > 0)
    return found


def _in_partition(job: FromClause, partition: str, hidden: Collection[str]) -> Condition:
    """Matches the partition, or a name in the comma list of a pending job. Lists with hidden names match nothing."""
    names_hidden = not set(hidden).isdisjoint(partition.split(","))
    alone = false() if names_hidden else one_of_texts(job.c.partition, (partition,))
    listed = func.instr(cast(_shown_list(job, hidden), LargeBinary), f",{partition},".encode()) > 0
    return or_(alone, and_(job.c.partition.contains(","), listed))


@lru_cache(maxsize=8)
def _in_shown_partition(job: FromClause, hidden: frozenset[str]) -> Condition:
    """Matches records with at least one partition that is not hidden."""
    names = [name.encode() for name in sorted(hidden)]
    return and_(
        cast(job.c.partition, LargeBinary).not_in(names),
        or_(not_(job.c.partition.contains(",")), _shown_list(job, hidden) != ""),
    )


def _shown_list(job: FromClause, hidden: Collection[str]) -> ColumnElement[str]:
    """Rewrites `a,secret,b` to `,a,,b,`: a comma on both sides of each name, without hidden names."""
    doubled: ColumnElement[str] = func.replace(job.c.partition, ",", ",,", type_=String())
    shown = literal(",", String()) + doubled + ","
    for name in sorted(hidden):
        shown = func.replace(shown, f",{name},", "", type_=String())
    return shown


def _near_nodes(job: FromClause, nodes: Collection[str]) -> Condition:
    """Matches hostlists that may contain one of the nodes: its name, or brackets after its first letters."""
    column = job.c.nodelist
    letters = {match[0] for node in nodes if (match := _LETTERS_IN_FRONT.match(node))}
    begins = or_(*(column.contains(text, autoescape=True) for text in sorted(letters)))
    if len(nodes) > _MOST_NODE_NAMES:
        return begins
    return or_(and_(column.contains("["), begins), *(column.contains(node, autoescape=True) for node in sorted(nodes)))
