"""Processes that take the batches of a file in turns do what one does."""

import gc
import os
import re
import signal
import sys
from multiprocessing import get_context

import pytest
from django.core.management import call_command
from django.db import DataError, OperationalError, connection, transaction

from accounts.management import processes, runs
from accounts.models import Event, User
from accounts.services import importing as service
from accounts.services.turns import Stage
from accounts.tests.factories import AdministratorFactory, UserFactory
from accounts.tests.imports import importing, lines, person
from accounts.tests.test_races import at_once
from clients.models import Client
from clients.tests.factories import ClientFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is one process"),
]

# What depends on the rows before, in the same batch and in others: addresses, user names and external ids twice, user
# names made of the same address, clients made on the way, and changes of whom a row before made.
ROWS = [
    person(1, external_id="x1"),
    person(2, client="New", password_hash="$2a$12$" + "a" * 21 + "u" + "b" * 31),
    person(1, name="Again"),
    person(3, email="same@one.example"),
    person(4, email="same@two.example", client="Newer"),
    person(5, external_id="x1", nickname="Five"),
    person(6, email="no address"),
    person(7, username="same"),
    person(8, username="P9", custom_fields={"a": [1, "Ż"]}),
    person(9, client="New"),
    person(10, email="OLGA@example.com", bio="\\N\tx"),
    person(11, roles=["nobody"]),
    person(12, client="Newer", password="long enough to keep", active=False),
    person(2, name="Two", client="New", given_name="T"),
    person(13, email="same@three.example", client="NEW"),
]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 2)


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.setattr(processes, "_is_shared", lambda: True)


def begin():
    """A directory with somebody in it."""
    call_command("flush", interactive=False, verbosity=0)
    AdministratorFactory(email="ada@example.com", name="Ada", username="ada")
    UserFactory(email="olga@example.com", name="Olga", username="olga", client=ClientFactory(name="Acme"))


def made(path, **options):
    """What a run makes, and tells, of the rows."""
    begin()
    done = importing(path, lines(*ROWS), create_clients=True, **options)
    users = list(User.objects.order_by("pk").values())
    clients = dict(Client.objects.values_list("pk", "name"))
    emails = {user["id"]: user["email"] for user in users}
    for user in users:
        user["client_id"] = clients.get(user["client_id"])
        for name in ("id", "created_at", "updated_at", "password"):
            del user[name]
        for column in ("username", "username_canonical", "search_text"):
            user[column] = re.sub("-[0-9a-f]{8}$", "-by-chance", user[column])
    events = [
        (event.action, event.contract, emails.get(event.target_id), list(event.changes))
        for event in Event.objects.order_by("pk")
    ]
    numbers = set(Event.objects.filter(contract="command").values_list("request_id", flat=True))
    said = done.said.replace(path.name, "FILE")
    return {
        "code": done.code, "said": said, "faults": done.faults, "users": users, "clients": sorted(clients.values()),
        "events": events, "runs": len(numbers),
    }  # fmt: skip


@pytest.mark.parametrize(
    "options", [{}, {"on_conflict": "skip"}, {"on_conflict": "update"}, {"on_conflict": "update", "dry_run": True}]
)
def test_they_make_what_one_makes(tmp_path, monkeypatch, small, options):
    results = []
    for is_shared in (False, True):
        monkeypatch.setattr(processes, "_is_shared", lambda is_shared=is_shared: is_shared)
        results.append(made(tmp_path / f"{is_shared:d}.jsonl", **options))
    alone, shared = results
    assert shared == alone
    assert (alone["code"], len(alone["users"]) > 5) == (1, "dry_run" not in options)


def test_what_one_of_them_raises_is_told_with_the_line_to_go_on_from(tmp_path, monkeypatch, small, shared):
    begin()
    with monkeypatch.context() as patch:
        insert, ours = service.bulk._insert_unseen, os.getpid()

        def failing(ready, actor, turn):
            assert os.getpid() != ours
            if any(item.draft.email == "p5@example.org" for item in ready.items):
                raise OperationalError("the disk is full")
            return insert(ready, actor, turn)

        patch.setattr(service.bulk, "_insert_unseen", failing)
        rows = [person(n) for n in range(1, 10)]
        stopped = importing(tmp_path / "a.jsonl", lines(*rows))
    words = "The database: the disk is full. All rows before line 5 are in. --resume"
    assert (stopped.code, words in stopped.said) == (2, True)
    assert User.objects.filter(email__endswith="@example.org").count() == 4
    done = importing(tmp_path / "a.jsonl", resume=True)
    assert (done.code, done.said) == (0, "9 created.\n")
    assert Event.objects.filter(action="user.created").count() == 9


def test_one_that_is_killed_stops_the_run(tmp_path, monkeypatch, small, shared):
    begin()
    with monkeypatch.context() as patch:
        take = service.take

        def dying(run, rows, **options):
            if rows[0].line == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return take(run, rows, **options)

        patch.setattr(service, "take", dying)
        stopped = importing(tmp_path / "a.jsonl", lines(*[person(n) for n in range(1, 10)]))
    assert (stopped.code, "processes has ended. All rows before line 3 are in." in stopped.said) == (2, True)
    assert importing(tmp_path / "a.jsonl", resume=True).said == "9 created.\n"


