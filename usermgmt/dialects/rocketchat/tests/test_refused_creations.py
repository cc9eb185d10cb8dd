"""users.create, when it does not: the tables of contract 3, row by row; each refusal leaves everything as it was."""

import json
from collections import Counter

import pytest

from accounts import profile
from accounts.grants import Grant
from accounts.models import CustomField, Event, User
from accounts.services import roles
from accounts.tests.factories import AdministratorFactory
from accounts.tests.test_races import CROWD, at_once, repeated
from clients.models import Client
from usermgmt.dialects.rocketchat.tests.bodies import GOOD, PATH, create
from usermgmt.dialects.rocketchat.tests.callers import (
    JSON,
    LOGGED_OUT,
    MUST_CHANGE,
    NOT_PERMITTED,
    allow,
    logged_in,
    nothing_made,
    pair,
    told,
)

SAVE = {"method": "insertOrUpdateUser"}
DOMAIN = {"function": "RocketChat.validateEmailDomain"}
REQUIRED = "error-the-field-is-required"


def said(message, code, details=None):
    body = {"success": False, "error": f"{message} [{code}]", "errorType": code}
    return body if details is None else {**body, "details": details}


def without(*names):
    return {key: value for key, value in GOOD.items() if key not in names}


# The schema

SCHEMA = [
    ({}, "must have required property 'email'"),
    ({"foo": 1}, "must have required property 'email'"),
    (without("email"), "must have required property 'email'"),
    (without("email", "name"), "must have required property 'email'"),
    (without("name"), "must have required property 'name'"),
    (without("name", "password"), "must have required property 'name'"),
    (without("password"), "must have required property 'password'"),
    (without("password", "username"), "must have required property 'password'"),
    (without("username"), "must have required property 'username'"),
    ({**without("password"), "setRandomPassword": True}, "must have required property 'password'"),
    ({**without("username"), "foo": 1}, "must have required property 'username'"),
    ({**GOOD, "foo": 1}, "must NOT have additional properties"),
    ({**GOOD, "foo": 1, "active": "yes"}, "must NOT have additional properties"),
    ({**GOOD, "Email": "x"}, "must NOT have additional properties"),
    ({**GOOD, "": None}, "must NOT have additional properties"),
    *[({**GOOD, name: []}, "must be string") for name in ("email", "name", "password", "username")],
    *[({**GOOD, name: {}}, "must be string") for name in ("bio", "nickname", "statusText", "fields")],
    ({**GOOD, "freeSwitchExtension": [1]}, "must be string"),
    *[
        ({**GOOD, name: value}, "must be boolean")
        for name in (
            "active",
            "joinDefaultChannels",
            "requirePasswordChange",
            "setRandomPassword",
            "sendWelcomeEmail",
            "verified",
        )
        for value in ("yes", 2, [], {})
    ],
    ({**GOOD, "roles": "user"}, "must be array"),
    ({**GOOD, "roles": None}, "must be array"),
    ({**GOOD, "roles": {"0": "user"}}, "must be array"),
    ({**GOOD, "roles": [["user"]]}, "must be string"),
    ({**GOOD, "customFields": "x"}, "must be object"),
    ({**GOOD, "customFields": None}, "must be object"),
    ({**GOOD, "customFields": []}, "must be object"),
    ({**GOOD, "name": [], "active": "yes"}, "must be string"),
    ([], "must be object"),
    ([GOOD], "must be object"),
    ("x", "must be object"),
    (None, "must be object"),
    (True, "must be object"),
    (1, "must be object"),
]


@pytest.mark.parametrize(("body", "message"), SCHEMA, ids=range(len(SCHEMA)))
def test_a_body_that_is_not_as_its_schema_has_it(cast, body, message):
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = client.generic("POST", PATH, json.dumps(body), content_type=JSON)
    assert told(answer) == (400, said(message, "invalid-params"))


