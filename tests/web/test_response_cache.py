"""The response cache: what it stores, for whom, for how long, and how it computes identical requests once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from flask import Blueprint, Flask, Response, g, request
from flask.testing import FlaskClient

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.errors import Unauthenticated
from slurm_rest_api.web.request_events import RequestEvent
from slurm_rest_api.web.response_cache import (
    DEFAULT_LIFETIME_SECONDS,
    CachedResponse,
    ResponseCacheMiddleware,
    ResponseLRU,
    do_not_cache,
    limit_cache_lifetime,
)
from tests.waiting import wait_for

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MAX_BYTES = 100 * 1024
THREADS = 8


class SizedFile(BytesIO):
    """A `wsgi.file_wrapper` of some servers: an open file that knows its length."""

    def __len__(self) -> int:
        return len(self.getvalue())


def asked_twice(response: Response) -> list[str]:
    """The texts of two responses of a route that returns `response` once, and "again" from then on."""
    app, blueprint, answers = Flask(__name__), Blueprint("live", __name__), [Response("again"), response]
    blueprint.get("/queue", endpoint="queue")(answers.pop)
    app.register_blueprint(blueprint)
    ResponseCacheMiddleware(lambda: 1).install(app, "live")
    client = app.test_client()
    return [client.get("/queue").text for _ in range(2)]


def test_small_response_is_cached() -> None:
    assert asked_twice(Response("whole")) == ["whole", "whole"]


def test_file_sent_by_the_server_is_not_cached() -> None:
    assert asked_twice(Response(SizedFile(b"large"), direct_passthrough=True)) == ["large", "again"]


def test_streamed_response_is_not_cached() -> None:
    assert asked_twice(Response(iter([b"lar", b"ge"]))) == ["large", "again"]


class CountingRoute:
    """A route that numbers its responses. `known` maps tokens to principals."""

    def __init__(self, known: dict[str, Principal | None]) -> None:
        self.known = known
        self.version, self.now = 1, 0.0
        self.seen: list[RequestEvent] = []
        self.calls = 0
        app, blueprint = Flask(__name__), Blueprint("live", __name__)
        blueprint.get("/queue", endpoint="queue")(self._answer)
        app.register_blueprint(blueprint)
        cache = ResponseCacheMiddleware(lambda: self.version, self._identify, [self.seen.append], lambda: self.now)
        cache.install(app, "live")

        @app.before_request
        def authenticate() -> None:
            g.principal = self._identify(request.environ)

        self.client: FlaskClient = app.test_client()

    def ask(self, token: str = "", **headers: str) -> str:
        """The text of the response to a request with `token`."""
        return self.client.get("/queue", headers={"Authorization": token, **headers}).text

    def _identify(self, environ: WSGIEnvironment) -> Principal | None:
        try:
            return self.known[environ.get("HTTP_AUTHORIZATION", "")]
        except KeyError:
            raise Unauthenticated("unknown token") from None

    def _answer(self) -> str:
        self.calls += 1
        return f"answer {self.calls}"


def test_response_is_cached_until_a_write_or_for_a_second() -> None:
    route = CountingRoute({"": None})
    assert [route.ask(), route.ask()] == ["answer 1", "answer 1"]
    route.version += 1
    assert [route.ask(), route.ask()] == ["answer 2", "answer 2"]
    route.now += DEFAULT_LIFETIME_SECONDS
    assert route.ask() == "answer 3"


def test_response_with_a_lifetime_is_cached_for_it_and_ages() -> None:
    route = CountingRoute({"": None})

    @route.client.application.after_request
    def limit(response: Response) -> Response:
        limit_cache_lifetime(20.0)
        response.headers["Age"] = "7"
        return response

    assert route.client.get("/queue").headers["Age"] == "7"
    route.now = 19.9
    cached = route.client.get("/queue")
    assert (cached.text, cached.headers.getlist("Age")) == ("answer 1", ["26"])
    route.now = 20.0
    assert route.ask() == "answer 2"


def test_smallest_lifetime_counts() -> None:
    route = CountingRoute({"": None})

    @route.client.application.after_request
    def limit(response: Response) -> Response:
        limit_cache_lifetime(2.0)
        limit_cache_lifetime(20.0)
        return response

    assert route.ask() == "answer 1"
    route.now = 2.0
    assert route.ask() == "answer 2"


def test_users_get_cached_responses_of_their_own_only() -> None:
    route = CountingRoute({"a": Principal("alice", "user"), "b": Principal("bob", "user")})
    assert [route.ask("a"), route.ask("b"), route.ask("a"), route.ask("b")] == [
        "answer 1",
        "answer 2",
        "answer 1",
        "answer 2",
    ]


def test_user_with_a_new_role_gets_a_new_response() -> None:
    route = CountingRoute({"a": Principal("alice", "admin")})
    assert route.ask("a") == "answer 1"
    route.known["a"] = Principal("alice", "user")
    assert route.ask("a") == "answer 2"


def test_revoked_token_gets_no_cached_response() -> None:
    route = CountingRoute({"a": Principal("alice", "user")})
    assert route.ask("a") == "answer 1"
    del route.known["a"]
    route.client.application.testing = True
    with pytest.raises(Unauthenticated):
        route.ask("a")


def test_origins_get_cached_responses_of_their_own() -> None:
    route = CountingRoute({"": None})
    assert [route.ask(Origin="http://a"), route.ask(Origin="http://b")] == ["answer 1", "answer 2"]


def test_no_cache_bypasses_the_cache() -> None:
    route = CountingRoute({"": None})
    assert [route.ask(), route.ask(**{"Cache-Control": "no-cache"}), route.ask()] == [
        "answer 1",
        "answer 2",
        "answer 1",
    ]


def test_revalidation_by_a_browser_is_served_from_the_cache() -> None:
    route = CountingRoute({"": None})
    assert [route.ask(**{"Cache-Control": "max-age=0"}) for _ in range(2)] == ["answer 1", "answer 1"]
    # A client without max-age may get a stale response, so each has its own.
    assert route.ask() == "answer 2"


def test_order_of_parameters_and_cache_buster_make_no_difference() -> None:
    route = CountingRoute({"": None})
    paths = ["/queue?user=a&sort=b&sort=c", "/queue?sort=b&_=17&sort=c&user=a", "/queue?sort=c&sort=b&user=a"]
    assert [route.client.get(path).text for path in paths] == ["answer 1", "answer 1", "answer 2"]


def test_observers_get_an_event_for_each_hit() -> None:
    route = CountingRoute({"a": Principal("alice", "user")})
    for _ in range(3):
        route.ask("a")
    events = [(seen.user, seen.route, seen.status, seen.sent_bytes, seen.client) for seen in route.seen]
    assert events == [("alice", "/queue", 200, len("answer 1"), "127.0.0.1")] * 2


class BlockedRoute:
    """A route that blocks until `release` is set. `respond` makes the response for the number of the call."""

    def __init__(self, respond: Callable[[int], Response], name: str = "live") -> None:
        self.release = threading.Event()
        self.calls = 0
        self.lookups = 0
        self.known: dict[str, Principal | None] = {"a": Principal("alice", "user"), "b": Principal("bob", "user")}
        self._respond = respond
        self._lock = threading.Lock()
        self.app, blueprint = Flask(__name__), Blueprint(name, __name__)
        blueprint.get("/queue", endpoint="queue")(self._answer)
        self.app.register_blueprint(blueprint)
        ResponseCacheMiddleware(self._version, self._identify).install(self.app, "live")

        @self.app.before_request
        def authenticate() -> None:
            g.principal = self._identify(request.environ)

    def ask(self, token: str) -> tuple[int, str]:
        response = self.app.test_client().get("/queue", headers={"Authorization": token})
        return response.status_code, response.text

    def ask_all(self, pool: ThreadPoolExecutor, tokens: str) -> list[Future[tuple[int, str]]]:
        """Sends a request for each token, and returns when all of them have looked into the cache."""
        futures = [pool.submit(self.ask, token) for token in tokens]
        wait_for("every request to look into the cache", lambda: self.lookups >= len(tokens))
        return futures

    def _version(self) -> int:
        with self._lock:
            self.lookups += 1
        return 1

    def _identify(self, environ: WSGIEnvironment) -> Principal | None:
        try:
            return self.known[environ["HTTP_AUTHORIZATION"]]
        except KeyError:
            raise Unauthenticated("unknown token") from None

    def _answer(self) -> Response:
        with self._lock:
            self.calls += 1
            call = self.calls
        assert self.release.wait(600)
        return self._respond(call)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> ThreadPoolExecutor:
    # A busy machine may take longer for the first of them.
    monkeypatch.setattr("slurm_rest_api.web.response_cache._WAIT_SECONDS", 600)
    return ThreadPoolExecutor(THREADS)


def test_identical_requests_that_come_at_once_are_computed_once(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda call: Response(f"answer {call}"))
    answers = route.ask_all(pool, "a" * THREADS)
    route.release.set()
    assert {answer.result(600) for answer in answers} == {(200, "answer 1")}
    assert route.calls == 1


def test_requests_of_two_users_are_computed_for_each(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda _call: Response(f"for {g.principal.name}"))
    answers = route.ask_all(pool, "ab" * (THREADS // 2))
    route.release.set()
    assert [answer.result(600)[1] for answer in answers] == ["for alice", "for bob"] * (THREADS // 2)
    assert route.calls == 2


def test_token_revoked_while_its_request_waits_gets_no_cached_response(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda call: Response(f"answer {call}"))
    answers = route.ask_all(pool, "aa")
    wait_for("the first request to be computed", lambda: route.calls == 1)
    del route.known["a"]
    route.release.set()
    assert sorted(answer.result(600)[0] for answer in answers) == [200, 500]


def test_failed_computation_releases_the_waiting_requests(pool: ThreadPoolExecutor) -> None:
    def fail_first(call: int) -> Response:
        if call == 1:
            raise ValueError("the first computation fails")
        return Response("answer")

    route = BlockedRoute(fail_first)
    answers = route.ask_all(pool, "a" * THREADS)
    route.release.set()
    results = [answer.result(600) for answer in answers]
    assert sorted(status for status, _ in results) == [200] * (THREADS - 1) + [500]
    assert route.ask("a") == (200, "answer")


def test_response_that_cannot_be_cached_releases_the_waiting_requests(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda _call: Response(iter([b"lar", b"ge"])))
    answers = route.ask_all(pool, "a" * THREADS)
    route.release.set()
    assert {answer.result(600) for answer in answers} == {(200, "large")}
    assert route.calls == THREADS


def test_request_that_will_not_be_cached_keeps_no_identical_request_waiting(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda call: Response(f"answer {call}"))
    route.app.before_request(do_not_cache)
    answers = route.ask_all(pool, "a" * THREADS)
    wait_for("all requests to be computed", lambda: route.calls == THREADS)
    route.release.set()
    assert len({answer.result(600) for answer in answers}) == THREADS


def test_identical_requests_for_another_blueprint_do_not_wait_for_each_other(pool: ThreadPoolExecutor) -> None:
    route = BlockedRoute(lambda call: Response(f"answer {call}"), name="database")
    answers = [pool.submit(route.ask, "a") for _ in range(3)]
    wait_for("all of them to be computed", lambda: route.calls == 3)
    route.release.set()
    assert sorted(answer.result(600)[1] for answer in answers) == ["answer 1", "answer 2", "answer 3"]


def test_identical_requests_wait_for_a_limited_time(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slurm_rest_api.web.response_cache._WAIT_SECONDS", 0.01)
    route = BlockedRoute(lambda call: Response(f"answer {call}"))
    answers = route.ask_all(pool, "aaa")
    wait_for("all of them to be computed", lambda: route.calls == 3)
    route.release.set()
    assert sorted(answer.result(600)[1] for answer in answers) == ["answer 1", "answer 2", "answer 3"]


def test_stream_that_is_still_sent_blocks_no_identical_request() -> None:
    route = BlockedRoute(lambda _call: Response(iter(["first ", "second"])))
    route.release.set()
    sending = route.app.test_client().get("/queue", headers={"Authorization": "a"}, buffered=False)
    pieces = sending.iter_encoded()
    assert next(pieces) == b"first "
    assert route.ask("a") == (200, "first second")
    assert list(pieces) == [b"second"]
    sending.close()


def cached(kilobytes: int) -> CachedResponse:
    event = RequestEvent(None, None, "GET", "/queue", "/queue", 200, None, 0.0)
    return CachedResponse(b"x" * kilobytes * 1000, "200 OK", (), event, None, 1, 0.0, None)


def test_response_is_found_under_its_key_only() -> None:
    responses = ResponseLRU(MAX_BYTES)
    responses.put(("a", True), cached(10))
    assert responses.get(("a", True)) == cached(10)
    assert responses.get(("a", False)) is None


def test_least_recently_used_response_is_dropped_first() -> None:
    responses = ResponseLRU(MAX_BYTES)
    for name in ("a", "b", "c"):
        responses.put((name,), cached(33))
    responses.get(("a",))
    responses.put(("d",), cached(33))
    assert [name for name in "abcd" if responses.get((name,))] == ["a", "c", "d"]


def test_response_that_is_stored_again_counts_once() -> None:
    responses = ResponseLRU(MAX_BYTES)
    responses.put(("a",), cached(40))
    for _ in range(5):
        responses.put(("b",), cached(60))
    assert responses.get(("a",)) == cached(40)


def test_response_larger_than_the_cache_is_not_stored() -> None:
    responses = ResponseLRU(MAX_BYTES)
    responses.put(("a",), cached(102))
    assert responses.get(("a",)) is None


def test_responses_without_a_body_count_too() -> None:
    responses = ResponseLRU(MAX_BYTES)
    for number in range(1000):
        responses.put((number, "a long key" * 10), cached(0))
    assert sum(responses.get((number, "a long key" * 10)) is not None for number in range(1000)) < 100
