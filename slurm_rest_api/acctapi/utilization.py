"""Selects and sums usage over time for /utilization. Independent of HTTP.

The figures are those of `sreport cluster Utilization`, `AccountUtilizationByUser`, `UserUtilizationByAccount` and
`WCKeyUtilizationByUser` (src/sreport/cluster_reports.c, src/plugins/accounting_storage/mysql/as_mysql_usage.c).
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.encodings import number, point_in_time
from slurm_rest_api.acctapi.list_page import ListPage, page_of
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from slurm_rest_api.acctapi.usage_groups import UsageGroups, association_groups, wckey_groups, wckey_users
from slurm_rest_api.acctapi.usage_parameters import UtilizationParameters
from slurm_rest_api.acctapi.usage_rows import MOST_STEPS, Wanted, cluster_rows, first_and_last, group_rows, wckeys
from slurm_rest_api.acctapi.usage_tables import Kind, Step, UsageTables
from slurm_rest_api.acctapi.usage_window import NOMINAL_SECONDS, Piece, Window, following, window_of
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.contract_base import large_count
from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.error_texts import shown

Record = dict[str, Any]
UsageKey = tuple[int, str, str, str, str, int]
"""Sort key of a record: start in epoch seconds, account, user, QOS, workload key, id of the TRES."""

_Steps = dict[int, int]
"""TRES seconds by the start of the step."""

_MOST_ROWS: Final = 400_000
"""Most rows of the database that one statement sums up."""

_CPU: Final = 1
_FILTERS: Final = ("account", "user", "qos", "wckey")


@dataclass(frozen=True)
class UtilizationPage:
    """Records of one page, the window, and the end of the last step that slurmdbd has summed up."""

    page: ListPage[Record, UsageKey]
    window: Window
    rolled_up_until: int | None


class Utilization:
    """Usage of the cluster, of accounts, users, QOS and workload keys. Associations in `hidden` partitions have none.

    A request ends after `limit_seconds` with what it has found.
    """

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        hidden: frozenset[str],
        most: int,
        limit_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._hidden = hidden
        self._most = most
        self._limit_seconds = limit_seconds
        self._now = now

    def page(self, query: UtilizationParameters, after: UsageKey | None, scope: DataScope) -> UtilizationPage:
        """Returns the page of `query` after the sort key `after`, oldest step first, with what `scope` allows.

        Raises:
            BadParameter: there is no such TRES, or filters do not fit `group_by`.
            ApiError: the database cannot be used.
        """
        kind = _kind_of(query)
        window = window_of(query.step, query.since, query.until, int(self._now()))

        def read(connection: Connection, schema: Schema) -> UtilizationPage:
            usage = schema.usage
            assert usage is not None
            reference = self._reference_data.get(connection, schema)
            tres = _tres_ids(query.tres or ("cpu",), reference.tres)
            unit: Step = "hour" if window.step == "total" else window.step
            known = first_and_last(connection, usage.get("cluster", unit), _CPU)
            if kind == "cluster":
                page = self._cluster(connection, usage, query, window, tres, after)
            else:
                groups = self._groups(connection, usage, query, reference, scope, kind)
                reader = _Reader(connection, usage, kind, groups, tres, window, known)
                if window.step == "total":
                    page = page_of(reader.totals(), _key, after, query.limit, self._most)
                else:
                    page = self._steps(reader, query.limit, after)
            records = self._records(page.items, query, window, reference, kind)
            shown_page = ListPage(records, page.next, page.truncated)
            return UtilizationPage(shown_page, window, None if known is None else following(known[1], unit))

        return self._database.run(read)

    def _groups(
        self,
        connection: Connection,
        usage: UsageTables,
        query: UtilizationParameters,
        reference: ReferenceData,
        scope: DataScope,
        kind: Kind,
    ) -> UsageGroups:
        if kind == "wckey":
            return wckey_groups(wckeys(connection, usage, wckey_users(query, scope), query.wckey), query)
        return association_groups(reference, query, scope, self._hidden, by_qos=kind == "qos")

    def _cluster(
        self,
        connection: Connection,
        usage: UsageTables,
        query: UtilizationParameters,
        window: Window,
        tres: Mapping[int, str],
        after: UsageKey | None,
    ) -> ListPage[tuple[UsageKey, Any], UsageKey]:
        size = min(query.limit, self._most)
        total = window.step == "total"
        place = None if after is None else (after[0], after[-1])
        found: dict[UsageKey, dict[str, int]] = {}
        for piece in window.pieces():
            table = usage.get("cluster", piece.step)
            rows = cluster_rows(connection, table, sorted(tres), piece, total=total, after=place, limit=size + 1)
            for row in rows:
                key = _key_of(window.since if total else row["time_start"], ("", "", "", ""), row["id_tres"])
                sums = found.setdefault(key, defaultdict(int))
                for name, value in row.items():
                    if name == "count":
                        sums["count"] = max(sums["count"], int(value))
                    elif name.endswith("_secs"):
                        sums[name] += int(value)
        return page_of(sorted(found.items(), key=_key), _key, after, query.limit, self._most)

    def _steps(self, reader: _Reader, limit: int, after: UsageKey | None) -> ListPage[tuple[UsageKey, Any], UsageKey]:
        """Reads steps until the page is full. Each statement sums up a bounded number of rows."""
        size = min(limit, self._most)
        deadline = time.monotonic() + self._limit_seconds
        at = reader.since if after is None else max(reader.since, after[0])
        steps = reader.steps_of(size)
        begin = at
        found: list[tuple[UsageKey, Any]] = []
        while at < reader.until and len(found) <= size:
            if found and time.monotonic() > deadline:
                return ListPage(found, _key_of(at, ("", "", "", ""), -1), truncated=True)
            until = min(reader.until, at + steps * reader.step_seconds)
            items = reader.between(at, until)
            found += items if after is None else [item for item in items if item[0] > after]
            steps = min(reader.most_steps, 2 * steps)
            if found:
                # As many as the rest of the page needs if they have as many records as the steps before.
                steps = min(steps, (size + 1 - len(found)) * (until - begin) // (len(found) * reader.step_seconds) + 1)
            at = until
        return page_of(found, _key, None, limit, self._most)

    def _records(
        self,
        items: Iterable[tuple[UsageKey, Any]],
        query: UtilizationParameters,
        window: Window,
        reference: ReferenceData,
        kind: Kind,
    ) -> list[Record]:
        grouped = query.group_by or ()

        @functools.cache
        def times(start: int) -> Record:
            moments = {"start": start, "end": window.end_of(start)}
            return {name: point_in_time(moment, query.times) for name, moment in moments.items()}

        @functools.cache
        def group(account: str, user: str, qos: str, wckey: str, tres: int) -> Record:
            names = zip(_FILTERS, (account, user, qos, wckey), strict=True)
            of_group = {} if kind == "cluster" else {name: text if name in grouped else None for name, text in names}
            return {"tres": reference.tres.get(tres, str(tres)), **of_group}

        records = []
        for (start, *key), value in items:
            figures = _figures(value) if kind == "cluster" else {"allocated": large_count(value)}
            records.append({**times(start), **group(*key), **figures})
        return records


class _Reader:
    """Reads the usage of groups in a window, as TRES seconds by sort key."""

    def __init__(
        self,
        connection: Connection,
        usage: UsageTables,
        kind: Kind,
        groups: UsageGroups,
        tres: Mapping[int, str],
        window: Window,
        known: tuple[int, int] | None,
    ) -> None:
        self._connection = connection
        self._usage = usage
        self._kind = kind
        self._groups = groups
        self._window = window
        qos = None if groups.qos is None else sorted(groups.qos)
        self._wanted = Wanted([ids for _, ids in groups.members], sorted(tres), qos)
        # Before its first step and after its last one the cluster has no usage to read.
        self.since = window.since if known is None else max(window.since, known[0])
        self.until = window.since if known is None else min(window.until, known[1] + 1)
        self.step_seconds = 1 if window.step == "total" else NOMINAL_SECONDS[window.step]
        rows = max(1, sum(len(ids) for _, ids in groups.members) * self._wanted.ranges_per_id)
        self.most_steps = max(1, min(MOST_STEPS, _MOST_ROWS // rows))

    def steps_of(self, records: int) -> int:
        """Returns the number of steps that have `records` records even if an eighth of the groups use no TRES.

        Reading more steps costs less than a further statement.
        """
        records_of_step = max(1, len(self._wanted.groups) * self._wanted.ranges_per_id)
        return min(self.most_steps, records * 8 // (7 * records_of_step) + 1)

    def between(self, since: int, until: int) -> list[tuple[UsageKey, int]]:
        """Returns the usage of the steps that begin from `since` on and before `until`, in the order of the keys."""
        assert self._window.step != "total"
        return self._read([Piece(self._window.step, since, until)], total=False)

    def totals(self) -> list[tuple[UsageKey, int]]:
        """Returns the usage of the whole window, in the order of the keys."""
        return self._read(self._window.pieces(), total=True)

    def _read(self, pieces: Sequence[Piece], *, total: bool) -> list[tuple[UsageKey, int]]:
        groups = self._groups
        # By group first: an account may count for many accounts above it.
        of_groups: defaultdict[tuple[int, str, int], _Steps] = defaultdict(dict)
        for piece in pieces:
            table = self._usage.get(self._kind, piece.step)
            for row in group_rows(self._connection, table, self._wanted, piece, total=total):
                qos = "" if row.qos is None or groups.qos is None else groups.qos[row.qos]
                _add(of_groups[row.group, qos, row.tres], row.steps)
        of_names: defaultdict[tuple[str, str, str, str, int], _Steps] = defaultdict(dict)
        for (group, qos, tres), steps in of_groups.items():
            for account, user, wckey in groups.names_of(group):
                _add(of_names[account, user, qos, wckey, tres], steps.items())
        ordered = sorted(of_names.items())
        if total:
            return [((self._window.since, *key), sum(steps.values())) for key, steps in ordered]
        starts = sorted(set().union(*of_names.values()))
        return [((start, *key), steps[start]) for start in starts for key, steps in ordered if start in steps]


def _add(sums: _Steps, more: Iterable[tuple[int, int]]) -> None:
    for start, seconds in more:
        sums[start] = sums.get(start, 0) + seconds


def _key_of(start: int, names: tuple[str, str, str, str], tres: int) -> UsageKey:
    return (start, *names, tres)


def _key(item: tuple[UsageKey, Any]) -> UsageKey:
    return item[0]


def _kind_of(query: UtilizationParameters) -> Kind:
    """Returns the kind of the tables that have what `query` asks for.

    Raises:
        BadParameter: none of them has.
    """
    filters = [name for name in _FILTERS if getattr(query, name) is not None]
    if query.group_by is None:
        if filters:
            raise BadParameter(
                f"`{filters[0]}` needs `group_by`: the figures of the cluster are not kept by {filters[0]}.",
                parameter=filters[0],
            )
        return "cluster"
    wanted = {*query.group_by, *filters}
    if "wckey" not in wanted:
        return "qos" if "qos" in wanted else "assoc"
    if other := sorted(wanted - {"wckey", "user"}):
        raise BadParameter(
            f"`wckey` cannot be combined with {other[0]}: slurmdbd sums up workload keys by user alone.",
            parameter="wckey",
        )
    return "wckey"


def _tres_ids(wanted: Sequence[str], known: Mapping[int, str]) -> dict[int, str]:
    """Returns the names of the TRES `wanted` by id.

    Raises:
        BadParameter: there is none of that name.
    """
    if "all" in wanted:
        return dict(known)
    ids = {name: key for key, name in known.items()}
    for name in wanted:
        if name not in ids:
            raise BadParameter(
                f"There is no TRES {shown(name)}. Expected all, or names such as {', '.join(sorted(ids)[:10])}.",
                parameter="tres",
            )
    return {ids[name]: name for name in wanted}


def _figures(sums: Mapping[str, int]) -> Record:
    parts = {
        "allocated": sums["alloc_secs"],
        "idle": sums["idle_secs"],
        "down": sums["down_secs"],
        "planned_down": sums["pdown_secs"],
        "planned": sums["planned_secs"],
    }
    return {
        "count": number(sums["count"]),
        **{name: large_count(value) for name, value in parts.items()},
        "overcommitted": large_count(sums["over_secs"]),
        "reported": large_count(sum(parts.values())),
    }
