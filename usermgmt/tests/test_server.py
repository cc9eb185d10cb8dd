"""gunicorn takes its configuration as it is meant."""

import importlib
import inspect
import json
import logging.config
import socket
import struct
from types import SimpleNamespace

import pytest
from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]

from usermgmt import server


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch):
    """The configuration that gunicorn makes of `--config python:usermgmt.server`."""

    def read(**environment: str) -> Config:
        for name in ("HOST", "PORT", "WORKERS", "THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["gunicorn", "--config", "python:usermgmt.server", "usermgmt.wsgi"])
        importlib.reload(server)
        return WSGIApplication(prog="gunicorn").cfg

    yield read
    monkeypatch.undo()
    importlib.reload(server)


def test_it_serves_on_the_loopback_with_two_workers_of_threads_unless_told_otherwise(configured):
    found = configured()
    assert found.address == [("127.0.0.1", 8000)]
    assert (found.workers, found.threads, found.worker_class) == (2, 4, gthread.ThreadWorker)


def test_the_environment_says_where_and_how_many(configured):
    found = configured(HOST="10.1.2.3", PORT="8123", WORKERS="8", THREADS="2")
    assert found.address == [("10.1.2.3", 8123)]
    assert (found.workers, found.threads) == (8, 2)


def test_each_worker_has_a_socket_of_its_own_so_that_none_takes_all_connections(configured):
    assert configured().reuse_port is True


def test_the_application_alone_logs_requests(configured):
    assert configured().accesslog is None


def test_it_says_where_it_serves(configured, caplog):
    caplog.set_level(logging.INFO)
    server.when_ready(SimpleNamespace(log=logging.getLogger("gunicorn.error"), cfg=configured(PORT="8123")))
    assert caplog.messages == ["Serving on http://127.0.0.1:8123"]


def test_its_own_lines_are_json(configured):
    found = configured().logconfig_dict
    formatter = logging.config.DictConfigurator(found).configure_formatter(found["formatters"]["json"])
    record = logging.LogRecord("gunicorn.error", logging.INFO, __file__, 1, "Listening", None, None)
    assert json.loads(formatter.format(record))["message"] == "Listening"
    assert {handler["formatter"] for handler in found["handlers"].values()} == {"json"}


def test_a_silent_connection_keeps_a_thread_for_a_blink():
    assert gthread.DEFAULT_WORKER_DATA_TIMEOUT == 0.05
    assert "DEFAULT_WORKER_DATA_TIMEOUT" in inspect.getsource(gthread.ThreadWorker.handle)


def test_a_connection_that_stalls_in_the_middle_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server.post_fork(None, SimpleNamespace(sockets=[SimpleNamespace(sock=listener)]))
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                seconds, microseconds = struct.unpack("@ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16))
                assert (seconds, microseconds) == (server.STALLED_SECONDS, 0)
