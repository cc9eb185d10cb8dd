"""What users tell of themselves, through the services: texts, and custom fields with and without definitions."""

import pytest

from accounts.models import CustomField, Event, User
from accounts.tests.rows import everything, unchanged
from accounts.tests.user_services import create, faults, stored, update
from usermgmt.errors import Fault

TEXTS = {"nickname": 120, "bio": 260, "status_text": 255}
TOO_COMPLEX = [Fault("custom_fields", "too_complex")]
INVALID = [Fault("custom_fields", "invalid")]


def nested(levels, innermost=None):
    """An object of so many levels."""
    value = {"in": innermost} if innermost is not None else {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def of_bytes(size):
    """An object that is so many bytes long as JSON."""
    return {"é": "x" * (size - len('{"é": ""}'.encode()))}


# Texts


@pytest.mark.parametrize(("field", "longest"), TEXTS.items())
def test_a_text_of_the_greatest_length_is_kept_trimmed(db, field, longest):
    user = create(**{field: f"  {'é' * longest}\n "})
    assert stored(user, field) == ("é" * longest,)
    update(user, **{field: " shorter "})
    assert stored(user, field) == ("shorter",)
    update(user, **{field: "  "})
    assert stored(user, field) == ("",)


@pytest.mark.parametrize(("field", "longest"), TEXTS.items())
def test_a_longer_one_is_refused(cast, field, longest):
    told = [Fault(field, "too_long", {"maximum": longest})]
    with unchanged():
        assert faults(create, **{field: "x" * (longest + 1)}) == told
        assert faults(update, cast.owner, **{field: "x" * 1_000_000}) == told


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("control", ["\0", "\x1b", "\r", "\x85", "\u2028", "\t"])
def test_none_has_control_characters(cast, field, control):
    with unchanged():
        assert faults(create, **{field: f"a{control}b"}) == [Fault(field, "invalid")]
        assert faults(update, cast.owner, **{field: f"a{control}b"}) == [Fault(field, "invalid")]


def test_a_bio_has_lines_and_nothing_else_does(cast):
    update(cast.owner, bio="one\ntwo\r\nthree")
    assert stored(cast.owner, "bio") == ("one\ntwo\r\nthree",)
    for field in ("nickname", "status_text"):
        assert faults(update, cast.owner, **{field: "one\ntwo"}) == [Fault(field, "invalid")]


def test_what_is_not_sent_stays_and_what_is_the_same_is_no_change(cast):
    update(cast.owner, nickname="Oli", bio="Climbs.", custom_fields={"a": [1, {"b": None}]})
    before = everything()
    update(cast.owner, nickname=" Oli ", custom_fields={"a": [1, {"b": None}]})
    update(cast.owner, bio="Climbs. ")
    assert everything() == before


def test_changes_are_in_the_trail(cast):
    update(cast.owner, nickname="Oli", custom_fields={"floor": 3})
    assert Event.objects.get().changes == {"nickname": ["", "Oli"], "custom_fields": [{}, {"floor": 3}]}


def test_all_faults_are_told_at_once(db):
    told = faults(create, name="", nickname="x" * 121, bio="\0", custom_fields=nested(9), roles=["nope"])
    assert told == [
        Fault("name", "blank"),
        Fault("nickname", "too_long", {"maximum": 120}),
        Fault("bio", "invalid"),
        *TOO_COMPLEX,
        Fault("roles", "unknown_role", {"role": "nope"}),
    ]


# Custom fields that nobody defined


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"": ""},
        {"floor": 3, "tags": ["a", None, True, 1.5], "deep": {"deeper": {}}},
        {"ключ": "🙂", "back\\u0000slash": "\\u0000", "__proto__": "'; --"},
        nested(8),
        {"list": [[[[[[[]]]]]]]},
        {str(n): n for n in range(100)},
        {"list": list(range(2000))},
        of_bytes(16 * 1024),
        {"list": [-1e22] * 100 + [1e-300] * 1000},
    ],
    ids=range(10),
)
def test_any_object_is_kept_as_it_is(db, values):
    assert stored(create(custom_fields=values), "custom_fields") == (values,)


@pytest.mark.parametrize(
    "values",
    [
        nested(9),
        nested(500, 1),
        {"list": [[[[[[[[]]]]]]]]},
        {str(n): n for n in range(101)},
        {"a": {str(n): n for n in range(50)}, "b": [{str(n): n for n in range(49)}]},
        of_bytes(16 * 1024 + 1),
        {"list": [1e308] * 60},  # whose digits are as many in PostgreSQL
    ],
    ids=range(7),
)
def test_too_much_is_refused(cast, values):
    with unchanged():
        assert faults(create, custom_fields=values) == TOO_COMPLEX
        assert faults(update, cast.owner, custom_fields=values) == TOO_COMPLEX


