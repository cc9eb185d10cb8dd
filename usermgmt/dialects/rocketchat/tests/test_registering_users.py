"""users.register: off unless the operator says otherwise; then open to anyone, for a plain user (contract 4)."""

import pytest
from django.contrib.auth.models import Group

from accounts import passwords
from accounts.grants import Grant
from accounts.models import CustomField, Event, Mail, Membership, Team, User
from accounts.roles import DEFAULT
from accounts.services import roles
from accounts.tests.callers import caller
from accounts.tests.rows import everything
from clients.services import default_client
from usermgmt.dialects.rocketchat import registering
from usermgmt.dialects.rocketchat.tests.callers import logged_in, nothing_made, pair, told
from usermgmt.http.limits import Limit

PATH = "/api/v1/users.register"
GOOD = {"username": "nina", "email": "nina@example.com", "pass": "a password nobody has", "name": "Nina New"}


@pytest.fixture(autouse=True)
def registration(settings):
    settings.ROCKETCHAT_REGISTRATION = True


def register(client=None, /, **values):
    return told((client or caller()).post(PATH, {**GOOD, **values}))


def registered(**values):
    status, body = register(**values)
    assert (status, body["success"], body.keys()) == (200, True, {"user", "success"}), body
    return User.objects.get(pk=body["user"]["_id"])


def plain(error):
    return 400, {"success": False, "error": error}


def coded(error, code, details=None):
    body = {"success": False, "error": f"{error} [{code}]", "errorType": code}
    return 400, body if details is None else {**body, "details": details}


DISABLED = coded("User registration is disabled", "error-user-registration-disabled", {"method": "registerUser"})


def test_a_plain_user_of_the_default_client_is_made(cast):
    status, body = register()
    assert (status, body["success"]) == (200, True)
    user = User.objects.get(username="nina")
    assert body["user"] == {
        "_id": str(user.pk),
        "username": "nina",
        "name": "Nina New",
        "type": "user",
        "status": "offline",
        "active": True,
    }
    assert (user.client_id, user.is_superuser, user.groups.count()) == (default_client.present().pk, False, 0)
    assert passwords.verified(GOOD["pass"], user.password)
    assert (user.email_verified, user.must_change_password) == (False, False)
    assert Event.objects.filter(action="user.created", target_id=user.pk, actor_id=None).count() == 1


def test_the_address_is_to_be_proven_and_default_teams_are_joined(cast):
    client = default_client.made(actor=None)
    team = Team.objects.create(client=client, name="Everybody", join_by_default=True)
    other = Team.objects.create(client=cast.acme, name="Everybody", join_by_default=True)
    user = registered()
    mail = Mail.objects.get()
    assert (mail.kind, mail.user_id, mail.address) == (Mail.Kind.EMAIL_VERIFICATION, user.pk, "nina@example.com")
    assert Membership.objects.filter(user=user).get().team_id == team.pk != other.pk


def test_whoever_registered_logs_in_and_is_there_natively(cast):
    user = registered()
    answer = told(caller().post("/api/v1/login", {"user": "nina", "password": GOOD["pass"]}))
    assert (answer[0], answer[1]["data"]["userId"]) == (200, str(user.pk))
    assert answer[1]["data"]["me"]["roles"] == ["user"]
    assert caller(cast.administrator).get(f"/users/{user.pk}").json()["email"] == "nina@example.com"


def test_whatever_the_default_role_allows_strangers_may_register(cast):
    roles.update(actor=None, role_id=Group.objects.get(name=DEFAULT).pk, grants=[Grant.VIEW.value])
    assert registered().groups.count() == 0


def test_without_a_name_the_user_name_is_the_name(cast):
    assert registered(name=None).name == "nina"
    assert registered(username="nils", email="nils@example.com", name=" ").name == "nils"


def test_custom_fields_secret_and_reason_may_be_sent(cast):
    CustomField.objects.create(name="twitter", min_length=3)
    with nothing_made():
        assert register(customFields={"twitter": "a"}) == coded(
            "Min length of field twitter 3", "error-user-registration-custom-field", {"method": "registerUser"}
        )
    user = registered(customFields={"twitter": "@nina"}, secret="x", reason="because")
    assert user.custom_fields == {"twitter": "@nina"}


def test_nobody_registers_unless_the_operator_says_so(cast, settings):
    settings.ROCKETCHAT_REGISTRATION = False
    with nothing_made():
        assert register() == DISABLED
        # Nor does anybody learn who is there.
        assert register(username="olga") == DISABLED
        assert register(email="olga@example.com") == DISABLED


