"""Attacks on tokens, by each algorithm: all answer the 401 of the contract and change nothing (native contract 1 and 6;
RFC 7515, RFC 7519, RFC 8725)."""

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import socket
import time
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from accounts import keys
from accounts.models import SignIn
from accounts.tests import pems
from accounts.tests.callers import DEAD_TOKEN, UNAUTHENTICATED, caller, tokens_of
from accounts.tests.forgery import encoded, forged, ours, parts, stranger
from accounts.tests.rows import everything

ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"]
ASYMMETRIC = ALGORITHMS[1:]
BODIES = [("verify", "token"), ("refresh", "refresh"), ("revoke", "refresh")]  # by turns


@pytest.fixture(scope="module")
def key_files(tmp_path_factory):
    """A file of each kind, the same for all tests: a key of RSA is proved when it is read, which takes longer than a
    test may."""
    folder = tmp_path_factory.mktemp("keys")
    for kind in ASYMMETRIC:
        (folder / f"{kind}.pem").write_bytes(pems.private(kind))
    return {kind: str(folder / f"{kind}.pem") for kind in ASYMMETRIC}


@pytest.fixture(params=ALGORITHMS)
def algorithm(request, settings, key_files):
    """The algorithm that signs; a key of each other kind verifies, too."""
    settings.JWT_ALGORITHM = request.param
    settings.JWT_KEY_FILES = [key_files[kind] for kind in sorted(ASYMMETRIC, key=lambda kind: kind != request.param)]
    return request.param


@pytest.fixture
def victim(algorithm, cast):
    """The tokens of an administrator, who may do everything."""
    return tokens_of(cast.administrator)


@pytest.fixture
def refused(cast):
    """Asserts that a text opens no call, in whatever place of a token, and that nothing came of the try."""

    def check(*texts):
        def state():
            return everything(), list(SignIn.objects.order_by("pk").values())

        before = state()
        for number, text in enumerate(texts):
            answers = [caller().post(f"/auth/token/{path}", {name: text}) for path, name in BODIES[number % 3 :][:1]]
            wanted = [DEAD_TOKEN]
            if text.isascii() and text.isprintable():  # nothing else gets into a header
                client = caller()
                client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
                answers.append(client.patch("/users/current", {"name": "Mallory"}))
                wanted.append(UNAUTHENTICATED)
            for answer, body in zip(answers, wanted, strict=True):
                assert (answer.status_code, answer.json()) == (401, body), text
                assert answer["WWW-Authenticate"] == "Bearer"
        assert state() == before

    return check


def test_a_token_that_is_made_by_hand_as_we_make_them_is_taken(victim, algorithm):
    """So that each refusal below is for the one thing that is changed in it."""
    header, _ = parts(victim.access)
    assert header["alg"] == algorithm
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {ours(victim.access)}")
    assert client.get("/users/current").status_code == 200
    assert len(keys.keyring().known) == (4 if algorithm == "HS256" else 3)


# The algorithm


NONE = ["none", "None", "NONE", "nOnE", "NoNe", " none", "none ", "n\u043ene", ""]


def test_no_algorithm_is_no_algorithm_in_any_spelling(victim, refused):
    header, claims = parts(victim.access)
    signature = victim.access.rpartition(".")[2]
    for name in NONE:
        message = f"{encoded(header | {'alg': name})}.{encoded(claims)}"
        refused(f"{message}.", message, f"{message}.{signature}", f"{message}.AA", ours(victim.access, {"alg": name}))
        refused(f"{encoded({'alg': name, 'typ': 'JWT'})}.{encoded(claims)}.")


def test_the_header_does_not_choose_the_algorithm(victim, refused, algorithm):
    others = {*ALGORITHMS, "HS384", "HS512", "RS384", "RS512", "PS256", "ES384", "ES512", "ES256K", "dir", "A256KW"}
    refused(*(ours(victim.access, {"alg": name}) for name in sorted(others - {algorithm})))
    refused(*(ours(victim.access, {"alg": name}) for name in (algorithm.lower() + " ", None, 5, True, [algorithm], {})))
    header, claims = parts(victim.access)
    del header["alg"]
    refused(forged(header, claims, algorithm=algorithm, key=keys.keyring().signing.private))


