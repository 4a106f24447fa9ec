"""No page shows hidden partitions, now or in the past, or private data of other users."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from tests.browser.asking import asked, text_of
from tests.browser.fixture import PATIENCE_MS, new_profile
from tests.browser.mounted import mounted
from tests.browser.paths import CLUSTER, PAGES, READY, filled
from tests.browser.service import configured
from tests.browser.watching import Watched, open_asking

# The partition gpu and its nodes; neither the resource of that name (gpu:a100:4, gres/gpu) nor an element's id.
HIDDEN = re.compile(r"(?<![\w/])(?:gpu\d*(?![\w:=])|rtx\d+)")
_TEXTS = """() => {
    // The choices of what the map shows name no partition.
    const named = [...document.querySelectorAll("main :is(option:not(#show > option), a)")];
    const values = named.map((one) => one.value ?? one.href);
    return [document.title, document.querySelector("main").innerText, ...values].join("\\n");
}"""


def texts(page: Page) -> str:
    """Returns all text and links that a user of the page can read or follow."""
    found: str = page.evaluate(_TEXTS)
    return found


def open_filled(page: Page, address: str, path: str) -> None:
    open_asking(page, address + path)
    ready = READY.get(path.partition("?")[0], "main :is(tbody tr, #tree li)")
    expect(page.locator(ready).first).to_be_attached(timeout=PATIENCE_MS)


def copied(past: Path, into: Path) -> Path:
    """Copies an SQLite database that another process may be writing."""
    with closing(sqlite3.connect(past)) as source, closing(sqlite3.connect(into)) as copy:
        source.backup(copy)
    return into


@pytest.fixture(scope="module")
def hiding(demo_settings: Settings, past_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that hides the partition gpu, with the demo's past, in which it was not hidden."""
    folder = tmp_path_factory.mktemp("hiding")
    system, database = demo_settings.system, demo_settings.database
    assert system.archive_path is not None
    assert database.db_sqlite_file is not None
    names = {name for name in type(database).model_fields if name.startswith("table")}
    tables = database.model_dump(include=names, exclude_none=True)
    with configured(
        folder,
        filter={"partitions": ["gpu"]},
        system={
            "use_acct_db": True,
            "archive_usage_load": True,
            "archive_path": str(copied(Path(system.archive_path), folder / "archive.sqlite")),
        },
        database={**tables, "db_sqlite_file": str(copied(Path(database.db_sqlite_file), folder / "jobs.sqlite"))},
    ) as address:
        yield address


def open_choices(page: Page, address: str) -> None:
    """Opens the choices of the filters, and the suggestions of the search."""
    open_filled(page, address, "pages/queue")
    for name in ("partition", "account", "user"):
        with page.expect_response(re.compile(f"group_by={name}")):
            page.locator(f"#filters [name={name}]").focus()
    with page.expect_response(re.compile(r"/queue\?name=")):
        page.locator("#search-text").fill("gp")


def test_no_page_shows_hidden_partitions_their_nodes_or_jobs(tab: Page, hiding: str, past_address: str) -> None:
    watched = Watched(tab)
    for path in (*PAGES, *CLUSTER, "?kiosk"):
        open_filled(tab, hiding, filled(hiding, path))
        assert HIDDEN.findall(texts(tab)) == [], path
    open_choices(tab, hiding)
    # Nor is it in an answer that a page asked for and did not show.
    asking = {url for url in watched.requests if not re.match("/(pages/.*)?$", urlsplit(url).path)}
    routes = ("partitions", "reservations", "events", "accounts", "qos", "load", "usage", "utilization", "history")
    assert {urlsplit(url).path for url in asking} >= {f"/{route}" for route in routes}
    assert [url for url in asking if HIDDEN.search(text_of(url))] == []
    # The demo that does not hide it names it.
    for question in ("partitions", "reservations", "events?limit=1000", "history?limit=1000"):
        assert HIDDEN.search(text_of(past_address + question)), question


def test_pages_do_not_know_hidden_partitions(tab: Page, hiding: str, past_address: str) -> None:
    (record,) = asked(past_address, "history?partition=gpu&limit=1")["data"]
    for path, text in {
        f"pages/job?id={record['id_job']}": "The accounting database has no record of it either.",
        "pages/node?name=gpu001": "No node gpu001",
        "pages/nodes?partition=gpu": "No matching nodes",
        "pages/queue?partition=gpu": "No matching jobs",
        "pages/history?partition=gpu": "No matching records",
        "pages/load?partition=gpu": "No samples in this range",
        "pages/partitions?name=gpu": "No partition gpu",
        "pages/events?node=gpu[001-099]": "No matching events",
    }.items():
        tab.goto(hiding + path)
        expect(tab.locator("main")).to_contain_text(text)


@dataclass(frozen=True)
class Reader:
    """A user with many jobs that coordinates no account, logged in at `address`. Jobs are private there."""

    page: Page
    address: str
    name: str


@contextmanager
def logged_in(
    browser: Browser, settings: Settings, folder: Path, name: str, private_data: list[str]
) -> Iterator[Reader]:
    """Logs `name` in with the role user, where these data are private."""
    tokens = TokenFile(folder / "tokens.json")
    token = tokens.add(name, "user", None)
    auth = {"mode": "token", "token_file": str(tokens.path), "private_data": private_data}
    section = type(settings.auth).model_validate(auth)
    with (
        mounted(settings.model_copy(update={"auth": section})) as address,
        new_profile(browser, viewport={"width": 1280, "height": 800}) as context,
    ):
        context.add_init_script(f"sessionStorage.setItem('slurm-rest-api token', '{token}')")
        yield Reader(context.new_page(), address, name)


