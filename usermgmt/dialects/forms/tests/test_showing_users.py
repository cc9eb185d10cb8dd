"""`GET /api/users/{id}`: what some configuration of users declares, and nothing else (contract 0)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import RecordType, User
from accounts.tests.factories import (
    RecordTypeFactory,
    RelationshipFactory,
    TransactableFactory,
    UserProfileFactory,
)
from accounts.tests.rows import unchanged
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import changing, errors_of, program, seated, shown

COLUMNS = {
    "external_id": "x-1",
    "last_name": "Owner",
    "middle_name": "Maria",
    "name": "Olga Owner",
    "featured": True,
    "public_profile": True,
}
ALWAYS = {"email": "olga@example.com", "first_name": "Olga"}  # the vendor's configurations declare them
VIRTUAL = {"property_options": {"virtual": True}}


@pytest.fixture
def owner(cast):
    """The owner, with something in every column that can be shown."""
    User.objects.filter(pk=cast.owner.pk).update(
        given_name="Olga",
        family_name="Owner",
        middle_name="Maria",
        external_id="x-1",
        featured=True,
        public_profile=True,
        properties={"a": 1, "b": [{"c": None}], "d": "hidden"},
        bio="hidden",
        custom_fields={"hidden": 1},
    )
    return User.objects.get(pk=cast.owner.pk)


@pytest.fixture
def related(cast, owner):
    """The records of the owner: two of each kind, and of profiles."""
    default = RecordType.objects.get(name="default")
    friend = RecordTypeFactory(kind=RecordType.Kind.RELATIONSHIP, name="friend")
    bicycle = RecordTypeFactory(kind=RecordType.Kind.TRANSACTABLE, name="bicycle")
    properties = {"a": 1, "hidden": 2}
    return {
        "default": UserProfileFactory(user=owner, type=default, properties=properties),
        "other": UserProfileFactory(user=owner, type=RecordTypeFactory(name="other"), properties=properties),
        "friends": [
            RelationshipFactory(user=owner, type=friend, related_user=other, properties=properties)
            for other in (cast.stranger, cast.disabled)
        ],
        "bicycles": [
            TransactableFactory(user=owner, type=bicycle, name=name, properties=properties) for name in ("Red", "Blue")
        ],
    }


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_is_shown_once_a_configuration_declares_it(owner, administrator, name):
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS}
    changing({name: {}})
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS, name: COLUMNS[name]}
    assert administrator.get(f"/api/users/{owner.pk}.json").json() == shown(administrator, owner)


def test_what_several_configurations_declare_is_shown_together(owner, administrator):
    for number, name in enumerate(COLUMNS):
        changing({name: {}, "last_name": {}}, name=f"change_{number}", request_allowed=number % 2 == 0)
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS, **COLUMNS}


def test_what_is_virtual_or_secret_or_of_sessions_is_never_shown(owner, administrator):
    changing(
        {"password": {}, "id": {}, "terms": VIRTUAL, "bio": VIRTUAL, "last_name": VIRTUAL, "password_hash": VIRTUAL}
    )
    configurations.create(actor=None, name="enter", resource="Session", fields={"email": {}, "name": VIRTUAL})
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS}
    changing({"last_name": {}}, name="stored")  # virtual here, a column there
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS, "last_name": "Owner"}


def test_of_properties_those_are_shown_that_are_declared(owner, administrator):
    changing({"properties": {}})
    assert "properties" not in shown(administrator, owner)
    changing({"properties": {"a": {}, "e": {}, "v": VIRTUAL}}, name="first")
    assert shown(administrator, owner)["properties"] == {"a": 1}
    changing({"properties": {"b": {"property_options": {"readonly": True}}}}, name="second")
    assert shown(administrator, owner)["properties"] == {"a": 1, "b": [{"c": None}]}


def test_of_records_the_types_and_properties_are_shown_that_are_declared(cast, owner, related, administrator):
    assert shown(administrator, owner) == {"id": owner.pk, **ALWAYS}
    changing(
        {
            "profiles": {"default": {"properties": {"a": {}}}},
            "relationship_users": {"friend": {"user_id": {}, "properties": {"a": {}}}},
            "transactables": {"bicycle": {"name": {}, "enabled": {}, "properties": {"a": {}}}},
        }
    )
    told = shown(administrator, owner)
    assert told["profiles"] == {"default": {"id": related["default"].pk, "properties": {"a": 1}}}
    first, second = related["friends"]
    assert told["relationship_users"] == {
        "friend": [
            {"id": first.pk, "user_id": cast.stranger.pk, "properties": {"a": 1}},
            {"id": second.pk, "user_id": cast.disabled.pk, "properties": {"a": 1}},
        ]
    }
    first, second = related["bicycles"]
    assert told["transactables"] == {
        "bicycle": [
            {"id": first.pk, "name": "Red", "enabled": True, "properties": {"a": 1}},
            {"id": second.pk, "name": "Blue", "enabled": True, "properties": {"a": 1}},
        ]
    }
    assert shown(administrator, cast.stranger) | {"id": 0} == {
        "id": 0,
        "email": "stan@example.com",
        "first_name": "",
        "profiles": {},
        "relationship_users": {},
        "transactables": {},
    }


def test_a_change_of_a_configuration_is_seen_at_once(owner, administrator):
    changing({"last_name": {}})
    row = FormConfiguration.objects.get(name="change")
    assert "last_name" in shown(administrator, owner)
    configurations.update(actor=None, configuration_id=row.pk, fields={"external_id": {}})
    assert set(shown(administrator, owner)) == {"id", "external_id", *ALWAYS}
    configurations.delete(actor=None, configuration_id=row.pk)
    assert set(shown(administrator, owner)) == {"id", *ALWAYS}


def test_where_nothing_is_declared_there_is_a_number_alone_and_what_is_unsound_declares_nothing(owner, administrator):
    FormConfiguration.objects.all().delete()
    assert shown(administrator, owner) == {"id": owner.pk}
    FormConfiguration.objects.create(name="unsound", fields={"is_superuser": {}, "last_name": {}})
    assert shown(administrator, owner) == {"id": owner.pk}


def test_regular_users_see_themselves_by_token_and_by_session(cast, owner, administrator):
    for client in (program(owner), seated(administrator, owner)):
        assert shown(client, owner) == {"id": owner.pk, **ALWAYS}
        for number in (cast.stranger.pk, cast.administrator.pk, 987654321, "abc"):
            assert errors_of(client.get(f"/api/users/{number}"), 403)


def test_a_bound_token_sees_its_client_alone(cast):
    client = program(cast.administrator, client=cast.acme)
    assert shown(client, cast.owner)["email"] == "olga@example.com"
    for user in (cast.outsider, cast.spare, cast.administrator):
        assert errors_of(client.get(f"/api/users/{user.pk}"), 404) == {"base": ["Not found"]}


@pytest.mark.parametrize(
    "number", ["987654321", "0", "-1", "01", "abc", "1.0", "1e0", "9" * 30, "%00", "%D9%A1", "..%2f1"]
)
def test_nobody_s_number_is_not_found(administrator, number):
    with unchanged():
        assert errors_of(administrator.get(f"/api/users/{number}"), 404) == {"base": ["Not found"]}


def queries(run):
    """How much `run` asked of the database."""
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured)


def test_the_database_is_asked_as_much_however_many_configurations_and_records_there_are(owner, related, administrator):
    fields = {
        "properties": {"a": {}},
        "profiles": {"default": {"properties": {"a": {}}}},
        "relationship_users": {"friend": {"user_id": {}}},
        "transactables": {"bicycle": {"name": {}}},
    }
    changing(fields)
    shown(administrator, owner)  # configurations are compiled once, and a token's use is kept once a minute
    few = queries(lambda: shown(administrator, owner))

    for number in range(50):
        changing({**fields, "properties": {f"p{number}": {}}}, name=f"change_{number}")
        UserProfileFactory(user=owner)
        RelationshipFactory(user=owner, type=related["friends"][0].type)
        TransactableFactory(user=owner, type=related["bicycles"][0].type)
    told = shown(administrator, owner)
    assert (len(told["relationship_users"]["friend"]), len(told["transactables"]["bicycle"])) == (52, 52)
    assert queries(lambda: shown(administrator, owner)) == few <= 9
