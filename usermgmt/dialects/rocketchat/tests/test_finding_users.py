"""users.info: one user, as whoever calls may see them (contract 4)."""

import json

import pytest

from accounts.grants import Grant
from accounts.models import CustomField, User
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD, UserFactory
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, MUST_CHANGE, allow, logged_in, told

PATH = "/api/v1/users.info"
NOT_FOUND = (400, {"success": False, "error": "User not found."})
LIMITED = {"_id", "username", "name", "type", "status", "active", "canViewAllInfo"}
FULL = LIMITED | {"emails", "roles", "createdAt", "_updatedAt", "settings"}


def info(client, **query):
    return told(client.get(PATH, query))


def found(client, **query):
    status, body = info(client, **query)
    assert (status, body["success"], body.keys()) == (200, True, {"user", "success"}), body
    return body["user"]


def faults(*lines):
    joined = "\n ".join([*lines, "must match a schema in anyOf"])
    return 400, {"success": False, "error": f"{joined} [invalid-params]", "errorType": "invalid-params"}


def missing(*names):
    return [f"must have required property '{name}'" for name in names]


SELECTORS = ["userId", "username", "importId", "email", "freeSwitchExtension"]


def test_a_user_is_found_by_id_by_user_name_and_by_address(cast):
    client = logged_in(cast.administrator)
    user = found(client, userId=str(cast.owner.pk))
    assert user.keys() == FULL
    assert (user["_id"], user["username"], user["name"]) == (str(cast.owner.pk), "olga", "Olga Owner")
    assert user["emails"] == [{"address": "olga@example.com", "verified": False}]
    assert (user["roles"], user["canViewAllInfo"]) == (["user"], True)
    assert found(client, username="olga") == found(client, username="OLGA") == user
    assert found(client, email="Olga@Example.com") == user


