"""What a server does with requests that no well-behaved client sends: each probe gives what it saw, in a few words."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.load import PASSWORD
from benchmarks.serving import HOST, Running

PATIENCE_SECONDS = 8
CROWD = 64  # connections of slow clients
CALLS = 10  # of quick clients beside them, a second each
STALL_SECONDS = 45  # that a stalled client waits for the server to give it up
_RESET = "connection reset"


@dataclass(frozen=True, slots=True)
class Target:
    """running: the server with the directory. token: an administrator's. tag: its own, for e-mail addresses."""

    running: Running
    token: str
    tag: str

    @property
    def port(self) -> int:
        return self.running.port


Probe = Callable[[Target], str]


def _head(target: Target, start: str, *headers: str) -> bytes:
    lines = [
        start,
        f"Host: {HOST}",
        "Content-Type: application/json",
        f"Authorization: Bearer {target.token}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _chunked(body: bytes, size: int = 65536) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


def _new_user(target: Target, name: str) -> bytes:
    email = f"{name}@{target.tag}.example.com"
    sent = {"name": "Probe", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD, "client_id": 1}
    return json.dumps(sent).encode()


def _exchange(target: Target, *parts: bytes, patience: float = PATIENCE_SECONDS) -> str:
    """Send everything, as clients do, then read one answer; gives its status and what kind of body it has."""
    with socket.create_connection((HOST, target.port), timeout=patience) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return _answer(connection)
        except TimeoutError:
            return f"no answer in {patience} s"
        except ConnectionError:
            return _RESET


def _answer(connection: socket.socket) -> str:
    answer = http.client.HTTPResponse(connection)
    try:
        answer.begin()
        content = answer.read()
    except http.client.BadStatusLine:
        return "closed without an answer"
    except http.client.IncompleteRead:
        return f"{answer.status}, cut off"
    if not content:
        return f"{answer.status}, empty"
    try:
        json.loads(content)
    except ValueError:
        return f"{answer.status}, {answer.headers.get_content_type()}"
    return f"{answer.status} JSON"


def _counted(outcomes: list[str]) -> str:
    """ "20 x this" or "15 x this, 5 x that"."""
    return ", ".join(f"{outcomes.count(outcome)} x {outcome}" for outcome in dict.fromkeys(outcomes))


def large_body(target: Target) -> str:
    body = b" " * 5_000_000
    head = _head(target, "POST /users HTTP/1.1", f"Content-Length: {len(body)}")
    return _counted([_exchange(target, head, body) for _ in range(20)])


def large_chunked_body(target: Target) -> str:
    body = _chunked(b" " * 5_000_000)
    head = _head(target, "POST /users HTTP/1.1", "Transfer-Encoding: chunked")
    return _counted([_exchange(target, head, body) for _ in range(20)])


def chunked_body(target: Target) -> str:
    head = _head(target, "POST /users HTTP/1.1", "Transfer-Encoding: chunked")
    return _exchange(target, head, _chunked(_new_user(target, "chunked"), 40))


def both_lengths(target: Target) -> str:
    """Content-Length and chunked together: how requests are smuggled past a proxy (RFC 9112 6.1)."""
    body = _new_user(target, "smuggled")
    head = _head(target, "POST /users HTTP/1.1", "Transfer-Encoding: chunked", f"Content-Length: {len(body)}")
    return _exchange(target, head, _chunked(body))


def long_header(target: Target) -> str:
    return _exchange(target, _head(target, "GET /livez HTTP/1.1", "X-Long: " + "x" * 100_000))


def endless_header(target: Target) -> str:
    return _exchange(target, _head(target, "GET /livez HTTP/1.1", "X-Long: " + "x" * 5_000_000))


def malformed_line(target: Target) -> str:
    return _exchange(target, b"NONSENSE\r\n\r\n")


def underscored_header(target: Target) -> str:
    """`X_Forwarded_For` looks like X-Forwarded-For in WSGI; a server must not pass it on."""
    head = _head(target, "GET /livez HTTP/1.1", "X-Request-ID: right", "X_Request_ID: forged", "Connection: close")
    with socket.create_connection((HOST, target.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return f"{answer.status}, {answer.headers.get('X-Request-ID', 'no id')}"


def pipelining(target: Target) -> str:
    requests = [_head(target, "GET /livez HTTP/1.1") for _ in range(9)]
    requests.append(_head(target, "GET /livez HTTP/1.1", "Connection: close"))
    with socket.create_connection((HOST, target.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"".join(requests))
        try:
            got = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError as error:
            return type(error).__name__
    return f"{got.count(b'HTTP/1.1 200')} of 10 answers"


def expect_continue(target: Target) -> str:
    body = _new_user(target, "expected")
    head = _head(target, "POST /users HTTP/1.1", f"Content-Length: {len(body)}", "Expect: 100-continue")
    with socket.create_connection((HOST, target.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head)
        try:
            interim = connection.recv(25)
        except TimeoutError:
            return "no interim answer"
        if not interim.startswith(b"HTTP/1.1 100"):
            return interim.decode("latin-1")
        connection.sendall(body)
        return "100, then " + _answer(connection)


_HALF_HEADER = b"POST /auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def _half_body(target: Target) -> bytes:
    return _head(target, "POST /users HTTP/1.1", "Content-Length: 1000") + b"{"


def silent_clients(target: Target) -> str:
    return _beside_a_crowd(target, b"")


def half_headers(target: Target) -> str:
    return _beside_a_crowd(target, _HALF_HEADER)


def half_bodies(target: Target) -> str:
    return _beside_a_crowd(target, _half_body(target))


def _beside_a_crowd(target: Target, sent: bytes) -> str:
    """How others fare while CROWD connections have sent `sent` and nothing more."""
    request = _head(target, "GET /livez HTTP/1.1", "Connection: close")
    with contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            connection = stack.enter_context(socket.create_connection((HOST, target.port)))
            connection.sendall(sent)
        time.sleep(1)  # until the server has them all
        answered = [_exchange(target, request, patience=1).endswith("JSON") for _ in range(CALLS)]
    _exchange(target, request)  # until it has got over them
    return f"{sum(answered)} of {CALLS} answered"


def stalled_header(target: Target) -> str:
    return _given_up(target, _HALF_HEADER)


def stalled_body(target: Target) -> str:
    return _given_up(target, _half_body(target))


def _given_up(target: Target, sent: bytes) -> str:
    """When the server gives up a client that has sent `sent` and nothing more."""
    started = time.monotonic()
    outcome = _exchange(target, sent, patience=STALL_SECONDS)
    took = time.monotonic() - started
    return "never" if took >= STALL_SECONDS else f"after {took:.0f} s ({outcome})"


def graceful_stop(target: Target) -> str:
    """SIGTERM while a request is being answered; the hash costs are set so that it takes a second or two."""
    outcomes: list[str] = []
    body = json.dumps({"email": "nobody@example.com", "password": PASSWORD}).encode()
    head = _head(target, "POST /auth/token HTTP/1.1", f"Content-Length: {len(body)}")
    client = threading.Thread(target=lambda: outcomes.append(_exchange(target, head, body)))
    client.start()
    time.sleep(0.5)  # until it is being answered
    started = time.monotonic()
    target.running.process.terminate()
    client.join()
    target.running.process.wait(30)
    return f"{outcomes[0]}, stopped in {time.monotonic() - started:.1f} s"


PROBES: Mapping[str, Probe] = {
    "body of 5 MB (20 times)": large_body,
    "the same, chunked": large_chunked_body,
    "chunked body": chunked_body,
    "Content-Length and chunked": both_lengths,
    "header of 100 kB": long_header,
    "header of 5 MB": endless_header,
    "malformed request line": malformed_line,
    "`X_Request_ID: forged`": underscored_header,
    "10 pipelined requests": pipelining,
    "Expect: 100-continue": expect_continue,
    "gives up half a header": stalled_header,
    "gives up half a body": stalled_body,
    f"beside {CROWD} silent connections": silent_clients,
    f"beside {CROWD} half headers": half_headers,
    f"beside {CROWD} half bodies": half_bodies,
}


def outcomes(target: Target) -> Iterator[str]:
    """What every probe saw, in the order of PROBES."""
    for probe in PROBES.values():
        try:
            yield probe(target)
        except OSError as error:
            yield type(error).__name__
