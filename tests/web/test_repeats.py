"""Answers that are repeated while the data is at the same moment."""

from __future__ import annotations

from itertools import count

import pytest
from flask import Blueprint, Flask, Response, g, request
from flask.testing import FlaskClient

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.web.repeats import LONGEST_SECONDS, Repeats, answer_once


class Site:
    """An application whose answers say which one they are; `moment`, `now` and `who` are what a test says."""

    def __init__(self) -> None:
        self.moment: int | None = 1
        self.now = 0.0
        self.who = Principal("ada", "user")
        self.answers = count(1)
        app = Flask(__name__)
        live = Blueprint("live", __name__)
        live.get("/number")(self.number)
        live.get("/held")(self.held)
        live.get("/long")(self.streamed)
        live.get("/wrong")(self.wrong)
        app.register_blueprint(live)
        app.get("/other")(self.number)

        @app.before_request
        def authenticate() -> None:
            g.principal = self.who

        @app.after_request
        def stamp(response: Response) -> Response:
            response.headers["Asked-From"] = request.headers.get("Origin", "nowhere")
            return response

        Repeats(lambda: self.moment, lambda: self.now).attach(app, "live")
        self.client: FlaskClient = app.test_client()

    def number(self) -> Response:
        return Response(str(next(self.answers)), headers={"ETag": '"x"'})

    def held(self) -> Response:
        answer_once()
        return self.number()

    def streamed(self) -> Response:
        return Response(str(next(self.answers)) for _ in range(1))

    def wrong(self) -> Response:
        return Response(str(next(self.answers)), status=404)

    def ask(self, path: str = "/number", **headers: str) -> str:
        return self.client.get(path, headers=headers).get_data(as_text=True)


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_same_request_gets_the_same_answer_with_its_headers(site: Site) -> None:
    first, again = site.client.get("/number?a=1"), site.client.get("/number?a=1")
    assert (first.data, again.data) == (b"1", b"1")
    assert again.headers["ETag"] == '"x"'
    assert again.status_code == 200


def test_what_is_added_to_every_answer_is_added_to_a_repeated_one(site: Site) -> None:
    site.client.get("/number", headers={"Origin": "https://a.example"})
    again = site.client.get("/number", headers={"Origin": "https://b.example"})
    assert again.headers.getlist("Asked-From") == ["https://b.example"]


def test_a_write_to_the_data_ends_it(site: Site) -> None:
    assert site.ask() == "1"
    site.moment = 2
    assert site.ask() == "2"


def test_time_ends_it(site: Site) -> None:
    assert site.ask() == "1"
    site.now = LONGEST_SECONDS
    assert site.ask() == "2"


def test_without_data_nothing_is_kept(site: Site) -> None:
    site.moment = None
    assert (site.ask(), site.ask()) == ("1", "2")


@pytest.mark.parametrize(
    "who", [Principal("grace", "user"), Principal("ada", "admin")], ids=["another name", "another role"]
)
def test_nobody_gets_the_answer_of_another(site: Site, who: Principal) -> None:
    assert site.ask() == "1"
    site.who = who
    assert site.ask() == "2"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/number?a=2", {}),
        ("/number", {"Accept-Encoding": "gzip"}),
        ("/number", {"If-None-Match": '"y"'}),
        ("/number", {"If-Modified-Since": "Tue, 24 Nov 2026 10:00:00 GMT"}),
        ("/number", {"Cache-Control": "no-cache"}),
    ],
)
def test_another_request_gets_another_answer(site: Site, path: str, headers: dict[str, str]) -> None:
    assert site.ask("/number") == "1"
    assert site.ask(path, **headers) == "2"


@pytest.mark.parametrize("path", ["/other", "/held", "/long", "/wrong"])
def test_what_is_not_to_be_repeated_is_made_anew(site: Site, path: str) -> None:
    assert (site.ask(path), site.ask(path)) == ("1", "2")
