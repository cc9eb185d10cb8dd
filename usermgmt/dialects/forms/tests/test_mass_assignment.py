"""What a caller can try to set and must not: declared fields are the boundary, and few can be declared (contract 0, 6.8
and 7)."""

import pytest

from accounts.models import RecordType, User
from accounts.tests.factories import RecordTypeFactory, TransactableFactory, UserProfileFactory
from accounts.tests.rows import stored, unchanged
from accounts.tests.test_mass_assignment import LOOKALIKES, UNKNOWN_FIELDS
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.rules.vocabulary import UNSUPPORTED
from usermgmt.dialects.forms.tests.forms import (
    EXAMPLE,
    PERSON,
    UPDATE,
    asked,
    changing,
    configured,
    errors_of,
    made,
    program,
    seated,
)
from usermgmt.errors import Invalid

# What the contract lists beside the fields of its table (contract 3), and what its siblings take.
LISTED = [
    "accept_emails",
    "companies",
    "current_address",
    "id",
    "sms_notifications_enabled",
    "tag_list",
    "phone",
    "country_name",
    "mobile_number",
    "company_name",
    "time_zone",
    "language",
    "click_to_call",
    "saved_searches_alerts_frequency",
    "banned_at",
    "avatar",
    "cover_image",
    "customizations",
    "custom_images",
    "custom_attachments",
    "custom_addresses",
    "authentication_token",
    "admin",
    "is_admin",
    "approved",
    "roles",
    "instance_id",
    "partner_id",
    "user_profiles",
    "creator_id",
]
COLUMNS = sorted(
    {name for field in User._meta.get_fields() for name in (field.name, getattr(field, "attname", ""))} - {""}
)
TAKEN = {  # which the contract has, and a configuration may declare
    *("email", "external_id", "first_name", "last_name", "middle_name", "name", "featured", "public_profile"),
    *("password", "properties", "profiles", "relationship_users", "transactables"),
}
UNKNOWN = sorted({*COLUMNS, *UNKNOWN_FIELDS, *LISTED} - TAKEN)
UNDECLARED = sorted({*UNKNOWN, *TAKEN} - {"email", "first_name", "password"})
VIRTUAL = {"property_options": {"virtual": True}}
OWN = {"id", "email", "email_canonical", "username", "username_canonical", "search_text", "password"}
MOMENTS = {"created_at", "updated_at"}
VALUES = [*LOOKALIKES, 2, {"id": 2, "name": "Globex"}, {"default": {"properties": {"a": 1}}}]


def noise(value, names=UNDECLARED):
    return dict.fromkeys(names, value)


def facts(user):
    """What is stored of a user and is not the user's own."""
    return {name: value for name, value in stored(user).items() if name not in OWN | MOMENTS}


def own(user):
    return stored(user), user.groups.count(), user.user_permissions.count(), user.profiles.count()


def test_the_matrix_has_every_column():
    assert {"is_superuser", "client_id", "client", "is_active", "email_verified", "username", "version"} <= set(UNKNOWN)
    assert len(UNDECLARED) > 90


def test_a_creation_passes_over_what_is_not_declared(cast, administrator):
    """In the form and beside it: whatever it is, the user is as one of whom nothing was said."""
    plain = made(administrator.post("/api/users", asked(EXAMPLE)))
    for number, value in enumerate(VALUES):
        form = {**noise(value), **EXAMPLE, "email": f"example{number + 2}@example.com"}
        user = made(administrator.post("/api/users", {**noise(value, UNKNOWN), **asked(form)}))
        assert facts(user) == facts(plain), value
        assert user.check_password(EXAMPLE["password"])
        assert user.username == f"example{number + 2}"
        assert own(user)[1:] == (0, 0, 0)
    assert (facts(plain)["is_superuser"], plain.client.name) == (False, "Default")


def test_a_change_passes_over_what_is_not_declared(cast, administrator):
    clients = {
        "administrator": administrator,
        "own token": program(cast.owner),
        "own session": seated(program(cast.administrator), cast.owner),
    }
    assert administrator.put(f"/api/users/{cast.owner.pk}", asked({"first_name": "Mike"}, UPDATE)).status_code == 204
    before = own(cast.owner)
    for who, client in clients.items():
        for value in VALUES:
            form = {**noise(value), **noise(value, ["email", "password"]), "first_name": "Mike"}
            answer = client.put(f"/api/users/{cast.owner.pk}", {**noise(value, UNKNOWN), **asked(form, UPDATE)})
            assert answer.status_code == 204
            assert own(cast.owner) == before, (who, value)


@pytest.mark.parametrize("value", [1, True, None, {"id": 2}], ids=repr)
def test_within_what_is_declared_the_rest_is_passed_over_too(cast, administrator, value):
    RecordTypeFactory(kind=RecordType.Kind.TRANSACTABLE, name="bicycle")
    RecordTypeFactory(kind=RecordType.Kind.RELATIONSHIP, name="friend")
    name = changing(
        {
            "properties": {"a": {}},
            "profiles": {"default": {"properties": {"a": {}}}},
            "relationship_users": {"friend": {"user_id": {}, "properties": {"a": {}}}},
            "transactables": {"bicycle": {"name": {}, "creator_id": {}, "properties": {"a": {}}}},
        }
    )
    rest = noise(value, sorted({*UNKNOWN, "type", "type_id", "user", "user_id", "related_user"}))
    form = {
        "properties": {**rest, "a": 1},
        "profiles": {"default": {**rest, "properties": {**rest, "a": 1}}, "other": rest, "client": rest},
        "relationship_users": {"friend": {**rest, "user_id": cast.stranger.pk}, "other": rest},
        "transactables": {"bicycle": {**rest, "name": "Red", "creator_id": cast.stranger.pk}, "other": rest},
    }
    before = stored(cast.owner)
    assert administrator.put(f"/api/users/{cast.owner.pk}", asked(form, name)).status_code == 204

    after = stored(cast.owner)
    changed = {column for column in after if after[column] != before[column]}
    assert (changed - {"version", "updated_at"}, after["properties"]) == ({"properties"}, {"a": 1})
    assert [(each.type.name, each.properties) for each in cast.owner.profiles.all()] == [("default", {"a": 1})]
    assert [each.related_user for each in cast.owner.relationships.all()] == [cast.stranger]
    item = cast.owner.transactables.get()
    assert (item.name, item.user, item.properties, item.currency, item.enabled) == ("Red", cast.owner, {}, "USD", True)
    assert not cast.stranger.transactables.exists()


