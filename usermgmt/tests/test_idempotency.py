"""Idempotency-Key: a POST of the native contract that is sent again is done once."""

import json
import threading
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Event, SignIn, User
from accounts.services import erasure, users
from accounts.tests.callers import caller, tokens_of
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything
from accounts.tests.test_races import administrators, at_once, repeated
from clients.models import Client
from usermgmt.errors import TooManyRequests
from usermgmt.http import idempotency
from usermgmt.models import StoredAnswer
from usermgmt.urls import NATIVE

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
NINA = {
    "name": "Nina",
    "email": "nina@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
}
IN_FLIGHT = {"error": "A request with this Idempotency-Key is being answered. Try again in a moment."}
REUSED = {"errors": {"Idempotency-Key": ["was sent with another request before"]}}


def post(client, path="/users", body=NINA, key=KEY):
    return client.post(path, body, headers={"Idempotency-Key": key})


def is_replay(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


@pytest.fixture
def client(cast):
    return caller(cast.administrator)


@pytest.fixture
def in_flight(cast, client, monkeypatch):
    """Sends the same again from within the first, and gives what that was answered."""
    answers = []
    original = users.create

    def create(**values):
        monkeypatch.setattr(users, "create", original)
        answers.append(post(client))
        return original(**values)

    monkeypatch.setattr(users, "create", create)
    return answers


# The same again


def test_a_retry_gets_the_first_answer_and_makes_nothing(client):
    first = post(client)
    before = everything()
    again = post(client)
    assert (first.status_code, is_replay(first)) == (201, False)
    assert (again.status_code, again.content) == (201, first.content)
    assert is_replay(again)
    for name in ("Content-Type", "Location", "ETag"):
        assert again[name] == first[name]
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert again["Cache-Control"] == "no-store"
    assert everything() == before
    assert User.objects.filter(email="nina@example.com").count() == 1


def test_without_a_key_nothing_is_kept(client):
    assert client.post("/users", NINA).status_code == 201
    assert client.post("/users", NINA).status_code == 422
    assert not StoredAnswer.objects.exists()


def test_a_refusal_of_values_is_an_answer_like_any_other(client):
    body = NINA | {"password": "short"}
    first = post(client, body=body)
    User.objects.filter(email="ada@example.com").update(name="Changed")
    again = post(client, body=body)
    assert first.status_code == again.status_code == 422
    assert again.json() == first.json()
    assert is_replay(again)


def test_an_empty_answer_is_kept_too(cast, client):
    owner = caller(cast.owner)
    first = post(client, f"/users/{cast.owner.pk}/sign_out", None)
    assert owner.get("/users/current").status_code == 401
    cast.owner.refresh_from_db()
    owner = caller(cast.owner)
    again = post(client, f"/users/{cast.owner.pk}/sign_out", None)
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert is_replay(again)
    assert owner.get("/users/current").status_code == 200  # not signed out a second time


def test_a_long_answer_is_kept_whole(client):
    sent = {"users": [NINA | {"name": "N" * 200, "email": f"nina{n}@example.com"} for n in range(300)]}
    first, again = post(client, "/users/bulk", sent), post(client, "/users/bulk", sent)
    assert len(first.content) > 50_000
    assert again.content == first.content
    assert is_replay(again)


PATHS = sorted(
    (str(pattern.pattern).replace("<str:id>", "{id}"), bool(pattern.callback.cls.authentication_classes))
    for pattern in NATIVE.urls
    if "post" in pattern.callback.actions
)


@pytest.mark.parametrize(("path", "closed"), PATHS)
def test_every_post_of_the_contract_takes_a_key(cast, client, path, closed):
    body = {
        "auth/token": {"email": "olga@example.com", "password": PASSWORD},
        "auth/token/verify": {"token": tokens_of(cast.owner).access},
        "users": NINA,
        "users/bulk": {"users": [NINA]},
        "clients": {"name": "New"},
    }.get(path, {"refresh": tokens_of(cast.owner).refresh})
    place = "/" + path.format(id=cast.owner.pk)
    first = post(client, place, body)
    again = post(client, place, body)
    assert first.status_code in (200, 201, 202, 204, 422)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert is_replay(again) is (closed or first.status_code < 300)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_take_no_notice(cast, client, method):
    for _ in range(2):
        answer = getattr(client, method)(
            f"/users/{cast.owner.pk}", {} if method != "delete" else None, headers={"Idempotency-Key": KEY}
        )
        assert not is_replay(answer)
    assert not StoredAnswer.objects.exists()


# Signing in, where nobody is known yet


def test_a_sign_in_that_is_sent_again_is_one_sign_in(cast, call):
    body = {"email": "olga@example.com", "password": PASSWORD}
    first, again = post(call(), "/auth/token", body), post(call(), "/auth/token", body)
    assert again.json() == first.json()
    assert SignIn.objects.count() == 1


def test_a_refresh_that_is_sent_again_is_no_stolen_token(cast, call):
    body = {"refresh": tokens_of(cast.owner).refresh}
    first, again = post(call(), "/auth/token/refresh", body), post(call(), "/auth/token/refresh", body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert call().post("/auth/token/refresh", {"refresh": first.json()["refresh"]}).status_code == 200


def test_strangers_are_not_in_each_others_way(cast, call):
    olga = post(call(), "/auth/token", {"email": "olga@example.com", "password": PASSWORD})
    stan = post(call(), "/auth/token", {"email": "stan@example.com", "password": PASSWORD})
    assert (olga.json()["user"]["name"], stan.json()["user"]["name"]) == ("Olga Owner", "Stan Stranger")


def test_a_failed_sign_in_is_tried_anew(cast, call):
    body = {"email": "olga@example.com", "password": "not yet the right one"}
    assert post(call(), "/auth/token", body).status_code == 401
    users.update(actor=None, user_id=cast.owner.pk, password=body["password"])
    assert post(call(), "/auth/token", body).status_code == 200


@pytest.mark.parametrize("body", [{}, {"email": 5, "password": []}])
def test_what_a_stranger_was_refused_is_not_kept(db, call, body):
    for _ in range(2):
        answer = post(call(), "/auth/token", body)
        assert (answer.status_code, is_replay(answer)) == (422, False)
    assert not StoredAnswer.objects.exists()


# Whose, where, what


def test_another_body_with_the_key_is_refused(client):
    post(client)
    for body in (NINA | {"name": "Nora"}, {}, None):
        answer = post(client, body=body)
        assert (answer.status_code, answer.json()) == (422, REUSED)
    assert post(client, "/users?include=role").json() == REUSED  # another request, too
    assert User.objects.filter(name__startswith="N").count() == 1


def test_keys_of_others_are_other_keys(cast, client):
    assert post(client).status_code == 201
    answer = post(caller(cast.spare))
    assert (answer.status_code, is_replay(answer)) == (422, False)
    assert answer.json() == {"errors": {"email": ["has already been taken"]}}


def test_a_key_on_another_route_is_another_key(cast, client):
    assert post(client, "/clients", {"name": "Nina"}).status_code == 201
    assert post(client).status_code == 201
    first, second = (post(client, f"/users/{user.pk}/sign_out", None) for user in (cast.owner, cast.stranger))
    assert not is_replay(first)
    assert not is_replay(second)


def test_a_token_of_one_client_gets_no_answer_of_a_wider_one(cast, client, monkeypatch):
    post(client)
    monkeypatch.setattr(User, "scope_id", cast.acme.pk)
    assert not is_replay(post(client))


def test_who_is_no_longer_allowed_gets_no_stored_answer(cast, client):
    post(client)
    users.sign_out(actor=None, user_id=cast.administrator.pk)
    answer = post(client)
    assert answer.status_code == 401
    users.update(actor=None, user_id=cast.administrator.pk, client_id=cast.acme.pk)
    cast.administrator.refresh_from_db()
    answer = post(caller(cast.administrator))
    assert (answer.status_code, is_replay(answer)) == (403, False)
    assert not is_replay(post(caller()))


def test_a_key_survives_a_new_token_of_the_same_caller(cast, client):
    first = post(client)
    assert post(caller(cast.administrator)).content == first.content


# What is not kept


def test_what_may_be_different_next_time_is_not_kept(cast, client):
    assert post(caller(cast.owner)).status_code == 403
    assert post(client, body={"name": "x" * 2**20}).status_code == 413
    assert not StoredAnswer.objects.exists()


def test_a_failure_of_ours_frees_the_key(client, monkeypatch):
    monkeypatch.setattr(users, "create", lambda **values: 1 / 0)
    assert post(client).status_code == 500
    monkeypatch.undo()
    assert post(client).status_code == 201


def test_a_crash_frees_the_key(client, monkeypatch):
    def killed(**values):
        raise SystemExit

    monkeypatch.setattr(users, "create", killed)
    with pytest.raises(SystemExit):
        post(client)
    assert not StoredAnswer.objects.exists()
    monkeypatch.undo()
    assert post(client).status_code == 201


def test_a_limit_that_is_used_up_is_not_an_answer(client, monkeypatch):
    def busy(**values):
        raise TooManyRequests(7)

    monkeypatch.setattr(users, "create", busy)
    assert post(client).status_code == 429
    monkeypatch.undo()
    assert post(client).status_code == 201


def test_what_a_call_rolls_back_leaves_its_answer_whole(client, monkeypatch):
    """The refusal is stored although the transaction of the call came to nothing."""
    monkeypatch.setattr("accounts.services.checks.taken", lambda sent, user: [])
    body = NINA | {"email": "olga@example.com"}
    first, again = post(client, body=body), post(client, body=body)
    assert (first.status_code, again.json(), is_replay(again)) == (422, first.json(), True)


def test_a_call_whose_answer_can_not_be_stored_is_answered(client, monkeypatch):
    def away(self, **values):
        raise DatabaseError

    original = QuerySet.update
    monkeypatch.setattr(
        QuerySet, "update", lambda self, **values: away(self) if "answer" in values else original(self, **values)
    )
    assert post(client).status_code == 201


# While the first is being answered


def test_a_retry_in_flight_is_told_to_wait(client, in_flight):
    assert post(client).status_code == 201
    (answer,) = in_flight
    assert (answer.status_code, answer.json(), answer["Retry-After"]) == (409, IN_FLIGHT, "1")
    assert is_replay(post(client))


def place(row, *, key=KEY, secret_key=None, at=None):
    """Where the row says that the answer lies, and what should open it."""
    secret = f"{key}\0{secret_key or settings.SECRET_KEY}".encode()
    return idempotency._Place(at or row.key, row.fingerprint, secret)


def left_behind(client):
    """A claim whose process died."""
    post(client)
    StoredAnswer.objects.update(answer=None)
    User.objects.filter(email="nina@example.com").delete()


def test_a_claim_whose_process_died_is_free_after_a_minute(client):
    left_behind(client)
    assert post(client).status_code == 409
    with time_machine.travel(timezone.now() + timedelta(seconds=55), tick=False):
        assert post(client).status_code == 409
    with time_machine.travel(timezone.now() + timedelta(seconds=65), tick=False):
        assert post(client).status_code == 201
        assert is_replay(post(client))


def test_a_call_that_takes_longer_keeps_its_claim(client, monkeypatch):
    """As long as its process lives, it says so."""
    left_behind(client)
    row = StoredAnswer.objects.get()
    held = idempotency.Claim(place(row), row)
    held._renewal.cancel()
    monkeypatch.setattr(idempotency.connections, "close_all", lambda: None)  # this thread's are the test's
    with time_machine.travel(timezone.now() + timedelta(seconds=50), tick=False):
        held._renew()
    held._renewal.cancel()
    with time_machine.travel(timezone.now() + timedelta(seconds=100), tick=False):
        assert post(client).status_code == 409
    held.give_up()
    assert post(client).status_code == 201


def test_a_claim_that_somebody_took_over_can_not_be_settled_by_who_held_it(client):
    left_behind(client)
    row = StoredAnswer.objects.get()
    late = idempotency.Claim(place(row), row)
    with time_machine.travel(timezone.now() + timedelta(seconds=65), tick=False):
        first = post(client)
        late.give_up()
        assert post(client).content == first.content


def test_no_timer_is_left_behind(client):
    before = threading.active_count()
    for n in range(5):
        post(client, key=f"key-{n}", body=NINA | {"email": f"nina{n}@example.com"})
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.join(5)
    assert threading.active_count() <= before


# A day later


def test_after_a_day_it_is_a_new_request(client):
    first = post(client)
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59), tick=False):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_of(User.objects.get(name='Ada Administrator')).access}")
        assert post(client).content == first.content
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=False):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_of(User.objects.get(name='Ada Administrator')).access}")
        answer = post(client, body=NINA | {"email": "nora@example.com"})
        assert (answer.status_code, is_replay(answer)) == (201, False)


