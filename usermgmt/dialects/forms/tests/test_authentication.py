"""`Authorization: Token token=...`: what is a token of a program, and what is not (contract 2, 6.3 and 7)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import api_tokens, users
from accounts.tests.callers import api_token_of, caller, tokens_of
from accounts.tests.rows import everything
from usermgmt.dialects.forms.tests.forms import EXAMPLE, asked, bearing, errors_of, shown

UNAUTHENTICATED = {"base": ["Invalid Authentication"]}
CHALLENGE = 'Token realm="Application"'

TAKEN = {
    "bare": "Token token={token}",
    "quoted": 'Token token="{token}"',
    "blanks around": 'Token   token = "{token}"  ',
    "pairs after": 'Token token="{token}", nonce="def", realm=x',
    "pairs before": 'Token nonce="def", realm=x, token={token}',
    "semicolons": 'Token token={token}; nonce="def"',
    "semicolons before": "Token nonce=def;token={token}",
    "an empty pair": "Token ,token={token},",
    "a pair that is none": "Token nonsense, token={token}",
    "small": "token token={token}",
    "capitals": "TOKEN token={token}",
    "two, of which the first is told": "Token token={token}, token=dead",
}
REFUSED = {
    "none": None,
    "empty": "",
    "blank": " ",
    "Bearer": "Bearer {token}",
    "Bearer with a pair": "Bearer token={token}",
    "Basic": "Basic token={token}",
    "the token alone": "{token}",
    "the pair alone": "token={token}",
    "raw": "Token {token}",
    "raw, quoted": 'Token "{token}"',
    "the scheme alone": "Token",
    "nothing after it": "Token token=",
    "empty quotes": 'Token token=""',
    "one quote": 'Token token="{token}',
    "other quotes": "Token token='{token}'",
    "another name": "Token access_token={token}",
    "a name in capitals": "Token TOKEN={token}",
    "a tab for a blank": "Token\ttoken={token}",
    "a blank in the token": "Token token={token} x",
    "two, of which the second is told": "Token token=dead, token={token}",
    "two without a comma": "Token token={token} token={token}",
    "cut": "Token token={token}x",
    "a NUL": "Token token={token}\0",
    "no ASCII": "Token token=\xff\xfe{token}",
    "a scheme that is no ASCII": "T\xf6ken token={token}",
    "other digits": "Token token=um_\xb2\xb3\xb9",
    "very long": "Token " + "token=," * 2000,
    "very blank": "Token token=" + " " * 8000 + "x y",
}


def calling(header):
    """A program that shows that header, as it is."""
    made = caller()
    if header is not None:
        made.credentials(HTTP_AUTHORIZATION=header)
    return made


def is_refused(client, user):
    """Each call is, before anything of it is looked at."""
    before = everything()
    for method, path in (
        ("POST", "/api/users"),
        ("POST", "/api/users.json"),
        ("GET", f"/api/users/{user.pk}"),
        ("PUT", "/api/users/abc"),
        ("DELETE", f"/api/users/{user.pk}.json"),
        ("POST", "/api/sessions"),
        ("DELETE", "/api/sessions"),
    ):
        answer = client.generic(method, path, data="{not JSON", content_type="application/json")
        assert errors_of(answer, 401) == UNAUTHENTICATED, (method, path)
        assert answer["WWW-Authenticate"] == CHALLENGE
    return everything() == before


@pytest.mark.parametrize("header", TAKEN.values(), ids=TAKEN)
def test_a_token_is_taken_however_its_pair_is_written(cast, header):
    text = api_token_of(cast.owner)[1]
    assert shown(calling(header.format(token=text)), cast.owner)["id"] == cast.owner.pk


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED)
def test_whatever_has_no_token_in_it_is_401_on_every_call(cast, header):
    text = api_token_of(cast.administrator)[1]
    assert is_refused(calling(None if header is None else header.format(token=text)), cast.owner)


def test_tokens_of_other_kinds_open_nothing(cast):
    login = api_token_of(cast.administrator, kind=ApiToken.Kind.LOGIN)[1]
    pair = tokens_of(cast.administrator)
    for text in (login, pair.access, pair.refresh):
        assert is_refused(bearing(text), cast.owner)


def test_tokens_that_are_over_open_nothing(cast):
    row, revoked = api_token_of(cast.administrator)
    api_tokens.revoke(actor=None, token_id=row.pk)
    expired = api_token_of(cast.administrator, expires_at=timezone.now() - timedelta(seconds=1))[1]
    inactive = api_token_of(cast.disabled)[1]
    ended = api_token_of(cast.spare)[1]
    users.update(actor=None, user_id=cast.spare.pk, password="another passphrase")
    for text in (revoked, expired, inactive, ended):
        assert is_refused(bearing(text), cast.owner)


def test_a_token_lives_up_to_its_end(cast):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        client = bearing(api_token_of(cast.owner, expires_at=timezone.now() + timedelta(hours=1))[1])
        clock.shift(timedelta(minutes=59, seconds=59))
        assert client.get(f"/api/users/{cast.owner.pk}").status_code == 200
        clock.shift(timedelta(seconds=1))
        assert errors_of(client.get(f"/api/users/{cast.owner.pk}"), 401) == UNAUTHENTICATED


def test_when_a_token_was_last_used_is_kept(cast):
    row, text = api_token_of(cast.administrator)
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        assert bearing(text).post("/api/users", asked(EXAMPLE)).status_code == 201
        row.refresh_from_db()
        assert row.last_used_at == timezone.now()


def test_a_token_in_the_path_the_query_or_the_body_is_none(cast):
    text = api_token_of(cast.administrator)[1]
    client = caller()
    assert errors_of(client.get(f"/api/users/{cast.owner.pk}?token={text}"), 401) == UNAUTHENTICATED
    assert errors_of(client.post("/api/users", {**asked(EXAMPLE), "token": text}), 401) == UNAUTHENTICATED
