"""Declares every setting: name, type, default, limits and documentation."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from slurm_rest_api.config.auth import AuthSettings
from slurm_rest_api.config.pages import PagesSettings
from slurm_rest_api.config.section import AbsolutePath, Section, Text, require_possible_path

APPLICATION: Final = "slurm-rest-api"
DEFAULTS_ORIGIN: Final = "the built-in defaults (no configuration file was found)"

_DEMO_OPTIONS = r"[a-z]+=[^,\s]+(,[a-z]+=[^,\s]+)*"
_FUNCTION = r"(?!(slurm|demo):)[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
_SOURCE = re.compile(rf"slurm(:(pyslurm|commands))?|demo(:{_DEMO_OPTIONS})?|{_FUNCTION}")
_HOST = re.compile(r"[^\s\[\]/\0]+")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
# slurmdbd puts ClusterName in front, which may have a dot or a hyphen. No quote: the name is quoted in SQL.
_TABLE = re.compile(r"[A-Za-z0-9_$.-]+")


def _source(value: str) -> str:
    if not _SOURCE.fullmatch(value):
        raise ValueError(
            'expected "slurm", "slurm:pyslurm", "slurm:commands", "demo", or "package.module:function" for a source of'
            " your own"
        )
    return value


def _file(value: str) -> str:
    # As a path it would be a file in a folder such as "postgresql:".
    if "://" in value:
        raise ValueError("expected the path of a file. The URL of a database belongs into `archive_url`")
    require_possible_path(value)
    return value


def _listen_host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("expected a host name or an address such as 127.0.0.1 or ::1, without brackets and port")
    return value


def _cors_origin(value: str) -> str:
    # Flask-Cors would read characters of regular expressions as such.
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise ValueError(
            'expected "*" or an origin such as "https://dashboard.example.org" (no path, no closing slash)'
        )
    return value


def _table(value: str) -> str:
    if not _TABLE.fullmatch(value):
        raise ValueError('expected the name of a table such as "cluster_job_table", without its database')
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Table = Annotated[str, AfterValidator(_table)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]
Port = Annotated[int, Field(ge=1, le=65535)]


class SystemSettings(Section):
    """Section `system`: address, collector, load archive and logging."""

    use_acct_db: bool = Field(
        default=False, description="Read Slurm's accounting database (section database), for /users and /history."
    )
    use_cors: bool = Field(
        default=False, description="Send CORS headers, so that pages of other origins can read the responses."
    )
    cors_origins: tuple[Annotated[str, AfterValidator(_cors_origin)], ...] = Field(
        default=("*",),
        strict=False,
        min_length=1,
        description='Origins that may read the responses if use_cors is on. "*" is any. Credentials are never allowed.',
    )
    debug: bool = Field(default=False, description="Indent JSON responses. For humans, not for production.")
    host: Annotated[Text, AfterValidator(_listen_host)] = Field(
        default="127.0.0.1",
        description="Address to listen on. The default is reachable only from this host, for example by a reverse"
        " proxy. 0.0.0.0 is every address, and was the default before 1.0.",
    )
    port: Port = Field(default=5000, description="TCP port to listen on.")
    serve_index: bool = Field(default=False, description="Serve the HTML pages at / and /pages/.")
    archive_usage_load: bool = Field(default=False, description="Store load samples in an archive, for /load.")
    archive_wait_time: int = Field(
        default=60,
        ge=1,
        le=86400,
        description="Seconds between two load samples. Hosts that share an archive need the same value.",
    )
    archive_path: Annotated[Text, AfterValidator(_file)] = Field(
        default="archive.sqlite",
        description="File of the load archive (SQLite). It is created with its folder. A relative path is in"
        " $STATE_DIRECTORY, which systemd sets, else in the working folder. Samples wait to be stored in a folder next"
        " to it, also with archive_url.",
    )
    archive_url: SecretStr | None = Field(
        default=None,
        description="Database URL for the load archive instead of a file, so that hosts can share it:"
        " postgresql+psycopg://user:password@host/database or mysql+pymysql://user:password@host/database.",
    )
    archive_keep_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Days to keep raw samples. Roll-ups are kept longer: 10-minute for two years, hourly and daily"
        " forever.",
    )
    load_max_samples: int = Field(
        default=1500,
        ge=1,
        le=1_000_000,
        description="Maximum samples in one response of /load. A longer range gets wider samples.",
    )
    source: Annotated[Text, AfterValidator(_source)] = Field(
        default="slurm",
        description='Source of the cluster\'s state: "slurm" (pyslurm where it is installed and fits this Slurm, else'
        ' Slurm\'s commands), "slurm:pyslurm", "slurm:commands", "demo" (a simulated cluster), or'
        ' "package.module:function" (a function of your own that returns a source).',
    )
    slurm_bin_dir: AbsolutePath | None = Field(
        default=None,
        description="Directory of Slurm's commands (scontrol, squeue, sdiag), such as /opt/slurm/bin. null: the"
        " service's PATH, under systemd /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin.",
    )
    runtime_dir: AbsolutePath | None = Field(
        default=None,
        description="Folder of the snapshot store, preferably in memory (tmpfs). Its files can be deleted at any time."
        " null: $RUNTIME_DIRECTORY, which systemd sets, else /run/slurm-rest-api for root and the user's runtime folder"
        " for other users.",
    )
    refresh_seconds: float = Field(
        default=10.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds from the start of one load of the cluster to the start of the next."
        " It is longer if slurmctld would work for more than 10 % of a core, or the loader for more than one core (75 %"
        " of the only one).",
    )
    reservations: bool = Field(
        default=True, description="Read the reservations with each load, for /reservations. It costs slurmctld one RPC."
    )
    licenses: bool = Field(
        default=True, description="Read the licenses with each load, for /licenses. It costs slurmctld one RPC."
    )
    fair_share_seconds: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds between two readings of the fair share of all associations with sshare. 0: off.",
    )
    priority_factors_seconds: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds between two readings of the priority factors of pending jobs with sprio. 0: off.",
    )
    fresh_seconds: float = Field(
        default=5.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description='Minimum seconds between loads triggered by "Cache-Control: no-cache". 0 disables this.',
    )
    cycle_timeout_seconds: float = Field(
        default=120.0,
        ge=5,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds after which a load of the cluster that makes no progress is ended.",
    )
    store_statement_seconds: int = Field(
        default=10,
        ge=1,
        le=600,
        description="Time limit of one query of the snapshot store, in seconds. A slower query gets 503, with the"
        " advice to narrow it.",
    )
    recycle_cycles: int = Field(
        default=1000,
        ge=0,
        le=1_000_000_000,
        description="Restart the loader, the process that reads Slurm, after this many loads. 0: never.",
    )
    recycle_rss_mib: int = Field(
        default=2048,
        ge=0,
        le=1_000_000_000,
        description="Restart the loader when its RSS exceeds this many MiB. 0: never.",
    )
    log_level: Level = Field(default="INFO", description="Minimum level of log messages.")
    access_log: bool = Field(
        default=False,
        description="Log each request as one line of JSON: client, user, method, route, path, status, bytes, seconds."
        " Queries and tokens are left out.",
    )
    metrics_accounts: int = Field(
        default=50,
        ge=0,
        le=10000,
        description="Maximum accounts in a metric of /metrics: those with the most jobs, CPUs, GPUs or memory. The rest"
        " is summed up. 0: no accounts.",
    )
    metrics_users: int = Field(
        default=0,
        ge=0,
        le=10000,
        description="Maximum users in a metric of /metrics, as metrics_accounts. 0: no users.",
    )
    web_threads: int = Field(default=8, ge=1, le=512, description="Threads of the web server.")

    @property
    def source_name(self) -> str:
        """Returns `source` without the options of the demo, and without the way in which Slurm is read."""
        built_in, _, _options = self.source.partition(":")
        return built_in if built_in in ("slurm", "demo") else self.source

    @property
    def commands_dir(self) -> str | None:
        """Returns `slurm_bin_dir` as text."""
        return None if self.slurm_bin_dir is None else str(self.slurm_bin_dir)

    def runtime_path(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Returns the folder of `runtime_dir`, which may not exist yet.

        $RUNTIME_DIRECTORY holds more than one folder, joined with colons, if the unit asks for that
        (systemd.exec(5)). The first one is used.
        """
        if self.runtime_dir is not None:
            return self.runtime_dir
        if first := environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
            return Path(first)
        if os.geteuid() == 0:
            return platformdirs.site_runtime_path(APPLICATION)
        with warnings.catch_warnings():
            # Without a session of systemd-logind it is a folder in /tmp. `check` reports if that is unsafe.
            warnings.simplefilter("ignore")
            return platformdirs.user_runtime_path(APPLICATION)


