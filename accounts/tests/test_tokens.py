"""What is accepted as a token, and every attack that is not (native contract 1; RFC 7519, RFC 8725)."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys
from accounts.models import SignIn
from accounts.tests import pems
from accounts.tests.callers import tokens_of
from accounts.tokens import MAX_LENGTH, AccessToken, RefreshToken
from usermgmt.errors import InvalidToken

UNAUTHENTICATED = {"error": "You need to sign in or sign up before continuing."}
CLASSES = {"access": AccessToken, "refresh": RefreshToken}


def made(token_class=AccessToken) -> str:
    token = token_class()
    token.bind(user_id=1, sign_in_id=2, version=3)
    return str(token)


def encoded(part) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(text: str) -> tuple[dict, dict, str]:
    signature = text.rpartition(".")[2]
    return jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False}), signature


def signed(claims, header=None, *, key=None) -> str:
    """Any claims under any header, signed with our own key, as if the signer had gone mad."""
    ours = keys.keyring().signing
    message = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': ours.kid} | (header or {}))}.{encoded(claims)}"
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(message.encode(), ours.private if key is None else key)
    return f"{message}.{encoded(signature)}"


def claims(**changes):
    return parts(made())[1] | changes


def without(*names):
    return {name: value for name, value in claims().items() if name not in names}


@pytest.fixture
def rejected(db, call):
    """Asserts that nothing takes a text for a token: neither class, nor any door of the API."""

    def check(text):
        for token_class in CLASSES.values():
            with pytest.raises(InvalidToken):
                token_class.read(text)
        caller = call()
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        answer = caller.get("/users/current")
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
        assert answer["WWW-Authenticate"] == "Bearer"
        for path, key in (("refresh", "refresh"), ("revoke", "refresh"), ("verify", "token")):
            answer = call().post(f"/auth/token/{path}", {key: text})
            assert answer.status_code == (401 if text else 422)
            if text:
                assert answer.json() == {"error": "The token is invalid or has expired."}

    return check


# What is accepted


@pytest.mark.parametrize("kind", CLASSES)
def test_a_token_of_ours_is_read(kind):
    token = CLASSES[kind].read(made(CLASSES[kind]))
    assert (token.user_id, token["sid"], token["ver"], token["token_type"]) == (1, 2, 3, kind)


def test_the_claims_are_those_of_the_contract_and_no_secret():
    header, payload, _ = parts(made())
    assert header == {"alg": "HS256", "typ": "JWT", "kid": keys.keyring().signing.kid}
    assert payload.keys() == {"iss", "aud", "sub", "iat", "exp", "jti", "sid", "ver", "token_type"}
    assert (payload["iss"], payload["aud"], payload["sub"]) == ("usermgmt", "usermgmt", "1")
    assert payload["exp"] - payload["iat"] == 15 * 60


def test_refresh_tokens_live_14_days_and_both_lifetimes_are_settings(settings):
    assert parts(made(RefreshToken))[1]["exp"] - parts(made(RefreshToken))[1]["iat"] == 14 * 24 * 3600
    settings.JWT_ACCESS_LIFETIME, settings.JWT_REFRESH_LIFETIME = timedelta(seconds=5), timedelta(seconds=7)
    for token_class, seconds in ((AccessToken, 5), (RefreshToken, 7)):
        _, payload, _ = parts(made(token_class))
        assert payload["exp"] - payload["iat"] == seconds


def test_no_two_tokens_have_one_jti():
    assert len({parts(made())[1]["jti"] for _ in range(50)}) == 50


def test_a_token_lives_to_its_last_second_and_no_longer(rejected):
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as clock:
        text = made()
        clock.shift(timedelta(minutes=15, seconds=-1))
        assert AccessToken.read(text).user_id == 1
        clock.shift(timedelta(seconds=1))
        rejected(text)


def test_a_token_signed_by_hand_as_we_do_is_read():
    """So that each refusal below is for the one thing that it changes."""
    assert AccessToken.read(signed(claims())).user_id == 1


# Algorithms


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS1", "HS384", "HS512", "RS256", "hs256"])
def test_a_header_cannot_choose_the_algorithm(rejected, algorithm):
    rejected(signed(claims(), {"alg": algorithm}))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_none(rejected, algorithm, signature):
    kid = keys.keyring().signing.kid
    rejected(f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{encoded(claims())}.{signature}")


@pytest.mark.parametrize("header", [{"alg": None}, {"alg": 5}, {"alg": ["HS256"]}, {"alg": {"a": 1}}])
def test_an_algorithm_that_is_no_text_is_none(rejected, header):
    rejected(signed(claims(), header))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_no_shared_secret(rejected, settings, tmp_path, algorithm):
    """The confusion of RS256 with HS256: whoever knows the public key would sign (RFC 8725 2.1)."""
    path = tmp_path / "key.pem"
    path.write_bytes(pems.private(algorithm))
    settings.JWT_ALGORITHM, settings.JWT_KEY_FILES = algorithm, [str(path)]
    assert AccessToken.read(made()).user_id == 1
    payload = claims()
    ours = keys.keyring().signing
    for secret in (pems.public(algorithm), pems.public(algorithm).strip(), json.dumps(ours.jwk()).encode(), b""):
        for kid in (ours.kid, "", None):
            rejected(signed(payload, {"kid": kid}, key=secret))


def test_a_token_of_another_key_is_none(rejected):
    rejected(signed(claims(), key=b"x" * 32))
    rejected(signed(claims(), key=b""))


def test_the_secret_key_itself_signs_nothing(rejected, settings):
    rejected(signed(claims(), key=settings.SECRET_KEY.encode()))


# Headers


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "unknown",
        "../../../../dev/null",
        "/dev/null",
        "' OR 1=1 --",
        "x" * 2000,
        None,
        0,
        1.5,
        True,
        [],
        ["x"],
        {"x": 1},
    ],
)
def test_a_key_that_there_is_not_verifies_nothing(rejected, kid):
    rejected(signed(claims(), {"kid": kid}))
    rejected(signed(claims(), {"kid": kid}, key=b""))  # what /dev/null would hold


def test_a_token_without_a_key_name_is_none(rejected):
    message = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims())}"
    signature = jwt.get_algorithm_by_name("HS256").sign(message.encode(), keys.keyring().signing.private)
    rejected(f"{message}.{encoded(signature)}")


def test_a_key_that_comes_with_the_token_is_not_looked_at(rejected):
    secret = b"e" * 32
    jwk = {"kty": "oct", "k": encoded(secret), "alg": "HS256", "kid": "mine"}
    for header in (
        {"jwk": jwk, "kid": "mine"},
        {"jwk": jwk},
        {"jku": "https://evil.example/jwks.json", "kid": "mine"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
    ):
        rejected(signed(claims(), header, key=secret))
    # Nor does it harm where the signature is ours.
    assert AccessToken.read(signed(claims(), {"jku": "https://evil.example/", "jwk": jwk})).user_id == 1


@pytest.mark.parametrize("critical", [["exp"], ["unknown"], [], "b64", None, 5])
def test_an_extension_that_must_be_understood_and_is_not_ends_it(rejected, critical):
    """RFC 7515 4.1.11"""
    rejected(signed(claims(), {"crit": critical, "unknown": 1}))


def test_an_unencoded_payload_is_none(rejected):
    """RFC 7797"""
    rejected(signed(claims(), {"b64": False, "crit": ["b64"]}))


@pytest.mark.parametrize(
    "header", [b"[]", b"null", b"5", b'"x"', b"{", b"\xff", b"", b"[" * 2800, b'{"a":' * 550, b"9" * 2800]
)
def test_a_header_that_is_no_object_is_no_header(rejected, header):
    rejected(f"{encoded(header)}.{encoded(claims())}.AA")


# Signatures


def test_a_changed_or_missing_signature_verifies_nothing(rejected):
    text = made()
    message, _, signature = text.rpartition(".")
    for other in ("", "AA", signature[:-4], signature[::-1], signature + "AAAA", signature + "."):
        rejected(f"{message}.{other}")
    rejected(message)
    rejected(f"{message}.{signature}.{signature}")


def test_a_changed_payload_is_not_ours(rejected):
    header, _, signature = made().split(".")
    rejected(f"{header}.{encoded(claims(sub='2'))}.{signature}")


@pytest.mark.parametrize("payload", [b"[]", b"null", b"5", b"{", b"\xff", b"", b"[" * 2500, b'{"a":' * 500])
def test_a_payload_that_is_no_object_is_none(rejected, payload):
    rejected(signed(payload))


# Claims


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub", "jti", "sid", "ver", "token_type"])
def test_no_claim_may_be_missing_or_null(rejected, claim):
    rejected(signed(without(claim)))
    rejected(signed(claims(**{claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "elsewhere"},
        {"iss": ["usermgmt"]},
        {"iss": ""},
        {"aud": "elsewhere"},
        {"aud": ["usermgmt"]},
        {"aud": ["usermgmt", "elsewhere"]},
        {"aud": []},
        {"sub": 1},
        {"sub": ""},
        {"sub": "one"},
        {"sub": "-1"},
        {"sub": "0"},
        {"sub": "1.0"},
        {"sub": ["1"]},
        {"sub": {"a": 1}},
        {"sid": "2"},
        {"sid": [2]},
        {"sid": {"a": 1}},
        {"sid": 2.5},
        {"ver": "3"},
        {"ver": [3]},
        {"jti": 5},
        {"jti": ["x"]},
        {"exp": 0},
        {"exp": -1},
        {"exp": "soon"},
        {"exp": []},
        {"exp": 10**18},
        {"exp": 10**40},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 1e300},
        {"iat": "now"},
        {"iat": 10**40},
        {"iat": float("inf")},
        {"nbf": 10**10},
        {"nbf": "later"},
        {"nbf": float("inf")},
        {"token_type": "sliding"},
        {"token_type": ["access"]},
    ],
    ids=str,
)
def test_a_claim_of_another_value_or_type_ends_it(rejected, changes):
    rejected(signed(claims(**changes)))


def test_numbers_that_no_row_can_have_find_nobody(db, call):
    for changes in ({"sub": "9" * 30}, {"sid": 10**30}, {"ver": 10**30}, {"sid": -1}):
        caller = call()
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {signed(claims(**changes))}")
        answer = caller.get("/users/current")
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)


# Classes


def test_a_token_of_one_class_is_none_of_the_other(cast, call):
    tokens = tokens_of(cast.owner)
    with pytest.raises(InvalidToken):
        AccessToken.read(tokens.refresh)
    with pytest.raises(InvalidToken):
        RefreshToken.read(tokens.access)
    caller = call()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.refresh}")
    assert caller.get("/users/current").json() == UNAUTHENTICATED
    assert call().post("/auth/token/refresh", {"refresh": tokens.access}).status_code == 401
    assert call().post("/auth/token/revoke", {"refresh": tokens.access}).status_code == 401
    assert SignIn.objects.get(user=cast.owner).ended_at is None


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


def test_a_token_that_is_longer_than_ours_can_be_is_not_even_parsed(rejected, monkeypatch):
    long = signed(claims(padding="x" * 10_000))
    assert len(long) > 10_000
    rejected(long)
    fits = signed(claims(padding="x" * 1500))
    assert len(fits) < MAX_LENGTH
    assert AccessToken.read(fits).user_id == 1


# The header of the request


@pytest.fixture
def asked(cast, call):
    """`asked(header)` is the status of a call with that Authorization, {} in it standing for a live token."""
    token = tokens_of(cast.owner).access

    def ask(header):
        caller = call()
        caller.credentials(HTTP_AUTHORIZATION=header.replace("{}", token))
        answer = caller.get("/users/current")
        assert answer.json() == UNAUTHENTICATED or answer.json()["id"] == cast.owner.pk
        return answer.status_code

    return ask


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_the_scheme_is_bearer_in_any_case(asked, header):
    assert asked(header) == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "{}",
        "Token {}",
        "Basic {}",
        "JWT {}",
        "Bearer{}",
        "Bearer {} {}",
        "Bearer {}, Bearer {}",
        "Bearer {},{}",
        "Bearer x {}",
        "Bearer '{}'",
        "Bearer {}x",
        "Bearer \xe9{}",
        "\xe9 {}",
        "Bearer " + "x" * 10_000,
    ],
)
def test_anything_else_is_nobody(asked, header):
    assert asked(header) == 401
