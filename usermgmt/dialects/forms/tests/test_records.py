"""Profiles, relationships and transactables: made with the user, changed by entry, all or nothing (contract 0 and 3)."""

from functools import partial

import pytest

from accounts.models import Event, RecordType, Relationship, Transactable, User, UserProfile
from accounts.services import record_types
from accounts.tests.factories import UserFactory
from usermgmt.dialects.forms.tests.forms import EXAMPLE, asked, changing, configured, errors_of, made, program, shown
from usermgmt.errors import Invalid

MUST_EXIST, BLANK, INVALID = ["must exist"], ["can't be blank"], ["is invalid"]

EVERYTHING = {
    "properties": {"colour": {}},
    "profiles": {"seller": {"properties": {"shop": {}, "rating": {}}}},
    "relationship_users": {"manager": {"user_id": {}, "properties": {"since": {}}}},
    "transactables": {
        "bicycle": {
            "id": {},
            "name": {},
            "description": {},
            "currency": {},
            "enabled": {},
            "properties": {"gears": {}},
        }
    },
}
BICYCLE = {"name": "Red", "description": "Old.\nGood.", "currency": "EUR", "enabled": False, "properties": {"gears": 3}}


@pytest.fixture(autouse=True)
def _types(db):
    """A type of each kind that holds whatever is sent."""
    for kind, name in (("profile", "seller"), ("relationship", "manager"), ("transactable", "bicycle")):
        record_types.create(actor=None, kind=kind, name=name)


@pytest.fixture
def acme(cast):
    """A program in the client of owner and stranger."""
    return program(cast.administrator, client=cast.acme)


def rows():
    """How many rows there are of all that a form can write."""
    return [model.objects.count() for model in (User, UserProfile, Relationship, Transactable, Event)]


def records_of(user):
    """What is stored of the records of a user."""
    return {
        "profiles": {row.type.name: row.properties for row in user.profiles.all()},
        "relationships": [(row.type.name, row.related_user_id, row.properties) for row in user.relationships.all()],
        "transactables": [
            (row.type.name, row.name, row.currency, row.enabled, row.properties) for row in user.transactables.all()
        ],
    }


def full(cast, **changes):
    """A form with something of each kind."""
    return {
        "properties": {"colour": "red"},
        "profiles": {"seller": {"properties": {"shop": "Acme", "rating": 4.5}}},
        "relationship_users": {"manager": {"user_id": cast.owner.pk, "properties": {"since": 2020}}},
        "transactables": {"bicycle": BICYCLE},
    } | changes


def test_everything_is_made_with_the_user(cast, acme):
    user = made(acme.post("/api/users", asked(EXAMPLE | full(cast), configured(EVERYTHING))))
    assert records_of(user) == {
        "profiles": {"seller": {"shop": "Acme", "rating": 4.5}},
        "relationships": [("manager", cast.owner.pk, {"since": 2020})],
        "transactables": [("bicycle", "Red", "EUR", False, {"gears": 3})],
    }
    properties = {"shop": "Acme", "rating": 4.5}
    related = {"id": user.relationships.get().pk, "user_id": cast.owner.pk, "properties": {"since": 2020}}
    told = shown(acme, user)
    assert told["profiles"] == {"seller": {"id": user.profiles.get().pk, "properties": properties}}
    assert told["relationship_users"] == {"manager": [related]}
    assert told["transactables"] == {"bicycle": [{"id": user.transactables.get().pk, **BICYCLE}]}


def test_of_relationships_and_items_there_may_be_several(cast, acme):
    form = {
        "relationship_users": {"manager": [{"user_id": cast.owner.pk}, {"user_id": str(cast.stranger.pk)}]},
        "transactables": {"bicycle": [BICYCLE, {}]},
    }
    user = made(acme.post("/api/users", asked(EXAMPLE | form, configured(EVERYTHING))))
    assert records_of(user) == {
        "profiles": {},
        "relationships": [("manager", cast.owner.pk, {}), ("manager", cast.stranger.pk, {})],
        "transactables": [("bicycle", "Red", "EUR", False, {"gears": 3}), ("bicycle", "", "USD", True, {})],
    }


def test_what_get_shows_can_be_sent_back_and_changes_nothing(cast, acme):
    user = made(acme.post("/api/users", asked(EXAMPLE | full(cast), configured(EVERYTHING))))
    name = changing({"email": {}, "first_name": {}, "featured": {}, **EVERYTHING})
    told, before = shown(acme, user), (rows(), User.objects.values().get(pk=user.pk))

    answer = acme.put(f"/api/users/{user.pk}", asked(told, name))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (rows(), User.objects.values().get(pk=user.pk)) == before
    assert shown(acme, user) == told