EXTRA = [
    "_id",
    "id",
    "is_superuser",
    "is_staff",
    "client",
    "client_id",
    "token_version",
    "password_hash",
    "services",
    "type",
    "status",
    "emails",
    "createdAt",
    "must_change_password",
    "email_verified",
    "groups",
    "user_permissions",
    "given_name",
    "external_id",
    "featured",
    "properties",
    "inviteToken",
    "__rooms",
    "utcOffset",
    "__proto__",
    "__class__",
]


@pytest.mark.parametrize("name", EXTRA)
def test_nothing_else_can_be_set(cast, name):
    client = logged_in(cast.administrator)
    for value in (None, "", 1, True, [], {}, "admin", {"$ne": None}):
        with nothing_made():
            answer = client.post(PATH, {**GOOD, name: value})
        assert told(answer) == (400, said("must NOT have additional properties", "invalid-params"))


# The rules, in the order of the table


def definitions():
    CustomField.objects.create(name="city", required=True, min_length=2, max_length=5)
    CustomField.objects.create(name="plan", kind=CustomField.Kind.SELECT, options=["free", "paid"])


def city(message):
    return said(message, "error-user-registration-custom-field", {"method": "registerUser"})


CUSTOM = [
    ({}, city("Field city is required")),
    ({"city": ""}, city("Field city is required")),
    ({"city": None, "plan": "none"}, city("Field city is required")),
    ({"city": "B"}, city("Min length of field city 2")),
    ({"city": "Berlin"}, city("Max length of field city 5")),
    ({"city": 12}, city("Value for field city is invalid")),
    ({"city": "Bonn", "plan": "none"}, city("Value for field plan is invalid")),
    ({"city": "Bonn", "plan": ["free"]}, city("Value for field plan is invalid")),
]


@pytest.mark.parametrize(("values", "body"), CUSTOM, ids=range(len(CUSTOM)))
def test_row_0_custom_fields_that_are_not_as_defined(cast, values, body):
    definitions()
    for client in (logged_in(cast.administrator), logged_in(cast.owner)):  # before it is asked who may
        with nothing_made():
            answer = create(client, customFields=values)
        assert told(answer) == (400, body)


def nested(depth):
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    "values",
    [nested(profile.CUSTOM_MAX_DEPTH), {str(n): n for n in range(101)}, {"a": "x" * 17_000}],
    ids=["deep", "wide", "long"],
)
def test_custom_fields_that_are_too_large(cast, values):
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = create(client, customFields=values)
    assert told(answer) == (400, city("Custom fields are too large"))


NOT_ALLOWED_TO_ADD = said("Adding user is not allowed", "error-action-not-allowed", {**SAVE, "action": "Adding_user"})
NOT_YOURS = [Grant.EDIT, Grant.SET_ACTIVE, Grant.DELETE, Grant.VIEW, Grant.ASSIGN_ADMINISTRATOR, Grant.UNLIMITED]


@pytest.mark.parametrize("grants", [[], NOT_YOURS], ids=["none", "all others"])
@pytest.mark.parametrize("values", [{}, {"roles": ["nope"]}, {"roles": ["admin"]}, {"username": "", "bio": "x" * 300}])
def test_row_1_whoever_may_not_make_users(cast, grants, values):
    caller = allow(cast.owner, *grants)
    client = logged_in(caller)
    with nothing_made():
        answer = create(client, **values)
    assert told(answer) == (400, NOT_ALLOWED_TO_ADD)
    event = Event.objects.get(action="change.refused")
    assert (event.actor_id, event.contract, event.target_kind) == (cast.owner.pk, "rocketchat", "user")


ASSIGNING_ADMIN = said("Assigning admin is not allowed", "error-action-not-allowed", {**SAVE, "action": "Assign_admin"})


