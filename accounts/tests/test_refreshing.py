"""POST /auth/token/refresh (native contract 1)."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Event, SignIn
from accounts.tests.callers import DEAD_TOKEN, claims_of, is_signed_in, tokens_of


def refresh(client, token):
    return client.post("/auth/token/refresh", {"refresh": token})


def test_a_refresh_token_gives_a_new_pair(cast, call):
    old = tokens_of(cast.owner)

    answer = refresh(call(), old.refresh)

    assert answer.status_code == 200
    assert list(answer.json()) == ["access", "refresh"]
    assert not {old.access, old.refresh} & set(answer.json().values())
    assert claims_of(answer.json()["access"])["sub"] == str(cast.owner.pk)
    assert is_signed_in(call(), answer.json()["access"])
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_old_refresh_token_is_dead_and_the_new_one_alive(cast, call):
    old = tokens_of(cast.owner).refresh
    new = refresh(call(), old).json()["refresh"]

    assert refresh(call(), new).status_code == 200
    answer = refresh(call(), old)
    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_old_access_token_lives_on_until_it_expires(cast, call):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        old = tokens_of(cast.owner)
        refresh(call(), old.refresh)

        assert is_signed_in(call(), old.access)
        clock.shift(timedelta(minutes=15))
        assert not is_signed_in(call(), old.access)


def test_the_re_use_of_a_rotated_token_ends_every_token_of_its_family(cast, call):
    first = tokens_of(cast.owner)
    second = refresh(call(), first.refresh).json()
    third = refresh(call(), second["refresh"]).json()

    assert refresh(call(), first.refresh).json() == DEAD_TOKEN

    for access in (first.access, second["access"], third["access"]):
        assert not is_signed_in(call(), access)
    for token in (first.refresh, second["refresh"], third["refresh"]):
        assert refresh(call(), token).json() == DEAD_TOKEN
    assert Event.objects.filter(action="sign_in.token_reused", target_id=cast.owner.pk).count() == 1


def test_other_sign_ins_of_the_same_user_live_on_after_a_re_use(cast, call):
    copied, other = tokens_of(cast.owner), tokens_of(cast.owner)
    refresh(call(), copied.refresh)

    refresh(call(), copied.refresh)

    assert is_signed_in(call(), other.access)
    assert refresh(call(), other.refresh).status_code == 200


def test_only_the_name_of_a_refresh_token_is_stored(cast, call):
    token = refresh(call(), tokens_of(cast.owner).refresh).json()["refresh"]

    (kept,) = SignIn.objects.values()
    assert kept["jti"] == claims_of(token)["jti"]
    assert token not in str(kept)


def test_a_sign_in_in_use_lasts_and_one_at_rest_ends_after_fourteen_days(cast, call):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        token = tokens_of(cast.owner).refresh
        for _ in range(4):
            clock.shift(timedelta(days=13))
            token = refresh(call(), token).json()["refresh"]

        clock.shift(timedelta(days=14, seconds=-1))
        assert call().post("/auth/token/verify", {"token": token}).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert refresh(call(), token).json() == DEAD_TOKEN


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_refresh_token_is_refused(cast, call, token):
    answer = refresh(call(), token)

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)


def test_an_access_token_is_no_refresh_token(cast, call):
    tokens = tokens_of(cast.owner)

    assert refresh(call(), tokens.access).json() == DEAD_TOKEN
    assert refresh(call(), tokens.refresh).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [({}, "can't be blank"), ({"refresh": ""}, "can't be blank"), ({"refresh": None}, "can't be blank")]
    + [({"refresh": value}, "is invalid") for value in (1, True, [], {}, ["x"])],
)
def test_a_body_without_a_token_is_told_by_field(cast, call, body, message):
    answer = call().post("/auth/token/refresh", body)

    assert (answer.status_code, answer.json()) == (422, {"errors": {"refresh": [message]}})
