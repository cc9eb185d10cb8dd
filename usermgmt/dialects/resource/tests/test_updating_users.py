"""PATCH /users/{userId} (contract 0, 2 and 8.13)."""

import pytest

from accounts.models import Event, User
from accounts.services import erasure
from accounts.tests.factories import UserFactory
from accounts.tests.rows import stored, unchanged
from usermgmt.dialects.resource.tests.shapes import NOT_FOUND, invalid, refusal_of, user_of

NOTHING = invalid("The request body must contain at least one of firstName, lastName and contactEmail")
TAKEN = invalid("The field `contactEmail` is already in use", ("contactEmail", "Already in use"))


@pytest.fixture
def client(cast, call):
    return call(cast.administrator)


def test_what_is_sent_changes_and_the_whole_user_is_told(client, cast):
    told = user_of(client.patch(f"/v1/users/{cast.owner.pk}", {"contactEmail": "new.email@example.com"}))

    assert told == {
        "userId": cast.owner.pk,
        "firstName": "Olga",
        "lastName": "Owner",
        "contactEmail": "new.email@example.com",
    }
    assert user_of(client.get(f"/v1/users/{cast.owner.pk}")) == told
    user = User.objects.get(pk=cast.owner.pk)
    assert (user.name, user.given_name, user.family_name) == ("Olga Owner", "", "")


def test_a_part_of_the_name_makes_the_name_anew(client, cast):
    told = user_of(client.patch(f"/v1/users/{cast.owner.pk}", {"lastName": "Ostrich"}))

    assert (told["firstName"], told["lastName"]) == ("Olga", "Ostrich")
    user = User.objects.get(pk=cast.owner.pk)
    assert (user.name, user.given_name, user.family_name) == ("Olga Ostrich", "Olga", "Ostrich")
    assert client.get(f"/users/{cast.owner.pk}").json()["name"] == "Olga Ostrich"
    changes = Event.objects.get().changes
    assert changes["name"] == ["Olga Owner", "Olga Ostrich"]


def test_a_middle_name_stays_and_is_no_part_of_the_name_made_here(client, cast):
    user = UserFactory(name="A M B", given_name="A", middle_name="M" * 255, family_name="B", client=cast.acme)

    told = user_of(client.patch(f"/v1/users/{user.pk}", {"firstName": "C" * 100}))

    assert (told["firstName"], told["lastName"]) == ("C" * 100, "B")
    user.refresh_from_db()
    assert (user.name, user.middle_name) == ("C" * 100 + " B", "M" * 255)


def test_what_is_kept_of_a_part_beyond_what_is_shown_stays(client, cast):
    user = UserFactory(name="Long", given_name="G" * 255, family_name="F" * 255, client=cast.acme)

    told = user_of(client.patch(f"/v1/users/{user.pk}", {"lastName": "Short"}))

    assert (told["firstName"], told["lastName"]) == ("G" * 100, "Short")
    user.refresh_from_db()
    assert (user.given_name, user.family_name, user.name) == ("G" * 255, "Short", "G" * 100 + " Short")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Madonna", {}),
        ("Two  Spaces", {}),
        ("x" * 255, {}),
        ("A M B", {"given_name": "A", "middle_name": "M", "family_name": "B"}),
        ("Shown Otherwise", {"given_name": "G" * 255, "family_name": "F"}),
    ],
    ids=lambda value: str(value)[:15],
)
def test_what_is_shown_may_be_sent_back_and_renames_nobody(client, cast, name, parts):
    user = UserFactory(name=name, client=cast.acme, **parts)
    path = f"/v1/users/{user.pk}"
    shown = user_of(client.get(path))

    with unchanged():
        assert user_of(client.patch(path, shown)) == shown
        assert user_of(client.patch(path, {"lastName": shown["lastName"]})) == shown
    told = user_of(client.patch(path, shown | {"contactEmail": "moved@example.com"}))

    assert told == shown | {"contactEmail": "moved@example.com"}
    present = User.objects.get(pk=user.pk)
    assert [getattr(present, field) for field in ("name", "given_name", "middle_name", "family_name")] == [
        name,
        *(parts.get(part, "") for part in ("given_name", "middle_name", "family_name")),
    ]


def test_a_part_sent_back_along_with_another_one_keeps_what_is_beyond_it(client, cast):
    user = UserFactory(name="Long", given_name="G" * 255, family_name="F", client=cast.acme)

    user_of(client.patch(f"/v1/users/{user.pk}", {"firstName": "G" * 100, "lastName": "New"}))

    user.refresh_from_db()
    assert (user.given_name, user.family_name, user.name) == ("G" * 255, "New", "G" * 100 + " New")


