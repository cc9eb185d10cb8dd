"""A worker's two lanes: a crowd that signs in stands in nobody else's way."""

import socket
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from django.urls import resolve
from gunicorn.workers import gthread

from usermgmt import server


@pytest.fixture
def connection():
    """`connection(text)` is one on which a client sent that."""
    opened = []

    def sent(text):
        client, ours = socket.socketpair()
        opened.extend([client, ours])
        client.sendall(text.encode())
        return SimpleNamespace(sock=ours, initialized=True, data_ready=True, hashes=False)

    yield sent
    for end in opened:
        end.close()


HASHES = ["POST /auth/token HTTP/1.1\r\n", "POST /auth/token?include=role HTTP/1.1\r\n", "POST /users HTTP/1.1\r\n"]
HASHES += ["POST /api/v1/login HTTP/1.1\r\n", "POST /api/v1/users.create? HTTP/1.1\r\n"]
HASHES += ["POST /api/users HTTP/1.1\r\n", "POST /api/users.json HTTP/1.1\r\n", "POST /api/sessions?x HTTP/1.1\r\n"]
HASHES_NOT = ["GET /users HTTP/1.1\r\n", "POST /auth/token/refresh HTTP/1.1\r\n", "POST /users/bulk HTTP/1.1\r\n", ""]
HASHES_NOT += [
    "POST /api/v1/logout HTTP/1.1\r\n",
    "GET /api/v1/login HTTP/1.1\r\n",
    "POST /api/v1/users.info HTTP/1.1\r\n",
    "DELETE /api/sessions HTTP/1.1\r\n",
    "GET /api/users/1 HTTP/1.1\r\n",
]


@pytest.mark.parametrize("text", HASHES)
def test_what_hashes_a_password_is_told_by_its_first_bytes_which_stay(connection, text):
    conn = connection(text)
    assert server.begins_with_hashing(conn.sock)
    assert conn.sock.recv(100) == text.encode()


@pytest.mark.parametrize("text", HASHES_NOT)
def test_nothing_else_is(connection, text):
    assert not server.begins_with_hashing(connection(text).sock)


def test_who_is_gone_does_not(connection):
    conn = connection("POST /auth/token HTTP/1.1\r\n")
    conn.sock.close()
    assert not server.begins_with_hashing(conn.sock)


@pytest.mark.parametrize("begin", server.HASHING)
def test_each_that_is_named_there_is(begin):
    method, path = begin.decode().rstrip(" ?").split(" ")
    assert method == "POST"
    assert resolve(path).url_name is not None


def test_however_many_hash_others_are_served(connection):
    lanes, release = server.Lanes(2), threading.Event()
    try:
        waiting = [lanes.submit(lambda conn: release.wait(30), connection(HASHES[0])) for _ in range(20)]
        served = [lanes.submit(lambda conn: "served", connection(HASHES_NOT[0])) for _ in range(20)]
        assert [future.result(30) for future in served] == ["served"] * 20
        assert not any(future.done() for future in waiting)
    finally:
        release.set()
        lanes.shutdown()
    assert all(future.result() for future in waiting)


def test_however_many_others_there_are_sign_ins_are_served(connection):
    lanes, release = server.Lanes(1), threading.Event()
    try:
        waiting = [lanes.submit(lambda conn: release.wait(30), connection(HASHES_NOT[0])) for _ in range(5)]
        assert lanes.submit(lambda conn: "signed in", connection(HASHES[0])).result(30) == "signed in"
    finally:
        release.set()
        lanes.shutdown()
    assert all(future.result() for future in waiting)


def test_a_request_that_came_late_changes_its_lane(connection, monkeypatch):
    monkeypatch.setattr(gthread.ThreadWorker, "handle", lambda worker, conn: "handled")
    handle = partial(server.Worker.handle, _as_worker(SimpleNamespace(alive=True)))

    assert handle(connection(HASHES[0])) is gthread._DEFER
    assert handle(connection(HASHES_NOT[0])) == "handled"
    there = connection(HASHES[0])
    there.hashes = True  # as its lane says of it
    assert handle(there) == "handled"


def test_a_worker_that_stops_changes_no_lanes(connection, monkeypatch):
    monkeypatch.setattr(gthread.ThreadWorker, "handle", lambda worker, conn: "handled")
    assert server.Worker.handle(_as_worker(SimpleNamespace(alive=False)), connection(HASHES[0])) == "handled"


def _as_worker(like):
    """A worker without its arbiter."""
    worker = server.Worker.__new__(server.Worker)
    worker.__dict__.update(vars(like))
    return worker
