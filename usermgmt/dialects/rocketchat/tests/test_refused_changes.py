"""users.update, when it does not: each refusal in the product's words, and nothing changed (contract 4)."""

import pytest

from accounts.grants import Grant
from accounts.models import CustomField, Event, User
from accounts.services import erasure, roles, users
from accounts.tests.rows import stored, unchanged
from usermgmt.dialects.rocketchat.tests.callers import (
    LOGGED_OUT,
    NOT_PERMITTED,
    acting,
    allow,
    logged_in,
    told,
)
from usermgmt.dialects.rocketchat.tests.test_changing_users import GOOD, PATH, update

SAVE = "insertOrUpdateUser"


def refusal(error, code, details=None):
    body = {"success": False, "error": f"{error} [{code}]", "errorType": code}
    return 400, body if details is None else {**body, "details": details}


def params(message):
    return refusal(message, "invalid-params")


NOT_ALLOWED = refusal(
    "Editing user is not allowed", "error-action-not-allowed", {"method": SAVE, "action": "Editing_user"}
)
NOT_FOUND = refusal("User not found", "error-user-not-found")
IDENTITY = refusal("Could not save user identity", "error-could-not-save-identity", {"method": "saveUser"})
LAST = refusal(
    "Leaving the app without an active admin is not allowed",
    "error-action-not-allowed",
    {"method": "removeUserFromRole", "action": "Remove_last_admin"},
)
SURPLUS = params("must NOT have additional properties")


@pytest.fixture
def client(cast):
    return logged_in(cast.administrator)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, params("must have required property 'userId'")),
        ({"data": {}}, params("must have required property 'userId'")),
        ({"userId": "1"}, params("must have required property 'data'")),
        ({"userId": "", "data": {}}, params("must NOT have fewer than 1 characters")),
        ({"userId": None, "data": {}}, params("must NOT have fewer than 1 characters")),
        ({"userId": ["1"], "data": {}}, params("must be string")),
        ({"userId": {}, "data": {}}, params("must be string")),
        ({"userId": "1", "data": []}, params("must be object")),
        ({"userId": "1", "data": None}, params("must be object")),
        ({"userId": "1", "data": "x"}, params("must be object")),
        ({"userId": "1", "data": {}, "foo": 1}, SURPLUS),
        ({"userId": "1", "data": {}, "confirmRelinquish": "yes"}, params("must be boolean")),
        ({"userId": "1", "data": {"foo": 1}}, SURPLUS),
        ({"userId": "1", "data": {"active": "yes"}}, params("must be boolean")),
        ({"userId": "1", "data": {"verified": []}}, params("must be boolean")),
        ({"userId": "1", "data": {"roles": "user"}}, params("must be array")),
        ({"userId": "1", "data": {"roles": [{}]}}, params("must be string")),
        ({"userId": "1", "data": {"customFields": "x"}}, params("must be object")),
        ({"userId": "1", "data": {"name": {}}}, params("must be string")),
        ([], params("must be object")),
    ],
)
def test_bodies_that_are_not_of_the_schema(cast, client, body, answer):
    assert told(client.post(PATH, body)) == answer


COLUMNS = [
    "_id",
    "id",
    "pk",
    "is_superuser",
    "is_staff",
    "isAdmin",
    "client",
    "client_id",
    "email_verified",
    "must_change_password",
    "token_version",
    "password_hash",
    "groups",
    "services",
    "settings",
    "language",
    "type",
    "createdAt",
    "last_login",
    "erased_at",
    "join_default_teams",
    "fields",
    "external_id",
    "featured",
    "properties",
]


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("value", [None, True, "1", {"password": {"bcrypt": "x"}}])
def test_nothing_else_can_be_said_of_a_user(cast, client, name, value):
    with unchanged():
        assert update(client, cast.owner, **{name: value, "name": "New"}) == SURPLUS
        assert update(logged_in(cast.owner), cast.owner, **{name: value}) == SURPLUS


