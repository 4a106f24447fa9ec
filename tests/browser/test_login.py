"""Login with a token of the service, with a Slurm token, and through a proxy."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from tests.auth.clients import key_file, slurm_token
from tests.browser.fixture import new_profile
from tests.browser.mounted import mounted
from tests.browser.service import configured
from tests.browser.watching import Watched, barriers


class Asking:
    """A service with tokens where jobs and partitions are private. `user` has the role user."""

    def __init__(self, address: str, file: TokenFile, admin: str, user: str) -> None:
        self.address, self.file, self.admin, self.user = address, file, admin, user


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("asking")
    file = TokenFile(folder / "tokens.json")
    admin, user = file.add("grafana", "admin", None), file.add("Zoë <b>", "user", None)
    auth = {"mode": "token", "token_file": str(file.path), "private_data": ["jobs", "partitions"]}
    with configured(folder, admin, auth=auth) as address:
        yield Asking(address, file, admin, user)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with new_profile(browser) as context:
        yield context


def log_in(page: Page, token: str, *, remember: bool = False) -> None:
    page.get_by_label("Token").fill(token)
    if remember:
        page.get_by_label("Remember it in this browser").check()
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()


def check_routes(page: Page) -> None:
    page.get_by_role("button", name="Check each endpoint").click()


def test_a_page_asks_for_a_token_and_shows_its_user(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "pages/api")
    dialog = page.get_by_role("dialog", name="Log in")
    expect(dialog).to_be_visible()
    assert barriers(page) == []
    log_in(page, asking.admin)
    expect(dialog).to_be_hidden()
    expect(page.locator("#user")).to_have_text("grafana")
    check_routes(page)
    expect(page.locator("#outcome")).to_contain_text("endpoints OK")
    expect(page.locator("#curl")).to_contain_text('curl -s -H "Authorization: Bearer $TOKEN" ')
    assert asking.admin not in page.content()


def test_invalid_and_expired_tokens_are_refused_and_not_kept(context: BrowserContext, asking: Asking) -> None:
    expired = asking.file.add("old", "user", int(time.time()) - 1)
    page = context.new_page()
    page.goto(asking.address + "pages/api")
    for token, text in (
        ("sra_wrong", "The token is invalid"),
        (expired, "The token is invalid: expired"),
        ("two words", "Not a valid token"),
        ("schlüssel", "Not a valid token"),
    ):
        log_in(page, token)
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(text)
        assert (
            page.evaluate("sessionStorage.length + Object.keys(localStorage).filter((k) => /token/.test(k)).length")
            == 0
        )
    # The dialog stays usable.
    log_in(page, asking.admin)
    expect(page.locator("#user")).to_have_text("grafana")


def test_a_login_holds_for_all_tabs_until_one_logs_out(context: BrowserContext, asking: Asking) -> None:
    first, waiting = context.new_page(), context.new_page()
    for page in (first, waiting):
        page.goto(asking.address + "pages/api")
        expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
    log_in(first, asking.admin)
    for page in (first, waiting):
        expect(page.locator("#user")).to_have_text("grafana")
    # A new tab gets the token before its first request, so it never asks.
    third = context.new_page()
    refused: list[str] = []
    third.on("response", lambda response: refused.append(response.url) if response.status == 401 else None)
    third.goto(asking.address + "pages/queue")
    expect(third.locator("#user")).to_have_text("grafana")
    assert refused == []
    assert first.evaluate("localStorage.getItem('slurm-rest-api token')") is None
    third.get_by_role("button", name="Log out").click()
    for page in (first, waiting, third):
        expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_remembered_token_outlives_the_tabs(context: BrowserContext, asking: Asking) -> None:
    first = context.new_page()
    first.goto(asking.address + "pages/api")
    log_in(first, asking.admin, remember=True)
    expect(first.locator("#user")).to_have_text("grafana")
    first.close()
    second = context.new_page()
    second.goto(asking.address + "pages/api")
    expect(second.locator("#user")).to_have_text("grafana")
    second.get_by_role("button", name="Log out").click()
    expect(second.get_by_role("dialog", name="Log in")).to_be_visible()
    assert second.evaluate("localStorage.getItem('slurm-rest-api token')") is None


def test_a_revoked_token_ends_the_session_with_the_reason(context: BrowserContext, asking: Asking) -> None:
    token = asking.file.add("leaving", "admin", None)
    page = context.new_page()
    page.goto(asking.address + "pages/api")
    log_in(page, token)
    expect(page.locator("#user")).to_have_text("leaving")
    asking.file.revoke("leaving")
    check_routes(page)
    dialog = page.get_by_role("dialog", name="Log in")
    expect(dialog.get_by_role("alert")).to_contain_text("The token is invalid")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_missing_permission_is_shown_without_logging_out(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "pages/api")
    log_in(page, asking.user)
    expect(page.locator("#user")).to_have_text("Zoë <b>")
    check_routes(page)
    row = page.get_by_role("row", name="/partitions")
    expect(row.locator(".state")).to_contain_text("403")
    expect(page.get_by_role("row", name="/nodes").locator(".state")).to_have_text("OK")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_queue_job_and_node_send_the_token(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    watched = Watched(page)
    page.goto(asking.address + "pages/queue?fold=no&state=R")
    rows = f"{asking.address}queue?"
    with page.expect_response(lambda response: response.url.startswith(rows) and response.ok) as update:
        log_in(page, asking.admin)
    assert update.value.request.headers["authorization"] == f"Bearer {asking.admin}"
    link = page.locator("#rows tr.job th a").first
    expect(link).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    assert started.value.suggested_filename == "queue.csv"
    assert Path(started.value.path()).read_text().startswith("job_id,name,user_name,")
    assert len([url for url in watched.requests if "/queue.csv" in url]) == 1
    job = link.inner_text()
    # By its name, because another job may be the first one by now.
    page.get_by_role("link", name=job, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Job {job}")
    page.get_by_role("region", name="Allocated resources").get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Jobs now").get_by_role("link", name=job, exact=True)).to_be_visible()
    expect(page.locator("#user")).to_have_text("grafana")
    for path in ("pages/job", "pages/queue"):
        page.go_back()
        expect(page).to_have_url(re.compile(path))
    expect(link).to_have_text(job)
    assert watched.faults == []


def test_a_user_without_jobs_has_an_empty_queue_of_private_jobs(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "pages/queue")
    log_in(page, asking.user)
    expect(page.locator("main")).to_contain_text("The queue is empty")
    # The page says what is hidden, and by whom.
    expect(page.get_by_role("contentinfo")).to_contain_text(
        "service: jobs of other users, partitions (auth.private_data: jobs, partitions)"
    )
    assert page.locator("tbody tr a[href*='pages/job']").count() == 0


def test_links_to_files_and_answers_send_the_token(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "pages/api")
    log_in(page, asking.admin)
    expect(page.locator("#user")).to_have_text("grafana")
    page.evaluate(
        """(href) => {
            const link = Object.assign(document.createElement("a"), { href, download: "", textContent: "CSV" });
            document.querySelector("main").append(link);
        }""",
        asking.address + "nodes.csv?fields=name,state",
    )
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename == "nodes.csv"
    assert Path(started.value.path()).read_text().startswith("name,state\n")
    page.get_by_role("link", name="/partitions", exact=True).click()
    page.wait_for_url("blob:**")
    expect(page.locator("body")).to_contain_text('"meta"')


def test_a_logged_in_user_downloads_the_queue_once(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "pages/queue")
    log_in(page, asking.admin)
    expect(page.locator("#rows a[href*='pages/job']").first).to_be_visible()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert not any("/login.js" in name for name in loaded)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    assert started.value.suggested_filename == "queue.csv"
    assert sum("queue.csv" in url for url in asked) == 1


def test_the_reference_is_public_and_has_its_own_login(context: BrowserContext, asking: Asking) -> None:
    page = context.new_page()
    page.goto(asking.address + "openapi/swagger")
    expect(page.get_by_role("button", name="Authorize").first).to_be_visible()
    assert page.request.get(asking.address + "nodes").status == 401


def test_a_slurm_token_is_accepted_as_scontrol_prints_it(tmp_path: Path, context: BrowserContext) -> None:
    token = slurm_token("alice")
    auth = {"mode": "jwt", "jwt_key_file": str(key_file(tmp_path))}
    with configured(tmp_path, token, auth=auth) as address:
        page = context.new_page()
        page.goto(address + "pages/api")
        expect(page.get_by_role("dialog")).to_contain_text("scontrol token")
        log_in(page, f"SLURM_JWT={token}\n")
        expect(page.locator("#user")).to_have_text("alice")
        # It expires in ten minutes.
        expect(page.locator("#expiry")).to_contain_text("Login ends in ")
        expect(page.locator("#curl")).to_contain_text('"Authorization: Bearer $SLURM_JWT"')


def test_with_proxy_authentication_there_is_no_login(demo_settings: Settings, context: BrowserContext) -> None:
    auth = type(demo_settings.auth).model_validate({"mode": "proxy"})
    settings = demo_settings.model_copy(update={"auth": auth})
    with mounted(settings, user="bob") as address:
        page = context.new_page()
        page.goto(address + "pages/api")
        expect(page.locator("#user")).to_have_text("bob")
        check_routes(page)
        expect(page.locator("#outcome")).to_contain_text("endpoints OK")
        assert page.get_by_role("button", name="Log out").count() == page.get_by_role("dialog").count() == 0


def test_when_the_login_of_a_proxy_ends_the_page_asks_to_be_loaded_again(
    demo_settings: Settings, context: BrowserContext
) -> None:
    auth = type(demo_settings.auth).model_validate({"mode": "proxy"})
    with mounted(demo_settings.model_copy(update={"auth": auth}), user="bob") as address:
        page = context.new_page()
        partitions = re.compile(r"(?<!pages)/partitions(\?|$)")
        page.route(partitions, lambda route: route.fulfill(status=401, body="<h1>Unauthorized</h1>"))
        page.goto(address + "pages/partitions")
        expect(page.get_by_role("alert")).to_contain_text("Your login has ended. Load this page again to log in.")
