"""How gunicorn serves the directory: `gunicorn --config python:usermgmt.server usermgmt.wsgi`.

Why gunicorn, and what this changes: benchmarks/README.md, "The server". What the names mean:
https://gunicorn.org/reference/settings/
"""

import os
import socket
import struct
from typing import Any

from gunicorn.workers import gthread  # type: ignore[import-untyped]

STALLED_SECONDS = 10  # that a client in the middle of a request, or of its answer, may keep a thread waiting

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WORKERS", "2"))
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "4"))  # of each worker; a thread has a connection to the database
keepalive = 75  # seconds; longer than proxies keep idle connections, so that it is them who close
timeout = 60  # seconds without a sign of life of a worker's main loop
graceful_timeout = 30  # seconds for requests to end after SIGTERM
control_socket_disable = True
# Each worker listens for itself, and the kernel deals connections out. With one socket for all, the worker that wakes
# first takes what there is: 16 kept connections on one of two workers, the other idle, were seen.
reuse_port = True
# Requests are logged by the application, a line each; these are gunicorn's own lines, in the same form.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "usermgmt.http.logs.JSONFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

# A new connection waits for its first bytes in a thread, for so many seconds, before it goes to the poller, where
# waiting costs nothing. With gunicorn's own 5, eight silent connections stop the service.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05


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