def test_entries_with_a_number_are_changed_and_those_without_are_made(cast, acme):
    user = made(acme.post("/api/users", asked(EXAMPLE | full(cast), configured(EVERYTHING))))
    item, related = user.transactables.get(), user.relationships.get()
    form = {
        "profiles": {"seller": {"properties": {"rating": 5}}},
        "relationship_users": {"manager": {"user_id": cast.owner.pk, "properties": {"since": 2021}}},
        "transactables": {"bicycle": [{"id": str(item.pk), "name": "Blue"}, {"id": None, "name": "New"}]},
    }
    name = changing(EVERYTHING)
    assert acme.put(f"/api/users/{user.pk}", asked(form, name)).status_code == 204
    assert records_of(user) == {
        "profiles": {"seller": {"shop": "Acme", "rating": 5}},
        "relationships": [("manager", cast.owner.pk, {"since": 2021})],
        "transactables": [
            ("bicycle", "Blue", "EUR", False, {"gears": 3}),
            ("bicycle", "New", "USD", True, {}),
        ],
    }
    assert (user.transactables.first().pk, user.relationships.get().pk) == (item.pk, related.pk)


def test_what_is_not_sent_stays(cast, acme):
    user = made(acme.post("/api/users", asked(EXAMPLE | full(cast), configured(EVERYTHING))))
    before, name = records_of(user), changing(EVERYTHING)
    for form in ({}, {"transactables": {}}, {"transactables": None}, {"profiles": {"seller": None}}, {"profiles": {}}):
        assert acme.put(f"/api/users/{user.pk}", asked(form, name)).status_code == 204, form
        assert records_of(user) == before, form
    assert shown(acme, user)["properties"] == {"colour": "red"}


def test_undeclared_parts_of_records_are_dropped(cast, acme):
    name = configured(
        {
            "profiles": {"seller": {"properties": {"shop": {}}}},
            "relationship_users": {"manager": {"user_id": {}}},
            "transactables": {"bicycle": {"name": {}}},
        }
    )
    user = made(acme.post("/api/users", asked(EXAMPLE | full(cast), name)))
    assert records_of(user) == {
        "profiles": {"seller": {"shop": "Acme"}},
        "relationships": [("manager", cast.owner.pk, {})],
        "transactables": [("bicycle", "Red", "USD", True, {})],
    }
    item = user.transactables.get()
    form = {"transactables": {"bicycle": {"id": item.pk, "name": "Blue"}}}
    undeclared = changing({"transactables": {"bicycle": {"name": {}}}})
    assert acme.put(f"/api/users/{user.pk}", asked(form, undeclared)).status_code == 204
    assert sorted(row.name for row in user.transactables.all()) == ["Blue", "Red"]  # the number is not declared


REFUSED = [
    ({"relationship_users": {"manager": {"user_id": 0}}}, {"relationship_users.manager.user_id": INVALID}),
    ({"relationship_users": {"manager": {"user_id": True}}}, {"relationship_users.manager.user_id": INVALID}),
    ({"relationship_users": {"manager": {"user_id": 2**63}}}, {"relationship_users.manager.user_id": INVALID}),
    ({"relationship_users": {"manager": {"user_id": 2**63 - 1}}}, {"relationship_users.manager.user_id": MUST_EXIST}),
    ({"relationship_users": {"manager": {}}}, {"relationship_users.manager.user_id": BLANK}),
    ({"relationship_users": {"manager": ["x", 5]}}, {f"relationship_users.manager.{n}": INVALID for n in (0, 1)}),
    ({"relationship_users": {"manager": "x"}}, {"relationship_users.manager": INVALID}),
    ({"relationship_users": []}, {"relationship_users": INVALID}),
    (
        {"relationship_users": {"manager": [{"user_id": 999999}, {"user_id": "x"}]}},
        {"relationship_users.manager.1.user_id": INVALID, "relationship_users.manager.user_id": MUST_EXIST},
    ),
    ({"transactables": {"bicycle": {"id": 999999}}}, {"transactables.bicycle.id": MUST_EXIST}),
    ({"transactables": {"bicycle": {"id": "x"}}}, {"transactables.bicycle.id": INVALID}),
    ({"transactables": {"bicycle": [{}, {"enabled": 5}]}}, {"transactables.bicycle.1.enabled": INVALID}),
    ({"transactables": {"bicycle": {"currency": "euro"}}}, {"transactables.bicycle.currency": INVALID}),
    ({"transactables": {"bicycle": {"name": ["x"]}}}, {"transactables.bicycle.name": INVALID}),
    (
        {"transactables": {"bicycle": {"name": "x" * 256}}},
        {"transactables.bicycle.name": ["is too long (maximum is 255 characters)"]},
    ),
    (
        {"transactables": {"bicycle": [{}] * 101}},
        {"transactables.bicycle": ["is too long (maximum is 100 entries)"]},
    ),
    ({"transactables": {"bicycle": {"properties": []}}}, {"transactables.bicycle.properties": INVALID}),
    ({"profiles": {"seller": 5}}, {"profiles.seller": INVALID}),
    ({"profiles": {"seller": {"properties": "x"}}}, {"profiles.seller.properties": INVALID}),
    (
        {"profiles": {"seller": {"properties": {"shop": "x" * 17000}}}},
        {"profiles.seller.properties": ["is too large: at most 8 levels, 100 keys and 16 KiB"]},
    ),
    (
        {"properties": 5, "profiles": [], "transactables": 1},
        dict.fromkeys(("properties", "profiles", "transactables"), INVALID),
    ),
]