@pytest.mark.parametrize("named", ["0", "-1", "x", "olga", "9" * 19, "9" * 500, " ", "1 ", "\u0661"])
def test_who_is_not_there_is_not_found(cast, client, named):
    assert told(client.post(PATH, {"userId": named, "data": {"name": "New"}})) == NOT_FOUND


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"username": "stan"}, IDENTITY),
        ({"username": "STAN"}, IDENTITY),
        ({"username": "admin"}, IDENTITY),
        ({"username": "System"}, IDENTITY),
        ({"username": ""}, IDENTITY),
        ({"name": ""}, IDENTITY),
        ({"name": " \u200b"}, IDENTITY),
        ({"name": "n" * 256}, IDENTITY),
        ({"name": "a\nb"}, (400, {"success": False, "error": "Name contains invalid characters"})),
        (
            {"username": "bad <name>"},
            refusal(
                "bad &lt;name&gt; is not a valid username",
                "error-input-is-not-a-valid-field",
                {"method": SAVE, "input": "bad <name>", "field": "Username"},
            ),
        ),
        (
            {"email": "stan@example.com"},
            refusal(
                "stan@example.com is already in use :(",
                "error-field-unavailable",
                {"method": SAVE, "field": "stan@example.com"},
            ),
        ),
        (
            {"email": "Stan@EXAMPLE.com"},
            refusal(
                "Stan@EXAMPLE.com is already in use :(",
                "error-field-unavailable",
                {"method": SAVE, "field": "Stan@EXAMPLE.com"},
            ),
        ),
        (
            {"email": "x@y"},
            refusal("Invalid email x@y", "error-invalid-email", {"function": "RocketChat.validateEmailDomain"}),
        ),
        (
            {"roles": ["nope"]},
            refusal(
                "The field Roles consist invalid role id",
                "error-action-not-allowed",
                {"method": SAVE, "action": "Assign_role"},
            ),
        ),
        (
            {"bio": "b" * 261},
            refusal("Bio size exceeds 260 characters", "error-bio-size-exceeded", {"method": "saveUserProfile"}),
        ),
        (
            {"nickname": "n" * 121},
            refusal(
                "Nickname size exceeds 120 characters", "error-nickname-size-exceeded", {"method": "saveUserProfile"}
            ),
        ),
    ],
)
def test_values_that_the_product_refuses_change_nothing(cast, client, data, answer):
    with unchanged():
        assert update(client, cast.owner, **{"statusText": "Changed", **data}) == answer


def test_the_user_name_is_told_of_before_the_address(cast, client):
    with unchanged():
        assert update(client, cast.owner, username="stan", email="stan@example.com", bio="b" * 261) == IDENTITY


def test_domains_are_those_that_the_operator_allows(cast, client, settings):
    settings.ROCKETCHAT_ALLOWED_DOMAINS = ["example.org"]
    answer = refusal(
        "The email domain is not in whitelist", "error-invalid-domain", {"function": "RocketChat.validateEmailDomain"}
    )
    assert update(client, cast.owner, email="olga@example.net") == answer
    assert update(client, cast.owner, email="olga@example.com", name="As it is")[0] == 200
    assert update(client, cast.owner, name="Without")[0] == 200
    assert update(client, cast.owner, email="olga@example.org")[0] == 200


def test_custom_fields_keep_their_definitions(cast, client):
    CustomField.objects.create(name="twitter", min_length=3)
    with unchanged():
        assert update(client, cast.owner, customFields={"twitter": "a"}) == refusal(
            "Min length of field twitter 3", "error-user-registration-custom-field", {"method": "registerUser"}
        )


# Passwords


def policy(*broken):
    return refusal(
        "The password provided does not meet the server's password policy.",
        "error-password-policy-not-met",
        [{"error": f"error-password-policy-not-met-{rule}", "message": message} for rule, message in broken],
    )


TOO_SHORT = ("minLength", "The password does not meet the minimum length password policy.")
TOO_LONG = ("maxLength", "The password does not meet the maximum length password policy.")
REPEATING = ("repeatingCharacters", "The password contains repeating characters which is against the password policy.")


def without(rule, words):
    return (
        rule,
        f"The password does not contain at least one {words} character which is against the password policy.",
    )


