"""A worker's threads fetch connections themselves; what hashes passwords stands in nobody else's way."""

import contextlib
import json
import logging
import os
import socket
import struct
import threading
import time
from io import BytesIO

import pytest
from django.urls import resolve
from gunicorn.config import Config
from gunicorn.http import message, unreader
from gunicorn.http.errors import InvalidHeader, InvalidHeaderName

from usermgmt import worker
from usermgmt.worker import HASHING, Worker

PATIENCE = 20  # seconds, for what must come; none of these tests is about time
HASHES = ["POST /auth/token", "POST /auth/token?include=role", "POST /users", "POST /api/v1/login"]
HASHES += ["POST /api/v1/users.create?", "POST /api/users", "POST /api/users.json", "POST /api/sessions?x"]
HASHES_NOT = ["GET /users", "POST /auth/token/refresh", "POST /users/bulk", "POST /api/v1/logout", "GET /api/v1/login"]
HASHES_NOT += ["POST /api/v1/users.info", "DELETE /api/sessions", "GET /api/users/1"]


class Application:
    """Answers with the path and the name of the thread; a path that begins with /wait, when it is let go."""

    def __init__(self):
        self.go, self.begun = threading.Event(), threading.Semaphore(0)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/exit":
            raise SystemExit(1)
        if environ.get("HTTP_X_WAIT"):
            self.begun.release()
            assert self.go.wait(PATIENCE)
        body = json.dumps({"path": environ["PATH_INFO"], "thread": threading.current_thread().name}).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


class Serving:
    """A worker that runs in a thread of this process, without gunicorn's master."""

    def __init__(self, **settings):
        self.application = Application()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.config = Config()
        for name, value in {"threads": 2, "keepalive": 75, "graceful_timeout": PATIENCE, **settings}.items():
            self.config.set(name, value)
        self.worker = Worker(1, os.getppid(), [self.listener], None, 30, self.config, _Log())
        self.worker.PIPE = os.pipe()
        self.worker.wsgi = self.application
        self.worker.prepare()
        self.thread = threading.Thread(target=self.worker.run)
        self.thread.start()
        self.clients = []

    def stop(self):
        """As by SIGTERM; without waiting for what the worker still does."""
        self.worker.handle_exit(15, None)
        os.write(self.worker.PIPE[1], b"\x0f")  # as Python's own handler of signals does

    def end(self):
        self.application.go.set()
        self.stop()
        for client in self.clients:
            client.close()
        self.thread.join(PATIENCE)
        for number in self.worker.PIPE:
            os.close(number)
        assert not self.thread.is_alive()

    def client(self, *sent):
        """A connection on which these requests were sent: "GET /path" each, with or without headers."""
        client = socket.create_connection(self.address, PATIENCE)
        self.clients.append(client)
        send(client, *sent)
        return client


class _Log:
    """What of gunicorn's logger a worker uses."""

    def __getattr__(self, name):
        return (lambda *told: None) if name == "access" else getattr(logging.getLogger("gunicorn.error"), name)


def send(client, *requests):
    lines = [request.split("\n") for request in requests]
    heads = [f"{begin} HTTP/1.1\r\nHost: here\r\n" + "".join(f"{line}\r\n" for line in more) for begin, *more in lines]
    client.sendall("".join(f"{head}\r\n" for head in heads).encode())


def answers(client, number=1):
    """What the next answers say."""
    found, text = [], b""
    while len(found) < number:
        head, gap, rest = text.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        if gap and len(rest) >= length:
            assert head.startswith(b"HTTP/1.1 200"), head
            found.append(json.loads(rest[:length]))
            text = rest[length:]
            continue
        more = client.recv(65536)
        assert more, f"closed after {text!r}"
        text += more
    return found


def is_closed(client):
    """Whether the server ends the connection, within PATIENCE; what it still sends is thrown away."""
    with contextlib.suppress(ConnectionResetError):
        while client.recv(65536):
            pass
    return True


@pytest.fixture
def serving():
    """`serving(threads=2, ...)` runs a worker until the end of the test."""
    running = []

    def run(**settings):
        running.append(Serving(**settings))
        return running[-1]

    yield run
    for each in running:
        each.end()


