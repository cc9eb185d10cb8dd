"""The services of types of records: every rule, the audit rows, and who may write them."""

from functools import partial
from typing import Any

import pytest

from accounts.models import Event, RecordType
from accounts.services import record_types
from accounts.tests.factories import (
    RecordTypeFactory,
    RelationshipFactory,
    TransactableFactory,
    UserProfileFactory,
)
from accounts.tests.rows import stored
from accounts.tests.user_services import faults
from usermgmt.errors import Fault, Forbidden, NotFound, Stale, sentence

AGE = {"age": {"type": "integer"}}
OPERATOR = {"actor": None}


def told(call, **values):
    return [(fault.field, fault.code) for fault in faults(call, **OPERATOR, **values)]


def latest(type_id):
    return Event.objects.about("record_type", type_id)[0]


def test_a_type_is_defined_and_told(cast):
    made = record_types.create(actor=cast.administrator, kind="profile", name="Default_1-a", properties=AGE)
    row = stored(made)
    assert (row["kind"], row["name"], row["properties"], row["version"]) == ("profile", "Default_1-a", AGE, 1)
    event = latest(made.pk)
    assert (event.action, event.actor_id) == ("record_type.created", cast.administrator.pk)
    assert event.changes == {"kind": [None, "profile"], "name": [None, "Default_1-a"], "properties": [None, AGE]}
    assert Event.objects.with_names().get().target_name == "Default_1-a"


def test_types_of_different_kinds_may_have_one_name(db):
    for kind in RecordType.Kind.values:
        assert record_types.create(actor=None, kind=kind, name="default").properties == {}


NAMES = {
    "": "blank",
    "a b": "invalid",
    "a.b": "invalid",
    "ä": "invalid",
    "a\n": "invalid",
    "a\0": "invalid",
    "\ud800": "invalid",
    "n" * 65: "too_long",
    "n" * 1_000_000: "too_long",
    "taken": "taken",
}


def test_a_name_has_a_form_and_is_no_other_types_of_the_kind(db):
    RecordTypeFactory(name="taken")
    other = RecordTypeFactory()
    for name, code in NAMES.items():
        assert told(record_types.create, kind="profile", name=name) == [("name", code)]
        assert told(record_types.update, type_id=other.pk, name=name) == [("name", code)]
    record_types.update(actor=None, type_id=other.pk, name="n" * 64)


def test_a_race_for_a_name_ends_in_the_same_error(db, monkeypatch):
    RecordTypeFactory(name="taken")
    other = RecordTypeFactory()
    monkeypatch.setattr(record_types, "_of_name", lambda *args: [])  # as if it was free when it was looked up
    assert told(record_types.create, kind="profile", name="taken") == [("name", "taken")]
    assert told(record_types.update, type_id=other.pk, name="taken") == [("name", "taken")]


TYPES = ", ".join(RecordType.PropertyType.values)
DEFINITIONS: list[tuple[Any, str, dict[str, Any]]] = [
    ([], "wrong_type", {}),
    ("text", "wrong_type", {}),
    ({str(n): {"type": "text"} for n in range(101)}, "too_many", {"maximum": 100}),
    ({"a.b": {"type": "text"}}, "definition_misnamed", {"path": "a.b"}),
    ({"": {"type": "text"}}, "definition_misnamed", {"path": ""}),
    ({"a\0": {"type": "text"}}, "definition_misnamed", {"path": "a\0"}),
    ({"n" * 1_000_000: {"type": "text"}}, "definition_misnamed", {"path": "n" * 65}),
    ({"a": "text"}, "definition_no_object", {"path": "a"}),
    ({"a": None}, "definition_no_object", {"path": "a"}),
    ({"a": {}}, "definition_of_unknown_type", {"path": "a.type", "choices": TYPES}),
    ({"a": {"type": "king"}}, "definition_of_unknown_type", {"path": "a.type", "choices": TYPES}),
    ({"a": {"type": ["text"]}}, "definition_of_unknown_type", {"path": "a.type", "choices": TYPES}),
    ({"a": {"type": "text", "\ud800": 1}}, "definition_of_more", {"path": "a"}),
]


def test_definitions_have_a_form_and_faults_say_where(db):
    made = RecordTypeFactory()
    for definitions, code, data in DEFINITIONS:
        expected = [Fault("properties", code, data)]
        assert faults(record_types.create, actor=None, kind="profile", name="x", properties=definitions) == expected
        assert faults(record_types.update, actor=None, type_id=made.pk, properties=definitions) == expected
        assert sentence(expected[0]).startswith("Properties ")
    every = {kind: {"type": kind} for kind in RecordType.PropertyType.values}
    record_types.update(actor=None, type_id=made.pk, properties=every)
    assert stored(made)["properties"] == every


def test_all_faults_are_told_at_once(db):
    reported = [Fault("name", "missing")]
    definitions = {"a": {"type": "x", "more": 1}, "b": 1}
    found = told(record_types.create, kind="king", name="", properties=definitions, reported=reported)
    assert found == [
        ("name", "missing"),
        ("kind", "unknown_choice"),
        ("properties", "definition_of_unknown_type"),
        ("properties", "definition_of_more"),
        ("properties", "definition_no_object"),
    ]
    assert not RecordType.objects.exists()


def test_only_what_changed_is_written_and_told(cast):
    made = RecordTypeFactory(name="old")
    record_types.update(actor=cast.spare, type_id=made.pk, name="new", properties={}, versions=[1])
    assert (stored(made)["name"], stored(made)["version"]) == ("new", 2)
    assert latest(made.pk).changes == {"name": ["old", "new"]}
    before = stored(made)
    record_types.update(actor=cast.spare, type_id=made.pk, name="new")
    assert (stored(made), Event.objects.count()) == (before, 1)


@pytest.mark.parametrize("make", [UserProfileFactory, RelationshipFactory, TransactableFactory])
def test_a_type_goes_when_no_record_is_of_it(cast, make):
    record = make()
    assert told(record_types.delete, type_id=record.type_id) == [("base", "has_records")]
    assert RecordType.objects.exists()
    record.delete()
    record_types.delete(actor=cast.administrator, type_id=record.type_id)
    event = latest(record.type_id)
    assert (event.action, event.changes["name"]) == ("record_type.deleted", [record.type.name, None])
    assert not RecordType.objects.exists()


def test_another_version_is_stale_and_what_is_gone_is_not_found(db):
    made = RecordTypeFactory()
    for call in (partial(record_types.update, name="x"), record_types.delete):
        with pytest.raises(Stale):
            call(actor=None, type_id=made.pk, versions=[7])
        for missing in (2**62, -1):
            with pytest.raises(NotFound):
                call(actor=None, type_id=missing)
    assert stored(made)["version"] == 1


def test_only_administrators_that_no_token_binds_define_them(cast):
    made = RecordTypeFactory()
    cast.spare.scope_id = cast.acme.pk
    for actor in (cast.owner, cast.spare):
        calls: list[partial[Any]] = [
            partial(record_types.create, kind="profile", name="x"),
            partial(record_types.update, type_id=made.pk, name="x"),
            partial(record_types.delete, type_id=made.pk),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                call(actor=actor)
    assert RecordType.objects.get().name == made.name
