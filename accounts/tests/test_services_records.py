"""Records of users, an id in another system and properties, through the services: what is kept, refused and told."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.grants import Grant
from accounts.models import Event, RecordType, Relationship, Transactable, User, UserProfile
from accounts.services import checks, records, users
from accounts.services.records import NO_RECORDS, ProfileSent, Records, RelationshipSent, TransactableSent
from accounts.services.unset import UNSET
from accounts.tests.factories import (
    RecordTypeFactory,
    RelationshipFactory,
    TransactableFactory,
    UserFactory,
    UserProfileFactory,
)
from accounts.tests.rows import unchanged
from accounts.tests.test_services_profiles import nested, of_bytes
from accounts.tests.user_services import create, faults, stored, update
from usermgmt.errors import DirectoryError, Fault, Forbidden, Invalid, MustChangePassword, NotFound, Stale

TOO_MANY = {"maximum": 1000}


@pytest.fixture
def types(db):
    """One of each kind, without definitions: all are called "sort"."""
    return {kind: RecordTypeFactory(kind=kind, name="sort") for kind in RecordType.Kind.values}


def profiles(properties, type="sort"):
    return Records(profiles=[ProfileSent(type, properties)])


def relationships(*users, properties=UNSET, type="sort"):
    return Records(relationships=[RelationshipSent(type, user.pk, properties) for user in users])


def items(**values):
    return Records(transactables=[TransactableSent("sort", **values)])


def codes(service, *args, **values):
    return [(fault.field, fault.code) for fault in faults(service, *args, **values)]


def changes():
    """What the latest row of the trail tells."""
    return Event.objects.order_by("-pk").values_list("changes", flat=True)[0]


def version(user):
    return stored(user, "version")[0]


# An id in another system, and what else are columns


COLUMNS = ("external_id", "featured", "public_profile", "properties")


def test_what_is_sent_is_kept_and_told(cast):
    values = {"external_id": " crm/7 ", "featured": True, "public_profile": True, "properties": {"a": [1, None]}}
    kept = {**values, "external_id": "crm/7"}
    user = create(client_id=cast.acme.pk, **values)
    assert stored(user, *COLUMNS) == tuple(kept.values())
    assert {field: change for field, change in changes().items() if field in COLUMNS} == {
        field: [None, value] for field, value in kept.items()
    }
    before = version(user)
    update(user, **values)
    assert version(user) == before
    update(user, external_id="", featured=False, public_profile=False, properties={})
    assert stored(user, *COLUMNS) == ("", False, False, {})
    assert changes() == {
        "external_id": ["crm/7", ""],
        "featured": [True, False],
        "public_profile": [True, False],
        "properties": [{"a": [1, None]}, {}],
    }
    assert version(user) == before + 1


def test_of_a_user_without_them_the_trail_tells_nothing_of_them(types):
    create()
    assert set(changes()) == {"name", "email", "username", "client_id", "active"}


def test_an_external_id_has_a_form(cast):
    refused = {
        "x" * 256: Fault("external_id", "too_long", {"maximum": 255}),
        "a\nb": Fault("external_id", "invalid"),
        "a\0": Fault("external_id", "invalid"),
        "\ud800": Fault("external_id", "invalid"),
    }
    with unchanged():
        for value, fault in refused.items():
            assert faults(create, external_id=value) == faults(update, cast.owner, external_id=value) == [fault]
    assert stored(create(external_id="é" * 255), "external_id") == ("é" * 255,)


def test_properties_are_bounded_and_storable(cast):
    refused = {
        "too_complex": [nested(9), {str(n): n for n in range(101)}, of_bytes(16 * 1024 + 1)],
        "invalid": [{"a": "\0"}, {"\0": 1}, {"a": "\ud800"}, {"a": float("nan")}, {"a": {1, 2}}],
    }
    with unchanged():
        for code, values in refused.items():
            for value in values:
                assert faults(create, properties=value) == [Fault("properties", code)]
                assert faults(update, cast.owner, properties=value) == [Fault("properties", code)]


def test_an_external_id_is_one_users_within_a_client(cast):
    taken = Fault("external_id", "taken")
    update(cast.stranger, external_id="7")
    update(cast.spare, external_id="7")  # of no client
    update(cast.outsider, external_id="7")
    with unchanged():
        for client_id in (cast.acme.pk, cast.globex.pk, None):
            assert faults(create, client_id=client_id, external_id=" 7 ") == [taken]
        assert faults(update, cast.owner, external_id="7") == [taken]
        assert faults(update, cast.administrator, external_id="7") == [taken]
        for place in (cast.globex.pk, None):  # also where only the client is sent
            assert faults(update, cast.stranger, client_id=place) == [taken]
    update(cast.owner, client_id=cast.globex.pk, external_id="8")
    update(cast.stranger, external_id="7", client_id=cast.acme.pk)
    create(client_id=cast.acme.pk, external_id="7 A")
    create(client_id=users.HOME, external_id="7", email="home@example.com")  # the default client, which is made along


def test_a_race_ends_in_the_same_error_with_all_that_was_taken(cast, monkeypatch):
    update(cast.stranger, external_id="7")
    taken, looked = checks.taken, []

    def too_late(sent, user):
        looked.append(sent)
        return [] if len(looked) == 1 else taken(sent, user)

    monkeypatch.setattr(checks, "taken", too_late)
    calls: list[tuple[Any, tuple[User, ...], dict[str, Any], list[str]]] = [
        (create, (), {"client_id": cast.acme.pk, "external_id": "7"}, ["external_id"]),
        (create, (), {"client_id": cast.acme.pk, "external_id": "7", "email": "stan@example.com"}, ["email", "external_id"]),
        (update, (cast.owner,), {"external_id": "7", "username": "stan"}, ["external_id", "username"]),
    ]  # fmt: skip
    for call, arguments, values, fields in calls:
        looked.clear()
        with unchanged():
            assert sorted(codes(call, *arguments, **values)) == [(field, "taken") for field in fields]
    looked.clear()
    update(cast.spare, external_id="9")
    looked.clear()
    assert codes(update, cast.administrator, external_id="9") == [("external_id", "taken")]


# Records


def test_a_user_is_made_with_all_records(types, cast):
    sent = Records(
        [ProfileSent("sort", {"a": 1})],
        [RelationshipSent("sort", cast.stranger.pk, {"b": 2}), RelationshipSent("sort", cast.disabled.pk)],
        [TransactableSent("sort", name=" Car ", description=" It\ngoes. ", currency="EUR", enabled=False),
         TransactableSent("sort", properties={"c": 3})],
    )  # fmt: skip
    user = create(client_id=cast.acme.pk, records=sent)
    assert list(user.profiles.values_list("type", "properties")) == [(types["profile"].pk, {"a": 1})]
    assert list(user.relationships.values_list("type", "related_user", "properties")) == [
        (types["relationship"].pk, cast.stranger.pk, {"b": 2}),
        (types["relationship"].pk, cast.disabled.pk, {}),
    ]
    car, thing = user.transactables.values("id", "name", "description", "currency", "enabled", "properties")
    assert car == {
        "id": car["id"], "name": "Car", "description": "It\ngoes.", "currency": "EUR", "enabled": False, "properties": {},
    }  # fmt: skip
    assert (thing["name"], thing["currency"], thing["enabled"], thing["properties"]) == ("", "USD", True, {"c": 3})
    told = changes()
    assert told["profiles.sort"] == [None, {"a": 1}]
    assert told["relationships.sort"] == [[], [cast.stranger.pk, cast.disabled.pk]]
    assert told["transactables.sort"] == [[], [car, thing]]


def test_only_what_differs_is_written_and_told(types, cast):
    car = TransactableFactory(user=cast.owner, type=types["transactable"], name="Car")
    sent = Records(
        [ProfileSent("sort", {"on": True})],
        [RelationshipSent("sort", cast.stranger.pk, {"b": 2})],
        [TransactableSent("sort", id=car.pk, name="Bus", enabled=True)],
    )
    update(cast.owner, records=sent)
    told = changes()
    assert told["transactables.sort"] == [[{"id": car.pk, "name": "Car"}], [{"id": car.pk, "name": "Bus"}]]
    assert version(cast.owner) == 2
    with unchanged():
        update(cast.owner, records=sent)
        update(cast.owner, records=relationships(cast.stranger))  # what is not sent of it stays
        update(cast.owner, records=NO_RECORDS)
    row = Relationship.objects.get()
    update(cast.owner, records=profiles({"on": 1}))  # replaced as a whole, and true is not one
    assert UserProfile.objects.get().properties == {"on": 1}
    assert changes() == {"profiles.sort": [{"on": True}, {"on": 1}]}
    update(cast.owner, records=Records(relationships=[RelationshipSent("sort", cast.stranger.pk, {}, row.pk)]))
    row.refresh_from_db()
    assert row.properties == {}
    assert changes() == {"relationships.sort": [None, None]}
    assert version(cast.owner) == 4
    assert row.updated_at > row.created_at


def test_what_is_not_sent_stays(types, cast):
    other = UserProfileFactory(user=cast.owner, properties={"a": 1})
    friend = RelationshipFactory(user=cast.owner, related_user=cast.disabled, type=types["relationship"])
    update(cast.owner, records=Records([ProfileSent("sort", {})], [RelationshipSent("sort", cast.stranger.pk)]))
    assert cast.owner.profiles.count() == cast.owner.relationships.count() == 2
    assert {other.pk, friend.pk} <= {row.pk for row in (*UserProfile.objects.all(), *Relationship.objects.all())}


def test_a_record_of_no_type_of_its_kind_is_refused(types, cast):
    RecordTypeFactory(kind="relationship", name="friend")
    for name in ("friend", "no", "SORT", "", "a.b", "a\0", "\ud800", "x" * 1_000_000):
        with unchanged():
            sent = Records([ProfileSent(name, {})], (), [TransactableSent(name)])
            assert codes(update, cast.owner, records=sent) == [
                (f"profiles.{name}", "must_exist"),
                (f"transactables.{name}", "must_exist"),
            ]
    assert codes(create, records=relationships(cast.spare, type="no")) == [("relationships.no", "must_exist")]


def test_whoever_is_related_to_is_another_user_of_the_same_client(types, cast):
    update(cast.disabled, name="Dora")  # inactive is fine
    gone = UserFactory(client=cast.acme)
    users.delete(actor=None, user_id=gone.pk)
    erased = UserFactory(client=cast.acme)
    User.objects.filter(pk=erased.pk).update(erased_at=erased.created_at)
    refused = [("relationships.sort.user_id", "must_exist")]
    nobody = [UserFactory.build(pk=pk) for pk in (0, -1, 2**63, 10**400)]
    with unchanged():
        for other in (cast.owner, cast.outsider, cast.administrator, gone, erased, *nobody):
            assert codes(update, cast.owner, records=relationships(other)) == refused
        assert codes(update, cast.administrator, records=relationships(cast.owner)) == refused
        for other in (cast.owner, cast.administrator):
            assert codes(create, client_id=cast.globex.pk, records=relationships(other)) == refused
            assert codes(create, client_id=users.HOME, records=relationships(other)) == refused
    update(cast.owner, records=relationships(cast.stranger, cast.disabled))
    update(cast.administrator, records=relationships(cast.spare))
    assert Relationship.objects.count() == 3


def test_what_has_a_number_must_be_the_users_own_and_of_the_type(types, cast):
    other_type = RecordTypeFactory(kind="transactable")
    own, of_type = (TransactableFactory(user=cast.owner, type=type_) for type_ in (types["transactable"], other_type))
    strangers = TransactableFactory(user=cast.stranger, type=types["transactable"])
    row = RelationshipFactory(user=cast.owner, related_user=cast.stranger, type=types["relationship"])
    back = RelationshipFactory(user=cast.stranger, related_user=cast.owner, type=types["relationship"])
    with unchanged():
        for number in (of_type.pk, strangers.pk, 0, -1, 10**400, 2**62):
            assert codes(update, cast.owner, records=items(id=number)) == [("transactables.sort.id", "must_exist")]
        for user_id, number in ((cast.stranger.pk, back.pk), (cast.disabled.pk, row.pk), (cast.stranger.pk, 10**400)):
            sent = Records(relationships=[RelationshipSent("sort", user_id, id=number)])
            assert codes(update, cast.owner, records=sent) == [("relationships.sort.id", "must_exist")]
        assert codes(create, client_id=cast.acme.pk, records=items(id=own.pk)) == [
            ("transactables.sort.id", "must_exist")
        ]


def test_nothing_is_sent_twice(types, cast):
    car = TransactableFactory(user=cast.owner, type=types["transactable"])
    sent = Records(
        [ProfileSent("sort", {}), ProfileSent("sort", {"a": 1})],
        [RelationshipSent("sort", cast.stranger.pk)] * 2,
        [TransactableSent("sort", id=car.pk)] * 2,
    )
    with unchanged():
        assert codes(update, cast.owner, records=sent) == [
            ("profiles.sort", "taken"),
            ("relationships.sort.user_id", "taken"),
            ("transactables.sort.id", "taken"),
        ]


def test_items_have_sound_texts_and_currencies(types, cast):
    table: list[tuple[dict[str, Any], str, str]] = [
        ({"name": "x" * 256}, "name", "too_long"),
        ({"name": "a\nb"}, "name", "invalid"),
        ({"name": "a\0"}, "name", "invalid"),
        ({"name": "\ud800"}, "name", "invalid"),
        ({"description": "x" * 10_001}, "description", "too_long"),
        ({"description": "a\0"}, "description", "invalid"),
        ({"description": "\udfff"}, "description", "invalid"),
        ({"currency": ""}, "currency", "invalid"),
        ({"currency": "eur"}, "currency", "invalid"),
        ({"currency": "EURO"}, "currency", "invalid"),
        ({"currency": "EUR\n"}, "currency", "invalid"),
        ({"currency": "\ud800" * 3}, "currency", "invalid"),
    ]
    with unchanged():
        for values, field, code in table:
            assert codes(update, cast.owner, records=items(**values)) == [(f"transactables.sort.{field}", code)]
    update(cast.owner, records=items(name="é" * 255, description="é" * 10_000))


def test_properties_of_records_are_bounded_and_storable(types, cast):
    for code, value in {"too_complex": nested(9), "invalid": {"a": "\0"}}.items():
        sent = Records(
            [ProfileSent("sort", value)],
            [RelationshipSent("sort", cast.stranger.pk, value)],
            [TransactableSent("sort", properties=value)],
        )
        with unchanged():
            expected = [(f"{kind}s.sort.properties", code) for kind in RecordType.Kind.values]
            assert codes(update, cast.owner, records=sent) == expected


VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "text": (["", "x", "\n"], [1, True, [], {}]),
    "integer": ([0, -1, 2**70], [True, 1.0, "1", [], {}]),
    "number": ([0, 1.5, -2.5e-3], [False, "1.5", [], {}]),
    "boolean": ([True, False], [0, 1, "true", []]),
    "date": (
        ["2024-02-29", "0001-01-01"],
        ["2023-02-29", "2024-1-1", "20240101", "2024-01-01T00:00:00Z", "２０２４-01-01", "", 1, True],
    ),
    "datetime": (
        ["2024-02-29T23:59:59Z", "2024-01-01t00:00:00.123456789z", "2024-01-01T00:00:00+14:00"],
        ["2024-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "2023-02-29T00:00:00Z",
         "2024-01-01T24:00:01Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00Z\n", 1, {}],
    ),
    "list": ([[], [1, [True]]], [{}, "", 1]),
    "object": ([{}, {"a": {"b": []}}], [[], "", False]),
}  # fmt: skip


def test_values_are_of_the_type_that_is_defined(cast):
    kind = RecordTypeFactory(name="sort", properties={name: {"type": name} for name in VALUES})
    assert set(VALUES) == set(RecordType.PropertyType.values)
    for name, (sound, unsound) in VALUES.items():
        for value in [*sound, None]:
            update(cast.owner, records=profiles({name: value}))
            assert UserProfile.objects.get().properties == {name: value}
        with unchanged():
            for value in unsound:
                told = codes(update, cast.owner, records=profiles({name: value}))
                assert told == [(f"profiles.sort.properties.{name}", "wrong_type")], value
    undefined = [("profiles.sort.properties.more", "undefined_property")]
    assert codes(update, cast.owner, records=profiles({"more": 1})) == undefined
    assert codes(update, cast.owner, records=profiles({"text": "\0"})) == [("profiles.sort.properties", "invalid")]
    kind.properties = {}
    kind.save()
    update(cast.owner, records=profiles({"more": 1}))


def test_there_are_bounds_to_how_many_records_a_user_has(types, cast, monkeypatch):
    monkeypatch.setattr(records, "MAX_RECORDS", 2)
    full = {"maximum": 2}
    update(cast.owner, records=relationships(cast.stranger, cast.disabled))
    update(cast.owner, records=Records(transactables=[TransactableSent("sort")] * 2))
    more = UserFactory(client=cast.acme)
    with unchanged():
        assert faults(update, cast.owner, records=relationships(more)) == [Fault("relationships", "too_many", full)]
        assert faults(update, cast.owner, records=items()) == [Fault("transactables", "too_many", full)]
    update(cast.owner, records=relationships(cast.stranger, cast.disabled, properties={"a": 1}))
    update(cast.owner, records=items(id=Transactable.objects.first().pk, name="New"))


def test_thousands_at_once_are_refused_without_a_look(db, django_assert_num_queries):
    sent = Records(
        *([made(f"t{n}", n) for n in range(1001)] for made in (ProfileSent, RelationshipSent, TransactableSent))
    )
    with django_assert_num_queries(0):
        assert records.faults_of(sent, User(), None) == [
            Fault(kind, "too_many", TOO_MANY) for kind in ("profiles", "relationships", "transactables")
        ]
        assert records.faults_of(NO_RECORDS, User(), None) == []


def test_all_faults_are_told_at_once(types, cast):
    told = codes(create, name="", client_id=cast.acme.pk, properties=nested(9), external_id="\0", records=Records(
        [ProfileSent("no", {})], [RelationshipSent("sort", 0)], [TransactableSent("sort", currency="")]
    ), reported=[Fault("bio", "wrong_type")])  # fmt: skip
    assert told == [
        ("bio", "wrong_type"),
        ("name", "blank"),
        ("external_id", "invalid"),
        ("properties", "too_complex"),
        ("profiles.no", "must_exist"),
        ("relationships.sort.user_id", "must_exist"),
        ("transactables.sort.currency", "invalid"),
    ]


# Whoever changes the client


def test_whoever_leaves_a_client_leaves_relationships_in_both_directions(types, cast):
    update(cast.owner, records=Records([ProfileSent("sort", {"a": 1})], relationships(cast.stranger).relationships))
    update(cast.stranger, records=relationships(cast.owner, cast.disabled))
    before = version(cast.stranger)
    update(cast.owner, client_id=cast.globex.pk, records=relationships(cast.outsider))
    assert changes() == {
        "client_id": [cast.acme.pk, cast.globex.pk],
        "relationships.sort": [[cast.stranger.pk], [cast.outsider.pk]],
        "related_by.sort": [1, 0],
    }
    assert list(Relationship.objects.order_by("pk").values_list("user", "related_user")) == [
        (cast.stranger.pk, cast.disabled.pk),
        (cast.owner.pk, cast.outsider.pk),
    ]
    assert (UserProfile.objects.get().properties, version(cast.stranger)) == ({"a": 1}, before)
    refused = [("relationships.sort.user_id", "must_exist")]
    assert codes(update, cast.owner, client_id=cast.acme.pk, records=relationships(cast.outsider)) == refused


def test_whoever_is_deleted_leaves_no_record(types, cast):
    update(
        cast.owner,
        records=Records([ProfileSent("sort", {})], relationships(cast.stranger).relationships, items().transactables),
    )
    update(cast.stranger, records=relationships(cast.owner))
    users.delete(actor=None, user_id=cast.owner.pk)
    assert not any(model.objects.exists() for model in (UserProfile, Relationship, Transactable))


# Who may


def test_only_administrators_set_the_external_id_and_what_is_featured(types, cast):
    cast.owner.grants = frozenset(Grant)
    with unchanged():
        for values in ({"external_id": "7"}, {"featured": True}):
            for user in (cast.owner, cast.stranger):
                with pytest.raises(Forbidden):
                    update(user, cast.owner, **values)
            with pytest.raises(Forbidden):
                create(actor=cast.owner, client_id=cast.acme.pk, **values)
    update(cast.owner, cast.owner, external_id="", featured=False)  # as it is
    create(actor=cast.owner, client_id=cast.acme.pk, external_id="", featured=False)
    update(cast.owner, cast.administrator, external_id="7", featured=True)


def test_what_is_told_of_oneself_is_written_as_other_facts_are(types, cast):
    facts: list[dict[str, Any]] = [{"public_profile": True}, {"properties": {"a": 1}}, {"records": profiles({"a": 1})}]
    for values in facts:
        update(cast.owner, cast.owner, **values)
        with unchanged(), pytest.raises(Forbidden):
            update(cast.stranger, cast.owner, **values)
    for allowed, refused in ((Grant.SET_ACTIVE, True), (Grant.EDIT, False)):
        cast.owner.grants = frozenset({allowed})
        for values in facts:
            try:
                update(cast.stranger, cast.owner, **values)
                assert not refused
            except Forbidden:
                assert refused
    cast.owner.must_change_password = True
    with pytest.raises(MustChangePassword):
        update(cast.owner, cast.owner, records=profiles({"a": 2}))


# In one transaction


def test_the_proof_is_asked_when_all_is_there_and_can_refuse_it(types, cast):
    asked = []

    def proof(user):
        asked.append((user.pk, user.profiles.get().properties))
        raise Invalid([Fault("name", "invalid")])

    with unchanged():
        told = codes(create, client_id=cast.acme.pk, records=profiles({"a": 1}), proof=proof)
    assert told == [("name", "invalid")]
    assert [properties for _, properties in asked] == [{"a": 1}]
    create(client_id=cast.acme.pk, proof=lambda user: asked.append(User.objects.get(pk=user.pk)))
    assert asked[-1].email == "nina@example.com"


def test_a_type_that_goes_meanwhile_is_told_as_such(types, cast, monkeypatch):
    original = records.write

    def too_late(user, sent):
        RecordType.objects.all().delete()
        return original(user, sent)

    monkeypatch.setattr(records, "write", too_late)
    with unchanged():
        assert codes(update, cast.owner, records=profiles({})) == [("profiles.sort", "must_exist")]
        assert codes(create, records=items()) == [("transactables.sort", "must_exist")]


def test_a_stale_version_writes_no_record(types, cast):
    with unchanged(), pytest.raises(Stale):
        update(cast.owner, records=profiles({}), versions=[7])


# Staff


def test_staff_delete_a_record_and_the_user_changes(types, cast):
    update(
        cast.owner,
        records=Records(
            [ProfileSent("sort", {"a": 1})], relationships(cast.stranger).relationships, items(name="Car").transactables
        ),
    )
    told = {
        "profile": {"profiles.sort": [{"a": 1}, None]},
        "relationship": {"relationships.sort": [[cast.stranger.pk], []]},
    }
    for kind, model in records.RECORDS.items():
        number, before = model._default_manager.get().pk, version(cast.owner)
        records.delete(actor=cast.administrator, kind=kind, record_id=number)
        assert not model._default_manager.exists()
        assert version(cast.owner) == before + 1
        event = Event.objects.order_by("-pk")[0]
        assert (event.action, event.target_id, event.actor_id) == ("user.updated", cast.owner.pk, cast.administrator.pk)
        if kind in told:
            assert event.changes == told[kind]
        else:
            ((item,), after) = event.changes["transactables.sort"]
            assert (item["id"], item["name"], after) == (number, "Car", [])


def test_nobody_else_deletes_a_record(types, cast):
    record = UserProfileFactory(user=cast.owner, type=types["profile"])
    cast.spare.scope_id = cast.globex.pk  # the owner is not there
    cast.stranger.grants = frozenset(Grant)
    refusals: list[tuple[User, int, type[DirectoryError]]] = [
        (cast.owner, record.pk, Forbidden),
        (cast.stranger, record.pk, Forbidden),
        (cast.spare, record.pk, NotFound),
        (cast.administrator, record.pk + 1, NotFound),
        (cast.administrator, 10**400, NotFound),
    ]
    with unchanged():
        for actor, number, error in refusals:
            with pytest.raises(error):
                records.delete(actor=actor, kind="profile", record_id=number)
    cast.spare.scope_id = cast.acme.pk
    records.delete(actor=cast.spare, kind="profile", record_id=record.pk)


# What it costs


def test_records_take_as_many_queries_for_one_as_for_fifty(types, cast):
    kinds = RecordTypeFactory.create_batch(50)
    others = UserFactory.create_batch(50, client=cast.acme)

    def asked(number, email):
        sent = Records(
            [ProfileSent(kind.name, {"a": 1}) for kind in kinds[:number]],
            relationships(*others[:number], properties={"a": 1}).relationships,
            [TransactableSent("sort")] * number,
        )
        with CaptureQueriesContext(connection) as made:
            user = create(client_id=cast.acme.pk, email=email, records=sent)
        again = Records(
            [ProfileSent(kind.name, {"a": 2}) for kind in kinds[:number]],
            relationships(*others[:number], properties={"a": 2}).relationships,
            [TransactableSent("sort", id=item.pk, name="New") for item in user.transactables.all()],
        )
        with CaptureQueriesContext(connection) as changed:
            update(user, records=again)
        return len(made), len(changed)

    with CaptureQueriesContext(connection) as bare:
        create(client_id=cast.acme.pk)
    one, fifty = asked(1, "one@example.com"), asked(50, "fifty@example.com")
    assert one == fifty
    assert one[0] - len(bare) <= 7 + 3 * 2  # types and users twice, three tables with their savepoints