@pytest.mark.parametrize(
    "body", [{}, {"foo": 1}, {"userId": 7}, {"name": "X"}, {"first_name": "X", "email": "x@example.com"}]
)
def test_a_body_without_a_property_is_refused(client, cast, body):
    with unchanged():
        answer = client.patch(f"/v1/users/{cast.owner.pk}", body)
    assert refusal_of(answer) == NOTHING


def test_no_body_at_all_is_refused(client, cast):
    assert refusal_of(client.generic("PATCH", f"/v1/users/{cast.owner.pk}")) == NOTHING


@pytest.mark.parametrize("address", ["stan@example.com", "STAN@EXAMPLE.COM"])
def test_an_address_of_another_user_is_refused(client, cast, address):
    with unchanged():
        answer = client.patch(f"/v1/users/{cast.owner.pk}", {"contactEmail": address})
    assert refusal_of(answer) == TAKEN


@pytest.mark.parametrize("address", ["olga@example.com", "Olga@Example.com"])
def test_one_s_own_address_is_taken_in_any_spelling(client, cast, address):
    told = user_of(client.patch(f"/v1/users/{cast.owner.pk}", {"contactEmail": address}))
    assert told["contactEmail"] == address


def test_what_is_there_already_changes_nothing(client, cast):
    user = user_of(
        client.post("/v1/users", {"firstName": "Una", "lastName": "U", "contactEmail": "una@example.com"}), 201
    )
    del user["userId"]
    path = f"/v1/users/{User.objects.with_email('una@example.com').get().pk}"
    with unchanged():
        answer = client.patch(path, user)
    assert user_of(answer) == {"userId": int(path.rpartition("/")[2]), **user}


@pytest.mark.parametrize(
    ("body", "message", "reason"),
    [
        ({"firstName": ""}, "must be between 1 and 100 characters", "String too short"),
        ({"lastName": "x" * 101}, "must be between 1 and 100 characters", "String too long"),
        ({"firstName": "x" * 500_000}, "must be between 1 and 100 characters", "String too long"),
        ({"lastName": None}, "must be a string", "Invalid type"),
        ({"firstName": 7}, "must be a string", "Invalid type"),
        ({"contactEmail": "nope"}, "must be a valid email address", "Invalid format"),
        ({"contactEmail": []}, "must be a string", "Invalid type"),
        ({"contactEmail": "x@erased.invalid"}, "must be a valid email address", "Invalid format"),
        ({"lastName": "\u200b"}, "must be visible text on one line", "Invalid format"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_that_breaks_a_rule_is_refused_and_nothing_changes(client, cast, body, message, reason):
    (field,) = body
    with unchanged():
        answer = client.patch(f"/v1/users/{cast.owner.pk}", {"contactEmail": "fine@example.com"} | body)
    assert refusal_of(answer) == invalid(f"The field `{field}` {message}", (field, reason))


def test_every_fault_is_told_in_the_order_of_the_contract(client, cast):
    sent = {"contactEmail": 1, "lastName": "", "firstName": "x" * 101}
    status, told = refusal_of(client.patch(f"/v1/users/{cast.owner.pk}", sent))
    assert (status, told["message"]) == (400, "The field `firstName` must be between 1 and 100 characters")
    assert [detail["field"] for detail in told["details"]] == ["firstName", "lastName", "contactEmail"]


def test_nobody_is_not_found_whatever_is_sent(client, cast):
    assert refusal_of(client.patch("/v1/users/999999", {"firstName": "X"})) == (404, NOT_FOUND)
    assert refusal_of(client.patch("/v1/users/999999", {"firstName": ""})) == (404, NOT_FOUND)


def test_whoever_was_erased_stays_so(client, cast):
    erasure.erase(actor=None, user_id=cast.owner.pk)
    before = stored(cast.owner)
    answer = client.patch(f"/v1/users/{cast.owner.pk}", {"firstName": "Olga"})
    message = "The directory can't be changed: the person was erased"
    assert refusal_of(answer) == invalid(message, ("userId", "Invalid value"), location="path")
    assert stored(cast.owner) == before


def test_a_regular_user_changes_the_own_record(cast, call):
    told = user_of(call(cast.owner).patch(f"/v1/users/{cast.owner.pk}", {"firstName": "Olha"}))
    assert (told["firstName"], told["lastName"]) == ("Olha", "Owner")
