"""POST /auth/token/revoke (native contract 1)."""

import pytest

from accounts.tests.callers import DEAD_TOKEN, is_signed_in, tokens_of


def revoke(client, token):
    return client.post("/auth/token/revoke", {"refresh": token})


def test_a_revoked_sign_in_is_over(cast, call):
    tokens = tokens_of(cast.owner)

    answer = revoke(call(), tokens.refresh)

    assert (answer.status_code, answer.content) == (204, b"")
    assert not is_signed_in(call(), tokens.access)
    assert call().post("/auth/token/refresh", {"refresh": tokens.refresh}).json() == DEAD_TOKEN


def test_other_sign_ins_of_the_same_user_live_on(cast, call):
    ended, other = tokens_of(cast.owner), tokens_of(cast.owner)

    revoke(call(), ended.refresh)

    assert is_signed_in(call(), other.access)
    assert call().post("/auth/token/refresh", {"refresh": other.refresh}).status_code == 200


def test_tokens_of_before_a_refresh_end_too(cast, call):
    old = tokens_of(cast.owner)
    new = call().post("/auth/token/refresh", {"refresh": old.refresh}).json()

    assert revoke(call(), new["refresh"]).status_code == 204

    assert not is_signed_in(call(), old.access)
    assert not is_signed_in(call(), new["access"])


def test_a_rotated_token_ends_its_sign_in_as_any_re_use_does(cast, call):
    old = tokens_of(cast.owner)
    new = call().post("/auth/token/refresh", {"refresh": old.refresh}).json()

    revoke(call(), old.refresh)

    assert not is_signed_in(call(), new["access"])
    assert revoke(call(), new["refresh"]).json() == DEAD_TOKEN


def test_a_sign_in_is_revoked_once(cast, call):
    token = tokens_of(cast.owner).refresh
    revoke(call(), token)

    answer = revoke(call(), token)

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_access_token_revokes_nothing(cast, call):
    tokens = tokens_of(cast.owner)

    assert revoke(call(), tokens.access).json() == DEAD_TOKEN
    assert is_signed_in(call(), tokens.access)


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "x" * 5000])
def test_what_is_no_refresh_token_is_refused(cast, call, token):
    answer = revoke(call(), token)

    assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)


@pytest.mark.parametrize(("body", "message"), [({}, "can't be blank"), ({"refresh": 1}, "is invalid")])
def test_a_body_without_a_token_is_told_by_field(cast, call, body, message):
    answer = call().post("/auth/token/revoke", body)

    assert (answer.status_code, answer.json()) == (422, {"errors": {"refresh": [message]}})