@pytest.fixture
def stoppable():
    """A process that a Ctrl-C ends, also where it was started in the background, by a shell that has it ignored."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


def test_a_stop_of_this_process_rolls_back_what_is_under_way(tmp_path, monkeypatch, small, shared, stoppable):
    """A Ctrl-C while a batch is written."""
    begin()
    with monkeypatch.context() as patch:
        wait = processes._Turn.wait

        def stopping(turn, stage):
            wait(turn, stage)
            if stage == Stage.IN and User.objects.filter(email="p3@example.org").exists():  # but not in yet
                os.kill(os.getppid(), signal.SIGINT)
                signal.pause()

        patch.setattr(processes._Turn, "wait", stopping)
        stopped = importing(tmp_path / "a.jsonl", lines(*[person(n) for n in range(1, 10)]))
    assert (stopped.code, "Stopped. All rows before line 3 are in." in stopped.said) == (2, True)
    assert User.objects.filter(email__endswith="@example.org").count() == 2
    assert importing(tmp_path / "a.jsonl", resume=True).said == "9 created.\n"


def test_a_process_that_is_told_to_end_does_so_without_a_word(tmp_path, monkeypatch, capfd, small, shared):
    begin()
    codes, end = [], processes._Worker.end

    def ending(worker, *, at_once):
        end(worker, at_once=at_once)
        codes.append(worker._process.exitcode)

    def told(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(service, "_place", told)
    monkeypatch.setattr(processes._Worker, "end", ending)
    stopped = importing(tmp_path / "a.jsonl", lines(*[person(n) for n in range(1, 10)]))
    assert (stopped.code, "processes has ended. All rows before line 1 are in." in stopped.said) == (2, True)
    assert codes[0] == 128 + signal.SIGTERM
    assert capfd.readouterr().err == ""
    assert not User.objects.filter(email__endswith="@example.org").exists()


def test_the_collector_of_garbage_is_left_as_it_was(tmp_path, small):
    begin()
    gc.freeze()
    frozen, enabled = gc.get_freeze_count(), gc.isenabled()
    try:
        importing(tmp_path / "a.jsonl", lines(person(1)))
        assert gc.isenabled() == enabled
        assert gc.get_freeze_count() > frozen / 2  # some are gone meanwhile
    finally:
        gc.unfreeze()


def written_ahead(monkeypatch, *, then):
    """Have the trail of the first batch wait until that of the second is written, and then do something."""
    written, record = get_context("fork").Event(), service.bulk.audit.record_all

    def recording(entries):
        addresses = {entry.changes.get("email", (None, None))[1] for entry in entries}
        if "p1@example.org" in addresses:
            assert written.wait(20)
            then()
        record(entries)
        if "p3@example.org" in addresses:
            written.set()

    monkeypatch.setattr(service.bulk.audit, "record_all", recording)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_batch_is_written_while_the_one_before_is_and_yet_stands_behind_it(tmp_path, monkeypatch, small, shared):
    begin()
    written_ahead(monkeypatch, then=lambda: None)
    rows = [person(n, client="New" if n == 3 else "Acme") for n in range(1, 6)]
    assert importing(tmp_path / "a.jsonl", lines(*rows), create_clients=True).said == "5 created.\n"
    made = Event.objects.filter(contract="command", action__endswith=".created").order_by("pk")
    names = ["p1@example.org", "p2@example.org", "New", *(f"p{n}@example.org" for n in (3, 4, 5))]
    assert [event.changes.get("email", event.changes["name"])[1] for event in made] == names
    users = [event.target_id for event in made if event.target_kind == "user"]
    assert users == sorted(users)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_where_the_trail_can_not_be_written_the_run_stops_without_those_behind(tmp_path, monkeypatch, small, shared):
    begin()

    def refused():
        raise DataError

    with monkeypatch.context() as patch:
        written_ahead(patch, then=refused)
        stopped = importing(tmp_path / "a.jsonl", lines(*[person(n) for n in range(1, 6)]))
    assert (stopped.code, "All rows before line 1 are in." in stopped.said) == (2, True)
    assert not User.objects.filter(email__endswith="@example.org").exists()
    assert importing(tmp_path / "a.jsonl", resume=True).said == "5 created.\n"


def test_a_single_batch_and_one_of_a_transaction_are_taken_by_one_process(tmp_path, monkeypatch):
    begin()
    with transaction.atomic():
        assert not processes._is_shared()

    def refused(run):
        raise AssertionError("another process")

    monkeypatch.setattr(processes, "_working", refused)
    assert importing(tmp_path / "a.jsonl", lines(*[person(n) for n in range(9)])).code == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has nothing to learn")
def test_a_table_that_somebody_holds_is_not_waited_for():
    """Who makes an index waits for the batch that is under way, and that one for the process that would wait here."""

    def learn():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        service.learn()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_user IN SHARE MODE")
        at_once(learn)


def test_rows_that_change_somebody_do_so_before_those_behind_are_written(tmp_path, monkeypatch, small, shared):
    """Else each would wait for the other: the change for a user name, and the user who has it for the change."""
    begin()
    passed, update, reach = get_context("fork").Event(), service.users.update, processes._Turn.reach

    def updating(**values):
        assert not passed.is_set()
        return update(**values)

    def reaching(turn, stage):
        passed.set()
        reach(turn, stage)

    monkeypatch.setattr(service.users, "update", updating)
    monkeypatch.setattr(processes._Turn, "reach", reaching)
    rows = [person(1), person(1, username="zed"), person(3, username="zed"), person(4)]
    done = importing(tmp_path / "a.jsonl", lines(*rows), on_conflict="update")
    assert (done.code, done.said) == (0, "2 created, 2 updated.\n")
    assert User.objects.get(username="zed").email == "p3@example.org"