@pytest.mark.parametrize("resource", ["User", "Session"])
def test_what_the_contract_does_not_have_can_not_be_declared_but_as_virtual(db, resource):
    for name in [name for name in UNKNOWN if name != "id"]:
        with pytest.raises(Invalid) as refusal:
            configurations.create(actor=None, name="sly", resource=resource, fields={name: {}})
        assert {fault.data["path"] for fault in refusal.value.faults} == {f"fields.{name}"}


def test_declared_as_virtual_nothing_of_it_is_written(cast, administrator):
    """Even so nobody becomes an administrator, changes client, state, user name or version."""
    virtual = sorted(set(UNKNOWN) - UNSUPPORTED)
    create = configured(dict.fromkeys(virtual, VIRTUAL))
    change = changing({**dict.fromkeys(virtual, VIRTUAL), "first_name": {}})
    plain = made(administrator.post("/api/users", asked(EXAMPLE)))
    before = own(cast.owner)
    for number, value in enumerate(VALUES):
        form = {**noise(value, virtual), **EXAMPLE, "email": f"example{number + 2}@example.com"}
        assert facts(made(administrator.post("/api/users", asked(form, create)))) == facts(plain)
        assert (
            administrator.put(f"/api/users/{cast.owner.pk}", asked(form | {"first_name": ""}, change)).status_code
            == 204
        )
        assert own(cast.owner) == before, value


def test_a_default_payload_sets_no_more_than_a_form_does(cast, administrator):
    payload = {"is_superuser": True, "client_id": None, "client": None, "is_active": False, "username": "root"}
    user = made(administrator.post("/api/users", asked(EXAMPLE, configured(default_payload=payload))))
    assert (user.is_superuser, user.client.name, user.is_active, user.username) == (False, "Default", True, "example1")


def test_a_configuration_that_was_written_past_the_service_sets_nothing(cast, administrator):
    FormConfiguration.objects.create(name="sly", fields={**PERSON, "is_superuser": {}}, resource_owner="anyone")
    with unchanged():
        for answer in (
            administrator.post("/api/users", asked(EXAMPLE | {"is_superuser": True}, "sly")),
            administrator.put(f"/api/users/{cast.owner.pk}", asked({"is_superuser": True}, "sly")),
        ):
            assert list(errors_of(answer, 406)) == ["base"]


def test_with_everything_declared_only_what_the_contract_has_is_written(cast, administrator):
    columns = ("email", "external_id", "first_name", "last_name", "middle_name", "name", "featured", "public_profile")
    name = changing({column: {} for column in (*columns, "id")})
    form = {
        **noise(True, UNKNOWN),
        "email": "new@example.com",
        "external_id": "x",
        "first_name": "A",
        "last_name": "B",
        "middle_name": "C",
        "name": "D",
        "featured": True,
        "public_profile": True,
        "id": cast.stranger.pk,
    }
    before, stranger = stored(cast.owner), stored(cast.stranger)
    assert administrator.put(f"/api/users/{cast.owner.pk}", asked(form, name)).status_code == 204
    after = stored(cast.owner)
    assert {column for column in after if after[column] != before[column]} == {
        *("email", "email_canonical", "external_id", "given_name", "family_name", "middle_name", "name"),
        *("featured", "public_profile", "name_sorted", "first_name_shown", "last_name_shown", "search_text"),
        *("version", "updated_at", "token_version"),  # whoever has another address signs in anew
    }
    assert stored(cast.stranger) == stranger


def test_the_number_of_somebody_else_s_record_is_no_number_here(cast, administrator):
    bicycle = RecordTypeFactory(kind=RecordType.Kind.TRANSACTABLE, name="bicycle")
    theirs = TransactableFactory(user=cast.stranger, type=bicycle, name="Theirs")
    profile = UserProfileFactory(user=cast.stranger, type=RecordType.objects.get(name="default"), properties={"a": 1})
    name = changing(
        {
            "transactables": {"bicycle": {"id": {}, "name": {}}},
            "profiles": {"default": {"properties": {"a": {}}}},
        }
    )
    for client in (administrator, program(cast.owner)):
        with unchanged():
            form = {"transactables": {"bicycle": {"id": theirs.pk, "name": "Mine"}}}
            errors = errors_of(client.put(f"/api/users/{cast.owner.pk}", asked(form, name)))
            assert errors == {"transactables.bicycle.id": ["must exist"]}
        form = {"profiles": {"default": {"id": profile.pk, "properties": {"a": 2}}}}
        assert client.put(f"/api/users/{cast.owner.pk}", asked(form, name)).status_code == 204
    assert (stored(theirs)["name"], stored(theirs)["user_id"]) == ("Theirs", cast.stranger.pk)
    assert stored(profile)["properties"] == {"a": 1}