def test_each_fault_is_told_by_its_path_and_no_row_of_any_table_is_written(cast, acme):
    create, change = configured(EVERYTHING), changing(EVERYTHING)
    before = rows()
    for form, errors in REFUSED:
        sent = full(cast, **form)
        assert errors_of(acme.post("/api/users", asked(EXAMPLE | sent, create))) == errors, form
        assert errors_of(acme.put(f"/api/users/{cast.stranger.pk}", asked(sent, change))) == errors, form
        assert rows() == before, form
    assert not any(records_of(cast.stranger).values())


def test_users_of_other_clients_and_oneself_are_told_like_unknown_ones(cast, acme):
    create, change = configured(EVERYTHING), changing(EVERYTHING)
    before = rows()
    unknown = {"relationship_users": {"manager": {"user_id": 999999}}}
    told = acme.post("/api/users", asked(EXAMPLE | unknown, create)).content
    for other in (cast.outsider, cast.administrator):
        form = {"relationship_users": {"manager": {"user_id": other.pk}}}
        assert acme.post("/api/users", asked(EXAMPLE | form, create)).content == told
    for other in (cast.outsider, cast.administrator, cast.stranger):
        form = {"relationship_users": {"manager": {"user_id": other.pk}}}
        assert acme.put(f"/api/users/{cast.stranger.pk}", asked(form, change)).content == told
    assert rows() == before


def test_nobody_changes_records_of_others_by_their_numbers(cast, acme):
    item = cast.owner.transactables.create(type=RecordType.objects.get(name="bicycle"), name="Olga's")
    related = UserFactory(client=cast.acme)
    kept = cast.owner.relationships.create(
        type=RecordType.objects.get(name="manager"), related_user=related, properties={"since": 1}
    )
    name = changing(EVERYTHING)
    form = {"transactables": {"bicycle": {"id": item.pk, "name": "Mine"}}}
    answer = acme.put(f"/api/users/{cast.stranger.pk}", asked(form, name))
    assert errors_of(answer) == {"transactables.bicycle.id": MUST_EXIST}

    # The number of a relationship can't be sent: it is the one to the user who is named.
    form = {"relationship_users": {"manager": {"id": kept.pk, "user_id": related.pk, "properties": {"since": 2}}}}
    assert acme.put(f"/api/users/{cast.stranger.pk}", asked(form, name)).status_code == 204
    item.refresh_from_db()
    kept.refresh_from_db()
    assert (item.name, item.user, kept.properties, kept.user) == ("Olga's", cast.owner, {"since": 1}, cast.owner)
    assert cast.stranger.relationships.get().properties == {"since": 2}


def test_one_user_twice_in_a_relationship_is_refused(cast, acme):
    form = {"relationship_users": {"manager": [{"user_id": cast.owner.pk}, {"user_id": str(cast.owner.pk)}]}}
    answer = acme.post("/api/users", asked(EXAMPLE | form, configured(EVERYTHING)))
    assert errors_of(answer) == {"relationship_users.manager.user_id": ["has already been taken"]}
    assert not Relationship.objects.exists()


