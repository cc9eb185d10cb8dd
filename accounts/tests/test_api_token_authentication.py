"""API tokens on the native contract: who calls, and every way not to get in (native contract 1, DESIGN 2 "Tokens")."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import opaque_tokens
from accounts.models import ApiToken, Event
from accounts.services import api_tokens, users
from accounts.tests.callers import DEAD_TOKEN, UNAUTHENTICATED, api_token_of, bearing, caller, tokens_of
from accounts.tests.rows import everything, stored

LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)


def refused(answer):
    """The one answer to whoever is nobody."""
    return (answer.status_code, answer.json(), answer.headers.get("WWW-Authenticate")) == (
        401,
        UNAUTHENTICATED,
        "Bearer",
    )


@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_a_token_calls_as_its_owner(cast, by_token, who):
    user = getattr(cast, who)

    answer = by_token(user).get("/users/current")

    assert (answer.status_code, answer.json()["id"]) == (200, user.pk)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_read_without_regard_to_case(cast, scheme):
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme}   {api_token_of(cast.owner)[1]} ")

    assert client.get("/users/current").status_code == 200


def test_what_its_owner_may_not_it_may_not(cast, by_token):
    client = by_token(cast.owner)

    assert client.get("/users").status_code == 403
    assert client.get(f"/users/{cast.stranger.pk}").status_code == 403
    assert client.patch("/users/current", {"active": False}).status_code == 403


def test_what_its_owner_may_it_may(cast, by_token):
    client = by_token(cast.administrator)

    made = client.post("/clients", {"name": "New"})
    assert (made.status_code, made.json()["name"]) == (201, "New")
    assert client.get("/users").json()["meta"]["pagination"]["total_count"] == 6
    assert client.delete(f"/users/{cast.outsider.pk}").status_code == 204
    assert set(Event.objects.values_list("actor_id", flat=True)) == {cast.administrator.pk}


BROKEN = {
    "cut": lambda text: text[:-1],
    "longer": lambda text: text + "x",
    "another secret": lambda text: text[:20] + 43 * "a",
    "another public part": lambda text: opaque_tokens.made()[1][:20] + text[20:],
    "no secret": lambda text: text[:19],
    "upper case": lambda text: text.upper(),
    "only the prefix": lambda text: "um_",
    "NUL": lambda text: text + "\0",
    "NUL within": lambda text: text[:30] + "\0" + text[31:],
    "Latin letters": lambda text: text[:-1] + "\u00e9",
    "Unicode": lambda text: text[:-1] + "\u0663",
    "huge": lambda text: text + 100_000 * "x",
    "two, comma": lambda text: f"{text}, {text}",
    "two headers joined": lambda text: f"{text},Bearer {text}",
    "two, blank": lambda text: f"{text} {text}",
    "quoted": lambda text: f'"{text}"',
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(("method", "path"), [("get", "/users/current"), ("delete", "/users/1"), ("get", "/tokens")])
def test_whatever_is_not_a_live_token_gets_the_same_answer_and_changes_nothing(cast, how, method, path):
    token, text = api_token_of(cast.administrator)
    broken = BROKEN[how](text)
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {broken}".encode().decode("latin-1"))
    before = everything()

    answer = getattr(client, method)(path)

    assert refused(answer)
    assert everything() == before
    assert stored(token)["last_used_at"] is None


@pytest.mark.parametrize(
    "columns",
    [{"revoked_at": LONG_AGO}, {"version": 0}, {"kind": ApiToken.Kind.LOGIN}, {"expires_at": LONG_AGO}],
    ids=str,
)
def test_dead_ones_get_that_answer_too(cast, by_token, columns):
    assert refused(by_token(cast.owner, **columns).get("/users/current"))


def test_a_disabled_owner_has_no_token(cast, by_token):
    assert refused(by_token(cast.disabled).get("/users/current"))


def test_a_revocation_is_felt_by_the_next_request(cast):
    token, text = api_token_of(cast.owner)
    client = bearing(text)

    assert client.get("/users/current").status_code == 200
    api_tokens.revoke(actor=None, token_id=token.pk)
    assert refused(client.get("/users/current"))


def test_so_is_a_new_password_of_its_owner(cast):
    _, text = api_token_of(cast.owner)
    client = bearing(text)

    assert client.get("/users/current").status_code == 200
    users.update(actor=None, user_id=cast.owner.pk, password="a password nobody has")
    assert refused(client.get("/users/current"))


def test_so_is_its_end(cast):
    now = timezone.now()
    client = bearing(api_token_of(cast.owner, expires_at=now + timedelta(hours=1))[1])

    with time_machine.travel(now, tick=False) as clock:
        assert client.get("/users/current").status_code == 200
        clock.move_to(now + timedelta(hours=1))
        assert refused(client.get("/users/current"))


def test_a_token_that_signs_its_own_owner_out_is_dead_too(cast, by_token):
    client = by_token(cast.owner)

    assert client.post(f"/users/{cast.owner.pk}/sign_out").status_code == 204
    assert refused(client.get("/users/current"))


# Each class of token in the place of another


@pytest.mark.parametrize(("path", "key"), [("verify", "token"), ("refresh", "refresh"), ("revoke", "refresh")])
def test_the_calls_on_sign_ins_take_no_api_token(cast, path, key):
    _, text = api_token_of(cast.owner)

    answer = caller().post(f"/auth/token/{path}", {key: text})

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)
    assert bearing(text).get("/users/current").status_code == 200


def test_an_access_token_dressed_up_as_an_api_token_is_none(cast):
    assert refused(bearing(opaque_tokens.PREFIX + tokens_of(cast.owner).access).get("/users/current"))


def test_the_admin_site_takes_no_api_token(cast, client):
    _, text = api_token_of(cast.administrator)

    assert client.get("/admin/", headers={"Authorization": f"Bearer {text}"}).status_code == 302


# Its owner's credentials


@pytest.mark.parametrize("who", ["owner", "administrator"])
@pytest.mark.parametrize("place", [("put", "/users/current"), ("patch", "/users/current"), ("patch", "/users/{id}")])
@pytest.mark.parametrize(
    "change",
    [
        {"password": "securepassword", "password_confirmation": "securepassword"},
        {"password": "short"},
        {"password": 7},
        {"email": "mallory@example.com"},
        {"email": ""},
        {"email": 7},
    ],
    ids=str,
)
def test_no_token_changes_the_password_or_e_mail_of_its_owner(cast, by_token, who, place, change):
    user = getattr(cast, who)
    (verb, path), before = place, stored(user)

    answer = getattr(by_token(user), verb)(path.format(id=user.pk), {"name": "Renamed", **change})

    assert (answer.status_code, answer.json()) == (403, {"error": "You are not authorized to perform this action."})
    assert stored(user) == before


@pytest.mark.parametrize("same", [{}, {"password": ""}, {"password": None}, {"email": "olga@example.com"}], ids=str)
def test_it_changes_what_else_its_owner_may_and_sends_back_what_is_there(cast, by_token, same):
    answer = by_token(cast.owner).patch("/users/current", {"name": "Renamed", **same})

    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")


def test_an_administrators_token_sets_the_passwords_of_others(cast, by_token):
    answer = by_token(cast.administrator).patch(
        f"/users/{cast.owner.pk}", {"password": "securepassword", "password_confirmation": "securepassword"}
    )

    assert answer.status_code == 200


# Costs and logs


@pytest.mark.parametrize("path", ["/users/current", "/users?per_page=2", "/users?cursor=", "/clients"])
def test_a_call_by_api_token_takes_as_many_queries_as_one_by_access_token(cast, call, by_token, path):
    def asked(client):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return [query["sql"].split()[0] for query in captured.captured_queries]

    signed_in, program = call(cast.administrator), by_token(cast.administrator)
    expected = asked(signed_in)

    assert sorted(asked(program)) == sorted([*expected, "UPDATE"])  # the first of the minute
    assert asked(program) == expected


def test_no_log_tells_a_token(cast, caplog):
    _, text = api_token_of(cast.owner)
    caplog.set_level(logging.DEBUG)

    bearing(text).get("/users/current")
    bearing(text[:-1]).get("/users/current")
    bearing(text).post("/users", {"name": "x"})

    assert len(caplog.records) >= 3
    told = "\n".join(str(vars(record)) for record in caplog.records if record.name != "django.db.backends")
    assert text[-42:-1] not in told
