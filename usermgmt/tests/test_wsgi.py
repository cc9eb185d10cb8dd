"""What stands between the server and Django: bodies chunked, left unread, or cut off."""

import io
import itertools
import json
import re
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.test import RequestFactory
from django.urls import Resolver404, URLResolver, get_resolver, resolve

from usermgmt.http.wsgi import Bodies, look_once_a_request
from usermgmt.wsgi import application as directory

LIMIT = 100  # bytes
PATIENCE = 1_000_000  # bytes


class Connection(io.BytesIO):
    """What a server that knows where a body ends hands over."""


class Endless(io.BytesIO):
    """The bare connection of a server that does not: reading on past what was sent waits for ever."""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        assert found, "a server would wait here for ever"
        return found


def served(body: io.BytesIO, *, reading: int = 0, **environ: str) -> dict[str, Any]:
    """What an application that reads `reading` bytes sees."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen["length"] = environ.get("CONTENT_LENGTH")
        seen["body"] = environ["wsgi.input"].read(reading) if reading else b""
        seen["unread when it answers"] = len(body.getvalue()) - body.tell()
        return [b"answer"]

    wrapped = Bodies(application, limit=LIMIT, patience=PATIENCE)
    assert list(wrapped({"wsgi.input": body, **environ}, None)) == [b"answer"]
    return seen


def test_a_chunked_body_is_given_its_length():
    body = Connection(b"x" * 50)
    seen = served(body, reading=200, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": "yes"})
    assert (seen["length"], seen["body"]) == ("50", b"x" * 50)


def test_a_chunked_body_over_the_limit_is_cut_just_above_it_and_read_to_its_end():
    body = Connection(b"x" * 5000)
    seen = served(body, reading=9000, HTTP_TRANSFER_ENCODING="gzip, Chunked", **{"wsgi.input_terminated": "yes"})
    assert (seen["length"], len(seen["body"])) == ("101", 101)
    assert body.tell() == 5000


def test_a_chunked_body_is_left_alone_where_the_server_does_not_decode_it():
    body = Endless(b"5\r\nhello\r\n0\r\n\r\n")
    seen = served(body, HTTP_TRANSFER_ENCODING="chunked")
    assert seen["length"] is None
    assert body.tell() == 0


def test_what_the_application_leaves_of_a_body_is_read_after_it_has_answered():
    body = Connection(b"x" * 5000)
    seen = served(body, reading=10, CONTENT_LENGTH="5000")
    assert seen["body"] == b"x" * 10
    assert seen["unread when it answers"] == 4990
    assert body.tell() == 5000


def test_nothing_is_read_beyond_the_body():
    body = Endless(b"x" * 50 + b"GET /next HTTP/1.1")
    seen = served(body, reading=9000, CONTENT_LENGTH="50")
    assert seen["body"] == b"x" * 50
    assert body.read() == b"GET /next HTTP/1.1"


@pytest.mark.parametrize("environ", [{}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}])
def test_nothing_is_read_where_there_is_no_body(environ: dict[str, str]):
    body = Endless(b"GET /next HTTP/1.1")
    served(body, **environ)
    assert body.tell() == 0


def test_reading_on_ends_with_the_patience():
    body = Connection(b"x" * (PATIENCE * 2))
    served(body, CONTENT_LENGTH=str(PATIENCE * 2))
    assert PATIENCE <= body.tell() < PATIENCE + 100_000


def test_a_client_that_goes_away_does_not_take_the_answer_with_it():
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    served(Gone(), CONTENT_LENGTH="5000")  # asserts that there is an answer


def test_a_client_that_stalled_once_is_not_waited_for_again():
    class Stalled(io.BytesIO):
        waits = 0

        def read(self, size: int | None = -1) -> bytes:
            self.waits += 1
            raise BlockingIOError

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with pytest.raises(BlockingIOError):
            environ["wsgi.input"].read(10)
        return [b"answer"]

    body = Stalled()
    answer = Bodies(application, limit=LIMIT, patience=PATIENCE)({"wsgi.input": body, "CONTENT_LENGTH": "50"}, None)
    assert (answer, body.waits) == ([b"answer"], 1)


def asked(body: io.BytesIO, **environ: str) -> tuple[str, Any]:
    """Status and JSON of the directory's own answer to `POST /auth/token`."""
    started: list[str] = []
    answer = directory(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/auth/token",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            **environ,
        },
        lambda status, headers: started.append(status),
    )
    return started[0], json.loads(b"".join(answer))


