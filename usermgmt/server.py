"""How gunicorn serves the directory: `gunicorn --config python:usermgmt.server usermgmt.wsgi`.

Why gunicorn, and what this changes: benchmarks/README.md, "The server". What the names mean:
https://gunicorn.org/reference/settings/
"""

import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]

STALLED_SECONDS = 10  # that a client in the middle of a request, or of its answer, may keep a thread waiting
PARKED_AFTER_SECONDS = 0.05  # without a byte; of most clients the first are there already


def _positive(name: str, default: int) -> int:
    """The whole number in a variable of the environment."""
    text = os.environ.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise SystemExit(f"{name}: a whole number of at least 1, please; it is {text!r}.")
    return int(text)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = _positive("WORKERS", 2)
worker_class = "usermgmt.server.Worker"
# Of each worker, and half as many again for what hashes passwords; each has a connection to the database.
threads = _positive("THREADS", 4)
keepalive = 75  # seconds; longer than proxies keep idle connections, so that it is them who close
timeout = 60  # seconds without a sign of life of a worker's main loop
graceful_timeout = 30  # seconds for requests to end after SIGTERM
control_socket_disable = True
limit_request_line = 8190  # bytes; a search of 255 characters of four bytes, escaped, and all other parameters
# Whom to believe about scheme, path and address is the application's to say (TRUSTED_PROXIES). gunicorn's own
# defaults believe whoever calls from this machine, and SCRIPT_NAME would cut the path in two.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# Each worker listens for itself, and the kernel deals connections out. With one socket for all, the worker that wakes
# first takes what there is: 16 kept connections on one of two workers, the other idle, were seen. A single worker
# keeps the port to itself, so that a second server says that it is taken.
reuse_port = workers > 1
# Requests are logged by the application, a line each; these are gunicorn's own lines, in the same form.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "usermgmt.http.logs.JSONFormatter"}, "text": {"format": "%(levelname)s %(message)s"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "text" if os.environ.get("DEVELOPMENT") else "json",
        }
    },
    "loggers": {"gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO"},
}


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


class Lanes:
    """The threads of a worker, in two pools: what hashes passwords waits for its like, and nobody else waits for it.

    In one pool a hundred sign-ins at once stand before every other request for seconds.
    """

    def __init__(self, threads: int) -> None:
        self._hashing = ThreadPoolExecutor(max(1, threads // 2), thread_name_prefix="hashing-lane")
        self._others = ThreadPoolExecutor(threads, thread_name_prefix="lane")

    def submit(self, handle: Callable[[Any], Any], conn: Any) -> "Future[Any]":
        """Have `conn` handled, in the lane that its request, as far as it is there, belongs to."""
        conn.hashes = begins_with_hashing(conn.sock)
        return (self._hashing if conn.hashes else self._others).submit(handle, conn)

    def shutdown(self, wait: bool = True) -> None:
        for pool in (self._hashing, self._others):
            pool.shutdown(wait=wait)


def begins_with_hashing(sock: socket.socket) -> bool:
    """Whether what can be read next from the connection begins such a request; reads nothing away."""
    try:
        return sock.recv(PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(HASHING)
    except OSError:  # nothing is there yet, or nobody any more
        return False


class Worker(gthread.ThreadWorker):
    """Parks a new connection in the poller, where waiting costs nothing, until it sends something; and has two lanes.

    gunicorn's own waits five seconds in a thread first, so that eight silent connections stop the service.
    """

    def get_thread_pool(self) -> Lanes:
        return Lanes(self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        if not conn.initialized and not conn.data_ready and not conn.wait_for_data(PARKED_AFTER_SECONDS):
            return gthread._DEFER
        if not getattr(conn, "hashes", False) and begins_with_hashing(conn.sock) and self.alive:
            return gthread._DEFER  # it came before its first byte; the poller gives it back at once, to the other lane
        return super().handle(conn)


def _write_error(client: Any, status_int: int, reason: str, mesg: str) -> None:
    """gunicorn's answer to what is no request (a header too long, two lengths): JSON, as native calls answer."""
    from usermgmt.http.contracts import Problem, contracts  # a worker has set Django up by now

    native = next(contract for contract in contracts() if not contract.prefix)
    body = native.answer(Problem(status_int, "malformed_request", f"{reason}.")).content
    head = f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    util.write_nonblock(client, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


util.write_error = _write_error


def when_ready(server: Any) -> None:
    """gunicorn's hook: say where it listens; gunicorn itself does not know before the workers do."""
    server.log.info("Serving on http://%s", " and ".join(f"{host}:{port}" for host, port in server.cfg.address))


def post_fork(server: Any, worker: Any) -> None:
    """gunicorn's hook: threads do not wait for ever on a client that has gone silent without a goodbye.

    Connections inherit this from the socket that listens (socket(7), SO_RCVTIMEO).
    """
    limit = struct.pack("@ll", STALLED_SECONDS, 0)  # a struct timeval
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def post_worker_init(worker: Any) -> None:
    """gunicorn's hook: each worker has a postman; the application is loaded by now."""
    from accounts import postman

    worker.postman = postman.employed()


def worker_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook: let the mail at hand go out."""
    postman = getattr(worker, "postman", None)  # None, too, of a worker that did not come as far
    if postman is not None:
        postman.stop()
