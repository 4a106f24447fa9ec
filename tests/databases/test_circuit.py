"""The circuit: who may use a database, and when it opens and closes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from slurm_rest_api.databases.circuit import Circuit, Lease, Reason, Refused
from tests.waiting import GIVE_UP_SECONDS, wait_for


class Server:
    """A database that answers while `is_up` is set. `tries` counts the tries to connect."""

    def __init__(self) -> None:
        self.is_up = threading.Event()
        self.is_up.set()
        self.tries = 0
        self.threads: set[threading.Thread] = set()

    def answers(self) -> bool:
        self.tries += 1
        self.threads.add(threading.current_thread())
        return self.is_up.is_set()


class Events:
    """Records the events of a circuit."""

    def __init__(self) -> None:
        self.switches: list[bool] = []
        self.refusals: list[Reason] = []

    def switched(self, *, is_open: bool) -> None:
        self.switches.append(is_open)

    def refused(self, reason: Reason) -> None:
        self.refusals.append(reason)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    # Ends the thread that tries to connect.
    server.is_up.set()
    for thread in server.threads:
        thread.join(GIVE_UP_SECONDS)


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def circuit(server: Server, now: list[float]) -> Circuit:
    return Circuit("test database", 2, server.answers, delays=(0.0, 0.01), clock=lambda: now[0])


def use(circuit: Circuit, lease: Lease | None = None) -> Lease:
    lease = lease or circuit.lease()
    with lease:
        pass
    return lease


def refusal(attempt: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        attempt()
    return refused.value


def test_no_more_than_the_limit_use_the_database_and_the_next_is_refused(circuit: Circuit) -> None:
    with ExitStack() as uses:
        for _ in range(2):
            uses.enter_context(circuit.lease())
        assert circuit.state().in_use == 2
        refused = refusal(lambda: use(circuit))
    assert (refused.reason, refused.retry_after) == ("busy", 1)


def test_a_closed_lease_makes_room(circuit: Circuit) -> None:
    leases = [use(circuit), use(circuit)]
    assert refusal(lambda: use(circuit)).reason == "busy"
    leases[0].close()
    leases[0].close()
    use(circuit)
    assert circuit.state().in_use == 2


def test_a_slow_client_makes_room_for_another_and_is_refused_later(circuit: Circuit, now: list[float]) -> None:
    slow, other = use(circuit), use(circuit)
    now[0] += 4
    use(circuit, other)
    assert refusal(lambda: use(circuit)).reason == "busy"
    now[0] += 2
    use(circuit)
    assert circuit.state().in_use == 2
    assert refusal(lambda: use(circuit, slow)).reason == "busy"
    use(circuit, other)


def test_a_request_in_the_database_never_makes_room(circuit: Circuit, now: list[float]) -> None:
    with circuit.lease(), circuit.lease():
        now[0] += 1000
        assert refusal(lambda: use(circuit)).reason == "busy"


def test_it_opens_after_a_failure_and_closes_when_the_database_answers(
    circuit: Circuit, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "slurm_rest_api")
    events = Events()
    circuit.observe(events)
    server.is_up.clear()
    lease, late = use(circuit), use(circuit)
    lease.fail("timed out")
    assert circuit.state().open_since is not None
    for _ in range(100):
        assert refusal(lambda: use(circuit)).reason == "open"
    assert refusal(lambda: use(circuit, lease)).retry_after == 5
    late.fail("timed out, too")
    wait_for("some tries to connect", lambda: server.tries > 3)
    # One thread tries, and none of them is a request's.
    assert len(server.threads) == 1
    assert threading.current_thread() not in server.threads
    server.is_up.set()
    wait_for("the circuit to close", lambda: circuit.state().open_since is None)
    use(circuit, lease)
    # A request that began before it opened.
    late.fail("timed out, at last")
    assert circuit.state().open_since is None
    assert [record.getMessage() for record in caplog.records] == [
        "The test database does not answer: timed out. Its routes answer 503 until it does.",
        "The test database answers again.",
    ]
    assert events.switches == [True, False]
    assert events.refusals == ["open"] * 101


def test_a_try_that_fails_unexpectedly_is_logged_and_repeated(caplog: pytest.LogCaptureFixture) -> None:
    results = [ValueError("odd"), True]

    def answers() -> bool:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return bool(result)

    circuit = Circuit("test database", 1, answers, delays=(0.0,))
    use(circuit).fail("gone")
    wait_for("the circuit to close", lambda: circuit.state().open_since is None)
    assert "ValueError: odd" in caplog.text


def test_refused_requests_are_logged_once_a_minute(
    circuit: Circuit, now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with circuit.lease(), circuit.lease():
        for _ in range(50):
            refusal(lambda: use(circuit))
        now[0] += 61
        refusal(lambda: use(circuit))
    assert [record.getMessage().split(" got ")[0] for record in caplog.records] == ["1 requests", "50 requests"]
