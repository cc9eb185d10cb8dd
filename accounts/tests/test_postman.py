"""The server sends mails by itself, beside its requests."""

import logging
import threading
from types import SimpleNamespace

import pytest
from django.core import mail
from django.db import OperationalError, connection

from accounts import postman
from accounts.models import Mail
from accounts.postman import Postman
from accounts.services import delivery, mails
from accounts.tests.factories import UserFactory
from usermgmt import server

SECONDS = 30  # for a thread to do what it must; whoever does not has died


@pytest.fixture
def at_work():
    """Postmen that go home after the test."""
    hired = []

    def hire(**options):
        hired.append(Postman(**options))
        hired[-1].start()
        return hired[-1]

    yield hire
    for one in hired:
        one.stop(SECONDS)
        assert not one.is_alive()


def arrives(count=1):
    """Whether so many mails arrive within a while."""
    came = threading.Event()
    for _ in range(SECONDS * 20):
        if len(mail.outbox) >= count:
            return True
        came.wait(0.05)
    return False


@pytest.mark.django_db(transaction=True)
def test_what_is_queued_goes_out_by_itself(at_work):
    user = UserFactory()
    at_work(pause=0.05)
    mails.request_reset(email=user.email)
    assert arrives()
    assert mail.outbox[0].to == [user.email]


@pytest.mark.django_db(transaction=True)
def test_several_send_each_mail_once(at_work):
    users = [UserFactory() for _ in range(5)]
    for _ in range(4):
        at_work(pause=0.02)
    for user in users:
        mails.request_reset(email=user.email)
    assert arrives(5)
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(user.email for user in users)


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_an_outage_of_the_database(at_work, monkeypatch, caplog):
    user, deliver, failed = UserFactory(), delivery.deliver, threading.Event()
    mails.request_reset(email=user.email)

    def away():
        if not failed.is_set():
            failed.set()
            raise OperationalError("could not connect as postgres@db:5432")
        yield from deliver()

    monkeypatch.setattr(delivery, "deliver", away)
    with caplog.at_level(logging.ERROR, "accounts.mails"):
        at_work(pause=0.02)
        assert arrives()
    assert caplog.messages == ["mails wait: database unavailable: OperationalError"]


@pytest.mark.django_db(transaction=True)
def test_one_mail_that_can_not_be_made_keeps_no_other_back(at_work, monkeypatch):
    from accounts import letters

    broken, sound = UserFactory(), UserFactory()
    for user in (broken, sound):
        mails.request_reset(email=user.email)
    write = letters.write
    monkeypatch.setattr(letters, "write", lambda row, user, token: 1 / 0 if user == broken else write(row, user, token))
    at_work(pause=0.02)
    assert arrives()
    assert mail.outbox[0].to == [sound.email]
    assert Mail.objects.get(user=broken).state == Mail.State.SENDING  # told of by send_mail


@pytest.mark.django_db(transaction=True)
def test_it_leaves_no_connection_open(monkeypatch):
    closed = []
    monkeypatch.setattr(postman.connections, "close_all", lambda: closed.append(True))
    Postman().look()
    assert closed == [True]
    assert connection.is_usable()


def test_it_never_holds_up_the_end_of_the_server(monkeypatch):
    busy, go_on = threading.Event(), threading.Event()

    def slow():
        busy.set()
        go_on.wait(SECONDS)
        yield from ()

    monkeypatch.setattr(delivery, "deliver", slow)
    one = Postman(pause=0.01)
    one.start()
    assert busy.wait(SECONDS)
    one.stop(patience=0.05)
    assert one.is_alive()  # at its mail still
    assert one.daemon  # so the process ends without it
    go_on.set()
    one.join(SECONDS)
    assert not one.is_alive()


def test_a_pause_ends_at_once(monkeypatch):
    monkeypatch.setattr(delivery, "deliver", lambda: iter(()))
    one = Postman(pause=3600)
    one.start()
    one.stop(SECONDS)
    assert not one.is_alive()


@pytest.mark.parametrize(
    ("in_server", "url", "works"), [(True, "smtp://mail", True), (False, "smtp://mail", False), (True, "", False)]
)
def test_a_worker_has_one_where_the_settings_want_it(settings, monkeypatch, in_server, url, works):
    settings.MAIL_IN_SERVER, settings.EMAIL_URL = in_server, url
    monkeypatch.setattr(postman, "PAUSE_SECONDS", 3600)
    monkeypatch.setattr(delivery, "deliver", lambda: iter(()))
    worker = SimpleNamespace()
    server.post_worker_init(worker)
    assert (worker.postman is not None) is works
    server.worker_exit(None, worker)
    assert not [thread for thread in threading.enumerate() if thread.name == "postman" and thread.is_alive()]


def test_a_worker_that_never_came_up_has_none_to_stop():
    server.worker_exit(None, SimpleNamespace())
