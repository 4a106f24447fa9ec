"""Back and forward restore pages, their filters and their rows."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.asking import asked


def test_back_and_forward_restore_the_pages(tab: Page, demo_address: str) -> None:
    counts = asked(demo_address, "queue?state=R&group_by=user")["data"]
    user = max(counts, key=lambda name: int(counts[name]["count"]))
    user_field = tab.get_by_role("combobox", name="User", exact=True)
    title = tab.get_by_role("heading", level=1)
    tab.goto(demo_address + "pages/queue?fold=no&state=R&sort=job_id")
    expect(tab.locator("#rows tr.job").nth(1)).to_be_visible()
    everybody = tab.locator("#found").inner_text()
    user_field.fill(user)
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.locator("#found")).to_contain_text(f"with user={user}")
    first, second = tab.locator("#rows tr.job th a").all_inner_texts()[:2]
    tab.get_by_role("link", name=first, exact=True).click()
    expect(title).to_have_text(f"Job {first}")
    tab.get_by_label("Job ID").fill(second)
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(title).to_have_text(f"Job {second}")
    held = tab.get_by_role("region", name="Allocated resources").get_by_role("link").first
    node = held.inner_text()
    held.click()
    expect(title).to_have_text(f"Node {node}")
    expect(tab.get_by_role("region", name="In use")).to_be_visible()
    tab.get_by_label("Node name").fill("nowhere")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.get_by_text("No node nowhere")).to_be_visible()

    tab.go_back()
    expect(tab.get_by_label("Node name")).to_have_value(node)
    expect(tab.get_by_role("region", name="In use")).to_be_visible()
    for job in (second, first):
        tab.go_back()
        expect(title).to_have_text(f"Job {job}")
        expect(tab.get_by_label("Job ID")).to_have_value(job)
        expect(tab.locator("#content")).to_contain_text(f"of {user} in")
    tab.go_back()
    expect(user_field).to_have_value(user)
    expect(tab.locator("#found")).to_contain_text(f"with user={user}")
    expect(tab.get_by_role("link", name=first, exact=True)).to_be_visible()
    assert set(tab.locator("#rows tr:not(.left) td:nth-child(3)").all_inner_texts()) == {user}
    tab.go_back()
    expect(user_field).to_have_value("")
    expect(tab.locator("#found")).not_to_contain_text("user=")
    assert re.sub(r"\d+", "", tab.locator("#found").inner_text()) == re.sub(r"\d+", "", everybody)
    for _ in range(2):
        tab.go_forward()
    expect(title).to_have_text(f"Job {first}")
