"""POST /auth/token/verify (native contract 1)."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import SignIn
from accounts.tests.callers import DEAD_TOKEN, tokens_of


def verify(client, token):
    return client.post("/auth/token/verify", {"token": token})


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_live_token_of_either_kind_is_good(cast, call, kind):
    answer = verify(call(), getattr(tokens_of(cast.owner), kind))

    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(("kind", "life"), [("access", timedelta(minutes=15)), ("refresh", timedelta(days=14))])
def test_an_expired_token_is_not(cast, call, kind, life):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        token = getattr(tokens_of(cast.owner), kind)
        clock.shift(life - timedelta(seconds=1))
        assert verify(call(), token).status_code == 200
        clock.shift(timedelta(seconds=1))

        answer = verify(call(), token)

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_rotated_refresh_token_is_not_and_asking_ends_nothing(cast, call):
    old = tokens_of(cast.owner)
    new = call().post("/auth/token/refresh", {"refresh": old.refresh}).json()

    assert verify(call(), old.refresh).json() == DEAD_TOKEN
    assert verify(call(), old.access).json() == {}
    assert verify(call(), new["refresh"]).json() == {}
    assert SignIn.objects.filter(ended_at=None).count() == 1


def test_tokens_of_a_revoked_sign_in_are_not(cast, call):
    tokens = tokens_of(cast.owner)
    call().post("/auth/token/revoke", {"refresh": tokens.refresh})

    assert verify(call(), tokens.access).json() == DEAD_TOKEN
    assert verify(call(), tokens.refresh).json() == DEAD_TOKEN


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_not(cast, call, token):
    answer = verify(call(), token)

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)


@pytest.mark.parametrize(("body", "message"), [({}, "can't be blank"), ({"token": {}}, "is invalid")])
def test_a_body_without_a_token_is_told_by_field(cast, call, body, message):
    answer = call().post("/auth/token/verify", body)

    assert (answer.status_code, answer.json()) == (422, {"errors": {"token": [message]}})
