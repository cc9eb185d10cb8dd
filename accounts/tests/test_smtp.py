"""Mails over a real wire: SMTP to a server of this machine (RFC 5321)."""

import socketserver
import threading
from email import message_from_bytes, policy

import pytest

from accounts.models import Mail
from accounts.services import delivery, mails
from accounts.services.delivery import Outcome
from accounts.tests.factories import UserFactory

State = Mail.State


class _Session(socketserver.StreamRequestHandler):
    """One connection; says what the test wants to each command."""

    def handle(self):
        if self.server.silent:
            self.server.over.wait(30)
            return
        self.server.connections += 1
        self.say("220 ready")
        for line in self.rfile:
            verb = line[:4].strip().upper().decode()
            if verb == "DATA":
                self.say("354 go on")
                self.take()
            elif verb == "QUIT":
                self.say("221 bye")
                return
            self.say(self.server.answers.get(verb, "250 fine"))
            if verb == "RCPT" and self.server.hangs_up:
                return

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def take(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        if "DATA" not in self.server.answers:
            self.server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails, self.answers, self.connections = [], {}, 0
        self.silent = self.hangs_up = False
        self.over = threading.Event()


@pytest.fixture
def server(settings):
    """A mail server that takes whatever comes."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with _Server() as listening:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.server_address
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield listening
        listening.over.set()
        listening.shutdown()


@pytest.fixture
def three(db):
    """Three mails that are due; the name of the first has what a wire could choke on."""
    users = [UserFactory(name="王小明 <b>\u200d🙂"), UserFactory(), UserFactory()]
    for user in users:
        mails.request_reset(email=user.email)
    return users


def states():
    return list(Mail.objects.order_by("id").values_list("state", flat=True))


def test_they_arrive_whole_over_one_connection(server, three):
    assert list(delivery.deliver()) == [Outcome.SENT] * 3
    assert server.connections == 1
    assert [mail["To"] for mail in server.mails] == [user.email for user in three]
    assert "Hello 王小明 <b>\u200d🙂," in server.mails[0].get_body(("plain",)).get_content()
    assert "Hello 王小明 &lt;b&gt;\u200d🙂," in server.mails[0].get_body(("html",)).get_content()
    assert states() == [State.SENT] * 3


def test_nobody_listens_and_later_somebody_does(server, three, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9  # discard; nobody there
    assert list(delivery.deliver()) == [Outcome.DELAYED]
    assert "Refused" in Mail.objects.order_by("id")[0].error
    settings.EMAIL_PORT = port
    assert list(delivery.deliver()) == [Outcome.SENT] * 2
    Mail.objects.filter(state=State.QUEUED).update(due_at="2026-01-01T00:00:00Z")
    assert list(delivery.deliver()) == [Outcome.SENT]
    assert len(server.mails) == 3


def test_a_server_that_says_nothing_is_not_waited_for_long(server, three, settings):
    server.silent, settings.EMAIL_TIMEOUT = True, 0.2
    assert list(delivery.deliver()) == [Outcome.DELAYED]
    assert Mail.objects.order_by("id")[0].error == "SMTPServerDisconnected"  # as smtplib calls a time that is up
    assert states() == [State.QUEUED] * 3


@pytest.mark.parametrize(
    ("verb", "answer", "told"),
    [
        ("RCPT", "550 <person@example.com> is unknown", "SMTPRecipientsRefused 550"),
        ("MAIL", "451 come back later", "SMTPSenderRefused 451"),
        ("DATA", "554 spam", "SMTPDataError 554"),
    ],
)
def test_what_it_refuses_is_kept_for_later(server, three, verb, answer, told):
    server.answers[verb] = answer
    assert list(delivery.deliver()) == [Outcome.DELAYED] * 3
    assert set(Mail.objects.values_list("error", "state", "attempts")) == {(told, State.QUEUED, 1)}
    assert server.mails == []


def test_a_server_that_hangs_up_in_the_middle_costs_each_mail_one_attempt(server, three):
    server.hangs_up = True
    assert list(delivery.deliver()) == [Outcome.DELAYED] * 3
    assert server.connections == 3  # after each a new one
    server.hangs_up = False
    Mail.objects.update(due_at="2026-01-01T00:00:00Z")
    assert list(delivery.deliver()) == [Outcome.SENT] * 3
