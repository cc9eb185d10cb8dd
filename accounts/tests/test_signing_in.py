"""POST /auth/token, and what opens the other calls (native contract 1)."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone

from accounts import passwords
from accounts.models import SignIn
from accounts.tests import pems
from accounts.tests.callers import UNAUTHENTICATED, claims_of, is_signed_in
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import stored

INVALID = {"error": "Invalid email or password."}


def sign_in(client, email="olga@example.com", password=PASSWORD):
    return client.post("/auth/token", {"email": email, "password": password})


def key_file(folder, name, pem):
    """The name of a new file that holds `pem`."""
    path = folder / name
    path.write_bytes(pem)
    return str(path)


def test_credentials_give_a_pair_of_tokens_and_the_user(cast, call):
    answer = sign_in(call())

    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["access", "refresh", "user"]
    assert body["user"] == {
        "id": cast.owner.pk,
        "name": "Olga Owner",
        "email": "olga@example.com",
        "client": {"id": cast.acme.pk, "name": "Acme"},
    }
    assert list(body["user"]) == ["id", "name", "email", "client"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert is_signed_in(call(), body["access"])


def test_an_administrator_signs_in_with_no_client(cast, call):
    assert sign_in(call(), "ada@example.com").json()["user"]["client"] is None


def test_a_sign_in_answers_with_what_is_included(cast, call):
    answer = call().post("/auth/token?include=role,active", {"email": "olga@example.com", "password": PASSWORD})

    assert list(answer.json()["user"]) == ["id", "name", "email", "client", "active", "role"]
    assert (answer.json()["user"]["active"], answer.json()["user"]["role"]) == (True, "user")


def test_a_sign_in_with_an_unknown_include_and_no_password_is_told_both(cast, call):
    answer = call().post("/auth/token?include=shoe_size", {"email": "olga@example.com"})

    assert answer.status_code == 422
    assert sorted(answer.json()["errors"]) == ["include", "password"]
    assert not SignIn.objects.exists()


def test_a_sign_in_is_remembered_as_the_last_one(cast, call):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        sign_in(call())

        assert stored(cast.owner)["last_login"] == timezone.now()


@pytest.mark.parametrize("email", ["OLGA@Example.COM", "  olga@example.com ", "Olga@EXAMPLE.com"])
def test_an_email_signs_in_in_whatever_spelling(cast, call, email):
    assert sign_in(call(), email).json()["user"]["email"] == "olga@example.com"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("olga@example.com", "wrong password"),
        ("olga@example.com", PASSWORD + " "),
        ("olga@example.com", PASSWORD.upper()),
        ("olga@example.com", "x" * 129),
        ("olga@example.com", "x" * 100_000),
        ("nobody@example.com", PASSWORD),
        ("dora@example.com", PASSWORD),
        ("dora@example.com", "wrong password"),
        ("no e-mail at all", PASSWORD),
        ("\u00df@\u2603.example", PASSWORD),
        ("x" * 10_000, PASSWORD),
        ("olga", PASSWORD),
    ],
)
def test_wrong_credentials_get_the_same_answer_whatever_is_wrong(cast, call, email, password):
    answer = sign_in(call(), email, password)

    assert (answer.status_code, answer.json()) == (401, INVALID)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not SignIn.objects.exists()


@pytest.mark.parametrize(
    "email", ["olga@example.com", "nobody@example.com", "dora@example.com", "no e-mail at all", "peter@example.com"]
)
def test_failed_sign_ins_hash_once_whatever_is_wrong(cast, call, email, monkeypatch):
    from argon2 import low_level

    cast.stranger.email = "peter@example.com"  # one without a password
    cast.stranger.password = passwords.hashed(None)
    cast.stranger.save()
    hashes = []
    for name in ("hash_secret", "verify_secret"):
        monkeypatch.setattr(low_level, name, counted(getattr(low_level, name), hashes))
    monkeypatch.setattr("argon2._password_hasher.verify_secret", low_level.verify_secret)

    answer = sign_in(call(), email, "wrong password")

    assert answer.json() == INVALID
    assert len(hashes) == 1


def counted(function, calls):
    def counting(*args, **options):
        calls.append(args)
        return function(*args, **options)

    return counting


def test_a_user_without_a_password_cannot_sign_in(cast, call):
    cast.owner.password = passwords.hashed(None)
    cast.owner.save()

    for password in ("", cast.owner.password, "!"):
        answer = sign_in(call(), password=password)
        assert answer.status_code == (401 if password else 422)


def test_the_stored_hash_is_no_password(cast, call):
    assert sign_in(call(), password=cast.owner.password).json() == INVALID


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"email": ["can't be blank"], "password": ["can't be blank"]}),
        ({"email": "", "password": None}, {"email": ["can't be blank"], "password": ["can't be blank"]}),
        ({"email": 1, "password": ["x"]}, {"email": ["is invalid"], "password": ["is invalid"]}),
        ({"email": {"$ne": None}, "password": True}, {"email": ["is invalid"], "password": ["is invalid"]}),
        ({"email": "olga@example.com"}, {"password": ["can't be blank"]}),
    ],
)
def test_credentials_that_are_none_are_told_by_field(cast, call, body, errors):
    answer = call().post("/auth/token", body)

    assert (answer.status_code, answer.json()) == (422, {"errors": errors})


def test_a_broken_authorization_header_does_not_keep_anyone_from_signing_in(cast, call):
    client = call()
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")

    assert sign_in(client).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(cast, call, scheme):
    client, access = call(), sign_in(call()).json()["access"]
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {access}")

    assert client.get("/users/current").json()["id"] == cast.owner.pk


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 10_000,
        "Basic b2xnYTpwYXNz",
        "Token {access}",
        "{access}",
        "Bearer {access} {access}",
        "Bearer {access}, Bearer {access}",
        "Bearer {refresh}",
    ],
)
def test_every_other_call_asks_for_a_live_access_token(cast, call, header):
    tokens, client = sign_in(call()).json(), call()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header.format(**tokens))

    answer = client.get("/users/current")

    assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_access_tokens_live_fifteen_minutes_and_refresh_tokens_fourteen_days(cast, call):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        tokens = sign_in(call()).json()
        lives = {
            name: claims_of(tokens[name])["exp"] - claims_of(tokens[name])["iat"] for name in ("access", "refresh")
        }
        assert lives == {"access": 15 * 60, "refresh": 14 * 24 * 3600}

        clock.shift(timedelta(minutes=14, seconds=59))
        assert is_signed_in(call(), tokens["access"])
        clock.shift(timedelta(seconds=1))
        assert not is_signed_in(call(), tokens["access"])
        clock.shift(timedelta(days=13, hours=23, minutes=44))
        fresh = call().post("/auth/token/refresh", {"refresh": tokens["refresh"]}).json()
        assert is_signed_in(call(), fresh["access"])
        clock.shift(timedelta(days=14))
        assert call().post("/auth/token/refresh", {"refresh": fresh["refresh"]}).status_code == 401


def test_both_lifetimes_are_settings(cast, call, settings):
    settings.JWT_ACCESS_LIFETIME, settings.JWT_REFRESH_LIFETIME = timedelta(seconds=60), timedelta(hours=2)

    tokens = sign_in(call()).json()

    lives = {name: claims_of(tokens[name])["exp"] - claims_of(tokens[name])["iat"] for name in ("access", "refresh")}
    assert lives == {"access": 60, "refresh": 7200}


def test_tokens_say_who_made_them_for_whom_and_when(cast, call):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        tokens = sign_in(call()).json()
        second = sign_in(call()).json()

        now = int(timezone.now().timestamp())
        for name, seconds in [("access", 900), ("refresh", 14 * 24 * 3600)]:
            claims = claims_of(tokens[name])
            assert claims["iss"] == "usermgmt"
            assert claims["aud"] == "usermgmt"
            assert claims["sub"] == str(cast.owner.pk)
            assert (claims["iat"], claims["exp"]) == (now, now + seconds)
        names = [claims_of(pair[name])["jti"] for pair in (tokens, second) for name in ("access", "refresh")]
        assert len(set(names)) == 4


def test_tokens_hold_nothing_about_the_person(cast, call):
    claims = claims_of(sign_in(call()).json()["access"])

    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "token_type", "sid", "ver"}


def test_the_algorithm_is_pinned_by_the_settings(cast, call):
    access = sign_in(call()).json()["access"]
    header = jwt.get_unverified_header(access)
    assert header["alg"] == "HS256"

    for algorithm, key in [("none", ""), ("HS384", "x" * 48), ("HS512", "x" * 64), ("HS256", "x" * 32)]:
        forged = jwt.encode(claims_of(access), key, algorithm=algorithm, headers={"kid": header["kid"]})
        assert not is_signed_in(call(), forged)


def test_a_shared_secret_is_never_published(cast, call):
    answer = call().get("/.well-known/jwks.json")

    assert (answer.status_code, answer.json()) == (200, {"keys": []})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_published_keys_verify_what_a_key_file_signs(cast, call, settings, tmp_path, algorithm):
    settings.JWT_ALGORITHM = algorithm
    settings.JWT_KEY_FILES = [key_file(tmp_path, "key.pem", pems.private(algorithm))]

    access = sign_in(call()).json()["access"]
    answer = call().get("/.well-known/jwks.json")

    header = jwt.get_unverified_header(access)
    assert header["alg"] == algorithm
    (published,) = answer.json()["keys"]
    assert (published["kid"], published["alg"], published["use"]) == (header["kid"], algorithm, "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(published)
    assert jwt.decode(access, jwt.PyJWK(published), algorithms=[algorithm], audience="usermgmt", issuer="usermgmt")[
        "sub"
    ] == str(cast.owner.pk)
    assert is_signed_in(call(), access)
    assert answer.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_old_keys_keep_verifying_after_a_rotation(cast, call, settings, tmp_path, algorithm):
    settings.JWT_ALGORITHM = algorithm
    settings.JWT_KEY_FILES = [key_file(tmp_path, "old.pem", pems.private(algorithm))]
    before = sign_in(call()).json()

    settings.JWT_KEY_FILES = [
        key_file(tmp_path, "new.pem", pems.private(algorithm, 1)),
        key_file(tmp_path, "old-public.pem", pems.public(algorithm)),
    ]
    after = sign_in(call()).json()

    names = [jwt.get_unverified_header(tokens["access"])["kid"] for tokens in (before, after)]
    assert names[0] != names[1]
    assert {key["kid"] for key in call().get("/.well-known/jwks.json").json()["keys"]} == set(names)
    assert is_signed_in(call(), before["access"])
    assert is_signed_in(call(), after["access"])
    refreshed = call().post("/auth/token/refresh", {"refresh": before["refresh"]}).json()
    assert jwt.get_unverified_header(refreshed["access"])["kid"] == names[1]


def test_a_key_that_was_taken_away_verifies_nothing_any_more(cast, call, settings, tmp_path):
    settings.JWT_ALGORITHM = "EdDSA"
    settings.JWT_KEY_FILES = [key_file(tmp_path, "old.pem", pems.private("EdDSA"))]
    access = sign_in(call()).json()["access"]

    settings.JWT_KEY_FILES = [key_file(tmp_path, "new.pem", pems.private("EdDSA", 1))]

    assert not is_signed_in(call(), access)


def test_tokens_outlive_a_rotation_of_the_secret_key_as_long_as_it_is_kept(cast, call, settings):
    access, old = sign_in(call()).json()["access"], settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [old]
    assert is_signed_in(call(), access)

    settings.SECRET_KEY_FALLBACKS = []
    assert not is_signed_in(call(), access)


def test_tokens_of_another_issuer_or_for_another_audience_are_refused(cast, call, settings):
    access = sign_in(call()).json()["access"]
    settings.JWT_ISSUER = "somebody-else"
    assert not is_signed_in(call(), access)

    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "usermgmt", "something-else"
    assert not is_signed_in(call(), access)


DEATHS = {
    "deactivation": lambda cast, call: call(cast.administrator).patch(f"/users/{cast.owner.pk}", {"active": False}),
    "deletion": lambda cast, call: call(cast.administrator).delete(f"/users/{cast.owner.pk}"),
    "a new password": lambda cast, call: call(cast.administrator).patch(
        f"/users/{cast.owner.pk}", {"password": "securepassword", "password_confirmation": "securepassword"}
    ),
    "one's own new password": lambda cast, call: call(cast.owner).patch(
        "/users/current", {"password": "securepassword", "password_confirmation": "securepassword"}
    ),
    "the same password again": lambda cast, call: call(cast.owner).patch(
        "/users/current", {"password": PASSWORD, "password_confirmation": PASSWORD}
    ),
    "a new e-mail": lambda cast, call: call(cast.owner).patch("/users/current", {"email": "new@example.com"}),
    "promotion": lambda cast, call: call(cast.administrator).patch(f"/users/{cast.owner.pk}", {"client_id": None}),
    "another client": lambda cast, call: call(cast.administrator).patch(
        f"/users/{cast.owner.pk}", {"client_id": cast.globex.pk}
    ),
    "signing out everywhere": lambda cast, call: call(cast.owner).post(f"/users/{cast.owner.pk}/sign_out"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_every_token_of_the_user_dies_at_once_by(cast, call, death):
    pairs, others = [sign_in(call()).json(), sign_in(call()).json()], sign_in(call(), "stan@example.com").json()

    assert DEATHS[death](cast, call).status_code in (200, 204)

    for tokens in pairs:
        assert not is_signed_in(call(), tokens["access"])
        for path, body in [
            ("refresh", {"refresh": tokens["refresh"]}),
            ("revoke", {"refresh": tokens["refresh"]}),
            ("verify", {"token": tokens["refresh"]}),
            ("verify", {"token": tokens["access"]}),
        ]:
            assert call().post(f"/auth/token/{path}", body).status_code == 401
    assert is_signed_in(call(), others["access"])


@pytest.mark.parametrize(
    "change", [{"name": "Renamed"}, {"email": "OLGA@example.com"}, {"password": ""}, {"active": True}, {}]
)
def test_no_token_dies_by_what_changes_neither_access_nor_identity(cast, call, change):
    tokens = sign_in(call()).json()

    assert call(cast.administrator).patch(f"/users/{cast.owner.pk}", change).status_code == 200

    assert is_signed_in(call(), tokens["access"])
    assert call().post("/auth/token/refresh", {"refresh": tokens["refresh"]}).status_code == 200


def test_a_user_who_is_activated_again_has_to_sign_in_again(cast, call):
    tokens = sign_in(call()).json()
    for active in (False, True):
        call(cast.administrator).patch(f"/users/{cast.owner.pk}", {"active": active})

    assert not is_signed_in(call(), tokens["access"])
    assert sign_in(call()).status_code == 200


def test_an_administrator_who_is_demoted_loses_every_token(cast, call):
    tokens = sign_in(call(), "sam@example.com").json()

    call(cast.administrator).patch(f"/users/{cast.spare.pk}", {"client_id": cast.acme.pk})

    assert not is_signed_in(call(), tokens["access"])


def test_a_new_password_signs_in_and_the_old_one_does_not(cast, call):
    call(cast.owner).patch("/users/current", {"password": "securepassword", "password_confirmation": "securepassword"})

    assert sign_in(call(), password=PASSWORD).json() == INVALID
    assert sign_in(call(), password="securepassword").status_code == 200


@pytest.mark.parametrize(
    "password", ["  spaces around  ", "пароль-сложный", "🔑🔑🔑🔑🔑🔑🔑🔑", "e\u0301" * 20, "x" * 127 + "Q"]
)
def test_a_password_is_taken_exactly_as_received(cast, call, password):
    answer = call(cast.owner).patch("/users/current", {"password": password, "password_confirmation": password})
    assert answer.status_code == 200

    assert sign_in(call(), password=password).status_code == 200
    assert sign_in(call(), password=password.strip() + "?").json() == INVALID
    assert sign_in(call(), password=password[:-1]).json() == INVALID
