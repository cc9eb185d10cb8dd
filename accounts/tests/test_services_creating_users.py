"""Making users (DESIGN 2): what is made, what is refused, and the names that are made up."""

import re

import pytest
from django.db import connection

from accounts import hashers, passwords
from accounts.models import Event, User
from accounts.services import users
from accounts.tests.factories import UserFactory
from accounts.tests.rows import unchanged
from accounts.tests.user_services import BLANK_EMAIL, BLANK_NAME, GOOD, TOO_LONG, create, faults, stored, update
from usermgmt.errors import Fault


def test_a_user_is_made_with_what_was_given(cast):
    user = users.create(
        actor=cast.administrator,
        client_id=cast.acme.pk,
        name="  Nina Simone ",
        email=" Nina@Example.com ",
        username="Nina.S",
        given_name="Nina",
        middle_name="Kathleen",
        family_name="Simone",
        password=GOOD,
        active=False,
        email_verified=True,
    )
    made = User.objects.get(pk=user.pk)
    assert (made.name, made.email, made.username) == ("Nina Simone", "Nina@Example.com", "Nina.S")
    assert (made.given_name, made.middle_name, made.family_name) == ("Nina", "Kathleen", "Simone")
    assert (made.client, made.is_superuser, made.is_staff) == (cast.acme, False, False)
    assert (made.is_active, made.email_verified) == (False, True)
    assert (made.version, made.token_version, made.last_login) == (1, 1, None)
    assert made.updated_at >= made.created_at
    assert passwords.verified(GOOD, made.password)


def test_of_no_client_it_is_an_administrator(db):
    made = create()
    assert (made.client, made.is_superuser, made.is_staff, made.is_active) == (None, True, True, True)


def test_its_audit_row_tells_who_and_what_but_no_secret(cast):
    user = create(actor=cast.administrator, client_id=cast.acme.pk, password=GOOD)
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_kind, event.target_id) == (
        "user.created",
        cast.administrator.pk,
        "user",
        user.pk,
    )
    assert event.changes == {
        "name": [None, "Nina"],
        "email": [None, "nina@example.com"],
        "username": [None, "nina"],
        "client_id": [None, cast.acme.pk],
        "active": [None, True],
    }
    assert event.contract == "command"


def test_without_a_password_nobody_signs_in(db):
    user = create()
    assert not any(passwords.verified(text, user.password) for text in ("", user.password, "None"))


def test_an_imported_hash_is_kept_as_it_is(db):
    digest = hashers.imported("rails", "$2a$04$" + "a" * 21 + "u" + "b" * 31)
    assert stored(create(password_hash=digest), "password") == (digest,)


def test_every_fault_is_told_at_once(db):
    UserFactory(email="taken@example.com", username="taken")
    assert faults(create, name=" ", email="TAKEN@example.com ", username="TAKEN", password="short", client_id=999) == [
        Fault("client", "must_exist"),
        BLANK_NAME,
        Fault("password", "too_short", {"minimum": 8}),
        Fault("email", "taken"),
        Fault("username", "taken"),
    ]


def test_what_the_contract_found_is_told_with_it_and_not_judged_twice(db):
    reported = [Fault("email", "invalid"), Fault("include", "unknown_choice", {"choices": "x"})]
    assert faults(create, name="", email="", reported=reported) == [*reported, BLANK_NAME]
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": ""}, BLANK_NAME),
        ({"name": "\N{ZERO WIDTH SPACE}\N{NO-BREAK SPACE}"}, BLANK_NAME),
        ({"name": "x" * 256}, Fault("name", "too_long", TOO_LONG)),
        ({"name": "Nina\nBcc: all"}, Fault("name", "invalid")),
        ({"name": "Nina\N{LINE SEPARATOR}S"}, Fault("name", "invalid")),
        ({"given_name": "x" * 256}, Fault("given_name", "too_long", TOO_LONG)),
        ({"middle_name": "\x1b[31m"}, Fault("middle_name", "invalid")),
        ({"family_name": "x\t"}, Fault("family_name", "invalid")),
        ({"email": " "}, BLANK_EMAIL),
        ({"email": "nina"}, Fault("email", "invalid")),
        ({"email": "x" * 250 + "@example.com"}, Fault("email", "too_long", TOO_LONG)),
        ({"username": ""}, Fault("username", "blank")),
        ({"username": "x" * 256}, Fault("username", "too_long", TOO_LONG)),
        ({"username": "nina simone"}, Fault("username", "invalid")),
        ({"password": ""}, Fault("password", "blank")),
        ({"password": "x" * 129}, Fault("password", "too_long", {"maximum": 128})),
        ({"password": "password"}, Fault("password", "password_too_common")),
        (
            {"name": "Nina Simone", "password": "nina simone"},
            Fault("password", "password_too_similar", {"attribute": "name"}),
        ),
        ({"client_id": 999}, Fault("client", "must_exist")),
        ({"client_id": 0}, Fault("client", "must_exist")),
        ({"client_id": -1}, Fault("client", "must_exist")),
        ({"client_id": 10**30}, Fault("client", "must_exist")),
    ],
    ids=str,
)
def test_each_rule_refuses_with_its_own_fault_and_leaves_nothing(db, values, fault):
    with unchanged():
        assert faults(create, **values) == [fault]


