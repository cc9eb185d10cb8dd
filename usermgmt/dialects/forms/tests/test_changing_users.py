"""`PUT /api/users/{id}` (contract 5 and 6)."""

import pytest

from accounts.models import Event, User
from accounts.tests.factories import UserFactory
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.tests.forms import PRESENT, UPDATE, asked, changing, errors_of, program, shown

NOT_FOUND = {"base": ["Not found"]}


def columns_of(user):
    return User.objects.filter(pk=user.pk).values().get()


def put(client, user_id, form, name=UPDATE):
    return client.put(f"/api/users/{user_id}", asked(form, name))


def test_the_vendor_s_example_changes_the_first_name_alone(cast, administrator):
    before = columns_of(cast.owner)
    answer = put(administrator, cast.owner.pk, {"first_name": "Mike", "last_name": "Undeclared", "featured": True})

    assert (answer.status_code, answer.content) == (204, b"")
    changed = {column for column, value in columns_of(cast.owner).items() if value != before[column]}
    # The name follows its parts; what is made of it, and the row's own record of the change, follow.
    derived = {"name", "name_sorted", "first_name_shown", "last_name_shown", "search_text", "version", "updated_at"}
    assert changed - derived == {"given_name"}
    assert columns_of(cast.owner)["given_name"] == "Mike"


@pytest.mark.parametrize("first_name", ["", " ", None])
def test_a_blank_first_name_is_refused(cast, administrator, first_name):
    before = columns_of(cast.owner)
    assert errors_of(put(administrator, cast.owner.pk, {"first_name": first_name})) == {
        "first_name": ["can't be blank"]
    }
    assert columns_of(cast.owner) == before


def test_what_is_not_sent_is_judged_as_it_is_stored(cast, administrator):
    user = UserFactory(given_name="Here", client=cast.acme)
    assert put(administrator, user.pk, {}).status_code == 204
    assert errors_of(put(administrator, cast.owner.pk, {})) == {"first_name": ["can't be blank"]}


@pytest.mark.parametrize("user_id", ["9999", "0", "-1", "abc", "1.5", "9" * 30, "%00"])
def test_nobody_s_number_is_not_found(administrator, user_id):
    assert errors_of(put(administrator, user_id, {"first_name": "Mike"}), 404) == NOT_FOUND


@pytest.mark.parametrize("owner", [{}, {"resource_owner": "self"}], ids=["absent", "self"])
def test_where_the_owner_is_oneself_nobody_else_is_found(cast, administrator, owner):
    configurations.create(actor=None, name="own", fields={"first_name": PRESENT}, **owner)
    before = columns_of(cast.owner)
    for user_id in (cast.owner.pk, 9999):
        assert errors_of(put(administrator, user_id, {"first_name": "Mike"}, "own"), 404) == NOT_FOUND
    assert columns_of(cast.owner) == before

    assert put(administrator, cast.administrator.pk, {"first_name": "Mike"}, "own").status_code == 204
    assert put(program(cast.owner), cast.owner.pk, {"first_name": "Mike"}, "own").status_code == 204
    assert columns_of(cast.owner)["given_name"] == "Mike"


def test_to_a_regular_user_nobody_else_is_there_whatever_the_configuration_says(cast):
    caller = program(cast.owner)
    for user in (cast.stranger, cast.outsider, cast.administrator):
        assert errors_of(put(caller, user.pk, {"first_name": "Mike"}), 404) == NOT_FOUND
    assert put(caller, cast.owner.pk, {"first_name": "Mike"}).status_code == 204


def test_a_bound_token_finds_nobody_outside_of_its_client(cast, administrator):
    caller = program(cast.administrator, client=cast.acme)
    assert put(caller, cast.owner.pk, {"first_name": "Mike"}).status_code == 204
    assert errors_of(put(caller, cast.outsider.pk, {"first_name": "Mike"}), 404) == NOT_FOUND


def test_a_regular_user_changes_no_password_and_no_facts_of_administrators_by_a_token(cast):
    name = changing({"password": {}, "email": {}, "featured": {}, "external_id": {}, "public_profile": {}})
    caller = program(cast.owner)
    for form in ({"password": "new password"}, {"email": "new@example.com"}, {"featured": True}, {"external_id": "x"}):
        before = columns_of(cast.owner)
        answer = put(caller, cast.owner.pk, form, name)
        assert errors_of(answer, 403) == {"base": ["You are not allowed to do this"]}, form
        assert columns_of(cast.owner) == before
    assert put(caller, cast.owner.pk, {"public_profile": True}, name).status_code == 204


def test_properties_and_records_that_are_not_sent_stay(cast, administrator):
    name = changing(
        {
            "properties": {"a": {}, "b": {}},
            "profiles": {"default": {"properties": {"a": {}, "b": {}}}},
        }
    )
    sent = {"properties": {"a": 1}, "profiles": {"default": {"properties": {"a": 1}}}}
    assert put(administrator, cast.owner.pk, sent, name).status_code == 204
    sent = {"properties": {"b": [2]}, "profiles": {"default": {"properties": {"b": {"c": 2}}}}}
    assert put(administrator, cast.owner.pk, sent, name).status_code == 204

    told = shown(administrator, cast.owner)
    assert told["properties"] == {"a": 1, "b": [2]}
    assert told["profiles"]["default"]["properties"] == {"a": 1, "b": {"c": 2}}


def test_a_form_that_changes_nothing_leaves_no_trace(cast, administrator):
    put(administrator, cast.owner.pk, {"first_name": "Mike"})
    before, events = columns_of(cast.owner), Event.objects.count()
    assert put(administrator, cast.owner.pk, {"first_name": "Mike"}).status_code == 204
    assert (columns_of(cast.owner), Event.objects.count()) == (before, events)


def test_whoever_writes_meanwhile_is_not_overwritten(cast, administrator, monkeypatch):
    """The form is judged, and its properties merged, by what is there when it is written."""
    name = changing({"properties": {"a": {}, "b": {}}})
    from usermgmt.dialects.forms import submitting

    judged, others = submitting.judged, iter([{"b": "theirs"}])

    def late(configuration, form, user):
        outcome = judged(configuration, form, user)
        for properties in others:
            User.objects.filter(pk=user.pk).update(properties=properties, version=user.version + 1)
        return outcome

    monkeypatch.setattr(submitting, "judged", late)
    assert put(administrator, cast.owner.pk, {"properties": {"a": "ours"}}, name).status_code == 204
    assert columns_of(cast.owner)["properties"] == {"a": "ours", "b": "theirs"}