def test_a_user_made_natively_is_found(cast):
    body = {"name": "Nina", "email": "nina@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}
    answer = caller(cast.administrator).post("/users", body | {"client_id": cast.acme.pk})
    assert answer.status_code == 201
    user = found(logged_in(cast.administrator), userId=str(answer.json()["id"]))
    assert (user["name"], user["username"], user["emails"][0]["address"]) == ("Nina", "nina", "nina@example.com")


def test_the_own_record_tells_that_there_is_a_password_and_nobody_elses_does(cast):
    client = logged_in(cast.owner)
    own = found(client, userId=str(cast.owner.pk))
    assert own.keys() == FULL | {"services"}
    assert (own["services"], own["canViewAllInfo"]) == ({"password": True}, True)
    assert found(client, username="olga") == own
    assert "services" not in found(logged_in(cast.administrator), userId=str(cast.owner.pk))


def test_without_a_password_there_is_none_to_tell_of(cast):
    User.objects.filter(pk=cast.owner.pk).update(password="!")
    assert found(logged_in(cast.owner), userId=str(cast.owner.pk))["services"] == {}


def test_whoever_may_only_do_something_to_others_sees_less_of_them(cast):
    CustomField.objects.create(name="twitter", public=True)
    CustomField.objects.create(name="salary", public=False)
    User.objects.filter(pk=cast.stranger.pk).update(custom_fields={"twitter": "@stan", "salary": "1"}, bio="Here.")
    client = logged_in(allow(cast.owner, Grant.DELETE))
    user = found(client, userId=str(cast.stranger.pk))
    assert user.keys() == LIMITED | {"bio", "customFields"}
    assert (user["canViewAllInfo"], user["customFields"]) == (False, {"twitter": "@stan"})
    # Nor are addresses a way to find out whose they are.
    assert info(client, email="stan@example.com") == NOT_FOUND
    assert found(client, email="olga@example.com")["username"] == "olga"


def test_whoever_may_see_all_sees_all_of_the_own_client_and_nobody_else(cast):
    client = logged_in(allow(cast.owner, Grant.VIEW))
    user = found(client, userId=str(cast.stranger.pk))
    assert (user.keys(), user["canViewAllInfo"]) == (FULL, True)
    for other in (cast.outsider, cast.administrator):
        assert info(client, userId=str(other.pk)) == NOT_FOUND
        assert info(client, username=other.username) == NOT_FOUND
        assert info(client, email=other.email) == NOT_FOUND


def test_to_whoever_may_do_nothing_to_others_there_are_none(cast):
    for user in (cast.stranger, cast.outsider, cast.administrator):
        assert info(logged_in(cast.owner), userId=str(user.pk)) == NOT_FOUND
        assert info(logged_in(cast.owner), username=user.username) == NOT_FOUND


def test_by_a_token_that_is_bound_only_that_client_is_there_and_oneself(cast):
    client = logged_in(cast.administrator, kind="api", client=cast.acme)
    assert found(client, userId=str(cast.owner.pk))["username"] == "olga"
    assert info(client, userId=str(cast.outsider.pk)) == NOT_FOUND
    assert info(client, userId=str(cast.spare.pk)) == NOT_FOUND
    assert found(client, userId=str(cast.administrator.pk))["username"] == "ada"


@pytest.mark.parametrize(
    "query",
    [
        {"username": "nobody"},
        {"username": "no body"},
        {"username": "a\0b"},
        {"username": "n" * 3000},
        {"userId": "0"},
        {"userId": "-1"},
        {"userId": "1.0"},
        {"userId": "olga"},
        {"userId": "9" * 19},
        {"userId": "9" * 500},
        {"userId": "\u0661"},
        {"importId": "1"},
        {"freeSwitchExtension": "1000"},
        {"email": "nobody@example.com"},
        {"email": "no\0body@example.com"},
        {"email": "e" * 3000},
    ],
)
def test_who_is_not_there_is_not_found(cast, query):
    assert info(logged_in(cast.administrator), **query) == NOT_FOUND


@pytest.mark.parametrize("name", SELECTORS)
def test_a_blank_selector_is_no_search(cast, name):
    assert info(logged_in(cast.owner), **{name: ""}) == (400, {"success": False, "error": "Invalid search query."})


def test_without_a_selector_the_validator_tells_all_that_there_are(cast):
    assert info(logged_in(cast.owner)) == faults(*missing(*SELECTORS))
    assert info(logged_in(cast.owner), fields='{"name":1}') == faults(*missing(*SELECTORS))


def test_two_selectors_and_unknown_parameters_are_of_no_schema(cast):
    client = logged_in(cast.owner)
    surplus = "must NOT have additional properties"
    both = {"userId": str(cast.owner.pk), "username": "olga"}
    assert info(client, **both) == faults(surplus, surplus, *missing(*SELECTORS[2:]))
    assert info(client, username="olga", foo="1") == faults(
        *missing("userId"), surplus, *missing("importId", "email", "freeSwitchExtension")
    )
    assert info(client, username=["olga", "stan"]) == faults(
        *missing("userId"), "must be string", *missing("importId", "email", "freeSwitchExtension")
    )


def test_fields_are_shown_or_left_out_and_rooms_may_be_asked_for(cast):
    client = logged_in(cast.administrator)
    query = {"userId": str(cast.owner.pk)}
    assert found(client, **query, fields='{"name":1,"emails.address":1}') == {
        "_id": str(cast.owner.pk),
        "name": "Olga Owner",
        "emails": [{"address": "olga@example.com", "verified": False}],
    }
    assert "roles" not in found(client, **query, fields='{"roles":0}')
    assert found(client, **query, fields="", includeUserRooms="true").keys() == FULL
    # What is not shown is not shown for being asked for.
    clerk = logged_in(allow(cast.stranger, Grant.DELETE))
    assert found(clerk, **query, fields='{"emails":1,"services":1}') == {"_id": str(cast.owner.pk)}


@pytest.mark.parametrize("fields", ["{", "[]", "1", '{"name":2}', '{"name":true}', '{"name":1,"name":0}', "[" * 2000])
def test_what_is_no_projection_is_refused(cast, fields):
    assert info(logged_in(cast.owner), userId=str(cast.owner.pk), fields=fields) == (
        400,
        {
            "success": False,
            "error": f'Invalid fields parameter provided: "{fields}" [error-invalid-fields]',
            "errorType": "error-invalid-fields",
            "details": {"helperMethod": "parseJsonQuery"},
        },
    )


def test_nobody_else_is_let_in(cast):
    query = {"userId": str(cast.owner.pk)}
    assert info(caller(), **query) == (401, LOGGED_OUT)
    assert info(logged_in(cast.disabled), **query) == (401, LOGGED_OUT)
    cast.owner.must_change_password = True
    cast.owner.save()
    assert info(logged_in(cast.owner), **query) == (403, MUST_CHANGE)
    assert found(logged_in(cast.administrator, kind="api", read_only=True), **query)["username"] == "olga"


def test_what_a_user_tells_of_themselves_is_shown(cast):
    user = UserFactory(client=cast.acme, nickname="Nin", bio="Here.", status_text="At sea", custom_fields={"a": [1]})
    shown = found(logged_in(cast.administrator), userId=str(user.pk))
    told_of = {name: shown[name] for name in ("nickname", "bio", "statusText", "customFields")}
    assert told_of == {"nickname": "Nin", "bio": "Here.", "statusText": "At sea", "customFields": {"a": [1]}}
    assert json.dumps(shown).count("password") == 0


def test_one_user_costs_a_handful_of_queries(cast, django_assert_max_num_queries):
    client = logged_in(cast.administrator)
    found(client, userId=str(cast.owner.pk))  # by now it is noted that the token was used
    with django_assert_max_num_queries(3):  # the token and its owner, the user, their roles
        found(client, userId=str(cast.owner.pk))
