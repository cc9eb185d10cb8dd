"""How passwords are kept, and the hashes of other systems (DESIGN 2, "Passwords")."""

import hashlib
import string

import argon2
import bcrypt
import pytest
from django.contrib.auth.hashers import identify_hasher
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
