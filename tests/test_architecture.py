"""Rules of the package: the direction of imports, the place of each library and of I/O, and sizes."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "slurm_rest_api"
ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}

# The collector and the web workers meet in slurmapi.store and slurmapi.shared.
COLLECTOR = ("slurmapi.collector", "slurmapi.sources")
WEB_WORKER = (
    "slurmapi.query",
    "slurmapi.responses",
    "slurmapi.views",
    "slurmapi.availability",
    "jobsapi",
    "explainapi",
    "slurmapi.reservation_views",
)
# Library: modules and packages that may import it.
ONLY_IN = {
    "flask": (
        "web.",
        "slurmapi.views",
        "slurmapi.availability.views",
        "slurmapi.reservation_views",
        "slurmapi.responses.responder",
        "acctapi.views",
        "acctapi.job_history_views",
        "acctapi.reference_views",
        "acctapi.usage_views",
        "jobsapi.views",
        "explainapi.views",
        "archive.views",
        "health.views",
        "metrics.views",
        "pages.views",
        "app",
    ),
    "flask_cors": ("app",),
    "flask_openapi3": (
        "web.openapi_document",
        "slurmapi.views",
        "slurmapi.availability.views",
        "slurmapi.reservation_views",
        "acctapi.views",
        "acctapi.job_history_views",
        "acctapi.reference_views",
        "acctapi.usage_views",
        "jobsapi.views",
        "explainapi.views",
        "archive.views",
        "health.views",
        "metrics.views",
        "app",
        "web.routes",
    ),
    "werkzeug": ("web.",),
    "waitress": ("cli.",),
    "click": ("cli.", "deployment.systemd_notify", "demo.cli_options", "demo.backfill"),
    "jwt": ("auth.json_web_tokens", "auth.key_set"),
    "prometheus_client": ("metrics.",),
    "uwsgi": ("metrics.counters", "wsgi", "web.server"),
    "yaml": ("config.",),
    "apscheduler": ("slurmapi.collector.collector",),
    "sqlite3": ("slurmapi.store.",),
    "pymysql": ("diagnosis.", "acctapi.db_errors", "databases.mysql"),
    "psycopg": ("databases.postgresql",),
    "sqlalchemy": ("acctapi.", "archive.", "demo.accounting", "demo.usage_rollup", "demo.backfill"),
    "ijson": ("archive.tinydb_import",),
    "zlib_ng": ("web.compression",),
    "zstandard": ("archive.tables", "archive.spool", "web.compression"),
    "pyslurm": ("pyslurm_build.probe",),
    "ClusterShell": (
        "slurm.hostlist",
        "slurmapi.collector.node_name_filter",
        "slurmapi.sources.",
        "demo.hardware",
    ),
}
# Package or module: modules and packages that it must not import.
NEVER = {
    "auth": ("slurmapi", "acctapi", "archive", "health", "web", "diagnosis", "cli", "app"),
    "web": ("slurmapi", "acctapi", "archive", "config", "diagnosis", "cli", "app"),
    "pages": ("slurmapi", "acctapi", "archive", "config", "demo", "diagnosis", "cli", "app"),
    "slurmapi": ("acctapi", "jobsapi", "explainapi", "archive"),
    "databases": ("slurmapi", "acctapi", "archive", "health", "web", "config", "diagnosis", "cli", "app"),
    "acctapi": ("slurmapi", "jobsapi", "archive", "diagnosis", "cli", "app"),
    # It joins the snapshot store and the accounting database.
    "explainapi": ("slurmapi.views", "archive", "health", "diagnosis", "config", "cli", "app"),
    "jobsapi": ("slurmapi.views", "explainapi", "archive", "health", "diagnosis", "config", "cli", "app"),
    "archive": ("acctapi", "jobsapi", "health", "diagnosis", "cli", "app"),
    "slurmapi.contract": ("slurmapi.sources", "slurmapi.store", "config"),
    "slurmapi.sources": ("slurmapi.store", "slurmapi.views", "slurmapi.responses.snapshot", "web", "config"),
    "slurmapi.store": ("slurmapi.sources", "slurmapi.views", "web", "config"),
    "slurmapi.collector.loader_main": ("web", "slurmapi.views", "app", "slurmapi.contract"),
    "config": ("slurmapi", "acctapi", "archive", "web", "diagnosis", "cli", "app"),
    "pyslurm_build": ("slurmapi", "web", "config", "cli", "app"),
}
# The demonstration cluster can be removed: only these import it.
HOSTS_OF_THE_DEMO = {"cli.commands"}
# `run` and the collector start without the web application, so each command imports its own parts. Most processes need
# no PyJWT, so a mode of authentication imports its own.
OF_COMMANDS = {"cli.commands", "demo.cli_options", "auth.factory"}
# It imports the web application at the priority that suits.
ENTRY_POINT = "wsgi"
# Package without I/O: its modules that read files, processes or clocks, or write a log.
WITH_IO: dict[str, tuple[str, ...]] = {
    "slurm": ("user_names",),
    "slurmapi.contract": (),
    "slurmapi.query": (),
    "slurmapi.collector": ("clock_steps", "collector", "cycle", "load_cost", "loader_main", "loader_process", "lock"),
    "acctapi": (
        "coordinators",
        "database",
        "encodings",
        "events",
        "history",
        "key_ranges",
        "reference_data",
        "usage_window",
        "utilization",
        "utc_offsets",
    ),
    "archive": (
        "engine",
        "factory",
        "file_kind",
        "reader",
        "sampler",
        "sampler_factory",
        "spool",
        "spool_writer",
        "status",
        "tinydb_import",
        "views",
    ),
    "auth": ("cached_file", "factory", "json_web_tokens", "key_set", "modes", "token_file"),
    "demo": ("accounting", "backfill", "cli_options", "files", "options", "source", "source_with_history"),
    "health": ("checks",),
    "jobsapi": ("views",),
    "explainapi": ("views",),
    "metrics": ("counters", "counter_file", "worker_files"),
}
IO_MODULES = {"os", "time", "io", "pathlib", "socket", "subprocess", "logging", "datetime", "random"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def imports(tree: ast.AST) -> set[str]:
    """Returns every module that a piece of code names in an import statement."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(name: str) -> str:
    """Returns the name of a module below the package."""
    return name.removeprefix(f"{PACKAGE}.")


