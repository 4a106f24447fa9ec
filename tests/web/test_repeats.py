"""Answers that are repeated: only those that are there as a whole."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, Flask, Response

from slurm_rest_api.web.repeats import Repeats


class SizedFile(BytesIO):
    """What a server's `wsgi.file_wrapper` may be: an open file that knows its length."""

    def __len__(self) -> int:
        return len(self.getvalue())


def asked(response: Response) -> list[str]:
    """What two requests get for a route that answers `response` once, and "again" from then on."""
    app, blueprint, answers = Flask(__name__), Blueprint("live", __name__), [Response("again"), response]
    blueprint.get("/queue", endpoint="queue")(answers.pop)
    app.register_blueprint(blueprint)
    Repeats(lambda: 1).attach(app, "live")
    client = app.test_client()
    return [client.get("/queue").text for _ in range(2)]


def test_a_small_answer_is_repeated() -> None:
    assert asked(Response("whole")) == ["whole", "whole"]


def test_a_file_that_the_server_sends_is_not() -> None:
    assert asked(Response(SizedFile(b"large"), direct_passthrough=True)) == ["large", "again"]


def test_an_answer_in_pieces_is_not() -> None:
    assert asked(Response(iter([b"lar", b"ge"]))) == ["large", "again"]
