"""Starts and stops what is measured: a WSGI or ASGI server with one of the applications, on 127.0.0.1."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Server:
    """A server package as it would run in production; none of them logs requests, the application does.

    package: on PyPI. arguments: of (application, port, workers, threads), after `python -m`.
    asgi: whether it is given the application's ASGI side. environment: settings that it needs.
    """

    package: str
    arguments: Callable[[str, int, int, int], list[str]]
    asgi: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def _gunicorn(worker: str, *more: str) -> Callable[[str, int, int, int], list[str]]:
    def arguments(application: str, port: int, workers: int, threads: int) -> list[str]:
        return [
            *("gunicorn", f"--bind={HOST}:{port}", f"--workers={workers}", f"--worker-class={worker}"),
            *([f"--threads={threads}"] if worker == "gthread" else []),
            *("--keep-alive=75", "--graceful-timeout=10", "--log-level=warning", "--no-control-socket"),
            *(*more, application),
        ]

    return arguments


def _chosen(application: str, port: int, workers: int, threads: int) -> list[str]:
    return [
        *("gunicorn", "--config=python:usermgmt.server", f"--bind={HOST}:{port}", f"--workers={workers}"),
        *(f"--threads={threads}", application),
    ]


def _granian(application: str, port: int, workers: int, threads: int) -> list[str]:
    return [
        *("granian", f"--host={HOST}", f"--port={port}", "--interface=wsgi", f"--workers={workers}", "--no-ws"),
        *(f"--blocking-threads={threads}", "--http=1", "--log-level=warning", application),
    ]


def _uvicorn(application: str, port: int, workers: int, threads: int) -> list[str]:
    return [
        *("uvicorn", f"--host={HOST}", f"--port={port}", f"--workers={workers}", "--timeout-keep-alive=75"),
        *("--no-access-log", "--log-level=warning", "--timeout-graceful-shutdown=10", application),
    ]


SERVERS: Mapping[str, Server] = {
    "make-serve": Server("gunicorn", _chosen),
    "gunicorn-sync": Server("gunicorn", _gunicorn("sync")),
    "gunicorn-gthread": Server("gunicorn", _gunicorn("gthread")),
    "granian": Server("granian", _granian),
    # Django's own advice for ASGI: every request has a thread of its own there, and so a connection that nobody
    # uses again; kept open, they use up the database's within a second.
    "uvicorn": Server("uvicorn", _uvicorn, asgi=True, environment={"DATABASE_CONN_MAX_AGE": "0"}),
}


# As a user of theirs runs them: gunicorn with threads and keep-alive. Its workers share one socket unless told
# otherwise, and then by chance one idles: half the rate.
REFERENCE_SERVER = Server("gunicorn", _gunicorn("gthread", "--reuse-port"))


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. process: its first one; the workers are its children."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextlib.contextmanager
def running(
    server: Server,
    application: str,
    *,
    environment: Mapping[str, str],
    log: Path,
    workers: int,
    threads: int,
    ready: str = "/livez",
) -> Iterator[Running]:
    """Run `application` (module:name) until the end of the block.

    log: the file that gets what it prints. ready: the path that answers 200 when it serves.
    Raises RuntimeError if it does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", *server.arguments(application, port, workers, threads)]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment, **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,  # Ctrl-C is for the runner, which then stops it in order
        )
    try:
        _await(process, port, ready, log)
        yield Running(port, process)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server with its workers: asked first, forced after STOP_SECONDS."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _await(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not start; it said:\n{log.read_text(errors='replace')[-2000:]}")
