"""The Load page while time goes on, and with answers that are cut."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import is_of
from tests.browser.test_load import BEGIN, HOUR, answer, drawn, figure, points, samples

MINUTE = 60


def asked_for(route: Route) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}


class Archive:
    """Answers /load with `found`, in parts of at most `part` samples, and keeps the queries in `questions`."""

    def __init__(self, tab: Page, found: list[dict[str, Any]], part: int = 1000) -> None:
        self.found, self.part = found, part
        self.questions: list[dict[str, str]] = []
        tab.route(lambda url: is_of("load", url), self._respond)

    def _respond(self, route: Route) -> None:
        question = asked_for(route)
        self.questions.append(question)
        since = int(question.get("since", self.found[0]["time"]))
        rest = [sample for sample in self.found if sample["time"] >= since]
        body = answer(rest[: self.part])
        body["meta"] |= {"since": since, "until": self.found[-1]["time"]}
        if len(rest) > self.part:
            onward = {"since": rest[self.part]["time"], "until": self.found[-1]["time"], "fields": question["fields"]}
            body["meta"] |= {"next": f"/load?{urlencode(onward)}", "truncated": True}
        route.fulfill(json=body)


def test_a_new_sample_appears_and_the_focus_stays(tab: Page, demo_address: str) -> None:
    known = samples([BEGIN + MINUTE * place for place in range(31)])
    archive = Archive(tab, known[:30])
    tab.clock.install()
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    jobs = figure(tab, "Jobs")
    jobs.get_by_text("Values as a table").click()
    values = jobs.get_by_role("region", name="Jobs: values").get_by_role("rowheader")
    times = values.all_inner_texts()
    graph = tab.get_by_label("Graph: Jobs.")
    graph.focus()
    tab.keyboard.press("ArrowLeft")
    last = jobs.get_by_role("row", name="running").get_by_role("cell").last
    expect(last).to_have_text("28")
    # The first sample has left the range, and a new one is there.
    archive.found = known[1:]
    tab.clock.fast_forward(31_000)
    expect(values.first).to_have_text(times[1])
    expect(values).to_have_count(30)
    assert values.all_inner_texts()[:-1] == times[1:]
    assert [("since" in question, question["time"]) for question in archive.questions] == [(False, str(24 * HOUR))] * 2
    expect(graph).to_be_focused()
    # The reading stays, and the keys move on from it.
    expect(last).to_have_text("28")
    tab.keyboard.press("ArrowLeft")
    expect(jobs.get_by_role("status")).to_contain_text("running 27, pending 3")
    tab.keyboard.press("End")
    expect(last).to_have_text("30")


def test_a_past_range_is_requested_once(tab: Page, demo_address: str) -> None:
    archive = Archive(tab, samples([BEGIN + MINUTE * place for place in range(30)]))
    tab.clock.install()
    tab.goto(f"{demo_address}pages/load?since={BEGIN}&until={BEGIN + HOUR}")
    drawn(tab)
    tab.clock.fast_forward(10 * MINUTE * 1000)
    tab.clock.run_for(1000)
    assert [(question["since"], question["until"]) for question in archive.questions] == [
        (str(BEGIN), str(BEGIN + HOUR))
    ]


@pytest.mark.parametrize(("parts", "asked"), [(3, 3), (5, 5), (7, 5)])
def test_a_truncated_answer_is_completed_or_marked(tab: Page, demo_address: str, parts: int, asked: int) -> None:
    found = samples([BEGIN + MINUTE * place for place in range(4 * parts)])
    archive = Archive(tab, found, part=4)
    tab.goto(f"{demo_address}pages/load?since={BEGIN}&until={BEGIN + HOUR}")
    drawn(tab)
    about = tab.locator("#about")
    expect(about).to_contain_text(f"{4 * asked} samples")
    assert [int(question["since"]) for question in archive.questions] == [
        BEGIN + 4 * MINUTE * place for place in range(asked)
    ]
    assert sum(map(len, points(tab, "running"))) == 4 * asked
    if asked < parts:
        expect(about).to_contain_text("are left out")
    else:
        expect(about).not_to_contain_text("are left out")


def test_a_failing_part_is_shown(tab: Page, demo_address: str) -> None:
    Archive(tab, samples([BEGIN + MINUTE * place for place in range(8)]), part=4)
    failure = {"errors": [{"status": "503", "title": "t", "detail": "The archive is away."}]}
    second = f"since={BEGIN + 4 * MINUTE}"
    tab.route(lambda url: is_of("load", url) and second in url, lambda route: route.fulfill(status=503, json=failure))
    tab.goto(f"{demo_address}pages/load?since={BEGIN}&until={BEGIN + HOUR}")
    expect(tab.get_by_role("alert")).to_contain_text("The archive is away.")