def test_a_connection_is_kept_from_request_to_request(serving):
    client = serving().client("GET /first")
    assert answers(client)[0]["path"] == "/first"
    send(client, "GET /second")
    assert answers(client)[0]["path"] == "/second"


def test_requests_sent_without_waiting_are_answered_in_their_order(serving):
    paths = [f"/{number}" for number in range(30)]
    client = serving().client(*(f"GET {path}" for path in paths))
    assert [answer["path"] for answer in answers(client, len(paths))] == paths


def test_who_never_stops_sending_does_not_hold_a_thread(serving):
    service = serving(threads=1)
    crowd = [service.client(*["GET /again"] * 100) for _ in range(3)]
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    assert all(len(answers(client, 100)) == 100 for client in crowd)


def test_who_never_stops_sending_in_both_lanes_shuts_nobody_out(serving):
    service = serving(threads=1)
    crowd = [service.client(*["GET /again"] * 200) for _ in range(3)]
    crowd += [service.client(*["POST /auth/token"] * 200) for _ in range(3)]
    for begin in ("GET /other", "POST /users"):
        assert answers(service.client(begin))[0]["path"] == begin.split()[1]
    assert all(len(answers(client, 200)) == 200 for client in crowd)


def test_what_hashes_goes_into_its_lane_wherever_it_stands_among_requests_sent_at_once(serving):
    service = serving(threads=1)
    client = service.client("GET /users", "POST /auth/token\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    service.application.go.set()
    assert [answer["path"] for answer in answers(client, 2)] == ["/users", "/auth/token"]


def test_who_sends_nothing_holds_no_thread(serving):
    service = serving(threads=1)
    for _ in range(20):
        service.client()
    assert answers(service.client("GET /other"))[0]["path"] == "/other"


@pytest.mark.parametrize("half", [b"G", b"GET /users HTTP/1.1\r\nHost: here\r\n", b"POST /auth/token HTTP/1.1\r\nX: y"])
def test_who_sends_half_of_a_head_holds_no_thread_and_is_answered_once_it_is_whole(serving, half):
    service = serving(threads=1)
    crowd = [service.client() for _ in range(20)]
    for client in crowd:
        client.sendall(half)
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    assert answers(service.client("POST /auth/token"))[0]["path"] == "/auth/token"
    whole = {b"G": b"ET /late HTTP/1.1\r\nHost: here"}.get(half, b"")
    crowd[0].sendall(whole + b"\r\n\r\n")
    assert answers(crowd[0])[0]["path"] == (b"/late" if whole else half.split()[1]).decode()


def test_half_of_a_head_behind_a_whole_request_holds_no_thread(serving):
    service = serving(threads=1)
    client = service.client()
    client.sendall(b"GET /one HTTP/1.1\r\nHost: here\r\n\r\nGET /two HTT")
    assert answers(client)[0]["path"] == "/one"
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    client.sendall(b"P/1.1\r\nHost: here\r\n\r\n")
    assert answers(client)[0]["path"] == "/two"


def test_a_head_that_does_not_end_is_waited_for_so_long_and_no_longer_however_often_more_of_it_comes(
    serving, monkeypatch
):
    monkeypatch.setattr(worker, "HEAD_SECONDS", 1)
    client = serving().client()
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.2)
        while time.monotonic() < began + PATIENCE:
            client.sendall(b"X-More: and more\r\n")
            with contextlib.suppress(TimeoutError):
                assert client.recv(1) == b""
                break
    assert time.monotonic() < began + PATIENCE


def test_who_breaks_off_in_a_head_is_closed(serving):
    service = serving()
    client = service.client()
    client.sendall(b"GET / HTTP/1.1\r\n")
    client.shutdown(socket.SHUT_WR)
    assert is_closed(client)
    assert _eventually(lambda: not service.worker._open)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_head_that_is_too_long_is_refused_whether_it_ends_or_not(serving, end):
    client = serving().client()
    client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * worker.MAX_HEAD_BYTES + end)
    assert client.recv(65536).startswith(b"HTTP/1.1 431")