@pytest.mark.parametrize(
    "values",
    [
        {"a": "\0"},
        {"\0": "a"},
        {"a": ["\\\0"]},
        {"a": "\ud800"},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": {1, 2}},
    ],
    ids=range(7),
)
def test_what_no_database_holds_is_refused(cast, values):
    with unchanged():
        assert faults(create, custom_fields=values) == INVALID
        assert faults(update, cast.owner, custom_fields=values) == INVALID


def test_true_is_not_one(cast):
    update(cast.owner, custom_fields={"on": [1]})
    update(cast.owner, custom_fields={"on": [True]})
    assert stored(cast.owner, "custom_fields")[0]["on"][0] is True
    update(cast.owner, custom_fields={"on": [1]})
    assert stored(cast.owner, "custom_fields")[0]["on"][0] is not True


def test_they_are_replaced_as_a_whole(cast):
    update(cast.owner, custom_fields={"a": 1, "b": 2})
    update(cast.owner, custom_fields={"b": 3})
    assert stored(cast.owner, "custom_fields") == ({"b": 3},)
    update(cast.owner, custom_fields={})
    assert stored(cast.owner, "custom_fields") == ({},)


# Custom fields that staff defined


@pytest.fixture
def defined(db):
    """A required text with bounds, an optional one without, a required choice, an optional one."""
    CustomField.objects.bulk_create(
        [
            CustomField(name="badge", required=True, min_length=2, max_length=4),
            CustomField(name="note"),
            CustomField(name="site", kind="select", required=True, options=["Rome", "Oslo"]),
            CustomField(name="shift", kind="select", options=["day", "night"]),
        ]
    )


GOOD_VALUES = {"badge": "A1", "site": "Oslo"}


def told_of(**values):
    return [(fault.code, fault.data) for fault in faults(create, custom_fields=GOOD_VALUES | values)]


def test_what_they_allow_is_kept(defined):
    values = {"badge": "A123", "note": "x" * 5000, "site": "Rome", "shift": "night"}
    assert stored(create(custom_fields=values), "custom_fields") == (values,)


def test_what_is_not_defined_is_dropped(defined):
    user = create(custom_fields={**GOOD_VALUES, "other": "x", "more": nested(20), "\0": "\0"})
    assert stored(user, "custom_fields") == (GOOD_VALUES,)


def test_those_that_are_required_are_asked_for_where_any_are_sent(defined):
    both = [("custom_required", {"name": "badge"}), ("custom_required", {"name": "site"})]
    assert [(fault.code, fault.data) for fault in faults(create, custom_fields={})] == both
    assert [(fault.code, fault.data) for fault in faults(create, custom_fields={"other": "x"})] == both


def test_they_are_not_asked_for_by_who_knows_none(defined, cast):
    assert stored(create(), "custom_fields") == ({},)
    update(cast.owner, name="Olga New")
    assert stored(cast.owner, "name", "custom_fields") == ("Olga New", {})


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_what_is_required_is_not_blank_and_what_is_not_may_be(defined, blank):
    assert told_of(badge=blank) == [("custom_required", {"name": "badge"})]
    assert told_of(site=blank) == [("custom_required", {"name": "site"})]
    assert create(custom_fields={**GOOD_VALUES, "note": blank, "shift": blank}).pk


@pytest.mark.parametrize(
    ("value", "code", "data"),
    [
        ("A", "custom_too_short", {"minimum": 2}),
        (" A ", "custom_too_short", {"minimum": 2}),
        ("A1234", "custom_too_long", {"maximum": 4}),
        ("x" * 10_000, "custom_too_long", {"maximum": 4}),
    ],
)
def test_texts_keep_their_lengths(defined, value, code, data):
    assert told_of(badge=value) == [(code, {"name": "badge", **data})]


@pytest.mark.parametrize("value", [12, 1.5, True, False, ["A1"], {"a": "A1"}, [], {}])
@pytest.mark.parametrize("name", ["badge", "note", "site", "shift"])
def test_only_texts_are_values(defined, name, value):
    assert told_of(**{name: value}) == [("custom_invalid", {"name": name})]


@pytest.mark.parametrize("value", ["rome", "Rome ", "Paris", "Rome,Oslo"])
def test_a_choice_is_one_of_its_options(defined, value):
    assert told_of(site=value) == [("custom_invalid", {"name": "site"})]


def test_a_value_from_before_a_definition_stays_until_others_are_sent(cast):
    update(cast.owner, custom_fields={"old": 1, "badge": 7})
    CustomField.objects.create(name="badge")
    update(cast.owner, name="Olga New")
    assert User.objects.get(pk=cast.owner.pk).custom_fields == {"old": 1, "badge": 7}
    update(cast.owner, custom_fields={"old": 1, "badge": "7"})
    assert User.objects.get(pk=cast.owner.pk).custom_fields == {"badge": "7"}


def test_too_large_is_too_large_even_of_what_is_defined(defined):
    assert faults(create, custom_fields={**GOOD_VALUES, "note": "x" * 20_000}) == [
        Fault("custom_fields", "too_complex")
    ]