def test_another_key_of_ours_verifies_by_its_own_algorithm_only(victim, refused, algorithm):
    """The name of one known key, the algorithm or the signature of another."""
    header, claims = parts(victim.access)
    present = keys.keyring()
    for other in present.known.values():
        if other.kid == present.signing.kid:
            continue
        refused(
            ours(victim.access, {"kid": other.kid}),
            ours(victim.access, {"kid": other.kid, "alg": other.algorithm}),
            forged(header, claims, algorithm=other.algorithm, key=other.private),
            forged(header | {"alg": other.algorithm}, claims, algorithm=other.algorithm, key=other.private),
            forged(header | {"kid": other.kid}, claims, algorithm=other.algorithm, key=other.private),
        )


@pytest.mark.parametrize("kind", ASYMMETRIC)
def test_a_public_key_is_no_shared_secret(victim, refused, kind):
    """RFC 8725 2.1: whoever knows the public key would sign with HS256."""
    pem = pems.public(kind)
    public = load_pem_public_key(pem)
    (key,) = [key for key in keys.keyring().known.values() if key.algorithm == kind]
    jwk = key.jwk() or {}
    _, claims = parts(victim.access)
    guesses = {
        pem, pem.strip(), pem.replace(b"\n", b"\r\n"), b"".join(pem.splitlines()[1:-1]),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk).encode(), json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps({"keys": [jwk]}).encode(), key.kid.encode(), b"",
        *(str(jwk[member]).encode() for member in ("n", "x", "y") if member in jwk),
    }  # fmt: skip
    for secret in guesses:
        for name in ("HS256", kind):
            message = f"{encoded({'alg': name, 'typ': 'JWT', 'kid': key.kid})}.{encoded(claims)}"
            refused(f"{message}.{encoded(hmac.new(secret, message.encode(), hashlib.sha256).digest())}")


# The name of the key


KIDS = [
    "", " ", "unknown", "../../../../../../dev/null", "/dev/null", "../../etc/passwd", "/proc/self/environ", "file:///dev/null",
    "C:\\windows\\win.ini", "key.pem", "key.pem\0.secret", "\0", "' OR '1'='1", "x' UNION SELECT 'k'; --",
    "| id", "$(id)", "`id`", "{{7*7}}", "http://127.0.0.1:1/keys", "\ud800", "\u202e", "x" * 2000,
    None, 0, -1, 1.5, True, [], ["x"], {}, {"x": 1},
]  # fmt: skip


def test_a_name_of_no_key_opens_nothing_whatever_it_looks_like(victim, refused, algorithm):
    header, claims = parts(victim.access)
    for kid in KIDS:
        refused(ours(victim.access, {"kid": kid}))
        # Signed by what such a name would lead to: an empty file, or a text of the attacker's.
        for secret in (b"", str(kid).encode("utf-8", "replace")):
            message = f"{encoded(header | {'kid': kid, 'alg': 'HS256'})}.{encoded(claims)}"
            refused(f"{message}.{encoded(hmac.new(secret, message.encode(), hashlib.sha256).digest())}")


def test_a_name_in_a_list_or_in_another_case_or_none_at_all_opens_nothing(victim, refused, algorithm):
    header, claims = parts(victim.access)
    kid = header.pop("kid")
    refused(forged(header, claims, algorithm=algorithm, key=keys.keyring().signing.private))
    refused(
        *(ours(victim.access, {"kid": other}) for other in ([kid], {"kid": kid}, kid.swapcase(), f" {kid}", kid[:-1]))
    )


# Keys that come along


def test_a_key_that_comes_with_the_token_is_neither_used_nor_fetched(victim, refused, algorithm, monkeypatch):
    def reached(*where, **how):
        pytest.fail(f"asked the network for {where}")

    monkeypatch.setattr(urllib.request, "urlopen", reached)
    monkeypatch.setattr(socket, "create_connection", reached)
    monkeypatch.setattr(socket, "getaddrinfo", reached)
    key = stranger(algorithm)
    jwk = {**jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True), "alg": algorithm, "kid": "mine"}
    header, claims = parts(victim.access)
    for extra in (
        {"jwk": jwk},
        {"jwk": {**jwk, "kid": header["kid"]}},
        {"jku": "http://127.0.0.1:1/jwks.json"},
        {"jku": "file:///etc/passwd"},
        {"x5u": "http://127.0.0.1:1/cert.pem"},
        {"x5c": [base64.b64encode(b"certificate").decode()]},
        {"x5t": "AAAA", "x5t#S256": "AAAA"},
        {"keys": [jwk]},
    ):
        for kid in (header["kid"], "mine"):
            refused(forged(header | extra | {"kid": kid}, claims, algorithm=algorithm, key=key))
        # Ignored where the signature is ours: who put it there is us.
        client = caller()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {ours(victim.access, extra)}")
        assert client.get("/users/current").status_code == 200