LOWERCASE, UPPERCASE = without("oneLowercase", "lowercase"), without("oneUppercase", "uppercase")
NUMBER, SPECIAL = without("oneNumber", "numerical"), without("oneSpecial", "special")


def test_a_password_has_the_least_length_that_the_operator_says(cast, client, settings):
    with unchanged():
        assert update(client, cast.owner, password="1234567") == policy(TOO_SHORT)
        assert update(client, cast.owner, password="x" * 129) == policy(TOO_LONG)
    assert update(client, cast.owner, password="password")[0] == 200  # however common: the product has no rule for that
    settings.ROCKETCHAT_PASSWORD_MIN_LENGTH = 1
    assert update(client, cast.owner, password="x")[0] == 200


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("", None),
        ("Long enough 1 dash-", None),
        ("aaaa", [TOO_SHORT, REPEATING, UPPERCASE, NUMBER, SPECIAL]),
        ("LONG ENOUGH 1 DASH-", [LOWERCASE]),
        ("long enough 1 dash-", [UPPERCASE]),
        ("Long enough, a dash-", [NUMBER]),
        ("Long enough 1 dash", [SPECIAL]),
        ("Loooong enough 1 dash-", [REPEATING]),
        ("Looong enough 1 dash-", None),
        ("Short 1 dash-", [TOO_SHORT]),
    ],
)
def test_the_products_policy_tells_every_rule_that_is_broken(cast, client, settings, password, broken):
    settings.ROCKETCHAT_PASSWORD_POLICY = True
    answer = update(client, cast.owner, password=password)
    assert answer[0] == 200 if broken is None else answer == policy(*broken)


def test_the_operators_length_holds_where_it_is_the_greater_one(cast, client, settings):
    settings.ROCKETCHAT_PASSWORD_POLICY, settings.ROCKETCHAT_PASSWORD_MIN_LENGTH = True, 30
    assert update(client, cast.owner, password="Long enough 1 dash-") == policy(TOO_SHORT)


# The last administrator


@pytest.mark.parametrize("data", [{"roles": ["user"]}, {"roles": []}, {"active": False}, {"setRandomPassword": True}])
def test_the_last_administrator_stays_one_and_can_sign_in(cast, client, data):
    users.delete(actor=None, user_id=cast.spare.pk)
    with unchanged():
        assert update(client, cast.administrator, **data) == LAST


# Rights


def test_nobody_proves_the_own_address(cast, client):
    answer = refusal(
        "Editing email verification is not allowed",
        "error-action-not-allowed",
        {"method": SAVE, "action": "Editing_user"},
    )
    for user in (cast.administrator, cast.owner):
        assert update(logged_in(user), user, verified=True, name="New") == answer
        assert not stored(user)["email_verified"]
        assert stored(user)["name"] != "New"


def test_a_refused_change_is_in_the_trail(cast):
    assert update(logged_in(cast.owner), cast.stranger, name="New") == NOT_ALLOWED
    event = Event.objects.filter(action="change.refused").latest("id")
    assert (event.actor_id, event.target_kind, event.target_id) == (cast.owner.pk, "user", cast.stranger.pk)


def test_regular_users_learn_nothing_of_whom_there_is(cast):
    client = logged_in(cast.owner)
    for named in (cast.stranger.pk, cast.outsider.pk, cast.administrator.pk, 999_999_999, "x"):
        body = {"userId": str(named), "data": {"name": "New"}}
        assert told(client.post(PATH, body)) == NOT_ALLOWED


@pytest.mark.parametrize(
    "data",
    [
        {"roles": ["guest"]},
        {"roles": ["bot", "user"]},
        {"requirePasswordChange": True},
        {"setRandomPassword": True},
    ],
)
def test_regular_users_do_not_set_of_themselves_what_is_for_others_to_set(cast, data):
    row = stored(cast.owner)
    assert update(logged_in(cast.owner), cast.owner, name="New", **data) == NOT_ALLOWED
    assert stored(cast.owner) == row


def test_nobody_is_activated_without_the_right_to(cast):
    answer = refusal("Not allowed", "error-not-allowed", {"method": "setUserActiveStatus"})
    for active in (True, False):
        assert update(logged_in(cast.owner), cast.owner, active=active) == answer
    clerk = logged_in(allow(cast.stranger, Grant.EDIT))
    assert update(clerk, cast.owner, active=False, name="New") == answer
    assert stored(cast.owner)["name"] == "Olga Owner"


