"""Every setting: its name, type, default, limits and the sentence that documents it."""

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
from slurm_rest_api.config.section import AbsolutePath, Section, Text

APPLICATION: Final = "slurm-rest-api"
DEFAULTS_ORIGIN: Final = "the built-in defaults (no configuration file was found)"

_DEMO_OPTIONS = r"[a-z]+=[^,\s]+(,[a-z]+=[^,\s]+)*"
_SOURCE = re.compile(rf"slurm|demo(:{_DEMO_OPTIONS})?|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_TABLE = re.compile(r"[A-Za-z0-9_$-]+")


def _source(value: str) -> str:
    if not _SOURCE.fullmatch(value):
        raise ValueError('expected "slurm", "demo", or "package.module:function" for a source of your own')
    return value


def _cors_origin(value: str) -> str:
    # Nothing with a regular expression's characters may pass: Flask-Cors would take it for one.
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
    """Section `system`: how the service runs."""

    use_acct_db: bool = Field(default=False, description="Use Slurm's accounting database (section database).")
    use_cors: bool = Field(
        default=False, description="Send CORS headers, so that pages of other origins may read the answers."
    )
    cors_origins: tuple[Annotated[str, AfterValidator(_cors_origin)], ...] = Field(
        default=("*",),
        strict=False,
        min_length=1,
        description='Origins that may read the answers when use_cors is on; "*" is any. Credentials are never allowed.',
    )
    debug: bool = Field(default=False, description="Flask's debug mode; only for developing.")
    host: Text = Field(
        default="127.0.0.1",
        description="Address to listen on. The default is reached from this host alone (a reverse proxy, for instance);"
        " 0.0.0.0, which was the default before 1.0, is reached from everywhere.",
    )
    port: Port = Field(default=5000, description="TCP port to listen on.")
    serve_index: bool = Field(default=False, description="Serve pages for people at / and /pages/.")
    archive_usage_load: bool = Field(default=False, description="Keep an archive of load samples for /load.")
    archive_wait_time: int = Field(
        default=60, ge=1, le=86400, description="Seconds between two load samples; the same on hosts that share one."
    )
    archive_path: Text = Field(
        default="archive.sqlite",
        description="File of the load archive (SQLite), made with its folder. A relative path is in $STATE_DIRECTORY,"
        " which systemd sets, else in the working folder.",
    )
    archive_url: SecretStr | None = Field(
        default=None,
        description="A database for the load archive in place of the file, so that several hosts can share it:"
        " postgresql+psycopg://user:password@host/database or mysql+pymysql://user:password@host/database.",
    )
    archive_keep_days: int = Field(
        default=90,
        ge=1,
        description="Days for which every sample is kept; after that what was made of them: 10 minutes for two years,"
        " hours and days for ever.",
    )
    load_max_samples: int = Field(
        default=1500,
        ge=1,
        le=1_000_000,
        description="Most samples that one answer of /load has; a longer range gets wider ones.",
    )
    source: Annotated[Text, AfterValidator(_source)] = Field(
        default="slurm",
        description='Where the cluster\'s state comes from: "slurm" (through pyslurm); "demo", a cluster that does not'
        ' exist, for trying things out; or "package.module:function", a function of your own that returns a source.',
    )
    runtime_dir: AbsolutePath | None = Field(
        default=None,
        description="Folder of the snapshot store, best in memory (tmpfs); everything in it can be deleted at any time."
        " null: $RUNTIME_DIRECTORY, which systemd sets, else /run/slurm-rest-api for root and the user's runtime folder"
        " for others.",
    )
    refresh_seconds: float = Field(
        default=10.0,
        ge=1,
        allow_inf_nan=False,
        description="Seconds from the start of one load of the cluster to the start of the next."
        " Loads that take long are spaced further apart.",
    )
    fresh_seconds: float = Field(
        default=5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds from the start of one load to the start of one that clients ask for with"
        ' "Cache-Control: no-cache", however many ask; 0: they cannot ask.',
    )
    cycle_timeout_seconds: float = Field(
        default=120.0,
        ge=5,
        allow_inf_nan=False,
        description="Seconds that one load of the cluster may take before it is ended.",
    )
    recycle_cycles: int = Field(
        default=1000, ge=0, description="The process that holds pyslurm is replaced after this many loads; 0: never."
    )
    recycle_rss_mib: int = Field(
        default=2048,
        ge=0,
        description="It is replaced, too, when it uses more memory (RSS) than this many MiB; 0: never.",
    )
    log_level: Level = Field(default="INFO", description="How much to log.")
    access_log: bool = Field(
        default=False,
        description="Log each request as one line of JSON: client, user, method, route, path, status, bytes, seconds."
        " Neither queries nor tokens are in it.",
    )
    metrics_accounts: int = Field(
        default=50,
        ge=0,
        le=10000,
        description="Accounts whose jobs /metrics counts apart, those with the most jobs; the others count together."
        " 0: no accounts.",
    )
    web_threads: int = Field(default=8, ge=1, le=512, description="Threads of the web server.")
    waiting_requests: int = Field(
        default=4,
        ge=0,
        le=512,
        description="Requests that may wait (wait=, no-cache) at once in each web process. Each keeps a thread busy,"
        " so it has to be less than the threads of a process; 0: none may wait.",
    )

    @property
    def source_name(self) -> str:
        """`source` without the options of the demo."""
        return "demo" if self.source.startswith("demo:") else self.source

    def runtime_path(self, environ: Mapping[str, str] = os.environ) -> Path:
        """The folder that `runtime_dir` means. It may not exist yet.

        systemd puts several folders into $RUNTIME_DIRECTORY, with colons between, when a unit asks for
        several (systemd.exec(5)); the first is ours.
        """
        if self.runtime_dir is not None:
            return self.runtime_dir
        if first := environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
            return Path(first)
        if os.geteuid() == 0:
            return platformdirs.site_runtime_path(APPLICATION)
        with warnings.catch_warnings():
            # Without a session of systemd-logind it is a folder in /tmp; `check` looks whether that is safe.
            warnings.simplefilter("ignore")
            return platformdirs.user_runtime_path(APPLICATION)


class DatabaseSettings(Section):
    """Section `database`: the accounting database that slurmdbd writes, which this service only reads."""

    db_host: Text = Field(default="localhost", description="Host of the database server.")
    db_port: Port = Field(default=3306, description="TCP port of the database server.")
    db_user: Text = Field(
        default="slurm_rest_api",
        description="Account; it needs SELECT on the two tables below, on qos_table and on tres_table, nothing else.",
    )
    db_pass: SecretStr = Field(
        default=SecretStr(""),
        description="Its password. Better in a file (db_pass_file) or in the environment"
        " ($SLURM_REST_API_DB_PASS, which comes before both).",
    )
    db_pass_file: AbsolutePath | None = Field(
        default=None,
        description="File whose first line is the password, in place of db_pass; it must not be readable by everyone.",
    )
    db_name: Text = Field(default="slurm_acct_db", description="Name of the database (StorageLoc in slurmdbd.conf).")
    table_assoc: Table = Field(
        default="slurm_assoc_table", description="Table of the associations: <ClusterName>_assoc_table."
    )
    table_job: Table = Field(default="slurm_job_table", description="Table of the jobs: <ClusterName>_job_table.")
    table_step: Table | None = Field(
        default=None,
        description="Table of the jobs' steps, <ClusterName>_step_table, from which /history has the CPU time that jobs"
        " used (cpu_time); the account then needs SELECT on it as well. null: it is not read.",
    )
    db_connect_timeout: int = Field(default=5, ge=1, le=600, description="Seconds to wait for the database to answer.")
    db_statement_seconds: int = Field(
        default=10,
        ge=1,
        le=600,
        description="Seconds after which the server ends a query of ours; the client is told to narrow it (504).",
    )
    db_pool_size: int = Field(
        default=4, ge=1, le=100, description="Connections to the database that one web worker opens at most."
    )
    db_ssl_ca: AbsolutePath | None = Field(
        default=None, description="Certificate authority of the server; turns TLS on and its certificate is verified."
    )
    db_sqlite_file: AbsolutePath | None = Field(
        default=None,
        description="An SQLite file with slurmdbd's tables, read in place of a server: a copy for trials.",
    )
    history_max_limit: int = Field(
        default=10000, ge=1, le=1_000_000, description="Most records that one answer of /history or /users has."
    )
    names_cache_seconds: int = Field(
        default=30, ge=1, le=3600, description="Seconds for which associations, QOS and TRES are remembered."
    )


class FilterSettings(Section):
    """Section `filter`: what the service does not show."""

    partitions: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        description="Partitions to hide, by name: they, their jobs and the nodes that belong to no other partition"
        " appear in no answer.",
    )


class Settings(Section):
    """The whole configuration; `origin` says where it came from, in words for the log."""

    system: SystemSettings = SystemSettings()
    database: DatabaseSettings = DatabaseSettings()
    filter: FilterSettings = FilterSettings()
    auth: AuthSettings = AuthSettings()
    origin: str = DEFAULTS_ORIGIN


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "system": SystemSettings,
    "database": DatabaseSettings,
    "filter": FilterSettings,
    "auth": AuthSettings,
}