class DatabaseSettings(Section):
    """Section `database`: slurmdbd's accounting database, which this service only reads."""

    db_host: Text = Field(default="localhost", description="Host of the database server.")
    db_port: Port = Field(default=3306, description="TCP port of the database server.")
    db_user: Text = Field(
        default="slurm_rest_api",
        description="Database account. It needs SELECT on the two tables below, on qos_table and on tres_table.",
    )
    db_pass: SecretStr = Field(
        default=SecretStr(""),
        description="Password of the account. Prefer a file (db_pass_file) or the environment variable"
        " $SLURM_REST_API_DB_PASS, which overrides both.",
    )
    db_pass_file: AbsolutePath | None = Field(
        default=None,
        description="File with the password in its first line, instead of db_pass. It must not be world-readable.",
    )
    db_name: Text = Field(default="slurm_acct_db", description="Name of the database (StorageLoc in slurmdbd.conf).")
    table_assoc: Table = Field(
        default="slurm_assoc_table", description="Table of associations: <ClusterName>_assoc_table."
    )
    table_job: Table = Field(default="slurm_job_table", description="Table of jobs: <ClusterName>_job_table.")
    table_step: Table | None = Field(
        default=None,
        description="Table of job steps: <ClusterName>_step_table. /history reads what jobs used (cpu_time, max_rss,"
        " efficiency) from it, and it turns /history/{id}/steps on. The account needs SELECT on it, too."
        " null: it is not read.",
    )
    table_resv: Table | None = Field(
        default=None,
        description="Table of reservations: <ClusterName>_resv_table, for `reservation` of /history. The account needs"
        " SELECT on it, too. null: it is not read, and the field is null.",
    )
    table_acct: Table | None = Field(
        default=None,
        description="Table of accounts: acct_table. It turns /accounts on. The account needs SELECT on it, too. null:"
        " it is not read.",
    )
    table_coord: Table | None = Field(
        default=None,
        description="Table of account coordinators: acct_coord_table, for `coordinators` of /accounts. The account"
        " needs SELECT on it, too. null: /accounts has no coordinators.",
    )
    table_event: Table | None = Field(
        default=None,
        description="Table of events: <ClusterName>_event_table. It turns /events on. The account needs SELECT on it,"
        " too. null: it is not read.",
    )
    tables_usage: Table | None = Field(
        default=None,
        description="First part of the names of the tables of usage: <ClusterName>, for <ClusterName>_usage_day_table,"
        " <ClusterName>_assoc_usage_day_table and so on. It turns /utilization on. The account needs SELECT on them,"
        " too. null: they are not read.",
    )
    db_connect_timeout: int = Field(
        default=5, ge=1, le=600, description="Time limit of a connection attempt, in seconds."
    )
    db_statement_seconds: int = Field(
        default=10,
        ge=1,
        le=600,
        description="Time limit of one query, in seconds. A slower query gets 504, with the advice to narrow it.",
    )
    db_pool_size: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Maximum connections of one web worker to the database, at most half of its threads. Further"
        " requests get 503 at once.",
    )
    db_ssl_ca: AbsolutePath | None = Field(
        default=None, description="File with the certificate authority of the server. Enables TLS with verification."
    )
    db_sqlite_file: AbsolutePath | None = Field(
        default=None,
        description="SQLite file with slurmdbd's tables, read instead of a server. For trials.",
    )
    history_max_limit: int = Field(
        default=10000, ge=1, le=1_000_000, description="Maximum records in one response of /history or /users."
    )
    names_cache_seconds: int = Field(
        default=30, ge=1, le=3600, description="Seconds for which associations, QOS and TRES are cached."
    )


class FilterSettings(Section):
    """Section `filter`: partitions that the service hides."""

    partitions: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        description="Names of partitions to hide, with their jobs and the nodes that belong to no other partition.",
    )


class Settings(Section):
    """The whole configuration. `origin` is its file, or a description of the defaults, for log messages.

    `jwt_key` has the bytes of `auth.jwt_key_file` as hexadecimal digits. Only the copy of a running service has it.
    """

    system: SystemSettings = SystemSettings()
    database: DatabaseSettings = DatabaseSettings()
    filter: FilterSettings = FilterSettings()
    auth: AuthSettings = AuthSettings()
    pages: PagesSettings = PagesSettings()
    origin: str = DEFAULTS_ORIGIN
    jwt_key: SecretStr | None = None


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "system": SystemSettings,
    "database": DatabaseSettings,
    "filter": FilterSettings,
    "auth": AuthSettings,
    "pages": PagesSettings,
}
