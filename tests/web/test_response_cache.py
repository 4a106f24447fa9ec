"""Answers that are repeated: only those that are there as a whole."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from flask import Blueprint, Flask, Response, g, request
from flask.testing import FlaskClient

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.errors import Unauthenticated
from slurm_rest_api.web.request_events import RequestEvent
from slurm_rest_api.web.response_cache import DEFAULT_LIFETIME_SECONDS, ResponseCacheMiddleware, limit_cache_lifetime

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


class SizedFile(BytesIO):
    """What a server's `wsgi.file_wrapper` may be: an open file that knows its length."""

    def __len__(self) -> int:
        return len(self.getvalue())


def asked(response: Response) -> list[str]:
    """What two requests get for a route that answers `response` once, and "again" from then on."""
    app, blueprint, answers = Flask(__name__), Blueprint("live", __name__), [Response("again"), response]
    blueprint.get("/queue", endpoint="queue")(answers.pop)
    app.register_blueprint(blueprint)
    ResponseCacheMiddleware(lambda: 1).attach(app, "live")
    client = app.test_client()
    return [client.get("/queue").text for _ in range(2)]


def test_a_small_answer_is_repeated() -> None:
    assert asked(Response("whole")) == ["whole", "whole"]


def test_a_file_that_the_server_sends_is_not() -> None:
    assert asked(Response(SizedFile(b"large"), direct_passthrough=True)) == ["large", "again"]


def test_an_answer_in_pieces_is_not() -> None:
    assert asked(Response(iter([b"lar", b"ge"]))) == ["large", "again"]


class Counting:
    """A route whose every answer is another, asked by whom `known` tells by their tokens."""

    def __init__(self, known: dict[str, Principal | None]) -> None:
        self.known = known
        self.moment, self.now = 1, 0.0
        self.seen: list[RequestEvent] = []
        self.calls = 0
        app, blueprint = Flask(__name__), Blueprint("live", __name__)
        blueprint.get("/queue", endpoint="queue")(self._answer)
        app.register_blueprint(blueprint)
        ResponseCacheMiddleware(lambda: self.moment, self._who, [self.seen.append], lambda: self.now).attach(
            app, "live"
        )

        @app.before_request
        def authenticate() -> None:
            g.principal = self._who(request.environ)

        self.client: FlaskClient = app.test_client()

    def ask(self, token: str = "", **headers: str) -> str:
        """The text of an answer to whoever has `token`."""
        return self.client.get("/queue", headers={"Authorization": token, **headers}).text

    def _who(self, environ: WSGIEnvironment) -> Principal | None:
        try:
            return self.known[environ.get("HTTP_AUTHORIZATION", "")]
        except KeyError:
            raise Unauthenticated("nobody") from None

    def _answer(self) -> str:
        self.calls += 1
        return f"answer {self.calls}"


def test_an_answer_is_repeated_until_something_is_written_or_a_second_has_passed() -> None:
    route = Counting({"": None})
    assert [route.ask(), route.ask()] == ["answer 1", "answer 1"]
    route.moment += 1
    assert [route.ask(), route.ask()] == ["answer 2", "answer 2"]
    route.now += DEFAULT_LIFETIME_SECONDS
    assert route.ask() == "answer 3"


def test_an_answer_that_says_how_long_it_stands_is_repeated_so_long_and_ages() -> None:
    route = Counting({"": None})

    @route.client.application.after_request
    def stand(response: Response) -> Response:
        limit_cache_lifetime(20.0)
        response.headers["Age"] = "7"
        return response

    assert route.client.get("/queue").headers["Age"] == "7"
    route.now = 19.9
    again = route.client.get("/queue")
    assert (again.text, again.headers.getlist("Age")) == ("answer 1", ["26"])
    route.now = 20.0
    assert route.ask() == "answer 2"


def test_the_least_of_what_is_said_counts() -> None:
    route = Counting({"": None})

    @route.client.application.after_request
    def stand(response: Response) -> Response:
        limit_cache_lifetime(2.0)
        limit_cache_lifetime(20.0)
        return response

    assert route.ask() == "answer 1"
    route.now = 2.0
    assert route.ask() == "answer 2"


def test_it_is_repeated_to_whom_it_was_made_for_alone() -> None:
    route = Counting({"a": Principal("alice", "user"), "b": Principal("bob", "user")})
    assert [route.ask("a"), route.ask("b"), route.ask("a"), route.ask("b")] == [
        "answer 1",
        "answer 2",
        "answer 1",
        "answer 2",
    ]


def test_whose_role_has_changed_gets_another_at_once() -> None:
    route = Counting({"a": Principal("alice", "admin")})
    assert route.ask("a") == "answer 1"
    route.known["a"] = Principal("alice", "user")
    assert route.ask("a") == "answer 2"


def test_whose_token_was_revoked_gets_none() -> None:
    route = Counting({"a": Principal("alice", "user")})
    assert route.ask("a") == "answer 1"
    del route.known["a"]
    route.client.application.testing = True
    with pytest.raises(Unauthenticated):
        route.ask("a")


def test_pages_of_other_origins_get_answers_of_their_own() -> None:
    route = Counting({"": None})
    assert [route.ask(Origin="http://a"), route.ask(Origin="http://b")] == ["answer 1", "answer 2"]


def test_who_wants_it_fresh_gets_no_repeated_one() -> None:
    route = Counting({"": None})
    assert [route.ask(), route.ask(**{"Cache-Control": "no-cache"}), route.ask()] == [
        "answer 1",
        "answer 2",
        "answer 1",
    ]


def test_observers_are_told_of_each_that_is_repeated() -> None:
    route = Counting({"a": Principal("alice", "user")})
    for _ in range(3):
        route.ask("a")
    told = [(seen.user, seen.route, seen.status, seen.sent_bytes, seen.client) for seen in route.seen]
    assert told == [("alice", "/queue", 200, len("answer 1"), "127.0.0.1")] * 2