@pytest.fixture
def reader(browser: Browser, demo_settings: Settings, past_address: str, tmp_path: Path) -> Iterator[Reader]:
    counts = asked(past_address, "queue?state=R&group_by=user")["data"]
    # Coordinators see the jobs of their accounts.
    coordinators = {name for account in asked(past_address, "accounts")["data"] for name in account["coordinators"]}
    name = max(counts.keys() - coordinators, key=lambda user: int(counts[user]["count"]))
    with logged_in(browser, demo_settings, tmp_path, name, ["jobs"]) as found:
        yield found


def anothers_job(address: str, name: str) -> tuple[int, str]:
    """Returns a running job of another user, and a node of it on which `name` has no job."""
    jobs = asked(address, "queue?state=R&fields=job_id,user_name,cpus_allocated")["data"].values()
    own = {node for job in jobs if job["user_name"] == name for node in job["cpus_allocated"]}
    return next(
        (job["job_id"], node)
        for job in jobs
        if job["user_name"] != name
        for node in job["cpus_allocated"]
        if node not in own
    )


def test_private_jobs_are_shown_to_their_user_only(reader: Reader, past_address: str) -> None:
    page, others = reader.page, set(asked(past_address, "queue?group_by=user")["data"]) - {reader.name}
    job, node = anothers_job(past_address, reader.name)
    for path in (*PAGES, *CLUSTER):
        if path == "pages/job":
            page.goto(f"{reader.address}{path}?id={job}")
            expect(page.get_by_text(f"No job {job}", exact=True)).to_be_visible()
        else:
            open_filled(page, reader.address, f"{path}?name={node}" if path == "pages/node" else path)
        expect(page.locator("#user")).to_have_text(reader.name)
        assert others.isdisjoint(re.findall(r"[\w-]+", texts(page))), path
        if path in ("pages/queue", "pages/history"):
            expect(page.locator("#rows tr").first).to_contain_text(reader.name)
        elif path == "pages/my-jobs":
            expect(page.get_by_role("heading", level=1)).to_have_text("My jobs")
            expect(page.locator("#running tbody tr").first).to_be_visible()
        elif path == "pages/load":
            expect(page.get_by_role("heading", name="CPUs")).to_be_visible()
            expect(page.get_by_role("heading", name="Jobs")).to_have_count(0)
        elif path == "pages/node":
            expect(page.get_by_role("region", name="In use")).to_contain_text("CPUs allocated")
            expect(page.locator("#jobs")).to_contain_text("No jobs here that you may view")
    # How much of a limit all jobs use is not known to a user who sees some of them.
    page.goto(f"{reader.address}pages/accounts?name=physics")
    expect(page.locator("#hidden")).to_contain_text("how much of a limit they use (auth.private_data: jobs)")
    expect(page.get_by_role("row").filter(has_text="GrpTRES=cpu")).to_contain_text(re.compile(r"\d–physics"))


def test_private_accounts_and_use_leave_what_a_user_has(
    browser: Browser, demo_settings: Settings, past_address: str, tmp_path: Path
) -> None:
    users = {record["user"]: record["acct"] for record in asked(past_address, "users?fields=user,acct")["data"]}
    coordinators = {name for account in asked(past_address, "accounts")["data"] for name in account["coordinators"]}
    name = min(set(users) - coordinators)
    with logged_in(browser, demo_settings, tmp_path, name, ["accounts", "users", "usage"]) as reader:
        page = reader.page
        page.goto(f"{reader.address}pages/accounts?name={users[name]}")
        expect(page.get_by_role("heading", name=f"Account {users[name]}")).to_be_visible()
        expect(page.locator("#details .cards")).to_be_visible()
        found = set(re.findall(r"[\w-]+", texts(page)))
        assert found.isdisjoint((set(users) - {name}) | (set(users.values()) - {users[name]}))
        page.goto(f"{reader.address}pages/qos?name=high")
        expect(page.locator("#one .cards")).to_be_visible()
        # How many jobs use a limit is a sum of other users.
        expect(page.get_by_role("row").filter(has_text="GrpTRES=cpu")).to_contain_text("–")
        assert set(re.findall(r"[\w-]+", texts(page))).isdisjoint(set(users) - {name})


def test_hidden_parts_of_the_cluster_are_named(browser: Browser, demo_settings: Settings, tmp_path: Path) -> None:
    private = ["reservations", "events", "partitions"]
    hidden = re.compile(r"Hidden from you .+: .*partitions.*\(auth\.private_data: .*partitions.*\)")
    with logged_in(browser, demo_settings, tmp_path, "alice", private) as reader:
        page = reader.page
        for path, text in {
            "pages/partitions": "Your role may not read /partitions (auth.private_data: partitions).",
            "pages/reservations": "No nodes, cores or licenses are reserved, or you may not see it.",
            "pages/events": "Your role may not read /events (auth.private_data: events).",
            "pages/licenses": "fluent",
            "": "Your role may not read /usage (auth.private_data: partitions).",
        }.items():
            page.goto(reader.address + path)
            expect(page.locator("main")).to_contain_text(text)
            expect(page.locator("#private")).to_have_text(hidden)
        # Problems of nodes stay. Gauges without numbers would look like an idle cluster.
        expect(page.locator("#problems tbody tr").first).to_be_visible()
        expect(page.locator(".bars, .jobs, .aside").locator("visible=true")).to_have_count(0)
