"""The password policy, and verifying (DESIGN 2, "Passwords")."""

import time

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.core.exceptions import ValidationError

from accounts import hashers, passwords
from accounts.models import User
from accounts.passwords import Owner, Policy, PolicyValidator, check, hashed, operators, outdated, standard, verified
from usermgmt.errors import Fault

NOBODY = Owner()
ALEXANDRIA = Owner(
    name="Alexandria Lighthouse",
    given_name="Ptolemaia",
    middle_name="Sostratos",
    family_name="Knidiaki",
    email="keeper.of.fire@pharos-island.example",
    username="flamekeeper",
)
BLANK = Fault("password", "blank")
TOO_LONG = Fault("password", "too_long", {"maximum": 128})
TOO_SHORT = Fault("password", "too_short", {"minimum": 8})
COMMON = Fault("password", "password_too_common")


def similar(attribute):
    return Fault("password", "password_too_similar", {"attribute": attribute})


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("correct horse battery staple", []),
        ("7chars!", [TOO_SHORT]),
        ("8 chars!", []),
        ("éééééééé", []),  # eight characters, sixteen bytes
        ("\N{GRINNING FACE}" * 7, [TOO_SHORT]),
        ("x9" * 64, []),
        ("x9" * 64 + "x", [TOO_LONG]),
        ("é9" * 64, []),  # characters, not bytes
        ("x" * 1_000_000, [TOO_LONG]),
        ("", [BLANK]),
        (" ", [BLANK]),
        (" " * 12, [BLANK]),
        ("\t\n\N{NO-BREAK SPACE}" * 4, [BLANK]),
        (" " * 200, [BLANK]),
        (" inner and outer space ", []),
        ("password", [COMMON]),
        ("PassWord", [COMMON]),
        ("12345678", [COMMON]),
        ("  password  ", [COMMON]),
        ("\tQwErTyUiOp\n", [COMMON]),
        ("pass word", []),
    ],
)
def test_the_standard_policy(password, faults):
    assert check(password, owner=NOBODY, policy=standard()) == faults


@pytest.mark.parametrize(
    ("password", "attribute"),
    [
        ("Alexandria Lighthouse", "name"),
        ("alexandrialighthouse", "name"),
        ("lighthouse1", "name"),
        ("keeper.of.fire@pharos-island.example", "email"),
        ("pharos-1", "email"),
        ("Ptolemaia33", "given name"),
        ("sostratos!", "middle name"),
        ("KNIDIAKI-1", "family name"),
        ("keeperoffire", "email"),  # its local part, without the dots
        ("Fire.Keeper.Of", "email"),
        ("flamekeeper!", "user name"),
    ],
)
def test_a_password_like_its_owner_is_refused_with_what_it_is_like(password, attribute):
    assert check(password, owner=ALEXANDRIA, policy=standard()) == [similar(attribute)]


def test_a_password_that_is_common_and_like_its_owner_is_told_both():
    assert check("sunshine", owner=Owner(name="Sunshine"), policy=standard()) == [COMMON, similar("name")]


def test_a_password_that_is_like_the_owner_in_two_ways_is_told_once():
    owner = Owner(name="Flamekeeper", email="flamekeeper@example.com", username="flamekeeper")
    assert check("flamekeeper", owner=owner, policy=standard()) == [similar("name")]


def test_an_owner_without_a_name_is_like_nothing():
    assert check("lighthouse-of-old", owner=NOBODY, policy=standard()) == []


def test_an_over_long_name_is_compared_only_in_part():
    """A megabyte of words would take seconds, and the name is refused as too long anyway."""
    owner = Owner(name="abc defg " * 100_000 + "lighthousekeeper")
    started = time.process_time()
    assert check("lighthousekeeper", owner=owner, policy=standard()) == []
    assert time.process_time() - started < 0.2  # seconds


def test_the_minimum_is_a_setting(settings):
    settings.PASSWORD_MIN_LENGTH = 12
    assert check("elevenchars", owner=NOBODY, policy=standard()) == [Fault("password", "too_short", {"minimum": 12})]
    assert check("twelve chars", owner=NOBODY, policy=standard()) == []


def test_each_door_brings_its_own_minimum():
    assert check("sechs6", owner=NOBODY, policy=Policy(minimum=6)) == []
    assert check("fünf5", owner=NOBODY, policy=Policy(minimum=6)) == [Fault("password", "too_short", {"minimum": 6})]


