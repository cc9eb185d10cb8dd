"""POST /users (contract 8.1 to 8.7)."""

import pytest

from accounts.models import Event, Mail, User
from accounts.tests.rows import unchanged
from clients.models import Client
from usermgmt.dialects.resource.tests.shapes import JOHN, invalid, missing, refusal_of, user_of

LENGTH = "The field `{}` must be between {} and {} characters"
NO_EMAIL = "The field `contactEmail` must be a valid email address"
LONG = "a" * 64 + "@" + ".".join(["d" * 61] * 3) + "." + "c" * 4  # 255 characters


@pytest.fixture
def client(cast, call):
    return call(cast.administrator)


def test_a_user_is_made_and_told_with_a_number(client):
    answer = client.post("/v1/users", JOHN)

    told = user_of(answer, 201)
    user = User.objects.with_email("john.doe@example.com").get()
    assert told == {"userId": user.pk, **JOHN}
    assert list(told) == ["userId", "firstName", "lastName", "contactEmail"]
    assert "Location" not in answer
    assert (user.name, user.given_name, user.family_name) == ("John Doe", "John", "Doe")
    assert Event.objects.get(action="user.created").contract == "resource"


def test_a_user_made_here_is_of_the_default_client_without_a_password_and_no_mail_goes_out(client, settings):
    settings.DEFAULT_CLIENT = "Everybody"

    made = user_of(client.post("/v1/users", JOHN), 201)

    user = User.objects.get(pk=made["userId"])
    assert (user.client, user.is_superuser, user.is_active) == (Client.objects.get(name="Everybody"), False, True)
    assert (user.has_usable_password(), user.email_verified) == (False, False)
    assert not Mail.objects.exists()
    signing_in = client.post("/auth/token", {"email": JOHN["contactEmail"], "password": ""})
    assert signing_in.status_code in (401, 422)


def test_a_user_made_here_is_there_for_the_native_contract_and_for_staff(client, cast, staff):
    made = user_of(client.post("/v1/users", JOHN), 201)

    native = client.get(f"/users/{made['userId']}").json()
    page = staff(cast.administrator).get(f"/admin/accounts/user/{made['userId']}/change/")

    assert (native["name"], native["email"]) == ("John Doe", "john.doe@example.com")
    assert b"john.doe@example.com" in page.content


@pytest.mark.parametrize(
    ("sent", "absent"),
    [
        (["firstName", "contactEmail"], ["lastName"]),
        (["firstName"], ["lastName", "contactEmail"]),
        (["contactEmail"], ["firstName", "lastName"]),
        ([], ["firstName", "lastName", "contactEmail"]),
    ],
    ids=str,
)
def test_each_property_that_is_missing_is_told_of(client, sent, absent):
    with unchanged():
        answer = client.post("/v1/users", {name: JOHN[name] for name in sent})
    assert refusal_of(answer) == missing(*absent)


def test_no_body_at_all_lacks_every_property(client):
    assert refusal_of(client.post("/v1/users")) == missing("firstName", "lastName", "contactEmail")


def test_of_several_faults_the_missing_come_first_and_all_are_told(client):
    status, told = refusal_of(client.post("/v1/users", {"firstName": "", "contactEmail": "nope"}))

    assert (status, told["code"], told["message"]) == (
        400,
        "MISSING_REQUIRED_FIELD",
        "The `lastName` field is required.",
    )
    assert [(detail["field"], detail["reason"]) for detail in told["details"]] == [
        ("lastName", "Is required"),
        ("firstName", "String too short"),
        ("contactEmail", "Invalid format"),
    ]


@pytest.mark.parametrize("part", ["firstName", "lastName"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "String too short"), ("x" * 101, "String too long"), (" " + "x" * 100, "String too long")],
    ids=["empty", "101", "a space and 100"],
)
def test_a_name_is_of_1_to_100_characters_as_it_was_sent(client, part, value, reason):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {part: value})
    assert refusal_of(answer) == invalid(LENGTH.format(part, 1, 100), (part, reason))


@pytest.mark.parametrize("part", ["firstName", "lastName"])
@pytest.mark.parametrize("value", ["x", "x" * 100, "𝔛" * 100, " x ", "x" + " " * 99, "Ana María", "م", "🦉"])
def test_a_name_is_kept_as_it_was_sent(client, part, value):
    made = user_of(client.post("/v1/users", JOHN | {part: value}), 201)
    assert made[part] == value
    assert user_of(client.get(f"/v1/users/{made['userId']}")) == made


@pytest.mark.parametrize("value", [" ", "\u200b", "\u3000\u3000", "a\nb", "a\tb", "\x7f", "a\u2028b"], ids=ascii)
def test_a_name_is_visible_text_on_one_line(client, value):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {"firstName": value})
    message = "The field `firstName` must be visible text on one line"
    assert refusal_of(answer) == invalid(message, ("firstName", "Invalid format"))


@pytest.mark.parametrize(
    "value",
    [
        "nope",
        "user@localhost",
        "user@[127.0.0.1]",
        "user@example.c",
        "user@example.c0",
        "o'hara@example.com",
        "user!@example.com",
        "user#1@example.com",
        "us$er@example.com",
        " user@example.com",
        "user@example.com ",
        "user@example.com\n",
        "üser@example.com",
        "user@exämple.com",
        "user@@example.com",
        "a@b",
        "User <user@example.com>",
    ],
    ids=ascii,
)
def test_an_address_that_is_none_is_refused(client, value):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {"contactEmail": value})
    assert refusal_of(answer) == invalid(NO_EMAIL, ("contactEmail", "Invalid format"))


@pytest.mark.parametrize(
    ("value", "reason"), [("", "String too short"), ("ab", "String too short"), ("a" + LONG, "String too long")]
)
def test_an_address_is_of_3_to_255_characters(client, value, reason):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {"contactEmail": value})
    assert refusal_of(answer) == invalid(LENGTH.format("contactEmail", 3, 255), ("contactEmail", reason))


@pytest.mark.parametrize("value", [LONG, "a@b.co", "A.b_c%d+e-f@Sub-1.Example.COM"])
def test_an_address_is_kept_as_it_was_sent(client, value):
    assert user_of(client.post("/v1/users", JOHN | {"contactEmail": value}), 201)["contactEmail"] == value


@pytest.mark.parametrize("value", ["olga@example.com", "OLGA@Example.COM"])
def test_an_address_that_somebody_has_is_a_fault_of_the_request(client, value):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {"contactEmail": value})
    message = "The field `contactEmail` is already in use"
    assert refusal_of(answer) == invalid(message, ("contactEmail", "Already in use"))


@pytest.mark.parametrize("name", JOHN)
@pytest.mark.parametrize("value", [123, 1.5, None, True, False, [], {}, ["John"], {"a": "b"}], ids=repr)
def test_only_a_string_is_one(client, name, value):
    with unchanged():
        answer = client.post("/v1/users", JOHN | {name: value})
    assert refusal_of(answer) == invalid(f"The field `{name}` must be a string", (name, "Invalid type"))


def test_the_number_is_nobody_s_to_choose(client):
    made = user_of(client.post("/v1/users", JOHN | {"userId": 77_000}), 201)
    assert made["userId"] == User.objects.with_email(JOHN["contactEmail"]).get().pk != 77_000
