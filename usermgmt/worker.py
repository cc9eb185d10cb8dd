"""The worker processes of `usermgmt.server`: who waits for connections, and in which lane a request is answered."""

import contextlib
import os
import resource
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from threading import Lock, Thread
from types import SimpleNamespace
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import message, wsgi  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]

HASHING = tuple(
    f"POST {path}{end}".encode()
    for path in (
        "/auth/token",
        "/auth/password/reset/confirm",
        "/users",
        "/api/v1/users.update",
        "/api/v1/users.register",
        "/admin/login/",
        "/password/reset",
        "/invitation",
        "/api/v1/login",
        "/api/v1/users.create",
        "/api/users",
        "/api/users.json",
        "/api/sessions",
        "/api/sessions.json",
    )
    for end in (" ", "?")
)
"""How requests begin that hash a password, each some 35 ms of a core. `POST /users/bulk` has threads of its own for
that (`accounts.hashing`)."""
PEEKED_BYTES = max(map(len, HASHING))
READ_BYTES = 8192  # as gunicorn reads
HEAD_END = b"\r\n\r\n"
HEAD_SECONDS = 10  # from the first byte of a request to the end of its head
MAX_HEAD_BYTES = 64 * 1024  # gunicorn would wait for the end of ten times as much
READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT  # and then not again until it is asked for
AHEAD = READABLE | select.EPOLLOUT  # which is so at once: the next request is read already
LINGER_SECONDS = gthread.STOP_KEEPALIVE_LINGER
SPARE_SECONDS = 5  # of those that a worker has to stop, for what it does last; then it is killed
SPARE_FILES = 64  # of those that a process may open, for all but connections
MAX_REMEMBERED_BYTES = 4096  # of headers, for each connection
MAX_DRAINED_BYTES = 64 * 1024  # of what a client still sends that was answered for the last time


class Settled:
    """gunicorn's settings, each found once: it asks for some twenty of them a request, and looks for each in a table of
    objects that may compute it."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(self._settings, name)
        return value


class Socket(socket.socket):
    """A client's socket. The kernel is asked for nothing that is so already: gunicorn says several times a request that
    it may wait for the client, and with each call of the kernel another thread takes the interpreter."""

    def setblocking(self, flag: bool) -> None:
        if flag != self.getblocking():
            super().setblocking(flag)


class Connection(gthread.TConn):
    """A client's. leaving: it had its last answer, and is read until the client closes, too (RFC 9112 9.6). begun: the
    head of a request has come in part. endless: so much of it that it is refused."""

    leaving = begun = endless = False
    drained = 0  # bytes, since then

    @property
    def ahead(self) -> bytes:
        """What is read already of the next request, where no epoll sees it."""
        read: bytes = b"" if self.parser is None or self.leaving else self.parser.unreader.buf.getvalue()
        return read

    def begin(self) -> bytes | None:
        """Read what has come of a request, and give how it begins, once its head is whole or too long: no thread waits
        for the rest of one. None: it is not. Empty: it never will be."""
        if self.cfg.is_ssl:  # that is for gunicorn to decipher
            return _peeked(self)
        self.init()
        head = self.ahead
        if HEAD_END not in head:
            try:
                read = self.sock.recv(READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                read = None
            except OSError:
                return b""
            if read == b"":
                return b""
            head += read or b""
            self.parser.unreader.buf = BytesIO(head)
        self.endless = len(head) >= MAX_HEAD_BYTES and HEAD_END not in head
        if HEAD_END in head or self.endless:
            self.begun = False
            return head[:PEEKED_BYTES]
        if head and not self.begun:
            self.begun, self.timeout = True, time.monotonic() + HEAD_SECONDS
        return None


class Request(message.Request):
    """gunicorn's, which reads headers that are byte for byte those of the request before on their connection once.

    So they are, as a rule: a client sends the same ones each time, and to read them takes a fifth of a short request.
    """

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        """gunicorn's: the headers of a head, or of what comes behind a body in chunks."""
        known = self.unreader.__dict__.get("known")
        if known is not None and known[:2] == (data, self.version) and not from_trailer:
            self.scheme = known[3]
            return list(known[2])
        headers: list[tuple[str, str]] = super().parse_headers(data, from_trailer)
        # Who waits for leave to send a body is to get it each time; by HTTP/1.0 nobody does, whatever they say.
        if len(data) <= MAX_REMEMBERED_BYTES and not (from_trailer or self._expected_100_continue):
            self.unreader.known = data, self.version, tuple(headers), self.scheme
        return headers


RequestParser.mesg_class = Request


class Response(wsgi.Response):
    """gunicorn's, which sends the head and the beginning of the body at once: a client is woken once, and the kernel
    called once less."""

    sock: Any

    def write(self, arg: bytes) -> None:
        if self.headers_sent:
            super().write(arg)
            return
        together: list[bytes] = []
        sock, self.sock = self.sock, SimpleNamespace(sendall=together.append)
        try:
            super().write(arg)
        finally:
            self.sock = sock
        sock.sendall(b"".join(together))