@pytest.mark.parametrize("grants", [[Grant.CREATE], list(Grant)], ids=["create-user", "all"])
def test_row_3_no_role_is_enough_to_make_an_administrator(cast, grants):
    clerk = logged_in(allow(cast.owner, *grants))
    for wanted in (["admin"], ["user", "admin"]):
        with nothing_made():
            answer = create(clerk, roles=wanted)
        assert told(answer) == (400, ASSIGNING_ADMIN)


def test_row_3_nor_is_a_token_that_is_bound_to_a_client(cast):
    bound = logged_in(cast.administrator, kind="api", client=cast.acme)
    with nothing_made():
        answer = create(bound, roles=["admin"])
    assert told(answer) == (400, ASSIGNING_ADMIN)


def test_a_role_that_allows_more_than_the_callers_own_is_not_theirs_to_give(cast):
    roles.create(actor=None, name="boss", grants=[Grant.DELETE.value])
    clerk = logged_in(allow(cast.owner, Grant.CREATE))
    with nothing_made():
        answer = create(clerk, roles=["boss"])
    expected = said("Assigning boss is not allowed", "error-action-not-allowed", {**SAVE, "action": "Assign_boss"})
    assert told(answer) == (400, expected)


UNKNOWN_ROLE = said(
    "The field Roles consist invalid role id", "error-action-not-allowed", {**SAVE, "action": "Assign_role"}
)
NAME = said("The field Name is required", REQUIRED, {**SAVE, "field": "Name"})
USERNAME = said("The field Username is required", REQUIRED, {**SAVE, "field": "Username"})
PASSWORD = said("The field Password is required", REQUIRED, {**SAVE, "field": "Password"})


def invalid_username(username, shown=None):
    return said(
        f"{shown or username} is not a valid username",
        "error-input-is-not-a-valid-field",
        {**SAVE, "input": username, "field": "Username"},
    )


def blocked(username):
    return said(
        f"{username} is blocked and can't be used!",
        "error-blocked-username",
        {"method": "checkUsernameAvailability", "field": username},
    )


def taken(value):
    return said(f"{value} is already in use :(", "error-field-unavailable", {**SAVE, "field": value})


def invalid_email(shown):
    return said(f"Invalid email {shown}", "error-invalid-email", DOMAIN)


def too_short():
    rule = {
        "error": "error-password-policy-not-met-minLength",
        "message": "The password does not meet the minimum length password policy.",
    }
    return said(
        "The password provided does not meet the server's password policy.", "error-password-policy-not-met", [rule]
    )


BIO = said("Bio size exceeds 260 characters", "error-bio-size-exceeded", {"method": "saveUserProfile"})
NICKNAME = said("Nickname size exceeds 120 characters", "error-nickname-size-exceeded", {"method": "saveUserProfile"})