def test_a_head_of_many_pieces_is_one(serving):
    client = serving().client()
    client.sendall(b"GET /long HTTP/1.1\r\nHost: here\r\n")
    for number in range(9):
        client.sendall(b"X-%d: %s\r\n" % (number, b"x" * 5000))
    client.sendall(b"\r\n")
    assert answers(client)[0]["path"] == "/long"


def test_a_request_that_begins_late_is_answered(serving):
    service = serving()
    client = service.client()
    answers(service.client("GET /other"))  # the silent one is watched by now
    send(client, "GET /late")
    assert answers(client)[0]["path"] == "/late"


@pytest.mark.parametrize("begin", HASHES)
def test_what_hashes_a_password_has_a_lane_of_its_own(serving, begin):
    service = serving(threads=1)
    waiting = service.client("GET /users\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    assert answers(service.client(begin))[0]["path"] == begin.split()[1].partition("?")[0]
    service.application.go.set()
    answers(waiting)


@pytest.mark.parametrize("begin", HASHES_NOT)
def test_nothing_else_is_in_it(serving, begin):
    service = serving(threads=1)
    waiting = service.client("POST /auth/token\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    assert answers(service.client(begin))[0]["path"] == begin.split()[1]
    service.application.go.set()
    answers(waiting)


@pytest.mark.parametrize("begin", HASHING)
def test_each_that_is_named_there_is_a_call(begin):
    method, path = begin.decode().rstrip(" ?").split(" ")
    assert method == "POST"
    assert resolve(path).url_name is not None


@pytest.mark.parametrize(("crowd", "others"), [("POST /auth/token", "GET /users"), ("GET /users", "POST /auth/token")])
def test_however_many_are_in_one_lane_the_other_is_served(serving, crowd, others):
    service = serving()
    waiting = [service.client(f"{crowd}\nX-Wait: yes") for _ in range(20)]
    assert service.application.begun.acquire(timeout=PATIENCE)
    served = [service.client(others) for _ in range(20)]
    assert all(answers(client)[0]["path"] == others.split()[1] for client in served)
    service.application.go.set()
    assert all(answers(client)[0]["path"] == crowd.split()[1] for client in waiting)


def test_the_last_answer_arrives_whole_and_what_is_sent_behind_it_is_read_away(serving):
    service = serving()
    client = service.client("GET /last\nConnection: close", "GET /never")
    assert answers(client)[0]["path"] == "/last"
    assert client.recv(10) == b""
    client.sendall(b"x" * 1000)
    client.close()
    assert _eventually(lambda: not service.worker._open)


def test_who_goes_on_sending_behind_the_last_answer_is_cut_off(serving, monkeypatch):
    monkeypatch.setattr(worker, "MAX_DRAINED_BYTES", 10_000)
    service = serving()
    client = service.client("GET /last\nConnection: close")
    answers(client)
    with pytest.raises(OSError):
        for _ in range(100_000):
            client.sendall(b"x" * 1000)
    assert _eventually(lambda: not service.worker._open)


def test_who_does_not_close_after_the_last_answer_is_closed(serving, monkeypatch):
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0)
    service = serving()
    answers(service.client("GET /last\nConnection: close"))
    assert _eventually(lambda: not service.worker._open)


def test_an_idle_connection_is_closed(serving):
    service = serving(keepalive=1)
    silent, served = service.client(), service.client("GET /users")
    answers(served)
    assert is_closed(served)
    assert is_closed(silent)
    assert not service.worker._parked


def test_who_resets_the_connection_harms_nobody(serving):
    service = serving(threads=1)
    for _ in range(5):
        client = service.client("GET /users")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    assert _eventually(lambda: len(service.worker._open) == 1)


def test_what_is_no_request_is_refused(serving):
    client = serving().client()
    client.sendall(b"nonsense\r\n\r\n")
    assert client.recv(65536).startswith(b"HTTP/1.1 400")


def test_an_application_that_ends_the_thread_ends_no_lane(serving, caplog):
    service = serving(threads=1)
    assert is_closed(service.client("GET /exit"))
    assert answers(service.client("GET /other"))[0]["path"] == "/other"


def test_no_more_connections_are_let_in_than_there_may_be(serving):
    service = serving(worker_connections=3, threads=1)
    first = [service.client("GET /users") for _ in range(3)]
    for client in first:
        answers(client)
    fourth = service.client("GET /fourth")  # the kernel takes it, the worker does not
    assert _eventually(lambda: service.worker._full)
    assert len(service.worker._open) == 3
    first[0].close()
    assert answers(fourth)[0]["path"] == "/fourth"


def test_sigterm_lets_what_is_under_way_end_and_closes_the_rest(serving):
    service = serving()
    idle = service.client("GET /users")
    answers(idle)
    late = service.client("GET /late\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    service.stop()
    assert is_closed(idle)
    service.application.go.set()
    assert answers(late)[0]["path"] == "/late"
    assert is_closed(late)
    service.thread.join(PATIENCE)
    assert not service.thread.is_alive()
    with pytest.raises(OSError):
        socket.create_connection(service.address, 5)


def test_sigterm_waits_for_no_half_of_a_head(serving, monkeypatch):
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0)
    service = serving()
    half = service.client()
    half.sendall(b"GET / HTTP/1.1\r\n")
    assert _eventually(lambda: any(conn.begun for conn in list(service.worker._open)))
    before = time.monotonic()
    service.stop()
    assert is_closed(half)
    service.thread.join(PATIENCE)
    assert time.monotonic() - before < worker.HEAD_SECONDS


def test_sigterm_cuts_off_nobody_who_was_let_in_or_has_sent_something(serving, monkeypatch):
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0)
    service = serving(threads=1, worker_connections=1)
    first = service.client("GET /first\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    others = [service.client("GET /other") for _ in range(3)]  # the kernel let them in, the worker has no room
    service.stop()
    assert _eventually(lambda: service.listener.fileno() == -1)
    service.application.go.set()
    assert answers(first)[0]["path"] == "/first"
    assert all(answers(client)[0]["path"] == "/other" for client in others)


def test_connections_leave_files_for_all_else(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda kind: (100, 4096))
    service = Serving()
    try:
        assert service.worker.worker_connections == 100 - worker.SPARE_FILES
        assert service.worker.max_keepalived == 100 - worker.SPARE_FILES - 2
    finally:
        service.end()


def test_an_error_of_the_worker_itself_loses_no_place_and_no_connection(serving, monkeypatch, caplog):
    service = serving(threads=1)
    monkeypatch.setattr(Worker, "_answer", lambda worker, conn: 1 / 0)
    for _ in range(5):
        assert is_closed(service.client("GET /users"))
    monkeypatch.undo()
    assert answers(service.client("GET /other"))[0]["path"] == "/other"
    assert _eventually(lambda: len(service.worker._open) == 1)
    assert "ZeroDivisionError" in caplog.text


def test_who_calls_on_a_kept_connection_while_it_stops_is_answered_for_the_last_time(serving, monkeypatch):
    monkeypatch.setattr(worker, "LINGER_SECONDS", PATIENCE)
    service = serving()
    kept = service.client("GET /users")
    answers(kept)
    waiting = service.client("GET /wait\nX-Wait: yes")
    assert service.application.begun.acquire(timeout=PATIENCE)
    service.stop()
    assert _eventually(lambda: service.listener.fileno() == -1)
    send(kept, "GET /again")
    answer = b"".join(iter(lambda: kept.recv(65536), b""))
    assert b"Connection: close" in answer
    assert b'"/again"' in answer
    service.application.go.set()
    answers(waiting)


def _eventually(true):
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_head_and_body_come_in_one_piece(serving):
    with socket.create_connection(serving().address, PATIENCE) as client:
        client.sendall(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).endswith(b"}")


def test_a_request_that_comes_in_pieces_is_read_to_its_end(serving):
    with socket.create_connection(serving().address, PATIENCE) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (b"P", b"OST /piecewise HTTP/1.1\r\nHo", b"st: x\r\nContent-Length: 4\r\n\r\n", b"12", b"34"):
            client.sendall(piece)
            time.sleep(0.02)  # else the kernel may put them together
        assert b"/piecewise" in client.recv(65536)
        client.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"/next" in client.recv(65536)


def test_what_an_application_leaves_of_a_body_is_no_next_request(serving):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(serving().address, PATIENCE) as client:
        head = b"POST /left HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(smuggled)
        client.sendall(head + smuggled + b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 200") < 2:
            received += client.recv(65536)
    assert b"/left" in received
    assert b"/next" in received
    assert b"/smuggled" not in received


def test_the_date_is_that_of_the_second():
    assert worker.http_date(0) == worker.http_date(0.9) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert worker.http_date(1) == "Thu, 01 Jan 1970 00:00:01 GMT"


class Unreader(unreader.Unreader):
    """One that was given all there is."""

    def chunk(self):
        return b""


def read(connection, head, **settings):
    """The request that stands next on a connection."""
    config = Config()
    for name, value in settings.items():
        config.set(name, value)
    connection.buf = BytesIO(head.replace("\n", "\r\n").encode("latin-1"))
    return worker.Request(worker.Settled(config), connection, ("127.0.0.1", 1), 1)


SAME = "Host: here\nAuthorization: Bearer x\nX-A: 1\nX-A: 2\n\n"


def test_headers_like_those_before_are_those_before(monkeypatch):
    parsed = []
    original = message.Request.parse_headers
    monkeypatch.setattr(
        message.Request, "parse_headers", lambda *given, **more: parsed.append(1) or original(*given, **more)
    )
    connection = Unreader()
    first = read(connection, f"GET /first HTTP/1.1\n{SAME}")
    first.headers.append(("X-B", "not of the next"))
    second = read(connection, f"POST /second?x HTTP/1.1\n{SAME}")
    assert (second.method, second.path, second.query, second.version) == ("POST", "/second", "x", (1, 1))
    assert second.headers == [("HOST", "here"), ("AUTHORIZATION", "Bearer x"), ("X-A", "1"), ("X-A", "2")]
    assert len(parsed) == 1
    third = read(connection, "GET / HTTP/1.1\nHost: here\n\n")
    assert third.headers == [("HOST", "here")]
    assert read(Unreader(), f"GET / HTTP/1.1\n{SAME}").headers == second.headers
    assert len(parsed) == 3


def test_bodies_behind_the_same_headers_are_each_its_own():
    connection, headers = Unreader(), "Host: here\nContent-Length: 3\n\n"
    for body in (b"one", b"two"):
        assert read(connection, f"POST / HTTP/1.1\n{headers}{body.decode()}").body.read() == body


def test_the_scheme_that_a_trusted_peer_tells_comes_with_the_headers():
    trusting = {"forwarded_allow_ips": "127.0.0.1", "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"}}
    connection = Unreader()
    for _ in range(2):
        assert read(connection, "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: https\n\n", **trusting).scheme == "https"


def test_who_waits_for_leave_to_send_a_body_gets_it_each_time():
    connection = Unreader()
    for _ in range(2):
        head = "POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1\n\n"
        assert read(connection, head)._expected_100_continue
    assert not read(connection, head.replace("1.1", "1.0"))._expected_100_continue
    assert read(connection, head)._expected_100_continue


def test_what_is_long_is_not_kept():
    connection = Unreader()
    for _ in range(2):
        assert len(read(connection, f"GET / HTTP/1.1\nHost: a\nX: {'x' * 5000}\n\n").headers) == 2
    assert not hasattr(connection, "known")


@pytest.mark.parametrize("headers", ["Host: a\nHost: b\n\n", "Host : a\n\n", "A_B: c\nContent-Length: x\n\n"])
def test_what_is_refused_is_refused_again(headers):
    connection = Unreader()
    for _ in range(2):
        with pytest.raises((InvalidHeader, InvalidHeaderName)):
            read(connection, f"GET / HTTP/1.1\n{headers}")


def test_trailers_are_read_as_trailers():
    connection, chunked = Unreader(), "Host: a\nTransfer-Encoding: chunked\n\n"
    for _ in range(2):
        assert read(connection, f"POST / HTTP/1.1\n{chunked}1\nx\n0\nX-A: 1\n\n").body.read() == b"x"
    with pytest.raises(InvalidHeaderName):
        read(connection, f"POST / HTTP/1.1\n{chunked}1\nx\n0\n{chunked}").body.read()
