"""The keys that sign and verify, their names, their rotation, and what is published of them (native contract 1)."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from django.core.exceptions import ImproperlyConfigured
from jwt.utils import base64url_decode

from accounts import keys
from accounts.keys import material
from accounts.tests import pems
from accounts.tokens import AccessToken
from usermgmt.errors import InvalidToken

FILES = ["RS256", "ES256", "EdDSA"]
SECRET = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}  # RFC 7518 6.2.2, 6.3.2, 6.4.1


@pytest.fixture
def files(tmp_path, settings):
    """`files(algorithm, *pems)` makes these the key files, the first the one that signs."""

    def use(algorithm, *contents):
        settings.JWT_ALGORITHM = algorithm
        settings.JWT_KEY_FILES = []
        for content in contents:
            path = tmp_path / f"{abs(hash(content))}.pem"
            path.write_bytes(content)
            settings.JWT_KEY_FILES.append(str(path))

    return use


def token() -> str:
    made = AccessToken()
    made.bind(user_id=1, sign_in_id=2, version=3)
    return str(made)


def kid(text: str) -> str:
    return jwt.get_unverified_header(text)["kid"]


# A shared secret


def test_the_shared_key_is_256_bits_of_its_own_and_says_nothing_of_the_secret_key(settings):
    key = keys.keyring().signing
    assert (key.algorithm, len(key.private)) == ("HS256", 32)
    assert key.private != settings.SECRET_KEY.encode()[:32]
    assert settings.SECRET_KEY not in repr(keys.keyring())
    assert key.private.hex() not in repr(key) and repr(key.private) not in repr(key)


def test_tokens_outlive_a_rotated_secret_key_as_long_as_it_is_a_fallback(settings):
    old, before = settings.SECRET_KEY, token()
    settings.SECRET_KEY = "n" * 50
    with pytest.raises(InvalidToken):
        AccessToken.read(before)
    settings.SECRET_KEY_FALLBACKS = ["m" * 50, old]
    assert AccessToken.read(before).user_id == 1
    assert kid(token()) != kid(before)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        AccessToken.read(before)


def test_of_shared_keys_nothing_is_published(client, settings):
    settings.SECRET_KEY_FALLBACKS = ["m" * 50]
    answer = client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": []})


# Key files


@pytest.mark.parametrize("algorithm", FILES)
def test_tokens_are_signed_by_the_first_file_and_verified_by_every_one(files, algorithm):
    files(algorithm, pems.private(algorithm, 1))
    before = token()
    assert jwt.get_unverified_header(before)["alg"] == algorithm
    files(algorithm, pems.private(algorithm, 2), pems.public(algorithm, 1))
    after = token()
    assert kid(after) != kid(before)
    assert [AccessToken.read(text).user_id for text in (before, after)] == [1, 1]
    files(algorithm, pems.private(algorithm, 2))
    with pytest.raises(InvalidToken):
        AccessToken.read(before)


@pytest.mark.parametrize("algorithm", FILES)
def test_what_is_published_verifies_our_tokens_and_has_no_secret_member(files, client, algorithm):
    files(algorithm, pems.private(algorithm, 1), pems.public(algorithm, 2), pems.private(algorithm, 3))
    answer = client.get("/.well-known/jwks.json")
    published = {jwk["kid"]: jwk for jwk in answer.json()["keys"]}
    assert len(published) == 3
    assert all(not SECRET & jwk.keys() for jwk in published.values())
    assert all((jwk["alg"], jwk["use"]) == (algorithm, "sig") for jwk in published.values())
    text = token()
    claims = jwt.decode(text, jwt.PyJWK(published[kid(text)]), audience="usermgmt", issuer="usermgmt")
    assert claims["sub"] == "1"


def test_the_members_are_those_of_each_kind_and_no_other(files):
    expected = {
        "RS256": {"kty", "n", "e"},
        "ES256": {"kty", "crv", "x", "y"},
        "EdDSA": {"kty", "crv", "x"},
    }
    for algorithm, members in expected.items():
        files(algorithm, pems.private(algorithm))
        (jwk,) = keys.keyring().jwks()
        assert jwk.keys() == members | {"kid", "alg", "use"}


def test_a_key_has_one_name_whether_its_file_is_private_or_public(files):
    files("ES256", pems.private("ES256", 1), pems.public("ES256", 1))
    assert len(keys.keyring().known) == 1
    assert keys.keyring().known[keys.keyring().signing.kid].private is not None


# RFC 7638 3.1: the key and its thumbprint
RFC_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
        "KnqDKgw"
    ),
    "e": "AQAB",
}


def test_a_key_is_named_by_the_thumbprint_of_the_rfc():
    public = RSAPublicNumbers(
        *(int.from_bytes(base64url_decode(RFC_KEY[member]), "big") for member in ("e", "n"))
    ).public_key()
    jwk = material._jwk("RS256", public)
    assert jwk == RFC_KEY
    assert material._thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    ("algorithm", "contents", "said"),
    [
        ("ES256", [], "ES256 needs a key that signs"),
        ("ES256", [pems.public("ES256")], "the first a private key"),
        ("ES256", [pems.public("ES256", 1), pems.private("ES256")], "the first a private key"),
        ("RS256", [pems.private("ES256")], "RS256 needs a key that signs"),
        ("ES256", [pems.private("EdDSA")], "ES256 needs a key that signs"),
        ("EdDSA", [pems.private("ES256")], "EdDSA needs a key that signs"),
        ("RS256", [pems.private("RS256 weak")], "a key for none of"),
        ("ES256", [pems.private("ES256"), pems.public("RS256 weak")], "a key for none of"),
        ("ES256", [pems.private("ES256 other curve")], "a key for none of"),
        ("ES256", [pems.locked("ES256")], "JWT_KEY_FILES"),
        ("ES256", [b"garbage"], "JWT_KEY_FILES"),
    ],
)
def test_keys_that_cannot_serve_are_refused(files, algorithm, contents, said):
    files(algorithm, *contents)
    with pytest.raises(ImproperlyConfigured, match=said):
        keys.keyring()


def test_keys_in_the_environment_serve_as_files_do(settings):
    settings.JWT_ALGORITHM = "ES256"
    settings.JWT_KEYS = [pems.private("ES256", 2).decode(), pems.public("ES256", 1).decode()]
    assert kid(token()) == material.from_pem(pems.public("ES256", 2)).kid
    assert len(keys.keyring().known) == 2
    settings.JWT_KEYS = ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
    with pytest.raises(ImproperlyConfigured, match="JWT_KEYS: the text 1: ") as error:
        keys.keyring()
    assert "AAAA" not in str(error.value)


def test_each_key_is_used_by_the_algorithm_of_its_kind_so_that_a_switch_keeps_old_tokens_good(files):
    contents = [pems.private(algorithm, 1) for algorithm in FILES]
    made = []
    for algorithm in FILES:
        files(algorithm, *contents)
        made.append(token())
    assert [jwt.get_unverified_header(text)["alg"] for text in made] == FILES
    assert {AccessToken.read(text).user_id for text in made} == {1}


def test_beside_key_files_the_secret_key_verifies_nothing(files):
    before = token()
    files("EdDSA", pems.private("EdDSA"))
    with pytest.raises(InvalidToken):
        AccessToken.read(before)


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_short_secret_signs_and_verifies_nothing(settings, name):
    setattr(settings, name, "s" * 31 if name == "SECRET_KEY" else ["s" * 31])
    with pytest.raises(ImproperlyConfigured, match="fewer than 32 bytes"):
        keys.keyring()


def test_no_private_key_shows_in_a_text(files):
    files("EdDSA", pems.private("EdDSA"))
    assert "rivate" not in json.dumps(keys.keyring().jwks()) + repr(keys.keyring())


@pytest.mark.parametrize("name", ["", "unknown", None, 1, [], {}, ["x"], True])
def test_what_names_no_key_finds_none(name):
    with pytest.raises(KeyError):
        keys.keyring().named(name)
