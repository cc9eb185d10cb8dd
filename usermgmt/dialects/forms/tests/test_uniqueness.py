"""The rule `unique` (contract 4) on each kind of place, among the users of one client."""

import pytest

from accounts.services import record_types
from usermgmt.dialects.forms.tests.forms import EXAMPLE, asked, changing, configured, errors_of, made, program

TAKEN = ["has already been taken"]
UNIQUE = {"validation": {"unique": True}}


@pytest.fixture(autouse=True)
def _types(db):
    """A type of each kind that holds whatever is sent."""
    for kind, name in (("profile", "seller"), ("relationship", "manager"), ("transactable", "bicycle")):
        record_types.create(actor=None, kind=kind, name=name)


@pytest.fixture
def acme(cast):
    """A program in the client of owner and stranger."""
    return program(cast.administrator, client=cast.acme)


_addresses = (f"new{number}@example.com" for number in range(10**6))


def post(caller, name, form):
    """Make one more user, of an address of their own."""
    return caller.post("/api/users", asked(EXAMPLE | {"email": next(_addresses)} | form, name))


def put(caller, user, name, form):
    return caller.put(f"/api/users/{user.pk}", asked(form, name))


PLACES = [
    ("first_name", {"first_name": "Ann"}, {"first_name": " Ann "}, {"first_name": "ann"}),
    ("last_name", {"last_name": " Ann "}, {"last_name": " Ann "}, {"last_name": "Anna"}),
    ("name", {"name": "Ann"}, {"name": "Ann "}, {"name": "Anne"}),
    ("external_id", {"external_id": "x"}, {"external_id": " x"}, {"external_id": "X"}),
    ("featured", {"featured": True}, {"featured": "1"}, {"featured": False}),
    ("properties.0", {"properties": {"0": "a"}}, {"properties": {"0": "a"}}, {"properties": {"0": "b"}}),
    ("properties.-1", {"properties": {"-1": "a"}}, {"properties": {"-1": "a"}}, {"properties": {"-1": "b"}}),
    (
        "properties.a__b",
        {"properties": {"a__b": "a"}},
        {"properties": {"a__b": "a"}},
        {"properties": {"a": {"b": "a"}}},
    ),
    ("properties.exact", {"properties": {"exact": 1}}, {"properties": {"exact": 1.0}}, {"properties": {"exact": "1"}}),
    (
        "properties.name-with-dash",
        {"properties": {"name-with-dash": "a"}},
        {"properties": {"name-with-dash": "a"}},
        {"properties": {"name-with-dash": "A"}},
    ),
    (
        "profiles.seller.properties.0",
        {"profiles": {"seller": {"properties": {"0": "a"}}}},
        {"profiles": {"seller": {"properties": {"0": "a"}}}},
        {"profiles": {"seller": {"properties": {"0": "b"}}}},
    ),
    (
        "transactables.bicycle.name",
        {"transactables": {"bicycle": {"name": "Red"}}},
        {"transactables": {"bicycle": {"name": "Red "}}},
        {"transactables": {"bicycle": {"name": "red"}}},
    ),
    (
        "transactables.bicycle.properties.frame",
        {"transactables": {"bicycle": {"properties": {"frame": 7}}}},
        {"transactables": {"bicycle": {"properties": {"frame": 7}}}},
        {"transactables": {"bicycle": {"properties": {"frame": "7"}}}},
    ),
]


def nested(path, field):
    """The fields of a configuration with one at that path."""
    head, _, rest = path.partition(".")
    return {head: nested(rest, field) if rest else field}


@pytest.mark.parametrize(("path", "first", "same", "other"), PLACES, ids=[place[0] for place in PLACES])
def test_a_value_is_one_user_s_of_a_client(cast, path, first, same, other):
    acme, globex = (program(cast.administrator, client=client) for client in (cast.acme, cast.globex))
    name, change = configured(nested(path, UNIQUE)), changing(nested(path, UNIQUE))
    user = made(post(acme, name, first))
    assert errors_of(post(acme, name, same)) == {path: TAKEN}
    other_user = made(post(acme, name, other))
    elsewhere = made(post(globex, name, same))

    assert put(acme, user, change, first).status_code == 204  # one's own
    assert errors_of(put(acme, other_user, change, same)) == {path: TAKEN}
    assert put(globex, elsewhere, change, first).status_code == 204


def test_a_relationship_to_somebody_can_be_one_user_s(cast, acme):
    name = configured({"relationship_users": {"manager": {"user_id": UNIQUE}}})
    form = {"relationship_users": {"manager": [{"user_id": cast.owner.pk}]}}
    made(post(acme, name, form))
    assert errors_of(post(acme, name, form)) == {"relationship_users.manager.0.user_id": TAKEN}
    made(post(acme, name, {"relationship_users": {"manager": {"user_id": cast.stranger.pk}}}))


