"""users.create, when it does (contract 3)."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import passwords
from accounts.grants import Grant
from accounts.models import CustomField, Event, Mail, Membership, Team, User
from accounts.services import roles
from accounts.tests.callers import caller
from accounts.tests.factories import UserFactory
from accounts.tests.rows import stored
from clients.models import Client
from clients.services import default_client
from usermgmt.dialects.rocketchat.tests.bodies import GOOD, PATH, create
from usermgmt.dialects.rocketchat.tests.callers import allow, logged_in, nothing_made, told

FIVE_PAST_TEN = datetime(2026, 3, 1, 10, 5, 0, 123456, tzinfo=UTC)


def made(answer):
    status, body = told(answer)
    assert (status, body["success"]) == (200, True), body
    assert body.keys() == {"user", "success"}
    return body["user"]


def row(shown):
    return User.objects.get(pk=shown["_id"])


def test_the_least_that_can_be_sent_makes_a_user(cast):
    with time_machine.travel(FIVE_PAST_TEN, tick=False):
        user = made(create(logged_in(cast.administrator)))
    assert user == {
        "_id": str(row(user).pk),
        "createdAt": "2026-03-01T10:05:00.123Z",
        "_updatedAt": "2026-03-01T10:05:00.123Z",
        "username": "nina",
        "emails": [{"address": "nina@example.com", "verified": False}],
        "type": "user",
        "status": "offline",
        "active": True,
        "roles": ["user"],
        "name": "Nina New",
        "settings": {},
    }
    assert passwords.verified(GOOD["password"], row(user).password)
    assert not Mail.objects.exists()


def test_the_seeds_example_makes_a_user_with_all_that_it_says(cast):
    user = made(
        create(
            logged_in(cast.administrator),
            active=True,
            nickname=" Nin ",
            bio="Writes.\nReads.",
            joinDefaultChannels=True,
            statusText="At sea",
            roles=["bot", "user"],
            requirePasswordChange=True,
            setRandomPassword=False,
            sendWelcomeEmail=True,
            verified=True,
            customFields={"twitter": "@nina"},
            freeSwitchExtension="1001",
        )
    )
    expected = {
        "nickname": "Nin",
        "bio": "Writes.\nReads.",
        "statusText": "At sea",
        "roles": ["bot", "user"],
        "requirePasswordChange": True,
        "emails": [{"address": "nina@example.com", "verified": True}],
        "customFields": {"twitter": "@nina"},
    }
    assert {key: user[key] for key in expected} == expected
    assert [mail.kind for mail in Mail.objects.all()] == [Mail.Kind.WELCOME]


def test_it_is_the_same_user_at_every_other_door(cast, staff):
    user = made(create(logged_in(cast.administrator)))
    home = Client.objects.get(name="Default")

    native = caller(cast.administrator).get(f"/users/{user['_id']}").json()
    assert native == {
        "id": int(user["_id"]),
        "name": "Nina New",
        "email": "nina@example.com",
        "client": {"id": home.pk, "name": "Default"},
    }
    signed_in = caller().post("/auth/token", {"email": "nina@example.com", "password": GOOD["password"]})
    assert signed_in.json()["user"] == native
    page = staff(cast.administrator).get(f"/admin/accounts/user/{user['_id']}/change/").content.decode()
    assert "nina@example.com" in page
    assert "Nina New" in staff(cast.administrator).get("/admin/accounts/user/").content.decode()
    event = Event.objects.get(action="user.created")
    assert (event.contract, event.actor_id, event.target_id) == ("rocketchat", cast.administrator.pk, int(user["_id"]))


def test_the_new_user_logs_in(cast):
    user = made(create(logged_in(cast.administrator)))
    answer = caller().post("/api/v1/login", {"user": "nina", "password": GOOD["password"]})
    assert answer.json()["data"]["userId"] == user["_id"]


def test_nothing_secret_comes_back(cast):
    answer = create(logged_in(cast.administrator))
    text = answer.content.decode()
    for word in ("services", "bcrypt", "argon2", "inviteToken", "e2e", "importIds", "token", GOOD["password"]):
        assert word not in text


# Flags


@pytest.mark.parametrize("active", [True, "true", 1, None])
def test_a_user_is_active_unless_it_says_otherwise(cast, active):
    assert made(create(logged_in(cast.administrator), active=active))["active"] is True


@pytest.mark.parametrize("active", [False, "false", 0])
def test_a_user_who_is_not_active_can_not_log_in_until_made_so(cast, active):
    user = made(create(logged_in(cast.administrator), active=active))
    login = {"user": "nina", "password": GOOD["password"]}
    assert user["active"] is False
    assert caller().post("/api/v1/login", login).status_code == 401
    assert caller(cast.administrator).patch(f"/users/{user['_id']}", {"active": True}).status_code == 200
    assert caller().post("/api/v1/login", login).status_code == 200


def test_a_random_password_takes_the_place_of_the_one_that_was_sent(cast):
    user = made(
        create(logged_in(cast.administrator), setRandomPassword=True, requirePasswordChange=False, password="ignored")
    )
    assert user["requirePasswordChange"] is True
    assert row(user).must_change_password is True
    assert not passwords.verified("ignored", row(user).password)
    assert caller().post("/api/v1/login", {"user": "nina", "password": "ignored"}).status_code == 401
    assert [mail.kind for mail in Mail.objects.all()] == [Mail.Kind.RANDOM_PASSWORD]


@pytest.mark.parametrize("password", ["", " ", "short", "x" * 200])
def test_beside_a_random_password_no_other_is_judged(cast, password):
    made(create(logged_in(cast.administrator), setRandomPassword=True, password=password))


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, []),
        ({"sendWelcomeEmail": None, "setRandomPassword": None}, []),
        ({"sendWelcomeEmail": False, "setRandomPassword": False}, []),
        ({"sendWelcomeEmail": True}, ["welcome"]),
        ({"sendWelcomeEmail": 1}, ["welcome"]),
        ({"sendWelcomeEmail": True, "setRandomPassword": True}, ["random_password", "welcome"]),
        ({"verified": False}, ["email_verification"]),
        ({"verified": 0}, ["email_verification"]),
        ({"verified": None}, []),
        ({"verified": True}, []),
        ({"verified": False, "active": False}, []),
    ],
)
def test_mails_go_out_where_they_are_asked_for(cast, values, kinds):
    made(create(logged_in(cast.administrator), **values))
    assert sorted(Mail.objects.values_list("kind", flat=True)) == kinds
    assert set(Mail.objects.values_list("address", flat=True)) <= {"nina@example.com"}


@pytest.mark.parametrize(
    ("values", "verified"),
    [({}, False), ({"verified": None}, False), ({"verified": False}, False), ({"verified": True}, True)],
)
def test_an_address_is_verified_only_where_it_is_said(cast, values, verified):
    user = made(create(logged_in(cast.administrator), **values))
    assert user["emails"] == [{"address": "nina@example.com", "verified": verified}]


@pytest.mark.parametrize(
    ("values", "bound"),
    [({}, False), ({"requirePasswordChange": None}, False), ({"requirePasswordChange": True}, True)],
)
def test_a_new_password_is_asked_for_where_it_is_said(cast, values, bound):
    user = made(create(logged_in(cast.administrator), **values))
    assert user.get("requirePasswordChange", False) is bound
    assert row(user).must_change_password is bound


@pytest.mark.parametrize(
    ("values", "joined"),
    [
        ({}, ["Lobby"]),
        ({"joinDefaultChannels": True}, ["Lobby"]),
        ({"joinDefaultChannels": "true"}, ["Lobby"]),
        ({"joinDefaultChannels": None}, ["Lobby"]),
        ({"joinDefaultChannels": False}, []),
        ({"joinDefaultChannels": "false"}, []),
    ],
)
def test_default_channels_are_the_teams_of_the_own_client_that_everybody_joins(cast, values, joined):
    home = default_client.made(actor=None)
    Team.objects.create(client=home, name="Lobby", join_by_default=True)
    Team.objects.create(client=home, name="Backroom")
    Team.objects.create(client=cast.acme, name="Elsewhere", join_by_default=True)
    user = made(create(logged_in(cast.administrator), **values))
    assert list(Membership.objects.filter(user_id=user["_id"]).values_list("team__name", flat=True)) == joined


@pytest.mark.parametrize("length", [{"bio": 260}, {"nickname": 120}])
def test_a_profile_may_be_as_long_as_it_may(cast, length):
    ((field, size),) = length.items()
    assert made(create(logged_in(cast.administrator), **{field: "é" * size}))[field] == "é" * size


@pytest.mark.parametrize("blank", ["", "  ", None])
@pytest.mark.parametrize("field", ["bio", "nickname", "statusText"])
def test_a_blank_profile_is_as_if_it_were_absent(cast, field, blank):
    assert field not in made(create(logged_in(cast.administrator), **{field: blank}))


def test_a_password_of_one_character_is_enough_where_the_operator_says_so(cast, settings):
    settings.ROCKETCHAT_PASSWORD_MIN_LENGTH = 1
    made(create(logged_in(cast.administrator), password="p"))
    assert caller().post("/api/v1/login", {"user": "nina", "password": "p"}).status_code == 200


def test_a_common_password_is_taken_as_the_product_takes_it(cast):
    made(create(logged_in(cast.administrator), password="password"))


# Types, as the validator has them


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"name": 12}, {"name": "12"}),
        ({"name": 12.50}, {"name": "12.5"}),
        ({"username": 12}, {"username": "12"}),
        ({"username": True}, {"username": "true"}),
        ({"active": "true"}, {"active": True}),
        ({"active": 1}, {"active": True}),
        ({"active": ""}, {"active": True}),
        ({"nickname": 7}, {"nickname": "7"}),
        ({"roles": []}, {"roles": ["user"]}),
        ({"roles": ["guest"]}, {"roles": ["guest"]}),
        ({"roles": ["bot", "bot"]}, {"roles": ["bot"]}),
        ({"customFields": {}}, {}),
    ],
)
def test_what_the_validator_coerces_is_taken(cast, values, shown):
    user = made(create(logged_in(cast.administrator), **values))
    assert {key: user.get(key) for key in shown} == shown
    assert "customFields" not in user


def test_roles_that_are_numbers_are_their_digits(cast):
    roles.create(actor=None, name="1")
    assert made(create(logged_in(cast.administrator), roles=[1]))["roles"] == ["1"]


def test_a_password_that_is_a_number_is_its_digits(cast):
    made(create(logged_in(cast.administrator), password=1234567890))
    assert caller().post("/api/v1/login", {"user": "nina", "password": "1234567890"}).status_code == 200


# `fields`


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ('{"name": 1}', {"_id", "name"}),
        ('{"name": 1, "emails.address": 1, "_id": 0}', {"_id", "name", "emails"}),
        ('{"services": 1}', {"_id"}),
        (
            '{"name": 0, "settings": 0, "emails": 0}',
            {"_id", "username", "type", "status", "active", "roles", "createdAt", "_updatedAt"},
        ),
    ],
)
def test_fields_say_what_of_the_user_comes_back(cast, fields, keys):
    assert made(create(logged_in(cast.administrator), fields=fields)).keys() == keys


@pytest.mark.parametrize("fields", ["", None, "{}"])
def test_without_fields_all_comes_back(cast, fields):
    assert "emails" in made(create(logged_in(cast.administrator), fields=fields))


@pytest.mark.parametrize(
    "fields", ["{", "[]", "name", '{"name": 2}', '{"name": true}', '{"name": [1]}', '{"a": NaN}', "[" * 100_000]
)
def test_fields_that_are_no_projection_leave_no_user(cast, fields):
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = create(client, fields=fields)
    assert told(answer) == (
        400,
        {
            "success": False,
            "error": f'Invalid fields parameter provided: "{fields}" [error-invalid-fields]',
            "errorType": "error-invalid-fields",
            "details": {"helperMethod": "parseJsonQuery"},
        },
    )


# Custom fields


@pytest.fixture
def definitions(db):
    CustomField.objects.create(name="city", public=True, min_length=2, max_length=5)
    CustomField.objects.create(name="plan", kind=CustomField.Kind.SELECT, options=["free", "paid"])


@pytest.mark.usefixtures("definitions")
def test_of_custom_fields_those_that_are_defined_are_kept(cast):
    user = made(create(logged_in(cast.administrator), customFields={"city": "Bonn", "plan": "paid", "shoe": 44}))
    assert user["customFields"] == {"city": "Bonn", "plan": "paid"}
    assert stored(row(user))["custom_fields"] == {"city": "Bonn", "plan": "paid"}


def test_without_definitions_any_object_is_kept(cast):
    values = {"a": [1, {"b": None}], "c": True, "d": "\U0001f984"}
    assert made(create(logged_in(cast.administrator), customFields=values))["customFields"] == values


@pytest.mark.usefixtures("definitions")
def test_whoever_may_not_see_all_sees_the_public_ones_alone(cast):
    clerk = allow(cast.owner, Grant.CREATE)
    user = made(create(logged_in(clerk), customFields={"city": "Bonn", "plan": "paid"}))
    assert user["customFields"] == {"city": "Bonn"}
    assert stored(row(user))["custom_fields"] == {"city": "Bonn", "plan": "paid"}


# Administrators


@pytest.mark.parametrize(
    ("roles", "shown"), [(["admin"], ["admin"]), (["admin", "bot"], ["admin", "bot"]), (["user", "admin"], None)]
)
def test_the_role_admin_makes_an_administrator_who_is_of_no_client(cast, roles, shown):
    user = made(create(logged_in(cast.administrator), roles=roles))
    assert user["roles"] == (shown or ["admin", "user"])
    assert (row(user).is_superuser, row(user).client_id) == (True, None)
    assert caller(row(user)).get("/users").status_code == 200


def test_users_made_first_make_the_default_client_and_later_ones_find_it(cast, settings):
    settings.DEFAULT_CLIENT = "Chat"
    client = logged_in(cast.administrator)
    users = [made(create(client, username=f"u{n}", email=f"u{n}@example.com")) for n in range(3)]
    assert {row(user).client for user in users} == {Client.objects.get(name="Chat")}


def test_a_token_that_is_bound_to_a_client_makes_users_of_it(cast):
    bound = logged_in(cast.administrator, kind="api", client=cast.globex)
    assert row(made(create(bound))).client == cast.globex
    assert not Client.objects.filter(name="Default").exists()


# Regular callers


def test_whoever_may_make_users_makes_them_of_the_own_client_and_sees_little_of_them(cast):
    clerk = allow(cast.owner, Grant.CREATE)
    user = made(create(logged_in(clerk), nickname="Nin", sendWelcomeEmail=True))
    assert user == {
        "_id": str(row(user).pk),
        "username": "nina",
        "name": "Nina New",
        "type": "user",
        "status": "offline",
        "active": True,
        "nickname": "Nin",
    }
    assert row(user).client == cast.acme


def test_with_the_right_to_see_all_they_see_all(cast):
    clerk = allow(cast.owner, Grant.CREATE, Grant.VIEW)
    user = made(create(logged_in(clerk)))
    assert {"emails", "roles", "createdAt", "_updatedAt", "settings"} <= user.keys()


def test_with_the_right_to_set_active_they_set_it(cast):
    clerk = allow(cast.owner, Grant.CREATE, Grant.SET_ACTIVE)
    assert made(create(logged_in(clerk), active=False))["active"] is False


def test_everybody_may_where_the_role_of_everybody_says_so(cast):
    roles.update(actor=None, role_id=Group.objects.get(name="user").pk, grants=[Grant.CREATE.value])
    assert row(made(create(logged_in(cast.owner)))).client == cast.acme


# What clients send


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_the_content_types_of_clients_are_taken(cast, content_type):
    answer = logged_in(cast.administrator).generic("POST", PATH, json.dumps(GOOD), content_type=content_type)
    assert made(answer)["username"] == "nina"


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json", "application/xml", "nonsense", ""])
def test_whatever_is_accepted_is_answered_in_json(cast, accept):
    answer = logged_in(cast.administrator).post(PATH, GOOD, HTTP_ACCEPT=accept)
    assert made(answer)["username"] == "nina"


def test_a_user_name_keeps_the_case_in_which_it_was_sent(cast):
    user = made(create(logged_in(cast.administrator), username="Nina.N-1_x", email="Nina@Example.COM"))
    assert (user["username"], user["emails"][0]["address"]) == ("Nina.N-1_x", "Nina@Example.COM")


def test_the_number_of_queries_does_not_grow_with_the_directory(cast):
    client = logged_in(cast.administrator)
    made(create(client, username="first", email="first@example.com"))  # makes the default client
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as captured:
            made(create(client, username=f"u{number}", email=f"u{number}@example.com", roles=["bot"]))
        counts.append(len(captured))
        UserFactory.create_batch(20, client=Client.objects.get(name="Default"))
    assert counts[0] == counts[1] <= 20