# Olga is there: olga, olga@example.com. What is sent instead of what is good, and the row that it ends in.
TABLE = [
    # 2
    ({"roles": ["nope"]}, UNKNOWN_ROLE),
    ({"roles": ["user", "nope"]}, UNKNOWN_ROLE),
    ({"roles": [""]}, UNKNOWN_ROLE),
    ({"roles": [None]}, UNKNOWN_ROLE),
    ({"roles": [1]}, UNKNOWN_ROLE),
    ({"roles": ["User"]}, UNKNOWN_ROLE),
    ({"roles": ["Admin"]}, UNKNOWN_ROLE),
    ({"roles": ["admin", "nope"]}, UNKNOWN_ROLE),
    ({"roles": ["x" * 5000]}, UNKNOWN_ROLE),
    ({"roles": ["nope"], "name": ""}, UNKNOWN_ROLE),
    # 4
    ({"name": ""}, NAME),
    ({"name": "   "}, NAME),
    ({"name": None}, NAME),
    ({"name": "\u200b\u3000"}, NAME),
    ({"name": "", "username": ""}, NAME),
    ({"name": "", "username": "admin", "email": "olga@example.com"}, NAME),
    # 5
    ({"username": ""}, USERNAME),
    ({"username": " \t "}, USERNAME),
    ({"username": None}, USERNAME),
    ({"username": "", "password": ""}, USERNAME),
    # 6
    ({"username": "bad name"}, invalid_username("bad name")),
    ({"username": " admin"}, invalid_username(" admin")),
    ({"username": "nina@example.com"}, invalid_username("nina@example.com")),
    ({"username": "ni\u00f1a"}, invalid_username("ni\u00f1a")),
    ({"username": "nina\n"}, invalid_username("nina\n")),
    ({"username": "\U0001f984"}, invalid_username("\U0001f984")),
    ({"username": "\u0661"}, invalid_username("\u0661")),
    ({"username": "<b>\"&'"}, invalid_username("<b>\"&'", "&lt;b&gt;&quot;&amp;&#x27;")),
    ({"username": "x" * 256}, invalid_username("x" * 256)),
    ({"username": "bad name", "password": ""}, invalid_username("bad name")),
    # 7
    ({"password": ""}, PASSWORD),
    ({"password": None}, PASSWORD),
    ({"password": "", "setRandomPassword": False}, PASSWORD),
    ({"password": "", "setRandomPassword": None}, PASSWORD),
    ({"password": "", "username": "admin"}, PASSWORD),
    # 8
    *[
        ({"username": name}, blocked(name))
        for name in ("all", "here", "admin", "administrator", "system", "user", "ALL", "Here", "aDmIn", "USER")
    ],
    ({"username": "Admin", "email": "olga@example.com"}, blocked("Admin")),
    # 9
    ({"username": "olga"}, taken("olga")),
    ({"username": "OLGA"}, taken("OLGA")),
    ({"username": "olga", "email": "olga@example.com"}, taken("olga")),
    ({"username": "olga", "email": "no address"}, taken("olga")),
    # 10
    ({"email": "olga@example.com"}, taken("olga@example.com")),
    ({"email": "Olga@EXAMPLE.com"}, taken("Olga@EXAMPLE.com")),
    ({"email": "olga@example.com", "bio": "x" * 261}, taken("olga@example.com")),
    # 11
    ({"email": ""}, invalid_email("")),
    ({"email": None}, invalid_email("")),
    ({"email": "x@y"}, invalid_email("x@y")),
    ({"email": "nina"}, invalid_email("nina")),
    ({"email": "a..b@example.com"}, invalid_email("a..b@example.com")),
    ({"email": "<nina@example.com>"}, invalid_email("&lt;nina@example.com&gt;")),
    ({"email": "n\u200bina@example.com"}, invalid_email("n\u200bina@example.com")),
    ({"email": "nina@example.com\n.x"}, invalid_email("nina@example.com\n.x")),
    ({"email": f"{'x' * 300}@example.com"}, invalid_email(f"{'x' * 300}@example.com")),
    ({"email": "erased-1@erased.invalid"}, invalid_email("erased-1@erased.invalid")),
    ({"email": "x@y", "nickname": "x" * 121}, invalid_email("x@y")),
    # 12
    ({"bio": "x" * 261}, BIO),
    ({"nickname": "x" * 121}, NICKNAME),
    ({"bio": "x" * 261, "nickname": "x" * 121}, BIO),
    # Item 13 of contract 6
    ({"password": "1234567"}, too_short()),
    ({"password": "x", "nickname": "x" * 121}, NICKNAME),
]


@pytest.mark.parametrize(("values", "body"), TABLE, ids=range(len(TABLE)))
def test_a_row_of_the_table_leaves_no_half_of_a_user(cast, values, body):
    client = logged_in(cast.administrator)
    along = {"sendWelcomeEmail": True, "verified": False, "customFields": {"a": 1}}
    with nothing_made():
        answer = create(client, **{**along, **values})
    assert told(answer) == (400, body)
    assert not Client.objects.filter(name="Default").exists()