def test_whoever_is_logged_in_does_not_register_again(cast):
    for client in (logged_in(cast.owner), logged_in(cast.administrator)):
        with nothing_made():
            assert register(client) == plain("Logged in users can not register again.")


def test_headers_that_are_nobodys_are_no_login(cast):
    stale = caller()
    stale.credentials(**pair(cast.owner.pk, "not a token"))
    assert register(stale)[0] == 200
    assert register(logged_in(cast.disabled), username="nils", email="nils@example.com")[0] == 200


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"username": "olga"}, plain("Username is already in use")),
        ({"username": "OLGA"}, plain("Username is already in use")),
        ({"username": "admin"}, plain("Username is already in use")),
        ({"username": "System"}, plain("Username is already in use")),
        ({"username": "olga", "email": "olga@example.com"}, plain("Username is already in use")),
        ({"username": ""}, plain("The username provided is not valid")),
        ({"username": "bad name"}, plain("The username provided is not valid")),
        ({"username": "n" * 256}, plain("The username provided is not valid")),
        ({"username": "<b>"}, plain("The username provided is not valid")),
        ({"name": "a\nb"}, plain("Name contains invalid characters")),
        ({"email": "olga@example.com"}, coded("Email already exists.", "403")),
        ({"email": "OLGA@Example.com"}, coded("Email already exists.", "403")),
        (
            {"email": "x@y"},
            coded("Invalid email x@y", "error-invalid-email", {"function": "RocketChat.validateEmailDomain"}),
        ),
        (
            {"email": ""},
            coded("Invalid email ", "error-invalid-email", {"function": "RocketChat.validateEmailDomain"}),
        ),
        (
            {"pass": "1234567"},
            coded(
                "The password provided does not meet the server's password policy.",
                "error-password-policy-not-met",
                [
                    {
                        "error": "error-password-policy-not-met-minLength",
                        "message": "The password does not meet the minimum length password policy.",
                    }
                ],
            ),
        ),
    ],
)
def test_what_the_product_refuses_makes_nobody(cast, values, answer):
    with nothing_made():
        assert register(**values) == answer


def test_the_products_policy_of_passwords_holds_where_it_is_on(cast, settings):
    settings.ROCKETCHAT_PASSWORD_POLICY = True
    with nothing_made():
        status, body = register()
    assert (status, body["errorType"]) == (400, "error-password-policy-not-met")
    assert [broken["error"].rpartition("-")[2] for broken in body["details"]] == [
        "oneUppercase",
        "oneNumber",
        "oneSpecial",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "must have required property 'username'"),
        ({"username": "nina"}, "must have required property 'email'"),
        ({"username": "nina", "email": "nina@example.com"}, "must have required property 'pass'"),
        ({**GOOD, "username": []}, "must be string"),
        ({**GOOD, "pass": {}}, "must be string"),
        ({**GOOD, "customFields": "x"}, "must be object"),
        ([], "must be object"),
    ],
)
def test_bodies_that_are_not_of_the_schema(db, body, message):
    assert told(caller().post(PATH, body)) == coded(message, "invalid-params")


@pytest.mark.parametrize(
    "name",
    [
        "roles",
        "active",
        "verified",
        "password",
        "isAdmin",
        "is_superuser",
        "client_id",
        "joinDefaultChannels",
        "requirePasswordChange",
        "_id",
        "services",
        "type",
        "secretURL",
    ],
)
@pytest.mark.parametrize("value", [None, True, "admin", ["admin"]])
def test_nobody_makes_more_of_themselves(cast, name, value):
    with nothing_made():
        assert register(**{name: value}) == coded("must NOT have additional properties", "invalid-params")


def test_nobody_walks_through_addresses_to_see_which_there_are(cast, monkeypatch):
    monkeypatch.setattr(registering, "REGISTRATIONS", Limit("registrations of a test", 2, 3600))
    assert register(email="olga@example.com") == coded("Email already exists.", "403")
    assert register()[0] == 200
    before = everything()
    answer = caller().post(PATH, {**GOOD, "email": "stan@example.com"})
    status, body = told(answer)
    assert (status, body["success"]) == (429, False)
    assert body["error"].endswith("[error-too-many-requests]")
    assert answer["X-RateLimit-Remaining"] == "0"
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert everything() == before


def test_the_answer_tells_what_is_left(cast):
    answer = caller().post(PATH, GOOD)
    assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("20", "19")