@pytest.mark.django_db(transaction=True)  # a real request closes connections
def test_a_body_of_5_mb_is_read_to_its_end_and_answered_with_413():
    body = Connection(b" " * 5_000_000)
    status, answer = asked(body, CONTENT_LENGTH="5000000")
    assert (status, answer) == ("413 Request Entity Too Large", {"error": "The request body is too large."})
    assert body.tell() == 5_000_000


@pytest.mark.django_db(transaction=True)  # a real request closes connections
def test_a_client_that_stops_in_the_middle_of_a_body_is_at_fault():
    class Stalled(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise BlockingIOError  # what a connection says after usermgmt.server's STALLED_SECONDS

    status, answer = asked(Stalled(), CONTENT_LENGTH="5000")
    assert (status, answer) == ("400 Bad Request", {"error": "The request is malformed."})


def test_the_answer_to_head_tells_of_its_body_and_has_none(db):
    seen: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        seen.update(headers, status=status)

    request = RequestFactory().head("/users/current")
    assert list(directory(request.environ, start_response)) == []
    assert (seen["status"], int(seen["Content-Length"]) > 0) == ("401 Unauthorized", True)


def test_a_path_of_the_table_is_looked_for_once_and_found_as_django_finds_it():
    handler = directory.application
    for path in ("/users", "/users/current", "/auth/token", "/v1/users", "/api/v1/users.list", "/livez"):
        found = [handler.resolve_request(RequestFactory().get(path)) for _ in range(2)]
        assert found[0] is found[1]
        assert repr(found[0]) == repr(resolve(path))


def routes(patterns, before="/"):
    """Every route of the table, as text."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif "(?" not in route:  # the admin site's last one, a regular expression
            yield route


def test_whichever_number_a_path_names_django_finds_the_same():
    handler = directory.application
    found = 0
    for route in routes(get_resolver().url_patterns):
        for numbers in (itertools.repeat(7), itertools.repeat(123456789012345678901), itertools.count(8)):
            path = re.sub(r"<[^>]*>", lambda _, numbers=numbers: str(next(numbers)), route)
            try:
                expected = repr(resolve(path))
            except Resolver404:
                continue
            for _ in range(2):
                request = RequestFactory().get(path)
                match = handler.resolve_request(request)
                assert repr(match) == expected
                assert match is request.resolver_match
            found += 1
    assert found > 200


def test_paths_that_name_more_than_a_number_or_nothing_are_not_kept():
    handler = directory.application
    for path in ("/users", "/users/7"):
        handler.resolve_request(RequestFactory().get(path))
    before = dict(handler._written)
    for path in (
        *("/users/8", "/users/7a", "/users/%37", "/users/٧", "/nope", "/users/", "/users/7/", "/users/7/8"),
        *("/admin/accounts/user/7/change/", "/admin/accounts/user/8/change/", "/v1/nope"),
    ):
        request = RequestFactory().get(path)
        match = handler.resolve_request(request)
        assert (repr(match), match) == (repr(resolve(request.path_info)), request.resolver_match)
    assert handler._written == before


@pytest.mark.parametrize(("age", "at_the_end"), [(0, True), (60, False), (None, False)])
def test_connections_are_looked_at_when_a_request_begins_and_at_its_end_where_they_end_with_it(
    monkeypatch, age, at_the_end
):
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", age)
    request_finished.connect(close_old_connections)
    look_once_a_request()
    try:
        assert request_finished.disconnect(close_old_connections) is at_the_end
        assert close_old_connections in [receiver() for _, receiver, *_ in request_started.receivers]
    finally:
        request_finished.connect(close_old_connections)