VALUES = [True, "true", "null", "false", 1, "1", 1.5, "1.5", 2**53 + 1, 2**63, 2**63 + 1, 10**30, 1e23, 1e308, -0.001]
VALUES += ["a'b\"c\\", "é\U0001f600", "[1]", [1], [1, "a", None], '{"a":1}', {"a": 1}, {"a": {"b": [True]}}, [[]]]


def test_values_of_every_type_are_told_apart(acme):
    name = configured({"properties": {"x": UNIQUE}})
    for value in VALUES:
        made(post(acme, name, {"properties": {"x": value}}))
    for value in VALUES:
        assert errors_of(post(acme, name, {"properties": {"x": value}})) == {"properties.x": TAKEN}, value


@pytest.mark.parametrize(
    ("value", "same"), [({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}), ([1, {"c": None}], [1.0, {"c": None}])]
)
def test_an_object_has_no_order_and_a_number_in_it_one_value(acme, value, same):
    name = configured({"properties": {"-1": UNIQUE}})
    made(post(acme, name, {"properties": {"-1": value}}))
    assert errors_of(post(acme, name, {"properties": {"-1": same}})) == {"properties.-1": TAKEN}
    made(post(acme, name, {"properties": {"-1": [value]}}))


def test_what_is_blank_is_nobody_s(acme):
    name = configured({"properties": {"x": UNIQUE}, "external_id": UNIQUE, "last_name": UNIQUE})
    properties = [{"x": value} for value in (None, "", "  ", [], {}, False)]
    for sent in ({}, *properties):
        for _ in range(2):
            made(post(acme, name, {"properties": sent, "external_id": "", "last_name": " "}))


def test_an_address_is_one_user_s_of_the_directory(cast, acme):
    name, change = (
        configured({"email": {"validation": {"unique": {"message": "is known"}}}}),
        changing({"email": UNIQUE}),
    )
    for address in ("otto@example.com", " OTTO@Example.com ", "olga@example.com"):
        assert errors_of(post(acme, name, {"email": address})) == {"email": ["is known"]}
        assert errors_of(put(acme, cast.stranger, change, {"email": address})) == {"email": TAKEN}
    assert put(acme, cast.owner, change, {"email": "Olga@example.com"}).status_code == 204


def test_a_message_and_every_taken_value_is_told(acme):
    said = {"validation": {"unique": {"message": "is somebody's"}}}
    name = configured({"properties": {"x": said, "y": UNIQUE}, "profiles": {"seller": {"properties": {"z": UNIQUE}}}})
    form = {"properties": {"x": 1, "y": 2}, "profiles": {"seller": {"properties": {"z": 3}}}}
    made(post(acme, name, form))
    assert errors_of(post(acme, name, form | {"first_name": ""})) == {
        "first_name": ["can't be blank"],
        "properties.x": ["is somebody's"],
        "properties.y": TAKEN,
        "profiles.seller.properties.z": TAKEN,
    }


def unique_in(*scope):
    return {"validation": {"unique": {"scope": list(scope)}}}


SCOPES = [
    # The fields; a form; one that is alike in the scope; one that is not.
    (
        {"last_name": unique_in("first_name"), "middle_name": {}},
        {"last_name": "B", "first_name": "A"},
        {"middle_name": "x"},
        {"first_name": "C"},
    ),
    (
        {"properties": {"0": unique_in("properties.1"), "1": {}}},
        {"properties": {"0": "a", "1": "b"}},
        {},
        {"properties": {"0": "a", "1": "c"}},
    ),
    (
        {"properties": {"0": unique_in("properties.1"), "1": {}}},
        {"properties": {"0": "a"}},
        {"properties": {"0": "a", "1": None}},
        {"properties": {"0": "a", "1": "null"}},
    ),
    (
        {"properties": {"x": unique_in("featured", "middle_name")}, "featured": {}, "middle_name": {}},
        {"properties": {"x": "a"}},
        {"featured": False, "middle_name": ""},
        {"featured": True},
    ),
    (
        {
            "profiles": {"seller": {"properties": {"x": unique_in("y", "properties.z"), "y": {}}}},
            "properties": {"z": {}},
        },
        {"profiles": {"seller": {"properties": {"x": 1, "y": True}}}, "properties": {"z": 1}},
        {},
        {"profiles": {"seller": {"properties": {"x": 1, "y": "true"}}}},
    ),
    (
        {"transactables": {"bicycle": {"name": unique_in("currency", "last_name"), "currency": {}}}, "last_name": {}},
        {"transactables": {"bicycle": {"name": "Red"}}, "last_name": "A"},
        {"transactables": {"bicycle": {"name": "Red", "currency": "USD"}}},
        {"transactables": {"bicycle": {"name": "Red", "currency": "EUR"}}},
    ),
]


@pytest.mark.parametrize(("fields", "first", "alike", "apart"), SCOPES)
def test_a_value_is_one_user_s_of_those_who_are_alike_in_the_scope(acme, fields, first, alike, apart):
    name = configured(fields)
    made(post(acme, name, first))
    (words,) = errors_of(post(acme, name, first | alike)).values()
    assert words == TAKEN
    made(post(acme, name, first | apart))