CRITICAL = [
        {"crit": ["unknown"], "unknown": 1}, {"crit": ["exp"]}, {"crit": ["exp"], "exp": 1}, {"crit": ["kid"]},
        {"crit": ["alg"]}, {"crit": []}, {"crit": "b64"}, {"crit": None}, {"crit": 5}, {"crit": {}}, {"crit": [5]},
        {"crit": ["b64", "unknown"], "b64": True}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": ["b64"]},
    ]  # fmt: skip


def test_what_must_be_understood_and_is_not_ends_it(victim, refused):
    """RFC 7515 4.1.11, RFC 7797"""
    refused(*(ours(victim.access, extra) for extra in CRITICAL))


# The signature, and what it signs


def test_a_signature_of_somebody_else_or_none_verifies_nothing(victim, refused, algorithm):
    header, claims = parts(victim.access)
    message, _, signature = victim.access.rpartition(".")
    refused(forged(header, claims, algorithm=algorithm, key=stranger(algorithm)))
    raw = base64.urlsafe_b64decode(signature + "==")
    others = [
        b"",
        b"\0",
        bytes(len(raw)),
        b"\xff" * len(raw),
        raw[:-1],
        raw[1:],
        raw + b"\0",
        bytes([raw[0] ^ 1]) + raw[1:],
    ]
    refused(*(f"{message}.{encoded(other)}" for other in others))
    refused(message, f"{message}.", f".{signature}", f"{message}.{signature}.{signature}", f"..{signature}")
    # ECDSA: zeros for both halves (CVE-2022-21449), and ASN.1 in the place of them.
    refused(f"{message}.{encoded(bytes(64))}", f"{message}.{encoded(bytes.fromhex('3006020100020100'))}")


def test_the_secret_key_itself_signs_nothing(victim, refused, settings):
    header, claims = parts(victim.access)
    refused(forged(header | {"alg": "HS256"}, claims, algorithm="HS256", key=settings.SECRET_KEY.encode()))


def test_one_tokens_signature_is_none_of_anothers_claims(victim, refused, cast):
    header, payload, signature = victim.access.split(".")
    _, claims = parts(victim.access)
    for changes in ({"sub": str(cast.spare.pk)}, {"exp": claims["exp"] + 9000}, {"ver": 2}, {"token_type": "refresh"}):
        refused(f"{header}.{encoded(claims | changes)}.{signature}")
    theirs = tokens_of(cast.owner).access.split(".")
    refused(f"{header}.{payload}.{theirs[2]}", f"{header}.{theirs[1]}.{signature}")
    refused(f"{encoded({**parts(victim.access)[0], 'typ': 'at+jwt'})}.{payload}.{signature}")


NO_OBJECTS = [b"", b"{}", b"[]", b"null", b"5", b'"x"', b"{", b"\xff", b"\0", b"[" * 2500, b'{"a":' * 500, b"9" * 2500]


def test_what_is_no_object_is_neither_header_nor_claims(victim, refused):
    for raw in NO_OBJECTS:
        refused(ours(victim.access, raw), ours(victim.access, None, raw))


def test_a_key_said_twice_helps_nobody(victim, refused, algorithm):
    header, claims = parts(victim.access)
    twice = json.dumps(header)[:-1].encode()
    for first, then in ((b'"alg":"none"', b""), (b"", b'"alg":"none"'), (b"", b'"kid":"x"')):
        raw = b"{" + first + (b"," if first else b"") + twice[1:] + (b"," if then else b"") + then + b"}"
        refused(forged(raw, claims, algorithm=algorithm, key=stranger(algorithm)), f"{encoded(raw)}.{encoded(claims)}.")
    raw = b'{"sub":"1",' + json.dumps(claims)[1:].encode()
    refused(forged(header, raw, algorithm=algorithm, key=stranger(algorithm)))


# Claims, signed by ourselves


