"""How passwords are kept, and the hashes of other systems (DESIGN 2, "Passwords")."""

import hashlib
import string

import argon2
import bcrypt
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher, identify_hasher
from hypothesis import given
from hypothesis import strategies as st

from accounts import hashers, passwords
from accounts.models import User
from accounts.services import sign_ins, users
from accounts.tests.callers import caller, tokens_of
from accounts.tests.factories import UserFactory
from usermgmt.errors import InvalidCredentials

PASSWORD = "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ssword of old"
BCRYPT_ALPHABET = "./" + string.ascii_letters + string.digits


def rails(password: str, *, prefix: bytes = b"2a") -> str:
    """What `has_secure_password` stores."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, b"2a")).decode().replace("$2a$", f"${prefix.decode()}$")


def rocketchat(password: str) -> str:
    """What Meteor's accounts-password stores."""
    return bcrypt.hashpw(hashlib.sha256(password.encode()).hexdigest().encode(), bcrypt.gensalt(4, b"2b")).decode()


MADE_BY = {"rails": rails, "rocketchat": rocketchat}


# Argon2id


def test_the_costs_are_those_of_the_settings(settings):
    settings.ARGON2_MEMORY_KIB, settings.ARGON2_PASSES, settings.ARGON2_LANES = 256, 3, 2
    algorithm, _, rest = passwords.hashed("some password").partition("$")
    costs = argon2.extract_parameters(f"${rest}")
    assert algorithm == "argon2"
    assert costs.type is argon2.Type.ID
    assert (costs.memory_cost, costs.time_cost, costs.parallelism) == (256, 3, 2)


# Imported hashes


@pytest.mark.parametrize("source", MADE_BY)
@pytest.mark.parametrize("password", ["plain old", PASSWORD, " space ", "x" * 72, ""])
def test_an_imported_hash_verifies_its_password_and_no_other(source, password):
    stored = hashers.imported(source, MADE_BY[source](password))
    assert passwords.verified(password, stored)
    for other in (password + "x", password[:-1] + "?", password.upper() + "!"):
        assert not passwords.verified(other, stored)


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
def test_every_dialect_of_bcrypt_that_rails_has_written_verifies(prefix):
    stored = hashers.imported("rails", rails(PASSWORD, prefix=prefix))
    assert passwords.verified(PASSWORD, stored)
    assert not passwords.verified("another one", stored)


def test_the_hash_of_one_system_is_not_that_of_the_other():
    assert not passwords.verified(PASSWORD, hashers.imported("rocketchat", rails(PASSWORD)))
    assert not passwords.verified(PASSWORD, hashers.imported("rails", rocketchat(PASSWORD)))


def test_an_imported_hash_is_outdated_and_says_only_what_it_is():
    stored = hashers.imported("rails", rails(PASSWORD))
    assert passwords.outdated(stored)
    assert identify_hasher(stored).safe_summary(stored) == {"algorithm": "bcrypt_rails"}


@pytest.mark.parametrize(
    "password",
    ["x" * 73, "x" * 72 + "y", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 37, "x\0", "\0", "x" * 71 + "\0", "x" * 128],
)
def test_what_bcrypt_cannot_take_is_a_wrong_password_that_costs_as_much(monkeypatch, password):
    """bcrypt 5 raises on it, older ones cut it: the first 72 bytes would do."""
    worked = []
    original = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda secret, digest: worked.append(secret) or original(secret, digest))
    for cut in (password.encode()[:72].decode(errors="ignore").partition("\0")[0], ""):
        assert not passwords.verified(password, hashers.imported("rails", rails(cut)))
    assert len(worked) == 2


def test_rocketchats_digest_has_room_for_every_password():
    password = "x" * 128
    assert passwords.verified(password, hashers.imported("rocketchat", rocketchat(password)))


# At the next sign-in


@pytest.mark.parametrize("source", MADE_BY)
def test_a_sign_in_makes_it_argon2id_and_no_token_dies(db, source):
    user = UserFactory(password=hashers.imported(source, MADE_BY[source](PASSWORD)))
    before = tokens_of(user)
    signed_in, tokens = sign_ins.sign_in(email=user.email, password=PASSWORD)
    stored = User.objects.get(pk=user.pk)
    assert stored.password.startswith("argon2$argon2id$")
    assert signed_in.password == stored.password
    assert passwords.verified(PASSWORD, stored.password)
    assert (stored.token_version, stored.version) == (user.token_version, user.version)
    for token in (before.access, tokens.access):
        sign_ins.verify(token=token)
    sign_ins.sign_in(email=user.email, password=PASSWORD)
    assert User.objects.get(pk=user.pk).password == stored.password


