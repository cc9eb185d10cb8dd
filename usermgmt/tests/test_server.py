"""gunicorn takes its configuration as it is meant."""

import gc
import importlib
import json
import logging.config
import socket
import struct
from types import SimpleNamespace

import pytest
from django.conf import settings
from gunicorn import util
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.config import Config
from gunicorn.workers import gthread

from usermgmt import server, worker


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch):
    """The configuration that gunicorn makes of `--config python:usermgmt.server`."""

    def read(**environment: str) -> Config:
        for name in ("HOST", "PORT", "WORKERS", "THREADS", "DEVELOPMENT"):
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
    assert (found.workers, found.threads, found.worker_class) == (2, 4, worker.Worker)


def test_the_environment_says_where_and_how_many(configured):
    found = configured(HOST="10.1.2.3", PORT="8123", WORKERS="8", THREADS="2")
    assert found.address == [("10.1.2.3", 8123)]
    assert (found.workers, found.threads) == (8, 2)


def test_each_worker_has_a_socket_of_its_own_so_that_none_takes_all_connections(configured):
    assert configured().reuse_port is True
    assert configured(WORKERS="1").reuse_port is False  # a second server is told that the port is taken


def test_the_application_alone_logs_requests(configured, monkeypatch):
    monkeypatch.setattr("logging.Logger.info", lambda *told: pytest.fail("a line for a request"))
    found = configured()
    assert found.accesslog is None
    logger = found.logger_class.__new__(found.logger_class)  # whole, it would set up the logging of this process
    logger.cfg = found
    logger.access(SimpleNamespace(), SimpleNamespace(), {}, None)


def test_elsewhere_than_on_linux_gunicorn_waits_in_its_own_way(configured, monkeypatch):
    monkeypatch.delattr("select.epoll")
    assert configured().worker_class is gthread.ThreadWorker


def test_an_application_that_did_not_load_employs_nobody(configured, monkeypatch):
    configured()
    monkeypatch.setattr("django.apps.apps.ready", False)
    monkeypatch.setattr("accounts.postman.employed", lambda: pytest.fail("a postman of nothing"))
    employer = SimpleNamespace()
    server.post_worker_init(employer)  # a page tells what is wrong, until it is mended
    assert not hasattr(employer, "postman")


FOUND_OUT = ("_srcfile", "logThreads", "logMultiprocessing", "logProcesses")  # for each line of log, unless told not to


def test_the_application_is_left_alone_by_the_garbage_collector(configured, monkeypatch):
    configured()
    monkeypatch.setattr("accounts.postman.employed", lambda: "a postman")
    for name in FOUND_OUT:  # put back at the end: other tests' lines say where they are from
        monkeypatch.setattr(logging, name, getattr(logging, name))
    before, threshold = gc.get_freeze_count(), gc.get_threshold()
    employer = SimpleNamespace()
    try:
        server.post_worker_init(employer)
        assert gc.get_freeze_count() > before
        assert gc.get_threshold()[0] == server.COLLECTED_EVERY
        assert not any(getattr(logging, name) for name in FOUND_OUT)
    finally:
        gc.set_threshold(*threshold)  # what is frozen stays so, as the suite has it (conftest.py)
    assert employer.postman == "a postman"


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


def test_its_own_lines_are_for_reading_in_a_development_run(configured):
    handlers = configured(DEVELOPMENT="on").logconfig_dict["handlers"]
    assert {handler["formatter"] for handler in handlers.values()} == {"text"}


@pytest.mark.parametrize(
    ("name", "value"), [("WORKERS", "two"), ("WORKERS", "0"), ("THREADS", "-1"), ("THREADS", "1.5")]
)
def test_a_number_that_makes_no_sense_stops_the_start_and_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"{name}: a whole number"):
        importlib.reload(server)
    monkeypatch.undo()
    importlib.reload(server)


def test_a_connection_that_stalls_in_the_middle_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server.post_fork(None, SimpleNamespace(age=1, sockets=[SimpleNamespace(sock=listener)]))
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                seconds, microseconds = struct.unpack("@ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16))
                assert (seconds, microseconds) == (server.STALLED_SECONDS, 0)


def test_it_leaves_it_to_the_application_whom_to_believe(configured):
    found = configured()
    assert not found.forwarded_allow_ips
    assert not found.forwarder_headers
    assert found.secure_scheme_headers == {}


def test_what_is_no_request_is_refused_in_json(configured):
    configured()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        util.write_error(theirs, 431, "Request Header Fields Too Large", "<b>markup</b>")
        head, _, body = ours.recv(4096).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
    assert b"\r\nCache-Control: no-store\r\n" in head
    assert f"\r\nContent-Length: {len(body)}".encode() in head
    assert json.loads(body) == {"error": "Request Header Fields Too Large."}


def test_the_makefile_runs_it_as_set_up_here():
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    assert makefile.count("gunicorn --config python:usermgmt.server") == makefile.count("$(BIN)/gunicorn") == 2