def test_a_policy_may_ask_for_kinds_of_characters_and_short_runs_and_tells_all_that_is_missing():
    policy = Policy(minimum=14, guessable=True, mixed=True, longest_run=3)
    assert [fault.code for fault in check("    ....", owner=NOBODY, policy=policy)] == [
        "too_short",
        "password_with_run",
        "password_without_lowercase",
        "password_without_uppercase",
        "password_without_digit",
    ]
    assert check("Longer and 1 dash-", owner=NOBODY, policy=policy) == []
    assert check("Three aaa are 1 run!", owner=NOBODY, policy=policy) == []
    assert [fault.code for fault in check("Four aaaa are a run 1!", owner=NOBODY, policy=policy)] == [
        "password_with_run"
    ]
    assert [fault.code for fault in check("Blanks are no symbols 1", owner=NOBODY, policy=policy)] == [
        "password_without_symbol"
    ]
    # Letters and digits are those of ASCII; another script's are symbols (as Rocket.Chat has it).
    assert [fault.code for fault in check("ÀÉÎÕÜÀÉÎÕÜÀÉÎÕ", owner=NOBODY, policy=policy)] == [
        "password_without_lowercase",
        "password_without_uppercase",
        "password_without_digit",
    ]


def test_an_operator_who_insists_is_let_in_a_development_run():
    assert check("password", owner=NOBODY, policy=operators()) == []
    assert check("x", owner=NOBODY, policy=operators()) == []
    assert check(" ", owner=NOBODY, policy=operators()) == [BLANK]
    assert check("x" * 129, owner=NOBODY, policy=operators()) == [TOO_LONG]


def test_in_service_an_operator_keeps_the_policy_like_everybody(settings):
    settings.DEVELOPMENT = False
    assert operators() == standard()


def test_django_asks_the_same_policy():
    user = User(name="Alexandria Lighthouse", email="a@example.com")
    with pytest.raises(ValidationError) as refusal:
        PolicyValidator().validate("alexandria-lighthouse", user)
    assert refusal.value.messages == ["Password is too similar to the name."]
    with pytest.raises(ValidationError) as refusal:
        PolicyValidator().validate("PASSWORD", User(family_name="Password"))
    assert refusal.value.messages == ["Password is too common.", "Password is too similar to the family name."]
    PolicyValidator().validate("correct horse battery staple", user)
    PolicyValidator().validate("correct horse battery staple")


# Verifying


def test_a_password_is_verified_exactly_as_received():
    stored = hashed(" Pässword ")
    assert verified(" Pässword ", stored)
    for other in (
        "Pässword",
        " pässword ",
        " Passw\N{COMBINING DIAERESIS}ord ",
        " Pa\N{COMBINING DIAERESIS}ssword ",
        "",
    ):
        assert not verified(other, stored)


def test_the_longest_password_is_verified_whole():
    stored = hashed("x" * 127 + "y")
    assert verified("x" * 127 + "y", stored)
    assert not verified("x" * 127 + "z", stored)


def test_hashes_of_one_password_differ():
    assert hashed("same password") != hashed("same password")


@pytest.fixture
def hashes(monkeypatch):
    """The passwords that Argon2id has worked on, made or verified: each costs the same."""
    worked = []
    for method in ("encode", "verify"):
        original = getattr(hashers.Argon2idHasher, method)

        def counting(self, password, *arguments, original=original):
            worked.append(password)
            return original(self, password, *arguments)

        monkeypatch.setattr(hashers.Argon2idHasher, method, counting)
    return worked


def test_a_wrong_password_an_unknown_account_and_one_without_a_password_cost_one_hash_each(hashes):
    stored, none = hashed("right password"), hashed(None)
    hashes.clear()
    for against in (stored, "", none, none[:1]):
        assert not verified("wrong password", against)
        assert hashes == ["wrong password"]
        hashes.clear()


def test_an_over_long_password_costs_a_hash_of_nothing(hashes):
    stored = hashed("right password")
    hashes.clear()
    assert not verified("x" * 1_000_000, stored)
    assert hashes == [""]


def test_an_over_long_password_never_verifies_even_if_it_was_stored_somehow():
    assert not verified("x" * 129, hashed("x" * 129))


def test_no_password_opens_an_account_that_has_none():
    stored = hashed(None)
    assert not any(verified(password, stored) for password in ("", "!", stored, stored[1:], "None"))


def test_nothing_opens_an_account_whose_stored_form_is_unknown():
    for stored in ("plain", "md5$x$y", "sha1$", "$2a$04$", "unknown$" + "x" * 20):
        assert not verified("plain", stored)


# What is outdated


def test_a_hash_of_todays_costs_is_not_outdated():
    assert not outdated(hashed("some password"))


@pytest.mark.parametrize(("name", "value"), [("ARGON2_PASSES", 2), ("ARGON2_MEMORY_KIB", 128), ("ARGON2_LANES", 2)])
def test_a_hash_of_other_costs_is_outdated_and_still_verifies(settings, name, value):
    stored = hashed("some password")
    setattr(settings, name, value)
    assert outdated(stored)
    assert verified("some password", stored)
    assert not outdated(hashed("some password"))


def test_the_algorithm_is_argon2id():
    assert isinstance(identify_hasher(hashed("some password")), hashers.Argon2idHasher)
    assert passwords.MAX_LENGTH == 128


def test_a_password_with_nul_is_refused_as_no_sign_in_could_send_it():
    assert check("abc\0defghij!", owner=NOBODY, policy=standard()) == [Fault("password", "invalid")]