@pytest.mark.parametrize("length", [1, 255])
def test_the_longest_and_the_shortest_name_are_fine(db, length):
    assert create(name="x" * length).name == "x" * length


def test_the_policy_is_that_of_the_door(db):
    assert create(password="sechs6", password_policy=passwords.Policy(minimum=6)).pk
    assert faults(create, email="a@example.com", password="fünf5", password_policy=passwords.Policy(minimum=6)) == [
        Fault("password", "too_short", {"minimum": 6})
    ]


def test_passwords_are_hashed_before_the_transaction_begins(db, monkeypatch):
    """Hashing is slow on purpose; rows would stay locked meanwhile."""
    depth = []
    original = passwords.hashed
    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(
        passwords, "hashed", lambda password: depth.append(len(connection.savepoint_ids)) or original(password)
    )
    user = create(password=GOOD)
    update(user, password="another good one")
    assert depth == [outside, outside]


# Names


def test_the_parts_alone_make_the_name(db):
    made = create(name="", given_name=" Nina ", middle_name="", family_name="Simone")
    assert (made.name, made.family_name) == ("Nina Simone", "Simone")


def test_a_name_that_is_given_stands_beside_its_parts(db):
    assert create(name="The High Priestess", given_name="Nina", family_name="Simone").name == "The High Priestess"


def test_the_name_that_is_made_keeps_the_rules(db):
    assert faults(create, name="", given_name="x" * 200, family_name="y" * 200) == [Fault("name", "too_long", TOO_LONG)]
    assert faults(create, name="", given_name=" ", family_name="") == [BLANK_NAME]


def test_changing_a_part_remakes_the_name_of_all_parts(db):
    user = create(name="Old", given_name="Nina", middle_name="K.", family_name="Simone")
    assert update(user, family_name="Waymon").name == "Nina K. Waymon"
    assert stored(user, "name", "family_name", "name_sorted") == ("Nina K. Waymon", "Waymon", "nina k. waymon")


def test_changing_the_name_alone_leaves_the_parts(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, name="The High Priestess")
    assert stored(user, "name", "given_name", "family_name") == ("The High Priestess", "Nina", "Simone")


def test_changing_both_takes_both(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, name="Eunice", family_name="Waymon")
    assert stored(user, "name", "given_name", "family_name") == ("Eunice", "Nina", "Waymon")


def test_taking_every_part_away_leaves_the_name(db):
    user = create(name="", given_name="Nina", family_name="Simone")
    update(user, given_name="", family_name="")
    assert stored(user, "name", "given_name", "family_name") == ("Nina Simone", "", "")


# User names


def test_a_user_name_is_made_from_the_e_mail(db):
    assert create(email="Nina.S+soul@example.com").username == "Nina.S-soul"


def test_a_second_one_of_the_same_gets_a_suffix(db):
    create(email="nina@example.com")
    second = create(email="NINA@example.org")
    assert re.fullmatch("NINA-[0-9a-f]{8}", second.username)


def test_a_reserved_one_gets_a_suffix(db):
    assert re.fullmatch("admin-[0-9a-f]{8}", create(email="admin@example.com").username)


def test_one_that_is_taken_between_the_look_and_the_insert_gets_a_suffix(db, monkeypatch):
    UserFactory(username="Nina", email="other@example.com")
    original = User.objects.get_queryset

    def blind():
        rows = original()
        rows.with_username = lambda username: rows.none()
        return rows

    monkeypatch.setattr(User.objects, "get_queryset", blind)
    monkeypatch.setattr(User.objects, "with_username", lambda username: original().none())
    assert re.fullmatch("nina-[0-9a-f]{8}", create().username)
    assert Event.objects.filter(action="user.created").count() == 1


def test_one_that_was_asked_for_is_refused_if_it_is_taken_without_regard_to_case(db):
    create(username="Nina")
    assert faults(create, email="n@example.com", username="nINA") == [Fault("username", "taken")]


def test_it_never_changes_by_itself(db):
    user = create()
    update(user, email="changed@example.com", name="Changed", given_name="C")
    assert stored(user, "username") == ("nina",)


def test_it_changes_when_asked_also_in_its_case_alone(db):
    user = create()
    assert update(user, username="NINA").username == "NINA"
    assert stored(user, "username", "username_canonical") == ("NINA", "nina")
