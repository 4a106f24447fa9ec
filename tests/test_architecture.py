"""Who may import whom, and how large things may get: the rules that keep data flowing one way."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "slurm_rest_api"
ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}

# Library: where it may be imported, as prefixes of module names below the package.
ONLY_IN = {
    "flask": (
        "web.",
        "slurmapi.views",
        "acctapi.views",
        "archive.views",
        "health.views",
        "metrics.views",
        "pages.views",
        "app",
    ),
    "flask_cors": ("app",),
    "flask_openapi3": (
        "slurmapi.views",
        "acctapi.views",
        "archive.views",
        "health.views",
        "metrics.views",
        "app",
        "web.routes",
    ),
    "werkzeug": ("web.",),
    "waitress": ("cli.",),
    "click": ("cli.", "deployment.systemd_notify", "demo.cli_options", "demo.backfill"),
    "jwt": ("auth.modes",),
    "prometheus_client": ("metrics.",),
    "uwsgi": ("metrics.multiprocess", "web.server"),
    "yaml": ("config.",),
    "apscheduler": ("slurmapi.collector.collector",),
    "sqlite3": ("slurmapi.store.",),
    "pymysql": ("diagnosis.", "acctapi.db_errors"),
    "sqlalchemy": ("acctapi.", "archive.", "demo.accounting", "demo.backfill"),
    "ijson": ("archive.tinydb_import",),
    "zstandard": ("archive.tables",),
    "pyslurm": ("pyslurm_build.probe",),
    "ClusterShell": (
        "slurm.hostlist",
        "acctapi.encodings",
        "slurmapi.collector.node_name_filter",
        "slurmapi.sources.",
        "demo.formats",
    ),
}
# Folder or module: prefixes of what it must not import from the package itself.
NEVER = {
    "auth": ("slurmapi", "acctapi", "archive", "health", "web", "diagnosis", "cli", "app"),
    "web": ("slurmapi", "acctapi", "archive", "config", "diagnosis", "cli", "app"),
    "pages": ("slurmapi", "acctapi", "archive", "config", "demo", "diagnosis", "cli", "app"),
    "slurmapi": ("acctapi", "archive"),
    "acctapi": ("slurmapi", "archive", "diagnosis", "cli", "app"),
    "archive": ("acctapi", "health", "diagnosis", "cli", "app"),
    "slurmapi.contract": ("slurmapi.sources", "slurmapi.store", "config"),
    "slurmapi.sources": ("slurmapi.store", "slurmapi.views", "slurmapi.responses.snapshot", "web", "config"),
    "slurmapi.store": ("slurmapi.sources", "slurmapi.views", "web", "config"),
    "slurmapi.collector.loader_main": ("web", "slurmapi.views", "app", "slurmapi.contract"),
    "config": ("slurmapi", "acctapi", "archive", "web", "diagnosis", "cli", "app"),
    "pyslurm_build": ("slurmapi", "web", "config", "cli", "app"),
}
# A guest: only these know it, and only by name or for the flag of the command line.
HOSTS_OF_THE_DEMO = {"cli.commands"}
PURE = (
    "demo.accounting_rows",
    "demo.hardware",
    "demo.job_records",
    "demo.jobs",
    "demo.layouts",
    "demo.job_outcomes",
    "demo.node_records",
    "demo.job_ids",
    "demo.partition_records",
    "demo.backfill_load",
    "demo.people",
    "demo.daily_demand",
    "demo.scale",
    "demo.statistics_record",
    "demo.formats",
    "demo.timeline",
    "demo.timetable",
    "slurm.hostlist",
    "slurm.partitions",
    "auth.openapi",
    "auth.permissions",
    "auth.principal",
    "metrics.cluster",
    "metrics.scheduler",
    "slurmapi.collector.node_name_filter",
    "slurmapi.collector.job_references",
    "slurmapi.collector.hide_partitions",
    "slurmapi.collector.usage",
    "slurmapi.collector.state_counts",
    "archive.sample",
    "archive.aggregate",
    "archive.projection",
    "archive.time_range",
    "acctapi.associations",
    "acctapi.filters",
    "acctapi.records",
    "acctapi.sql",
    "acctapi.states",
)
IMPURE = {"os", "time", "io", "pathlib", "socket", "subprocess", "logging", "datetime", "random"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def imports(tree: ast.AST) -> set[str]:
    """Every module that a piece of code names in an import statement."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}.")


def own_imports(name: str) -> set[str]:
    """The modules of the package that the module `name` imports."""
    found = set()
    for imported in imports(TREES[name]):
        while imported and imported not in MODULES:
            imported = imported.rpartition(".")[0]
        if imported.startswith(f"{PACKAGE}."):
            found.add(imported)
    return found


def below(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(own(name) == prefix or own(name).startswith(prefix.rstrip(".") + ".") for prefix in prefixes)


def import_cycle() -> list[str]:
    """The modules of one import cycle; none when there is none."""
    try:
        TopologicalSorter({name: own_imports(name) - {name} for name in MODULES}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert import_cycle() == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_each_library_stays_where_it_belongs(library: str) -> None:
    users = {name for name, tree in TREES.items() if any(i.split(".")[0] == library for i in imports(tree))}
    strays = {name for name in users if not below(name, ONLY_IN[library])}
    assert strays == set(), f"{library} may be imported in {ONLY_IN[library]} only"


@pytest.mark.parametrize("folder", NEVER)
def test_folders_do_not_look_back(folder: str) -> None:
    for name in MODULES:
        if below(name, (folder,)):
            backward = {imported for imported in own_imports(name) if below(imported, NEVER[folder])}
            assert backward == set(), f"{name} must not import from {NEVER[folder]}"


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_touch_neither_clock_nor_files(name: str) -> None:
    # A `Random` that is given its seed gives the same numbers every time.
    used = {i.split(".")[0] for i in imports(TREES[f"{PACKAGE}.{name}"]) if i != "random.Random"}
    assert used & IMPURE == set()


def test_the_service_stands_without_the_demo() -> None:
    """Its folder and one import of the command line can be deleted: nothing else imports it."""
    hosts = {
        own(name)
        for name in MODULES
        if not below(name, ("demo",)) and any(below(imported, ("demo",)) for imported in own_imports(name))
    }
    assert hosts <= HOSTS_OF_THE_DEMO


def test_only_pyslurm_is_imported_late() -> None:
    late = {
        f"{name}: {imported}"
        for name, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for imported in imports(function)
        if imported.split(".")[0] != "pyslurm"
    }
    assert late == set()


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_stay_small(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= LONGEST_MODULE
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{name}.{node.name} is too long"
