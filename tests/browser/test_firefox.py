"""The pages in Debian's Firefox: login, the main actions by keyboard and mouse, and every page without an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.config import Settings
from slurm_rest_api.pages.registry import PAGES
from tests.browser.firefox import firefox_of
from tests.browser.fixture import open_tab
from tests.browser.mounted import mounted
from tests.browser.paths import READY, filled


@pytest.fixture(scope="module")
def firefox(driver: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with firefox_of(driver, tmp_path_factory.mktemp("firefox")) as running:
        yield running


def test_a_user_logs_in_finds_jobs_and_opens_every_page(
    firefox: Browser, demo_settings: Settings, past_address: str, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    token = tokens.add("grafana", "admin", None)
    auth = type(demo_settings.auth).model_validate({"mode": "token", "token_file": str(tokens.path)})
    with mounted(demo_settings.model_copy(update={"auth": auth})) as address, open_tab(firefox) as tab:
        tab.goto(address + "pages/queue?fold=no")
        tab.get_by_label("Token").fill(token)
        tab.keyboard.press("Enter")
        expect(tab.locator("#user")).to_have_text("grafana")
        tab.get_by_role("combobox", name="State", exact=True).fill("r")
        tab.keyboard.press("Enter")
        expect(tab.locator("#found")).to_contain_text("with state=r")
        tab.get_by_role("button", name="Limit").click()
        expect(tab.locator("th[data-field=time_limit]")).to_have_attribute("aria-sort", "ascending")
        expect(tab.locator("#jobs")).to_have_attribute("aria-busy", "false")
        job = tab.locator("#rows tr.job th a").first.inner_text()
        # By its name, because another job may be the first one by now.
        tab.get_by_role("link", name=job, exact=True).click()
        expect(tab.get_by_role("heading", level=1)).to_have_text(f"Job {job}")
        node = tab.get_by_role("region", name="Allocated resources").get_by_role("link").first.inner_text()
        tab.keyboard.press("/")
        tab.keyboard.type(node)
        expect(tab.get_by_role("option", name=re.compile(f"^node {node}"))).to_be_visible()
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("heading", level=1)).to_have_text(f"Node {node}")
        for page in PAGES.values():
            path = "" if page.name == "now" else f"pages/{page.name}"
            tab.goto(address + filled(past_address, path))
            tab.evaluate("document.getElementById('check')?.click()")
            expect(tab.locator(READY.get(path, "main :is(tbody tr, .tree li)")).first).to_be_attached()
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