LISTS = [
    (["example.org"], [], "nina@example.com", "whitelist"),
    (["example.org"], [], "nina@example.org.evil.example", "whitelist"),
    (["example.org"], [], "nina@sub.example.org", "whitelist"),
    ([], ["example.com"], "nina@EXAMPLE.com", "blacklist"),
    (["example.com"], ["example.com"], "nina@example.com", "blacklist"),
    (["example.org"], ["example.com"], "nina@example.com", "whitelist"),
    (["example.org"], ["example.com"], "no address", "form"),
    (["example.org"], ["example.com"], "olga@example.com", "taken"),
    ([], ["example.com"], "olga@example.com", "taken"),
]


@pytest.mark.parametrize("case", LISTS, ids=range(len(LISTS)))
def test_row_11_domains_that_are_not_taken(cast, settings, case):
    settings.ROCKETCHAT_ALLOWED_DOMAINS, settings.ROCKETCHAT_BLOCKED_DOMAINS, email, row = case
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = create(client, email=email, bio="x" * 300)
    expected = {
        "whitelist": said("The email domain is not in whitelist", "error-invalid-domain", DOMAIN),
        "blacklist": said("The email domain is blacklisted", "error-email-domain-blacklisted", DOMAIN),
        "form": invalid_email(email),
        "taken": taken(email),
    }
    assert told(answer) == (400, expected[row])


@pytest.mark.parametrize(
    ("allowed", "refused"), [([], []), (["example.com"], []), (["a.example", "example.com"], ["b.example"])]
)
def test_other_domains_are_taken(cast, settings, allowed, refused):
    settings.ROCKETCHAT_ALLOWED_DOMAINS, settings.ROCKETCHAT_BLOCKED_DOMAINS = allowed, refused
    answer = create(logged_in(cast.administrator), email="nina@EXAMPLE.com")
    assert told(answer)[1]["user"]["emails"][0]["address"] == "nina@EXAMPLE.com"


@pytest.mark.parametrize("active", [True, False, "true", 0])
def test_row_13_a_state_from_whoever_may_not_set_it(cast, active):
    clerk = logged_in(allow(cast.owner, Grant.CREATE))
    with nothing_made():
        answer = create(clerk, active=active)
    assert told(answer) == (400, said("Not allowed", "error-not-allowed", {"method": "setUserActiveStatus"}))
    with nothing_made():
        assert told(create(clerk, active=active, nickname="x" * 121)) == (400, NICKNAME)
    assert create(clerk, active=None).json()["user"]["active"] is True


def test_a_password_that_is_too_short_is_told_by_the_setting(cast, settings):
    settings.ROCKETCHAT_PASSWORD_MIN_LENGTH = 30
    client = logged_in(cast.administrator)
    with nothing_made():
        assert told(create(client)) == (400, too_short())


def test_a_password_that_is_too_long(cast):
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = create(client, password="x" * 129)
    (rule,) = told(answer)[1]["details"]
    assert rule == {
        "error": "error-password-policy-not-met-maxLength",
        "message": "The password does not meet the maximum length password policy.",
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "x" * 256}, "Name is too long (maximum is 255 characters)"),
        ({"name": "a\nb"}, "Name is invalid"),
        ({"nickname": "a\tb"}, "Nickname is invalid"),
        ({"bio": "a\u2028b"}, "Bio is invalid"),
        ({"statusText": "x" * 256}, "Status text is too long (maximum is 255 characters)"),
    ],
)
def test_a_rule_of_the_directory_that_the_table_does_not_know(cast, values, words):
    client = logged_in(cast.administrator)
    with nothing_made():
        status, body = told(create(client, **values))
    assert (status, body["success"], body["errorType"]) == (400, False, "error-invalid-user")
    assert body["error"] == f"{words} [error-invalid-user]"


# Who calls


