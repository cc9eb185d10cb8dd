"""What goes on beside a crowd: the rows of its table, and what counts as a failure."""

import http.server
import json
import os
import threading
import time
from types import SimpleNamespace

import pytest
from argon2.low_level import Type

from benchmarks import crowd
from benchmarks.crowd import Failed, Seen, arguments, watched


def test_a_hundred_sign_ins_with_two_workers_are_the_default():
    read = arguments([])
    assert (read.crowd, read.new, read.workers, read.threads, read.write_readme) == (100, 1000, 2, 4, False)


def test_a_row_tells_rates_times_and_the_most_memory():
    seen = Seen(reads=[1.0] * 50 + [3.0] * 49 + [200.0], memory=[70.2, 99.7, 80.0], done=30, seconds=10.0)
    assert seen.cells() == ["3.0", "10", "2.0", "198.0", "200.0", "100"]


def test_where_nothing_else_goes_on_there_is_no_rate_of_it():
    assert Seen(reads=[1.0, 1.0], memory=[70.0], seconds=2.0).cells()[0] == ""


@pytest.mark.parametrize("wrong", ["--crowd=many", "--new=all", "--seconds=x", "--nonsense"])
def test_what_makes_no_sense_is_refused(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        arguments([wrong])
    assert stopped.value.code == 2


@pytest.fixture
def answering(monkeypatch):
    """A server that lets everybody sign in, and answers each read with one status, until it is told otherwise."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        status = 200

        def do_GET(self):  # the handler's own name
            self.answer(type(self).status, b"{}")

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, json.dumps({"access": "token"}).encode())

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told):
            """Nothing."""

    monkeypatch.setattr(crowd, "worker_memory", lambda pid, workers: 70.0)
    monkeypatch.setattr(crowd, "SAMPLE_SECONDS", 0.001)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(port=server.server_port, process=SimpleNamespace(pid=1)), Handler
    server.shutdown()
    server.server_close()


def test_the_readers_time_every_answer_for_as_long_as_the_work_takes(answering):
    server, _ = answering
    seen = watched(server, 2, lambda: threading.Event().wait(0.1) or 7)
    assert seen.done == 7
    assert seen.seconds >= 0.1
    assert len(seen.reads) > crowd.READERS
    assert all(time > 0 for time in seen.reads)
    assert set(seen.memory) == {70.0}


def test_a_reader_who_is_refused_spoils_the_run(answering):
    server, handler = answering
    handler.status = 429
    with pytest.raises(Failed, match="429"):
        watched(server, 2, lambda: 1)


def test_the_share_of_the_hasher_is_that_of_the_same_round():
    lines = crowd.share([50.0, 100.0, 20.0], [45.0, 80.0, 19.0], 100).splitlines()
    assert lines[2:] == [
        "| the hasher alone, in a bare loop on each core | 50.0 |  |",
        "| 100 parallel sign-ins, nothing else | 45.0 | 0.90 |",
    ]


def test_the_bare_loop_verifies_with_the_costs_of_the_server_on_every_core(monkeypatch):
    verified, costs = set(), []
    monkeypatch.setattr(crowd, "hash_secret", lambda password, salt, *told: costs.append(told) or b"stored")
    monkeypatch.setattr(
        crowd, "verify_secret", lambda *told: verified.add((threading.get_ident(), *told)) or time.sleep(0.001)
    )
    assert crowd.hashes(0.05) > 1
    assert costs == [(2, 19456, 1, 32, Type.ID)]
    assert {told[1:] for told in verified} == {(b"stored", crowd.PASSWORD.encode(), Type.ID)}
    assert len({thread for thread, *_ in verified}) == len(os.sched_getaffinity(0))
