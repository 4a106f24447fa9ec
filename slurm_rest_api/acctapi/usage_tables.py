"""slurmdbd's tables of usage, which it sums up by hour, day and month (rollup), for every Slurm from 15.08 to 26.05.

Source: `as_mysql_rollup.c` and `accounting_storage_mysql.c` of src/plugins/accounting_storage/mysql/ of each release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import BigInteger, Column, MetaData, Table
from sqlalchemy.types import TypeEngine

from slurm_rest_api.acctapi.db_errors import RETRY_SECONDS
from slurm_rest_api.acctapi.tables import UNSIGNED, StoredText
from slurm_rest_api.errors import DatabaseUnusable

Step = Literal["hour", "day", "month"]
Kind = Literal["cluster", "assoc", "qos", "wckey"]
"""The usage of the cluster, of associations, of associations by QOS (24.11 and later), and of workload keys."""

STEPS: Final[tuple[Step, ...]] = ("hour", "day", "month")
KINDS: Final[tuple[Kind, ...]] = ("cluster", "assoc", "qos", "wckey")

_USAGE: Final[dict[str, TypeEngine[Any]]] = {
    "id": UNSIGNED,
    "id_tres": BigInteger(),
    "time_start": UNSIGNED,
    "alloc_secs": UNSIGNED,
}
_COLUMNS: Final[dict[Kind, dict[str, TypeEngine[Any]]]] = {
    "cluster": {
        "id_tres": BigInteger(),
        "time_start": UNSIGNED,
        "count": UNSIGNED,
        "alloc_secs": UNSIGNED,
        "idle_secs": UNSIGNED,
        "down_secs": UNSIGNED,
        "pdown_secs": UNSIGNED,
        "over_secs": UNSIGNED,
    },
    "assoc": _USAGE,
    "qos": {"id_alt": UNSIGNED, **_USAGE},
    "wckey": _USAGE,
}
_KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "cluster": ("id_tres", "time_start"),
    "assoc": ("id", "id_tres", "time_start"),
    "qos": ("id", "id_alt", "id_tres", "time_start"),
    "wckey": ("id", "id_tres", "time_start"),
}
_PLANNED: Final = ("plan_secs", "resv_secs")
"""Time planned for jobs, and its name before 21.08. A table has one of them."""

_WCKEY: Final[dict[str, TypeEngine[Any]]] = {"id_wckey": UNSIGNED, "wckey_name": StoredText(), "user": StoredText()}

Present = Callable[[str], frozenset[str]]
"""Returns the columns of a table that the service may read."""


def usage_table_name(cluster: str, kind: Kind, step: Step) -> str:
    """Returns the name of a table: `<cluster>_usage_day_table`, `<cluster>_assoc_usage_day_table` and so on."""
    return f"{cluster}_{'' if kind == 'cluster' else f'{kind}_'}usage_{step}_table"


def wckey_table_name(cluster: str) -> str:
    """Returns the name of the table of workload keys."""
    return f"{cluster}_wckey_table"


def usage_table_names(cluster: str) -> Iterator[tuple[Kind, str]]:
    """Yields every table that /utilization reads, with its kind."""
    for kind in KINDS:
        yield from ((kind, usage_table_name(cluster, kind, step)) for step in STEPS)
    yield "wckey", wckey_table_name(cluster)


@dataclass(frozen=True)
class UsageTables:
    """The tables that this database has and the service may read. `planned` is the name of that column, if present."""

    tables: Mapping[tuple[Kind, Step], Table]
    wckeys: Table | None

    def get(self, kind: Kind, step: Step) -> Table:
        """Returns a table.

        Raises:
            DatabaseUnusable: it does not exist, or the service may not read it.
        """
        return self._readable(self.tables.get((kind, step)), kind)

    def names_of_wckeys(self) -> Table:
        """Returns the table of workload keys.

        Raises:
            DatabaseUnusable: it does not exist, or the service may not read it.
        """
        return self._readable(self.wckeys, "wckey")

    @staticmethod
    def _readable(table: Table | None, kind: Kind) -> Table:
        if table is not None:
            return table
        since = " Slurm has them since 24.11." if kind == "qos" else ""
        raise DatabaseUnusable(
            f"/utilization cannot read the tables of the usage of {_IN_WORDS[kind]} (`database.tables_usage`).{since}"
            " `slurm-rest-api check` reports the cause.",
            retry_after=RETRY_SECONDS,
        )


_IN_WORDS: Final[dict[Kind, str]] = {
    "cluster": "the cluster",
    "assoc": "associations",
    "qos": "QOS",
    "wckey": "workload keys",
}


def usage_table(cluster: str, kind: Kind, step: Step, planned: str = _PLANNED[0]) -> Table:
    """Returns one table. `planned` is the name of the column of planned time in that of the cluster."""
    columns = _COLUMNS[kind] | ({planned: UNSIGNED} if kind == "cluster" else {})
    return _table(usage_table_name(cluster, kind, step), columns, _KEYS[kind])


def wckey_table(cluster: str) -> Table:
    """Returns the table of workload keys: their names and users by id."""
    return _table(wckey_table_name(cluster), _WCKEY, ("id_wckey",))


def planned_column(table: Table) -> Any:
    """Returns the column of planned time of a table of the cluster's usage."""
    return next(table.c[name] for name in _PLANNED if name in table.c)


def probe_usage(cluster: str, present: Present) -> UsageTables:
    """Finds the tables whose columns the service may read."""
    found: dict[tuple[Kind, Step], Table] = {}
    for kind in KINDS:
        for step in STEPS:
            columns = present(usage_table_name(cluster, kind, step))
            planned = next((name for name in _PLANNED if name in columns), None)
            if columns.issuperset(_COLUMNS[kind]) and (planned or kind != "cluster"):
                found[kind, step] = usage_table(cluster, kind, step, planned or _PLANNED[0])
    has_names = present(wckey_table_name(cluster)).issuperset(_WCKEY)
    return UsageTables(found, wckey_table(cluster) if has_names else None)


def _table(name: str, columns: Mapping[str, TypeEngine[Any]], keys: tuple[str, ...]) -> Table:
    return Table(
        name,
        MetaData(),
        *(Column(column, kind, primary_key=column in keys) for column, kind in columns.items()),
    )
