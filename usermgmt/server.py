"""How gunicorn serves the directory: `gunicorn --config python:usermgmt.server usermgmt.wsgi`.

Why gunicorn, and what this changes: benchmarks/README.md, "The server". What the names mean:
https://gunicorn.org/reference/settings/
"""

import gc
import logging
import os
import select
import socket
import struct
from typing import Any

from gunicorn import glogging, util  # type: ignore[import-untyped]

from usermgmt import cores

STALLED_SECONDS = 10  # that a client in the middle of a request, or of its answer, may keep a thread waiting
COLLECTED_EVERY = 10_000  # objects that are new; Python's own 700 look for cycles several times a list


def _positive(name: str, default: int) -> int:
    """The whole number in a variable of the environment."""
    text = os.environ.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise SystemExit(f"{name}: a whole number of at least 1, please; it is {text!r}.")
    return int(text)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = _positive("WORKERS", 2)
worker_class = "usermgmt.worker.Worker" if hasattr(select, "epoll") else "gthread"  # elsewhere than on Linux
logger_class = "usermgmt.server.Log"
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


class Log(glogging.Logger):
    """gunicorn's own lines, without one for each request: it would prepare them even for nobody to read."""

    def access(self, *told: Any) -> None:
        pass


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
    cores.shared.join(worker.age)


def child_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook, in the process of whom it forked: what hashed in a worker that was killed has left its core."""
    cores.shared.bury(worker.age)


def post_worker_init(worker: Any) -> None:
    """gunicorn's hook: each worker has a postman; the application is loaded by now, and what it consists of stays:
    the garbage collector need not look at it again (gc.freeze)."""
    from django.apps import apps

    if not apps.ready:  # `make run` shows what is wrong with it, and waits until it is mended
        return
    from accounts import postman

    # What lines of log never say need not be found out for each of them: Python's own advice, "Logging HOWTO",
    # "Optimization".
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False

    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY)

    worker.postman = postman.employed()


def worker_exit(server: Any, worker: Any) -> None:
    """gunicorn's hook: let the mail at hand go out."""
    postman = getattr(worker, "postman", None)  # None, too, of a worker that did not come as far
    if postman is not None:
        postman.stop()