wsgi.Response = Response


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_date(timestamp: float | None = None) -> str:
    """What Date says (RFC 9110 6.6.1), written once a second."""
    return _date(int(time.time() if timestamp is None else timestamp))


util.http_date = http_date


class Lane:
    """So many connections at a time are answered in it; others wait for their turn, in their order."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[Connection] = deque()
        self._lock = Lock()

    def enter(self, conn: Connection) -> bool:
        """Take a place; False: there is none, and the connection waits."""
        with self._lock:
            if not self._free:
                self._waiting.append(conn)
                return False
            self._free -= 1
            return True

    def next(self) -> Connection | None:
        """Who has the place now of one that was answered; None: nobody."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._free += 1
            return None


class Worker(gthread.ThreadWorker):
    """gunicorn's threaded worker, in which every thread waits for connections itself.

    In gunicorn's own a single thread waits for all, hands each request to a pool and gets the connection back by a
    pipe: threads change twice a request, which costs several times what reading the request does. Here all threads
    wait on one epoll; for each connection that sends something the kernel wakes one of them, which reads the request,
    answers it and has the connection watched again. A connection is watched for one event (EPOLLONESHOT), and is in
    `_parked` meanwhile: whoever takes it out there owns it. Who sends many requests at once is watched again after
    each, behind all others. How requests are read and answers written is gunicorn's.

    Requests that hash a password have a lane of their own, with half as many places: a crowd that signs in waits for
    its like, and nobody else waits for it, nor it for others. Without, a hundred sign-ins at once stand before every
    other request for seconds. There is a thread for each place, so one is free to look for what the other lane may
    answer. Connections that send nothing, or half of a head, hold neither.
    """

    def init_process(self) -> None:
        """gunicorn's hook: what a worker does first in its process; it ends by `run`."""
        self.prepare()
        super().init_process()

    def prepare(self) -> None:
        """Make what threads share."""
        self._epoll = select.epoll()
        self.cfg: Any = Settled(self.cfg)
        self._open: set[Any] = set()
        self._parked: dict[int, Any] = {}  # by the number of the socket
        self._hashing, self._others = Lane(self._hashing_places), Lane(self.cfg.threads)
        self._ended = os.eventfd(0)
        self._listeners = {listener.fileno(): listener for listener in self.sockets}
        self._full = False  # nobody else is let in
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most: int = self.cfg.worker_connections
        if files != resource.RLIM_INFINITY:
            most = max(1, min(most, files - SPARE_FILES))
        self.worker_connections = most
        self.keepalived_conns = self._parked  # gunicorn bounds how many there are
        self.max_keepalived = max(1, self.worker_connections - self.cfg.threads)

    @property
    def _hashing_places(self) -> int:
        threads: int = self.cfg.threads
        return max(1, threads // 2)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """gunicorn's hook: SIGTERM. It wakes `_sleep` by the pipe that signals are written to."""
        self.alive = False

    def run(self) -> None:
        """gunicorn's hook: serve until SIGTERM; then answer what is under way, and what comes on kept connections
        within LINGER_SECONDS."""
        self._epoll.register(self._ended, select.EPOLLIN)
        for number, listener in self._listeners.items():
            listener.setblocking(False)
            self._epoll.register(number, READABLE)
        for number in range(self.cfg.threads + self._hashing_places):
            # A daemon: whoever is not answered within graceful_timeout is cut off.
            Thread(target=self._work, name=f"thread-{number}", daemon=True).start()
        while self.alive and self.is_parent_alive():
            self.notify()
            self._sleep(1)
            self._close_idle()
            self._let_in()
        self.alive = False
        now = time.monotonic()
        idle_until = now + LINGER_SECONDS
        until = now + max(1, self.cfg.graceful_timeout - SPARE_SECONDS)
        self._accept_no_more()
        while self._open and time.monotonic() < until:
            self.notify()
            self._sleep(0.05)
            self._close_idle(everybody=time.monotonic() > idle_until)
        os.eventfd_write(self._ended, 1)

    def _sleep(self, seconds: float) -> None:
        """Until then, or a signal."""
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 4096)

    def _work(self) -> None:
        """What a thread does, until the end."""
        while True:
            for number, _ in self._epoll.poll(maxevents=1):
                if number == self._ended:
                    return
                try:
                    self._turn(number)
                except Exception:
                    self.log.exception("Error serving a connection")

    def _turn(self, number: int) -> None:
        """Do what an event asks for."""
        if number in self._listeners:
            self._accept(self._listeners[number])
        elif (conn := self._parked.pop(number, None)) is not None:  # None: it was closed in the same moment
            try:
                self._proceed(conn)
            except Exception:
                self._close(conn)
                raise

    def _accept(self, listener: Any) -> None:
        """Let somebody in."""
        try:
            self._take(listener)
        except (BlockingIOError, ConnectionAbortedError):
            pass
        except OSError as error:  # no files left, say: `_let_in` tries again
            if self.alive:
                self.log.warning("Connections can't be accepted: %s", error)
            self._full = True
            return
        self._full = len(self._open) >= self.worker_connections
        if not self._full:
            self._watch(listener.fileno())

    def _take(self, listener: Any) -> None:
        """Take a connection from the kernel; raises OSError."""
        client, address = listener.accept()
        client = Socket(client.family, client.type, client.proto, client.detach())
        conn = Connection(self.cfg, client, address, listener.getsockname())
        conn.data_ready = True  # by the time that gunicorn asks
        self._open.add(conn)
        self._park(conn, self._epoll.register)

    def _accept_no_more(self) -> None:
        """Close the door, behind those whom the kernel let in before."""
        for number, listener in self._listeners.items():
            self._epoll.unregister(number)
            with contextlib.suppress(OSError):  # nobody else is there
                while True:
                    self._take(listener)
        for listener in self.sockets:
            listener.close()

    def _let_in(self) -> None:
        """Accept connections again, if there is room."""
        if self._full and len(self._open) < self.worker_connections:
            self._full = False
            for number in self._listeners:
                self._watch(number)

    def _watch(self, number: int) -> None:
        """Watch a listener again."""
        try:
            self._epoll.modify(number, READABLE)
        except OSError:
            if self.alive:  # else it was closed meanwhile
                raise

    def _park(self, conn: Connection, watch: Callable[[int, int], None] | None = None) -> None:
        """Leave a connection to whoever is woken when it sends something. watch: how, if not as before."""
        number, events = conn.sock.fileno(), AHEAD if conn.ahead and not conn.begun else READABLE
        if not (conn.leaving or conn.begun):
            conn.timeout = time.monotonic() + (self.cfg.keepalive if self.alive else LINGER_SECONDS)
        self._parked[number] = conn
        (watch or self._epoll.modify)(number, events)

    def _close_idle(self, everybody: bool = False) -> None:
        """Close who has sent no request for too long. everybody: who has sent none by now."""
        now = time.monotonic()
        for number, conn in self._parked.copy().items():
            if (everybody or conn.timeout < now) and self._parked.pop(number, None) is not None:
                if everybody and not conn.leaving and _has_sent(conn):
                    self._park(conn)  # its turn is to come
                else:
                    self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._open.discard(conn)
        conn.close()

    def _proceed(self, conn: Connection) -> None:
        """Answer what a connection has sent, or read it away."""
        begin = _peeked(conn) if conn.leaving else conn.begin()
        if begin is None:
            self._park(conn)
        elif not begin:
            self._close(conn)
        elif conn.leaving:
            self._drain(conn)
        else:
            self._serve(conn, self._hashing if begin.startswith(HASHING) else self._others)

    def _serve(self, first: Connection, lane: Lane) -> None:
        """Answer a connection, and whoever waits in its lane; or have it wait there."""
        conn = first if lane.enter(first) else None
        while conn is not None:
            try:
                self._answer(conn)
            except (Exception, SystemExit):
                self._close(conn)
                self.log.exception("Error answering a request")
            finally:
                conn = lane.next()

    def handle(self, conn: Connection) -> bool:
        """gunicorn's: answer a request; gives whether the connection may send another one."""
        if conn.endless:
            util.write_error(conn.sock, 431, "Request Header Fields Too Large", "")
            return False
        kept: bool = super().handle(conn)
        return kept

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """gunicorn's hook: whether the connection may send another request; then nothing is left of this one."""
        if keepalive and getattr(conn.parser.mesg.body.reader, "length", None) == 0:
            conn.parser.mesg = None  # or gunicorn would look again, with a limit of time, at this end and at the next
            return True
        left: bool = super()._keepalive_after(conn, keepalive)
        return left

    def _answer(self, conn: Connection) -> None:
        """Read a request and answer it."""
        if not self.handle(conn):
            conn.leaving, conn.timeout = True, time.monotonic() + LINGER_SECONDS
            try:
                conn.sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._close(conn)
                return
        self._park(conn)

    def _drain(self, conn: Connection) -> None:
        conn.drained += len(conn.sock.recv(4096, socket.MSG_DONTWAIT))
        if conn.drained < MAX_DRAINED_BYTES:
            self._park(conn)
        else:
            self._close(conn)


def _peeked(conn: Connection) -> bytes | None:
    """How what a connection has sent begins; it stays there. None: it has sent nothing. Empty: nothing will come."""
    try:
        begin: bytes = conn.sock.recv(PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return begin


def _has_sent(conn: Connection) -> bool:
    return bool((conn.ahead and not conn.begun) or _peeked(conn))