def test_housekeeping_removes_what_is_past_and_nothing_else(client, capsys):
    post(client)
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    post(client, "/clients", {"name": "New"})
    call_command("forget_expired")
    assert StoredAnswer.objects.count() == 1
    assert "1 stored answers" in capsys.readouterr().out


# The header


@pytest.mark.parametrize(
    "key",
    ["a", "!", "a" * 255, '"quoted with blanks"', r'"a \"quoted\" word and \\"', '"' + "a" * 255 + '"', "a,b;c=d"],
)
def test_a_key_is_visible_ascii_or_a_string_of_rfc_8941(client, key):
    assert post(client, key=key).status_code == 201
    assert is_replay(post(client, key=key))


def test_quoted_or_bare_it_is_the_same_key(client):
    first = post(client, key="abc")
    assert post(client, key='"abc"').content == first.content


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "é", "a\x7f", "\x01", "a" * 256, '"', '""', '"open', '"a"b', '"' + "a" * 256 + '"', '"\\x"']
)
def test_what_is_no_key_is_refused(client, key):
    answer = post(client, key=key)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Idempotency-Key: 1 to 255 visible ASCII characters, please."},
    )
    assert not User.objects.filter(email="nina@example.com").exists()


def test_who_may_not_call_is_told_so_before_the_key_is_looked_at(cast):
    assert post(caller(), key="").status_code == 401
    assert post(caller(cast.owner), key="").status_code == 403