CLAIMS: list[dict] = [
    *({"exp": value} for value in (0, -1, -(10**18), 10**18, 10**40, 1e300, float("inf"), float("nan"), "soon", "",
                                   "9999999999", [], [9999999999], {}, True, None, 9999999999.5)),
    *({"iat": value} for value in (10**10, 10**40, float("inf"), "now", [], {}, None, 1.5)),
    *({"nbf": value} for value in (10**10, 10**40, float("inf"), float("nan"), "later", [], {})),
    *({"iss": value} for value in ("", "elsewhere", "usermgmt ", "USERMGMT", ["usermgmt"], {}, None, 5)),
    *({"aud": value} for value in ("", "elsewhere", ["usermgmt"], ["usermgmt", "elsewhere"], [], {}, None, 5)),
    *({"sub": value} for value in (1, 1.0, "", "one", "-1", "0", "1.0", "1e0", ["1"], {"a": 1}, None, True, "9" * 30)),
    *({"sid": value} for value in ("1", 0, -1, 10**30, 1.0, [1], {}, None, True)),
    *({"ver": value} for value in ("1", 0, -1, 10**30, 1.0, [1], {}, None, 99, True)),
    *({"jti": value} for value in (5, ["x"], {}, None)),
    *({"token_type": value} for value in ("", "Access", "sliding", "api", ["access"], {}, None, 5)),
]  # fmt: skip


@pytest.mark.parametrize("name", sorted({name for changes in CLAIMS for name in changes}))
def test_a_claim_of_another_kind_ends_it_even_if_we_signed_it(victim, refused, name):
    refused(*(ours(victim.access, None, changes) for changes in CLAIMS if name in changes))


def test_no_claim_may_be_missing(victim, refused, algorithm):
    header, claims = parts(victim.access)
    for name in claims:
        others = {other: value for other, value in claims.items() if other != name}
        refused(forged(header, others, algorithm=algorithm, key=keys.keyring().signing.private))


def test_a_token_that_is_past_is_past(victim, refused):
    now = int(time.time())
    refused(ours(victim.access, None, {"exp": now - 1}), ours(victim.access, None, {"exp": now - 1, "iat": now - 2}))


# One thing in the place of another


def test_no_class_of_token_stands_for_another(victim, algorithm, cast):
    before = everything(), list(SignIn.objects.values())
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {victim.refresh}")
    answer = client.get("/users/current")
    assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
    for path in ("refresh", "revoke"):
        answer = caller().post(f"/auth/token/{path}", {"refresh": victim.access})
        assert (answer.status_code, answer.json()) == (401, DEAD_TOKEN)
    assert (everything(), list(SignIn.objects.values())) == before


OTHER_TOKENS = {
    "a one-time token": lambda: secrets.token_urlsafe(32),
    "one of hexadecimal digits": lambda: secrets.token_hex(32),
    "an API token": lambda: f"um_{secrets.token_hex(8)}_{secrets.token_urlsafe(32)}",
    "an API token with dots": lambda: f"um_{secrets.token_hex(8)}.{secrets.token_urlsafe(32)}.x",
    "a session": lambda: secrets.token_hex(16),
    "a digest": lambda: hashlib.sha256(b"x").hexdigest(),
}


def test_what_is_a_token_elsewhere_is_no_jwt(algorithm, refused):
    refused(*(make() for make in OTHER_TOKENS.values()))


# The text


def test_other_forms_of_the_same_token_are_none(victim, refused):
    """A JWE has five parts, a JWS in JSON none (RFC 7516 3, RFC 7515 7.2)."""
    header, payload, signature = victim.access.split(".")
    flattened = json.dumps({"protected": header, "payload": payload, "signature": signature})
    refused(
        f"{header}..{payload}.{signature}.AAAA",
        f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..AAAAAAAAAAAAAAAA.{payload}.{signature}",
        flattened,
        encoded(victim.access.encode()),
        ours(victim.access, {"cty": "JWT"}, victim.access.encode()),
        f'"{victim.access}"',
        f"'{victim.access}'",
        victim.access.replace(".", "%2E"),
        victim.access.swapcase(),
        victim.access[::-1],
    )


SKIPPED = [" ", "\t", "\n", "\r\n", "=", "!", "\u00a0", "\u200b", "+", "/", "\u0661"]