def test_nobody_makes_an_administrator_without_being_one(cast):
    answer = refusal(
        "Assigning admin is not allowed", "error-action-not-allowed", {"method": SAVE, "action": "Assign_admin"}
    )
    allow(cast.owner, *Grant)
    for user in (cast.owner, cast.stranger):
        assert update(logged_in(cast.owner), user, roles=["admin"]) == answer
        assert not stored(user)["is_superuser"]
        assert Event.objects.filter(action="change.refused").latest("id").target_id == user.pk


def test_nobody_gives_a_role_that_allows_more_than_the_own_ones(cast):
    boss = roles.create(actor=None, name="boss", grants=[Grant.EDIT.value, Grant.DELETE.value])
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    assert update(clerk, cast.stranger, roles=["boss"]) == refusal(
        "Assigning boss is not allowed", "error-action-not-allowed", {"method": SAVE, "action": "Assign_boss"}
    )
    cast.stranger.groups.add(boss)
    assert update(clerk, cast.stranger, password=GOOD) == NOT_ALLOWED
    assert update(clerk, cast.stranger, roles=[]) == NOT_ALLOWED


def test_others_who_are_not_there_are_not_found_by_whoever_may_edit(cast):
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    for user in (cast.outsider, cast.administrator):
        row = stored(user)
        assert update(clerk, user, name="New") == NOT_FOUND
        assert stored(user) == row


def test_an_erased_person_is_not_changed(cast, client):
    erasure.erase(actor=cast.spare, user_id=cast.owner.pk)
    status, body = update(client, cast.owner, name="Back")
    assert (status, body["errorType"]) == (400, "error-invalid-user")
    assert stored(cast.owner)["name"] != "Back"


def test_an_api_token_does_not_change_its_owners_credentials(cast):
    token = logged_in(cast.owner, kind="api")
    for data in ({"password": GOOD}, {"email": "new@example.com"}):
        assert update(token, cast.owner, **data) == NOT_ALLOWED
    assert update(token, cast.owner, name="New")[0] == 200


# The cast against the call

EDITED = 200
BOUND = {"kind": "api", "client": "acme"}
READING = {"kind": "api", "read_only": True}


@pytest.mark.parametrize(
    ("actor", "whom", "answer"),
    [
        (("administrator",), "owner", EDITED),
        (("administrator",), "outsider", EDITED),
        (("administrator",), "disabled", EDITED),
        (("owner",), "owner", EDITED),
        (("owner",), "stranger", NOT_ALLOWED),
        (("stranger",), "owner", NOT_ALLOWED),
        (("outsider",), "owner", NOT_ALLOWED),
        (("owner", Grant.EDIT), "stranger", EDITED),
        (("owner", Grant.EDIT), "disabled", EDITED),
        (("owner", Grant.EDIT), "outsider", NOT_FOUND),
        (("owner", Grant.EDIT), "administrator", NOT_FOUND),
        *[(("owner", grant), "stranger", NOT_ALLOWED) for grant in Grant if grant != Grant.EDIT],
        (("disabled", Grant.EDIT), "owner", (401, LOGGED_OUT)),
        (("administrator", BOUND), "owner", EDITED),
        (("administrator", BOUND), "outsider", NOT_FOUND),
        (("administrator", BOUND), "spare", NOT_FOUND),
        (("administrator", BOUND), "administrator", NOT_ALLOWED),
        (("owner", Grant.EDIT, BOUND), "stranger", EDITED),
        (("administrator", READING), "owner", (403, NOT_PERMITTED)),
        (("owner", READING), "owner", (403, NOT_PERMITTED)),
    ],
)
def test_who_changes_whom(cast, actor, whom, answer):
    user = getattr(cast, whom)
    status, body = update(acting(cast, *actor), user, nickname="Changed")
    assert (status if answer == EDITED else (status, body)) == answer
    assert (User.objects.get(pk=user.pk).nickname == "Changed") is (answer == EDITED)