@pytest.mark.parametrize("length", ["abc", "-1", "٣", "9" * 5000])
def test_a_length_that_is_none_is_no_server_error(client, length):
    answer = client.post("/users", NINA, headers={"Idempotency-Key": KEY}, CONTENT_LENGTH=length)
    assert answer.status_code in (400, 413)


# What lies in the database


def test_the_database_alone_opens_nothing(cast, call):
    body = {"email": "olga@example.com", "password": PASSWORD}
    answer = post(call(), "/auth/token", body)
    row = StoredAnswer.objects.get()
    columns = " ".join(str(value) for value in (row.key, row.fingerprint, row.owner)).encode() + bytes(row.answer)
    for secret in (KEY, PASSWORD, "olga@example.com", answer.json()["access"], answer.json()["refresh"], "access"):
        assert secret.encode() not in columns
    assert answer.content in idempotency._open(bytes(row.answer), place(row))
    for other in (
        place(row, key="guessed"),
        place(row, secret_key="another secret key that is long enough"),
        place(row, at="0" * 64),
    ):
        with pytest.raises(InvalidTag):
            idempotency._open(bytes(row.answer), other)


def test_answers_stay_good_while_a_new_secret_key_signs(cast, client, settings):
    first = post(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new secret key that is long enough for everything"
    again = post(caller(cast.administrator))
    assert (again.status_code, again.content, is_replay(again)) == (201, first.content, True)
    assert post(caller(cast.administrator), body={}).json() == REUSED
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(caller(cast.administrator)).status_code == 422  # a new request


def test_an_answer_can_not_be_moved_to_another_key(client):
    post(client)
    post(client, "/clients", {"name": "New"})
    one, other = StoredAnswer.objects.order_by("created_at")
    StoredAnswer.objects.filter(pk=other.pk).update(answer=one.answer)
    answer = post(client, "/clients", {"name": "New"})
    assert answer.status_code == 500
    assert "error" in answer.json()


def test_rows_say_whose_they_are_for_whoever_must_forget_somebody(cast, client):
    post(client)
    assert StoredAnswer.objects.get().actor_id == cast.administrator.pk


# At once


CROWD = 20


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @repeated()
    def test_of_twenty_equal_requests_one_is_done(self):
        StoredAnswer.objects.all().delete()
        ada, _ = administrators()
        clients = [caller(ada) for _ in range(CROWD)]
        answers = at_once(*(lambda client=client: post(client) for client in clients))
        counted = Counter(answer.status_code for answer in answers)
        assert counted[201] + counted[409] == CROWD
        assert counted[201] >= 1
        assert len([answer for answer in answers if answer.status_code == 201 and not is_replay(answer)]) == 1
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert all(answer.json() == IN_FLIGHT for answer in answers if answer.status_code == 409)
        assert User.objects.filter(email="nina@example.com").count() == 1
        assert Event.objects.filter(action="user.created").count() == 1
        assert is_replay(post(clients[0]))

    @repeated()
    def test_of_twenty_who_take_over_a_dead_claim_one_does(self):
        StoredAnswer.objects.all().delete()
        ada, _ = administrators()
        clients = [caller(ada) for _ in range(CROWD)]
        post(clients[0], "/clients", {"name": "New"})
        Client.objects.all().delete()
        StoredAnswer.objects.update(answer=None, claimed_until=timezone.now() - timedelta(seconds=1))
        answers = at_once(*(lambda client=client: post(client, "/clients", {"name": "New"}) for client in clients))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert Client.objects.count() == 1
        assert Event.objects.filter(action="client.created").count() == 2

    @repeated()
    def test_of_twenty_other_bodies_with_one_key_one_is_done(self):
        StoredAnswer.objects.all().delete()
        ada, _ = administrators()
        clients = [caller(ada) for _ in range(CROWD)]
        answers = at_once(
            *(
                lambda n=n, client=client: post(client, "/clients", {"name": f"C{n}"})
                for n, client in enumerate(clients)
            )
        )
        counted = Counter(answer.status_code for answer in answers)
        assert counted == {201: 1, 422: CROWD - 1}
        assert all(json.loads(answer.content) == REUSED for answer in answers if answer.status_code == 422)
        assert Client.objects.count() == 1

    @repeated()
    def test_a_refresh_token_in_twenty_equal_requests_is_used_once(self):
        StoredAnswer.objects.all().delete()
        ada, _ = administrators()
        body = {"refresh": tokens_of(ada).refresh}
        answers = at_once(*(lambda: post(caller(), "/auth/token/refresh", body) for _ in range(CROWD)))
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
        assert SignIn.objects.get().ended_at is None


# Forgotten


def test_what_an_answer_said_of_an_erased_person_is_forgotten_and_not_done_again(cast, client):
    made = post(client).json()
    sign_in = {"email": NINA["email"], "password": NINA["password"]}
    assert post(caller(), "/auth/token", sign_in).status_code == 200

    erasure.erase(actor=None, user_id=made["id"])

    for again in (post(client), post(caller(), "/auth/token", sign_in)):
        assert again.status_code == 409
        assert again.json() == {"error": "This was done before, and its answer is no longer kept."}
        assert not is_replay(again)
    assert not User.objects.filter(email=NINA["email"]).exists()
    assert {bytes(row.answer) for row in StoredAnswer.objects.all()} == {b""}
    assert post(client, key="another").status_code == 201  # the address is free


def test_what_is_in_flight_at_an_erasure_is_answered(cast, client, monkeypatch):
    original = users.create

    def create(**values):
        erasure.erase(actor=None, user_id=cast.stranger.pk)
        return original(**values)

    monkeypatch.setattr(users, "create", create)

    first = post(client)

    assert (first.status_code, post(client).json()) == (201, first.json())