DEFINED = {
    "text": ("a", 1),
    "integer": (5, 5.5),
    "number": (5.5, "5.5"),
    "boolean": (False, "false"),
    "date": ("2020-02-29", "2021-02-29"),
    "datetime": ("2020-02-29T10:00:00Z", "yesterday"),
    "list": ([1], {}),
    "object": ({"a": 1}, []),
}


def test_properties_that_staff_defined_are_of_their_types(cast, acme):
    definitions = {f"a_{name}": {"type": name} for name in DEFINED}
    for kind, name in (("profile", "defined"), ("relationship", "defined"), ("transactable", "defined")):
        record_types.create(actor=None, kind=kind, name=name, properties=definitions)
    fields = {"properties": {key: {} for key in definitions}}
    create = configured(
        {
            "profiles": {"defined": fields},
            "relationship_users": {"defined": {"user_id": {}, **fields}},
            "transactables": {"defined": fields},
        }
    )

    def form(index):
        entry = {"properties": {f"a_{name}": values[index] for name, values in DEFINED.items()}}
        return EXAMPLE | {
            "profiles": {"defined": entry},
            "relationship_users": {"defined": {"user_id": cast.owner.pk, **entry}},
            "transactables": {"defined": [entry]},
        }

    before = rows()
    sections = ("profiles", "relationship_users", "transactables")
    assert errors_of(acme.post("/api/users", asked(form(1), create))) == {
        f"{section}.defined.properties.{name}": ["has the wrong type"] for section in sections for name in definitions
    }
    assert rows() == before
    user = made(acme.post("/api/users", asked(form(0), create)))
    stored = {f"a_{name}": values[0] for name, values in DEFINED.items()}
    assert user.profiles.get().properties == user.relationships.get().properties == stored
    assert user.transactables.get().properties == stored


def test_a_type_that_a_configuration_names_keeps_its_name_and_what_is_named_of_it(cast, acme):
    configured(EVERYTHING, name="everything")
    for record_type in RecordType.objects.exclude(name="default"):
        change = partial(record_types.update, actor=None, type_id=record_type.pk)
        for call, told in (
            (partial(change, name="other"), "Name is named by everything"),
            (partial(change, properties={"other": {"type": "text"}}), "Properties needs "),
            (partial(record_types.delete, actor=None, type_id=record_type.pk), "The directory is named by everything"),
        ):
            with pytest.raises(Invalid, match=told):
                call()
        change(properties={})  # any
        assert RecordType.objects.get(pk=record_type.pk).name == record_type.name


def test_a_type_that_is_gone_all_the_same_must_exist(cast, acme):
    name = configured(EVERYTHING)
    for record_type in RecordType.objects.exclude(name="default"):
        RecordType.objects.filter(pk=record_type.pk).update(name=f"other-{record_type.pk}")
    before = rows()
    assert errors_of(acme.post("/api/users", asked(EXAMPLE | full(cast), name))) == {
        "profiles.seller": MUST_EXIST,
        "relationship_users.manager": MUST_EXIST,
        "transactables.bicycle": MUST_EXIST,
    }
    assert rows() == before


def test_of_a_relationship_properties_that_are_not_sent_stay(cast, acme):
    name = changing({"relationship_users": {"manager": {"user_id": {}, "properties": {"since": {}, "until": {}}}}})
    RecordType.objects.filter(name="manager").update(properties={})
    for properties in ({"since": 2020}, {"until": 2026}):
        sent = {"relationship_users": {"manager": {"user_id": cast.stranger.pk, "properties": properties}}}
        assert acme.put(f"/api/users/{cast.owner.pk}", asked(sent, name)).status_code == 204
    assert cast.owner.relationships.get().properties == {"since": 2020, "until": 2026}


def test_rules_of_entries_are_told_with_their_place(cast, acme):
    present = {"validation": {"presence": True}}
    name = configured(
        {
            "relationship_users": {"manager": {"user_id": present, "properties": {"since": present}}},
            "transactables": {"bicycle": {"validation": {"presence": True}, "name": present}},
        }
    )
    form = {"relationship_users": {"manager": [{"user_id": cast.owner.pk, "properties": {"since": 1}}, {}]}}
    assert errors_of(acme.post("/api/users", asked(EXAMPLE | form, name))) == {
        "relationship_users.manager.1.user_id": BLANK,
        "relationship_users.manager.1.properties.since": BLANK,
        "transactables.bicycle": BLANK,
    }
    blank = {"transactables": {"bicycle": {"name": " "}}}
    assert errors_of(acme.post("/api/users", asked(EXAMPLE | blank, name))) == {"transactables.bicycle.name": BLANK}