def own_imports(name: str) -> set[str]:
    """Returns the modules of the package that the module `name` imports."""
    found = set()
    for imported in imports(TREES[name]):
        while imported and imported not in MODULES:
            imported = imported.rpartition(".")[0]
        if imported.startswith(f"{PACKAGE}."):
            found.add(imported)
    return found


def below(name: str, prefixes: tuple[str, ...]) -> bool:
    """Returns True if a module is one of `prefixes`, or in one of them."""
    return any(own(name) == prefix or own(name).startswith(prefix.rstrip(".") + ".") for prefix in prefixes)


def package_of(name: str) -> str:
    """Returns the package that a module is in. The packages of slurmapi count each."""
    first, *rest = own(name).split(".")
    return f"{first}.{rest[0]}" if first == "slurmapi" and rest else first


def cycle_of(graph: dict[str, set[str]]) -> list[str]:
    """Returns the nodes of one cycle, or none if there is no cycle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def offenders(importers: tuple[str, ...], forbidden: tuple[str, ...]) -> list[str]:
    """Returns the imports from `forbidden` in the modules of `importers`."""
    return [
        f"{own(name)} imports {own(imported)}"
        for name in MODULES
        if below(name, importers)
        for imported in sorted(own_imports(name))
        if below(imported, forbidden)
    ]


def test_modules_form_no_cycle() -> None:
    assert cycle_of({name: own_imports(name) - {name} for name in MODULES}) == []


def test_packages_form_no_cycle() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for name in MODULES:
        graph[package_of(name)] |= {package_of(imported) for imported in own_imports(name)} - {package_of(name)}
    assert cycle_of(graph) == []


def test_collector_and_web_workers_do_not_import_each_other() -> None:
    assert offenders(WEB_WORKER, COLLECTOR) + offenders(COLLECTOR, WEB_WORKER) == []


def test_packages_import_in_one_direction() -> None:
    assert [fault for name, forbidden in NEVER.items() for fault in offenders((name,), forbidden)] == []


def test_each_library_has_its_place() -> None:
    assert [
        f"{own(name)} imports {library}"
        for name, tree in TREES.items()
        for library in sorted({imported.split(".")[0] for imported in imports(tree)} & ONLY_IN.keys())
        if not below(name, ONLY_IN[library])
    ] == []


def test_packages_without_io() -> None:
    # A `Random` with a seed returns the same numbers every time.
    assert [
        f"{own(name)} imports {', '.join(used)}"
        for name, tree in TREES.items()
        for package, exceptions in WITH_IO.items()
        if below(name, (package,)) and not below(name, tuple(f"{package}.{module}" for module in exceptions))
        if (used := sorted({i.split(".")[0] for i in imports(tree) if i != "random.Random"} & IO_MODULES))
    ] == []


def test_demo_can_be_removed() -> None:
    hosts = {fault.partition(" ")[0] for fault in offenders(tuple(map(own, MODULES)), ("demo",))}
    assert {host for host in hosts if not below(host, ("demo",))} <= HOSTS_OF_THE_DEMO


def test_only_pyslurm_and_the_parts_of_one_command_or_mode_are_imported_late() -> None:
    assert [
        f"{own(name)}: {imported}"
        for name, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for imported in sorted(imports(function))
        if imported.split(".")[0] not in ("pyslurm", *((PACKAGE,) if own(name) in {*OF_COMMANDS, ENTRY_POINT} else ()))
    ] == []


def test_no_module_is_empty() -> None:
    assert [own(name) for name, path in MODULES.items() if path.name != "__init__.py" and not TREES[name].body] == []


def test_modules_and_functions_are_short() -> None:
    long = [own(name) for name, path in MODULES.items() if len(path.read_text().splitlines()) > LONGEST_MODULE]
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
                long.append(f"{own(name)}.{node.name}")
    assert long == []
