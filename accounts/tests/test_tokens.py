"""What a token of ours is, and that no other text is one; the attacks are in `test_token_attacks`."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys
from accounts.tests.callers import tokens_of
from accounts.tests.forgery import encoded, ours, parts
from accounts.tokens import MAX_LENGTH, AccessToken, RefreshToken
from usermgmt.errors import InvalidToken

CLASSES = {"access": AccessToken, "refresh": RefreshToken}


def made(token_class=AccessToken) -> str:
    token = token_class()
    token.bind(user_id=1, sign_in_id=2, version=3)
    return str(token)


# What is accepted


@pytest.mark.parametrize("kind", CLASSES)
def test_a_token_of_ours_is_read(kind):
    token = CLASSES[kind].read(made(CLASSES[kind]))
    assert (token.user_id, token["sid"], token["ver"], token["token_type"]) == (1, 2, 3, kind)


def test_the_claims_are_those_of_the_contract_and_no_secret():
    header, payload = parts(made())
    assert header == {"alg": "HS256", "typ": "JWT", "kid": keys.keyring().signing.kid}
    assert payload.keys() == {"iss", "aud", "sub", "iat", "exp", "jti", "sid", "ver", "token_type"}
    assert (payload["iss"], payload["aud"], payload["sub"]) == ("usermgmt", "usermgmt", "1")
    assert payload["exp"] - payload["iat"] == 15 * 60


def test_refresh_tokens_live_14_days_and_both_lifetimes_are_settings(settings):
    assert parts(made(RefreshToken))[1]["exp"] - parts(made(RefreshToken))[1]["iat"] == 14 * 24 * 3600
    settings.JWT_ACCESS_LIFETIME, settings.JWT_REFRESH_LIFETIME = timedelta(seconds=5), timedelta(seconds=7)
    for token_class, seconds in ((AccessToken, 5), (RefreshToken, 7)):
        _, payload = parts(made(token_class))
        assert payload["exp"] - payload["iat"] == seconds


def test_no_two_tokens_have_one_jti():
    assert len({parts(made())[1]["jti"] for _ in range(50)}) == 50


def test_a_token_lives_to_its_last_second_and_no_longer():
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as clock:
        text = made()
        clock.shift(timedelta(minutes=15, seconds=-1))
        assert AccessToken.read(text).user_id == 1
        clock.shift(timedelta(seconds=1))
        with pytest.raises(InvalidToken):
            AccessToken.read(text)


# What is remembered


def test_the_signature_of_an_access_token_is_proved_once(monkeypatch):
    text, proved, decode = made(), [], jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *given, **named: proved.append(given[0]) or decode(*given, **named))
    assert [AccessToken.read(text).user_id for _ in range(3)] == [1, 1, 1]
    assert proved == [text]


def test_what_is_no_token_is_not_remembered_for_one():
    text = made()
    forged = text[:-4] + ("AAAA" if not text.endswith("AAAA") else "BBBB")
    for _ in range(2):
        with pytest.raises(InvalidToken):
            AccessToken.read(forged)


def test_what_one_reader_changes_no_other_sees():
    text = made()
    AccessToken.read(text).payload["sub"] = "7"
    assert AccessToken.read(text).user_id == 1


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_ISSUER", "JWT_AUDIENCE"])
def test_a_token_that_was_read_is_none_any_more_under_another_key_issuer_or_audience(settings, name):
    text = made()
    assert AccessToken.read(text).user_id == 1
    setattr(settings, name, "another one, long enough for a key of that kind, too")
    with pytest.raises(InvalidToken):
        AccessToken.read(text)


# Texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer",
        "null",
        "undefined",
        "é",
        "\N{GRINNING FACE}",
        "٣.٣.٣",
        "x" * 10_000,
        "%00",
    ],
)
def test_what_is_no_token_is_none(text):
    for token_class in CLASSES.values():
        with pytest.raises(InvalidToken):
            token_class.read(text)


@given(st.text())
def test_any_text_is_no_token(text):
    with pytest.raises(InvalidToken):
        AccessToken.read(text)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_any_three_parts_are_no_token(header, payload, signature):
    with pytest.raises(InvalidToken):
        AccessToken.read(f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}")


def test_a_token_as_long_as_ours_may_be_is_read():
    text = made()
    fits = ours(text, None, {"padding": "x" * 1500})
    assert len(fits) < MAX_LENGTH < len(ours(text, None, {"padding": "x" * 10_000}))
    assert AccessToken.read(fits).user_id == 1


# The header of the request


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_the_scheme_is_bearer_in_any_case(cast, call, header):
    caller = call()
    caller.credentials(HTTP_AUTHORIZATION=header.replace("{}", tokens_of(cast.owner).access))
    answer = caller.get("/users/current")
    assert (answer.status_code, answer.json()["id"]) == (200, cast.owner.pk)