def test_a_failed_sign_in_leaves_it(db):
    digest = hashers.imported("rails", rails(PASSWORD))
    user = UserFactory(password=digest)
    for password in ("wrong", "x" * 100, PASSWORD + "x" * 60, PASSWORD + "\N{BELL}"):
        with pytest.raises(InvalidCredentials):
            sign_ins.sign_in(email=user.email, password=password)
    assert User.objects.get(pk=user.pk).password == digest


def test_a_disabled_users_hash_is_left(db):
    digest = hashers.imported("rails", rails(PASSWORD))
    user = UserFactory(password=digest, is_active=False)
    with pytest.raises(InvalidCredentials):
        sign_ins.sign_in(email=user.email, password=PASSWORD)
    assert User.objects.get(pk=user.pk).password == digest


def test_a_password_that_changed_meanwhile_is_not_overwritten(db):
    user = UserFactory(password=hashers.imported("rails", rails(PASSWORD)))
    newer = passwords.hashed("newer password")
    User.objects.filter(pk=user.pk).update(password=newer)
    sign_ins._rehash(user, PASSWORD)
    assert User.objects.get(pk=user.pk).password == newer


def test_a_user_made_with_an_imported_hash_signs_in_through_the_api(db):
    made = users.create(
        actor=None,
        client_id=None,
        name="Ruby",
        email="ruby@example.com",
        password_hash=hashers.imported("rails", rails(PASSWORD)),
    )
    answer = caller().post("/auth/token", {"email": "ruby@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, made.pk)
    answer = caller().post("/auth/token", {"email": "ruby@example.com", "password": "x" * 90})
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid email or password."})


# What is taken on import

SOUND = "$2a$04$" + "a" * 21 + "u" + "b" * 31


@pytest.mark.parametrize("cost", ["04", "10", "12", "14"])
def test_a_bounded_cost_is_taken(cost):
    digest = SOUND.replace("$04$", f"${cost}$")
    assert hashers.imported("rails", digest) == f"bcrypt_rails${digest}"


@pytest.mark.parametrize("cost", ["15", "20", "31"])
def test_a_cost_that_would_stop_a_server_is_refused(cost):
    with pytest.raises(ValueError, match=f"bcrypt cost {cost} is above 14"):
        hashers.imported("rails", SOUND.replace("$04$", f"${cost}$"))


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "plain",
        "$2a$",
        SOUND[:-1],
        SOUND + "x",
        SOUND + "\n",
        " " + SOUND,
        SOUND.replace("$2a$", "$2$"),
        SOUND.replace("$2a$", "$2c$"),
        SOUND.replace("$04$", "$03$"),
        SOUND.replace("$04$", "$32$"),
        SOUND.replace("$04$", "$4$"),
        SOUND.replace("$04$", "$٠٤$"),
        SOUND.replace("b", "!"),
        SOUND.replace("b", "é"),
        SOUND.replace("u", "a"),  # a salt with bits that no salt has
        "$argon2id$v=19$m=64,t=1,p=1$YWJj$YWJj",
        "argon2" + SOUND,
    ],
)
def test_what_is_no_bcrypt_hash_is_refused(digest):
    with pytest.raises(ValueError, match="not a bcrypt hash"):
        hashers.imported("rails", digest)


@given(st.text(BCRYPT_ALPHABET, min_size=53, max_size=53))
def test_whatever_is_taken_is_verified_without_an_error(rest):
    try:
        stored = hashers.imported("rails", f"$2a$04${rest}")
    except ValueError:
        return
    assert not passwords.verified("some password", stored)


def test_an_unknown_source_is_refused_with_those_known():
    with pytest.raises(ValueError, match="unknown source of hashes 'myspace'; known: rails, rocketchat"):
        hashers.imported("myspace", SOUND)


# Any hash whose form tells what it is


def argon2_of(password: str, **costs) -> str:
    return argon2.PasswordHasher(**({"time_cost": 1, "memory_cost": 64, "parallelism": 2} | costs)).hash(password)


def pbkdf2_of(password: str, hasher=PBKDF2PasswordHasher, *, iterations: int = 10) -> str:
    return hasher().encode(password, "s.alt/1", iterations)


