"""What operators type about API tokens: create_token, list_tokens, revoke_token."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.management.durations import duration_of
from accounts.models import ApiToken, Event
from accounts.services import api_tokens
from accounts.tests.callers import api_token_of, bearing
from accounts.tests.test_commands import run
from usermgmt.errors import InvalidToken

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def create(*arguments):
    """The token that is printed, and what is told beside it."""
    out, err = run("create_token", *arguments)
    assert out.count("\n") == 1
    return out.removesuffix("\n"), err


class TestCreateToken:
    def test_prints_the_token_alone_and_tells_the_rest_elsewhere(self, cast):
        text, told = create("--user", "OLGA@example.com")

        token = ApiToken.objects.get()
        assert api_tokens.user_of(text) == (cast.owner, token)
        assert told == (
            f"Token {token.pk} of olga@example.com, bound to no client, to read and write, without an end."
            f" It is shown only now; manage.py revoke_token {token.pk} ends it.\n"
        )
        assert (token.name, token.expires_at, token.read_only) == ("made with manage.py", None, False)
        assert bearing(text).get("/users/current").json()["id"] == cast.owner.pk

    def test_takes_everything_that_can_be_said(self, cast):
        with time_machine.travel(NOW, tick=False):
            _, told = create(
                "--user=ada@example.com", "--client=ACME", "--name=Nightly", "--expires=90d", "--read-only"
            )

        token = ApiToken.objects.get()
        assert (token.user, token.client, token.name, token.read_only) == (
            cast.administrator,
            cast.acme,
            "Nightly",
            True,
        )
        assert token.expires_at == NOW + timedelta(days=90)
        assert "bound to Acme, only to read, until 2030-04-02 03:04 UTC." in told

    def test_leaves_an_event_of_the_operator(self, cast):
        text, _ = create("--user=olga@example.com")

        event = Event.objects.get()
        assert (event.action, event.contract, event.actor_id) == ("api_token.created", "command", None)
        assert event.target_id == cast.owner.pk
        assert text[-43:] not in str(vars(event))

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--user=nobody@example.com"], r"There is no user nobody@example\.com\."),
            (["--user=dora@example.com"], r"User must be active\."),
            (["--user=olga@example.com", "--client=Nil"], r'no client named Nil; manage\.py create_client "Nil"'),
            (["--user=olga@example.com", "--client="], "There is no client named"),
            (["--user=olga@example.com", "--client=Globex"], "belongs to another client than Globex"),
            (["--user=olga@example.com", "--name="], r"Name can't be blank\."),
            (["--user=olga@example.com", "--name=a\nb"], r"Name is invalid\."),
            (["--user=olga@example.com", "--expires=soon"], "soon is no duration: .* such as 90d, 12h or 30m"),
            (["--user=olga@example.com", "--expires=0d"], "0d is no duration"),
            (["--user=olga@example.com", "--expires=-1d"], "-1d is no duration"),
            (["--user=olga@example.com", "--expires="], " is no duration"),
            (["--user=olga@example.com", "--expires=999999d"], r"Expires at is too far in the future\."),
            (["--user=olga@example.com", "--expires=999999999d"], "past every calendar"),
            ([], "--user"),
        ],
        ids=str,
    )
    def test_says_what_is_wrong_and_makes_nothing(self, cast, arguments, told):
        with pytest.raises(CommandError, match=told):
            create(*arguments)
        assert not ApiToken.objects.exists() and not Event.objects.exists()


@pytest.mark.parametrize(
    ("text", "span"),
    [("90d", timedelta(days=90)), ("12h", timedelta(hours=12)), ("30m", timedelta(minutes=30))],
)
def test_a_duration_is_a_number_and_its_unit(text, span):
    assert duration_of(text) == span


@pytest.mark.parametrize(
    "text", ["", "d", "90", "90 d", "90D", "1d12h", "1.5h", "٣d", "90d\n", "1e3d", "9" * 400 + "d"]
)
def test_nothing_else_is_one(text):
    with pytest.raises(CommandError, match="is no duration"):
        duration_of(text)


class TestRevokeToken:
    def test_ends_a_token_and_leaves_an_event_of_the_operator(self, cast):
        token, text = api_token_of(cast.owner)

        told, _ = run("revoke_token", str(token.pk))

        assert told == f"Token {token.pk} revoked.\n"
        with pytest.raises(InvalidToken):
            api_tokens.user_of(text)
        event = Event.objects.get()
        assert (event.action, event.contract, event.actor_id) == ("api_token.revoked", "command", None)

    def test_a_token_that_is_not_there_or_not_any_more_is_an_error_message(self, cast):
        token, _ = api_token_of(cast.owner, revoked_at=timezone.now())
        for number in (token.pk, 987654321):
            with pytest.raises(CommandError, match=f"There is no token {number}, or it is revoked already"):
                run("revoke_token", str(number))

    @pytest.mark.parametrize("number", ["0", "-1", "x", "um_0123456789abcdef_secret", "99999999999999999999"])
    def test_what_is_no_number_is_not_told_back(self, cast, number):
        with pytest.raises(CommandError, match="By its number, please") as refusal:
            run("revoke_token", "--", number)
        assert "secret" not in str(refusal.value)


class TestListTokens:
    def test_lists_the_newest_first_without_a_secret(self, cast):
        first, text = api_token_of(cast.owner, name="First", client=cast.acme, read_only=True)
        second, _ = api_token_of(cast.administrator, name="Second", revoked_at=timezone.now(), last_used_at=NOW)

        told, _ = run("list_tokens")

        head, *rows = [line.split("\t") for line in told.splitlines()]
        assert head[:3] == ["number", "begins with", "owner"]
        assert [row[0] for row in rows] == [str(second.pk), str(first.pk)]
        assert rows[0][1:6] == [f"um_{second.lookup}", "ada@example.com", "-", "write", "revoked"]
        assert rows[0][6:] == ["2030-01-02T03:04:05Z", "-", "Second"]
        assert rows[1][1:] == [text[:19], "olga@example.com", "Acme", "read", "alive", "-", "-", "First"]
        assert text[-43:] not in told and first.digest not in told

    def test_lists_those_of_one_user(self, cast):
        api_token_of(cast.owner, name="Mine")
        api_token_of(cast.stranger, name="Theirs")

        told, _ = run("list_tokens", user="olga@example.com")

        assert "Mine" in told and "Theirs" not in told
        with pytest.raises(CommandError, match="There is no user "):
            run("list_tokens", user="nobody@example.com")


class TestForgetExpired:
    def test_deletes_tokens_that_ended_long_ago(self, cast):
        api_token_of(cast.owner, revoked_at=NOW - timedelta(days=9999))
        api_token_of(cast.owner)

        told, _ = run("forget_expired")

        assert " 1 API tokens," in told
        assert ApiToken.objects.count() == 1


def test_a_wrong_call_ends_with_another_code_than_0_and_prints_no_trace():
    for arguments in (["create_token"], ["revoke_token", "x"]):
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in (1, 2)
        assert ended.stdout == ""
        assert not re.search("Traceback|um_", ended.stderr)