def test_nothing_is_skipped_within_a_token(victim, refused):
    """Readers of base64 skip what is no base64."""
    header, payload, signature = victim.access.split(".")
    for extra in SKIPPED:
        refused(
            f"{header[:5]}{extra}{header[5:]}.{payload}.{signature}",
            f"{header}.{payload}.{signature[:5]}{extra}{signature[5:]}",
            f"{header}.{payload}.{extra}{signature}",
            f"{header}{extra}.{payload}.{signature}",
        )


def test_a_long_text_is_not_even_parsed(victim, refused, monkeypatch):
    monkeypatch.setattr(jwt, "get_unverified_header", lambda text: pytest.fail("parsed"))
    refused("x" * 10_000, f"{'x' * 5_000}.{'y' * 5_000}.z", ours_padded(victim.access), "." * 10_000, "a." * 5_000)


def ours_padded(text):
    """A token of ours of 10 kB."""
    raw_header = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
    claims = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
    key = keys.keyring().signing
    return forged(raw_header, claims | {"padding": "x" * 10_000}, algorithm=key.algorithm, key=key.private)


# The request


HEADERS = [
        "Bearer {0} {0}", "Bearer {0},{0}", "Bearer {0}, {0}", "Bearer {0}, Bearer {0}", "Bearer {0};", "Bearer Bearer {0}",
        "Bearer: {0}", "Bearer={0}", "Bearer token={0}", "Token {0}", "JWT {0}", "Basic {0}", "{0}", "Bearer{0}", "",
        "Bearer", "Bearer ", "Bearer \u00e9{0}", "\u00e9 {0}", "Digest {0}, Bearer {0}", "Bearer x {0}", "Bearer '{0}'", "Bearer {0}x",
    ]  # fmt: skip


def test_one_token_after_bearer_and_nothing_else_is_a_credential(victim, cast):
    before = everything()
    for header in HEADERS:
        client = caller()
        client.credentials(HTTP_AUTHORIZATION=header.format(victim.access))
        answer = client.patch("/users/current", {"name": "Mallory"})
        assert (answer.status_code, answer.json(), answer["WWW-Authenticate"]) == (401, UNAUTHENTICATED, "Bearer")
    assert everything() == before


def test_a_token_anywhere_else_is_not_looked_at(victim, cast):
    """RFC 6750 2.2 and 2.3: neither in a body nor in an address, where logs keep it."""
    before = everything()
    text = victim.access
    cookies = caller()
    cookies.cookies["access"] = cookies.cookies["access_token"] = cookies.cookies["Authorization"] = text
    answers = [
        caller().get("/users/current", {"access_token": text, "token": text, "access": text}),
        caller().patch(f"/users/current?access_token={text}", {"name": "Mallory", "access_token": text, "token": text}),
        cookies.get("/users/current"),
        *(
            caller().get("/users/current", headers={name: value})
            for name in ("X-Authorization", "Proxy-Authorization", "X-Access-Token", "Authentication", "X-Auth-Token")
            for value in (text, f"Bearer {text}")
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_headers_are_no_credential(live_server, cast):
    access = tokens_of(cast.administrator).access

    def asked(*values):
        connection = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=20)
        connection.putrequest("GET", "/users/current")
        for value in values:
            connection.putheader("Authorization", value)
        connection.endheaders()
        answer = connection.getresponse()
        told = answer.status, json.loads(answer.read())
        connection.close()
        return told

    assert asked(f"Bearer {access}")[0] == 200
    for second in (f"Bearer {access}", "Bearer x", "Basic eDp5", ""):
        assert asked(f"Bearer {access}", second) in [(401, UNAUTHENTICATED)] + (
            [] if second else [(200, json.loads(caller(cast.administrator).get("/users/current").content))]
        )
        assert asked(second, f"Bearer {access}") in [(401, UNAUTHENTICATED)]


def test_what_is_refused_is_not_told_apart(victim, algorithm, cast):
    """No answer says why: not of a wrong key, not of a dead sign-in, not of a wrong class."""
    SignIn.objects.filter(user=cast.spare).delete()
    texts = [victim.refresh, ours(victim.access, {"kid": "x"}), ours(victim.access, None, {"exp": 1}), "x"]
    answers = []
    for text in texts:
        client = caller()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        answer = client.get("/users/current", headers={"X-Request-ID": "same"})
        answers.append((answer.status_code, answer.content, sorted(answer.headers.items())))
    assert len({str(answer) for answer in answers}) == 1