FOREIGN = {
    "bcrypt of Rails": (lambda: rails(PASSWORD), {}),
    "bcrypt of Rocket.Chat": (lambda: rocketchat(PASSWORD), {"source": "rocketchat"}),
    "Argon2id": (lambda: argon2_of(PASSWORD), {}),
    "Argon2i": (lambda: argon2_of(PASSWORD, type=argon2.Type.I), {}),
    "Argon2d": (lambda: argon2_of(PASSWORD, type=argon2.Type.D), {}),
    "Django's Argon2": (lambda: "argon2" + argon2_of(PASSWORD), {"source": "rocketchat"}),
    "Django's PBKDF2": (lambda: pbkdf2_of(PASSWORD), {}),
    "Django's PBKDF2 with SHA-1": (lambda: pbkdf2_of(PASSWORD, PBKDF2SHA1PasswordHasher), {}),
    "Django's bcrypt": (lambda: f"bcrypt${rails(PASSWORD)}", {"source": "rocketchat"}),
    "Django's bcrypt of a sha256": (lambda: f"bcrypt_sha256${rocketchat(PASSWORD)}", {}),
    "ours of Rails": (lambda: hashers.imported("rails", rails(PASSWORD)), {}),
    "ours of Rocket.Chat": (lambda: hashers.imported("rocketchat", rocketchat(PASSWORD)), {}),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_hash_that_is_recognised_signs_in_and_becomes_our_own(db, kind):
    made, options = FOREIGN[kind]
    user = UserFactory(password=hashers.recognised(made(), **options))
    assert passwords.outdated(user.password)
    assert 4 <= user.imported_cost <= 5  # all of them are cheap here, and all are evened out
    with pytest.raises(InvalidCredentials):
        sign_ins.sign_in(email=user.email, password="wrong")
    sign_ins.sign_in(email=user.email, password=PASSWORD)
    user = User.objects.get(pk=user.pk)
    assert (user.password.startswith("argon2$argon2id$"), user.imported_cost) == (True, None)
    sign_ins.sign_in(email=user.email, password=PASSWORD)


def test_a_hash_of_our_own_is_taken_as_it_is():
    stored = passwords.hashed(PASSWORD)
    assert hashers.recognised(stored) == stored
    assert hashers.imported_cost(stored) is None
    assert not passwords.outdated(stored)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "plain",
        "$",
        "$$$",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "scrypt$16384$salt$8$1$aGFzaA==",
        "sha1$salt$0123",
        "$1$salt$hash",
        "$6$rounds=5000$salt$hash",
        "$2a$15$" + SOUND[7:],
        "bcrypt_sha256$" + SOUND.replace("$04$", "$15$"),
        "bcrypt_rails$$2a$31$" + SOUND[7:],
        "$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=65536,t=17,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=64,t=999999999,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=65536,t=1,p=17$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 42 + "B",  # a stray bit
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 41,
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43 + "\n",
        "argon2$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
        "argon2$$2a$04$",
        "pbkdf2_sha256$2000001$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$-1$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1e3$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$salt$" + "A" * 43,
        "pbkdf2_sha256$1000$salt$" + "A" * 27 + "=",
        "pbkdf2_sha1$1000$salt$" + "A" * 43 + "=",
        "pbkdf2_sha512$1000$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$s\u00e4lt$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$" + "s" * 129 + "$" + "A" * 43 + "=",
        "\0",
        "x" * 1_000_000,
        "$argon2id$" + "9" * 1_000_000,
    ],
)
def test_what_is_unknown_malformed_or_too_costly_is_refused_and_not_told(digest):
    with pytest.raises(ValueError) as refusal:  # the texts differ
        hashers.recognised(digest)
    assert len(str(refusal.value)) < 80


@pytest.mark.parametrize(
    ("stored", "cost"),
    [
        ("pbkdf2_sha256$600000$salt$" + "A" * 43 + "=", 12),
        ("pbkdf2_sha256$1000$salt$" + "A" * 43 + "=", 4),
        ("pbkdf2_sha1$2000000$salt$" + "A" * 27 + "=", 14),
        ("argon2$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$" + "A" * 43, 12),
        ("argon2$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, None),  # the costs of the suite's settings
        ("argon2$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, 4),
        ("pbkdf2_sha256$x$salt$", None),
    ],
)
def test_the_cost_of_any_imported_hash_is_that_of_a_bcrypt_that_takes_about_as_long(stored, cost):
    assert hashers.imported_cost(stored) == cost