def test_without_both_headers_of_one_user_nobody_calls(cast):
    client = logged_in(cast.administrator)
    token = client._credentials["HTTP_X_AUTH_TOKEN"]
    own = cast.administrator.pk
    wrong = [
        {},
        {"HTTP_X_USER_ID": str(own)},
        {"HTTP_X_AUTH_TOKEN": token},
        pair(cast.spare.pk, token),
        pair(cast.owner.pk, token),
        pair(f"0{own}", token),
        pair(f" {own}", token[:-1]),
        pair(own, token.upper()),
        pair(own, token + "x"),
        pair(own, ""),
        pair("", token),
        pair(own, "\xff"),
        {"HTTP_AUTHORIZATION": f"Bearer {token}"},
    ]
    for headers in wrong:
        client.credentials(**headers)
        with nothing_made():
            answer = create(client)
        assert told(answer) == (401, LOGGED_OUT), headers


def test_a_disabled_user_can_not_call(cast):
    client = logged_in(cast.disabled)
    with nothing_made():
        assert told(create(client)) == (401, LOGGED_OUT)


def test_a_token_that_only_reads_makes_nobody(cast):
    reader = logged_in(cast.administrator, kind="api", read_only=True)
    with nothing_made():
        assert told(create(reader)) == (403, NOT_PERMITTED)
        # What can't be read is no reason to break, either.
        answer = reader.generic("POST", PATH, "{", content_type=JSON)
        assert told(answer) == (403, NOT_PERMITTED)
        answer = reader.generic("POST", PATH, "x", content_type="text/plain")
        assert told(answer) == (403, NOT_PERMITTED)
    assert Event.objects.filter(action="change.refused", target_id=None).count() == 3


def test_whoever_must_change_the_password_makes_nobody(cast):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    client = logged_in(cast.administrator)
    with nothing_made():
        assert told(create(client)) == (403, MUST_CHANGE)
        assert told(client.generic("POST", PATH, "{", content_type=JSON)) == (403, MUST_CHANGE)


def test_the_own_number_in_the_body_opens_nothing_to_who_must_change_the_password(cast):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = create(client, userId=str(cast.administrator.pk))
    assert told(answer) == (403, MUST_CHANGE)


# At once


def crowd(bodies):
    """The answers to calls at once, by two administrators."""
    callers = [AdministratorFactory(email=email) for email in ("ada@example.com", "sam@example.com")]
    clients = [logged_in(callers[n % 2]) for n in range(len(bodies))]
    return at_once(
        *(lambda client=client, body=body: create(client, **body) for client, body in zip(clients, bodies, strict=True))
    )


@pytest.mark.django_db(transaction=True)
@repeated()
def test_of_twelve_who_take_one_user_name_one_gets_it():
    spellings = ["nina", "Nina", "NINA"] * (CROWD // 3)
    answers = crowd([{"username": name, "email": f"n{n}@example.com"} for n, name in enumerate(spellings)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CROWD - 1}
    for answer, name in zip(answers, spellings, strict=True):
        if answer.status_code == 400:
            assert answer.json() == taken(name)
    assert User.objects.with_username("nina").count() == 1
    assert Event.objects.filter(action="user.created").count() == 1
    # The client that is made on first use is made once, by whoever it is that succeeds.
    assert Client.objects.filter(name="Default").count() == 1


@pytest.mark.django_db(transaction=True)
@repeated()
def test_of_twelve_who_take_one_address_one_gets_it():
    answers = crowd([{"username": f"nina{n}"} for n in range(CROWD)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CROWD - 1}
    refusals = [answer.json() for answer in answers if answer.status_code == 400]
    assert refusals == [taken("nina@example.com")] * (CROWD - 1)
    assert User.objects.with_email("nina@example.com").count() == 1


@pytest.mark.django_db(transaction=True)
@repeated()
def test_twelve_new_users_at_once_share_the_default_client():
    answers = crowd([{"username": f"nina{n}", "email": f"n{n}@example.com"} for n in range(CROWD)])
    assert [answer.status_code for answer in answers] == [200] * CROWD
    assert Client.objects.get(name="Default").users.count() == CROWD
