"""What is to be written of a form, and what is wrong with it: declared fields, options of properties, sections, entries."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.form import Unique

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
BLANK, INVALID, TAKEN = "can't be blank", "is invalid", "has already been taken"
NEEDED = {"validation": {"presence": True}}


def judge(fields, sent, stored=None, now=NOW):
    return compiled("User", fields).judge(sent, stored, now=now)


def options(**said):
    return {"property_options": said}


def test_what_is_not_declared_is_dropped():
    sent = {
        "first_name": "Ann",
        "featured": True,
        "client_id": 1,
        "properties": {"a": 1, "b": 2},
        "profiles": {"x": {}},
    }
    outcome = judge({"first_name": None, "properties": {"a": {}}}, sent)
    assert (outcome.written, outcome.errors) == ({"first_name": "Ann", "properties": {"a": 1}}, {})


# Field of a user, what is sent and what is stored (None: it is made), what is written or "error"; () is absence.
WRITTEN = [
    ("first_name", {}, "Ann", None, "Ann"),
    ("first_name", {}, (), None, ()),
    ("first_name", {}, None, None, ()),
    ("first_name", {}, None, {"first_name": "Ann"}, ""),
    ("first_name", {}, (), {"first_name": "Ann"}, ()),
    ("first_name", {}, 5, None, "error"),
    ("first_name", {}, ["a"], None, "error"),
    ("first_name", options(virtual=True), "Ann", None, ()),
    ("first_name", options(virtual=True), 5, None, "error"),
    ("first_name", options(readonly=True), "Ann", None, ()),
    ("first_name", options(readonly=True), 5, {"first_name": "Ann"}, ()),
    ("first_name", options(default="Eve"), "Ann", None, "Ann"),
    ("first_name", options(default="Eve"), "", None, ""),
    ("first_name", options(default="Eve"), (), None, "Eve"),
    ("first_name", options(default="Eve"), None, None, "Eve"),
    ("first_name", options(default="Eve"), (), {"first_name": "Ann"}, ()),
    ("first_name", options(default="Eve"), (), {"first_name": ""}, "Eve"),
    ("first_name", options(default="Eve"), None, {"first_name": "Ann"}, ""),
    ("first_name", options(default="Eve", readonly=True), "Ann", None, "Eve"),
    ("first_name", options(default="Eve", readonly=True), (), {"first_name": "Ann"}, "Eve"),
    ("first_name", options(default="Eve", virtual=True), (), None, ()),
    ("featured", {}, True, None, True),
    ("featured", {}, "true", None, True),
    ("featured", {}, "1", None, True),
    ("featured", {}, 1, None, True),
    ("featured", {}, "false", None, False),
    ("featured", {}, "0", None, False),
    ("featured", {}, 0, None, False),
    ("featured", {}, "", None, ()),
    ("featured", {}, None, {"featured": True}, ()),
    ("featured", {}, "yes", None, "error"),
    ("featured", {}, 2, None, "error"),
    ("featured", {}, 1.5, None, "error"),
    ("featured", {}, [], None, "error"),
    ("featured", options(default=True), "", None, True),
    ("featured", options(default="1"), (), None, True),
    ("featured", options(default=True), (), {"featured": False}, ()),
    ("featured", options(default=True, readonly=True), "false", None, True),
    ("password", {}, "secret", None, "secret"),
    ("password", {}, None, {"password": True}, ()),
    ("password", {}, 5, None, "error"),
    ("id", {}, 7, {"id": 8}, ()),
    ("id", {}, "x", None, ()),
]


def test_a_field_is_written_as_its_kind_and_its_options_say():
    for field, said, sent, stored, expected in WRITTEN:
        outcome = judge({field: said}, {} if sent == () else {field: sent}, stored)
        row = (field, said, sent, stored)
        assert outcome.errors == ({field: [INVALID]} if expected == "error" else {}), row
        written = {} if expected in ((), "error") else {field: expected}
        assert (outcome.written, [type(each) for each in outcome.written.values()]) == (
            written, [type(each) for each in written.values()],
        ), row  # fmt: skip


def test_properties_are_any_json_and_null_is_a_value():
    fields = {"properties": {"a": {}, "b": options(default=[1]), "c": options(readonly=True)}}
    for value in (None, 0, "", [], {"deep": [{}]}, True):
        assert judge(fields, {"properties": {"a": value, "b": 1, "c": 1}}).written == {
            "properties": {"a": value, "b": 1}
        }
    assert judge(fields, {"properties": {"b": None}}).written == {"properties": {"b": [1]}}


def test_a_default_is_made_anew_for_each_form():
    form = compiled("User", {"properties": {"a": options(default=[])}})
    form.judge({}, None, now=NOW).written["properties"]["a"].append("of somebody else")
    assert form.judge({}, None, now=NOW).written == {"properties": {"a": []}}


def test_what_is_stored_is_judged_where_nothing_is_sent():
    fields = {"first_name": NEEDED, "last_name": {"validation": {"length": {"maximum": 3}}}, "password": NEEDED}
    stored = {"first_name": "Ann", "last_name": "Archer", "password": True}
    for sent, errors in (
        ({}, {"last_name": ["is too long (maximum is 3 characters)"]}),
        ({"last_name": "Ash"}, {}),
        ({"last_name": "Ash", "first_name": " "}, {"first_name": [BLANK]}),
        ({"last_name": "Ash", "password": ""}, {"password": [BLANK]}),
    ):
        assert judge(fields, sent, stored).errors == errors
    assert judge(fields, {"last_name": "Ash"}, {**stored, "password": False}).errors == {"password": [BLANK]}


def test_a_stored_password_is_nobodys_to_judge():
    fields = {
        "password": {"validation": {"length": {"minimum": 6}, "confirmation": True, "format": {"with": "x"}}},
        "password_confirmation": options(virtual=True),
        "first_name": {"validation": {"presence": {"if": "password"}}},
    }
    outcome = judge(fields, {"password_confirmation": "y"}, {"password": True})
    assert outcome.errors == {"first_name": [BLANK]}


# Profiles

PROFILE = {"profiles": {"default": {"properties": {"user_attr": NEEDED, "other": {}}}}}


@pytest.mark.parametrize(
    ("sent", "stored", "written", "errors"),
    [
        ({}, None, {}, {"profiles.default.properties.user_attr": [BLANK]}),
        ({"profiles": None}, None, {}, {"profiles.default.properties.user_attr": [BLANK]}),
        ({"profiles": {"default": {"properties": {}}}}, None, {"profiles": {"default": {"properties": {}}}},
         {"profiles.default.properties.user_attr": [BLANK]}),
        ({"profiles": {"default": {"properties": {"user_attr": "a", "x": 1}}, "x": 5}, "x": 1}, None,
         {"profiles": {"default": {"properties": {"user_attr": "a"}}}}, {}),
        ({}, {"profiles": {"default": {"properties": {"user_attr": "a"}}}}, {}, {}),
        ({"profiles": {"default": {"properties": {"other": 1}}}},
         {"profiles": {"default": {"properties": {"user_attr": "a"}}}},
         {"profiles": {"default": {"properties": {"other": 1}}}}, {}),
        ({"profiles": 5}, None, {}, {"profiles": [INVALID]}),
        ({"profiles": []}, None, {}, {"profiles": [INVALID]}),
        ({"profiles": {"default": "x"}}, None, {}, {"profiles.default": [INVALID]}),
        ({"profiles": {"default": {"properties": [1]}}}, None, {"profiles": {"default": {"properties": {}}}},
         {"profiles.default.properties": [INVALID]}),
    ],
)  # fmt: skip
def test_the_rules_of_a_profile_hold_whether_it_is_sent_or_not(sent, stored, written, errors):
    outcome = judge(PROFILE, sent, stored)
    assert (outcome.written, outcome.errors) == (written, errors)


@pytest.mark.parametrize("section", ["profiles", "relationship_users", "transactables"])
def test_a_type_may_be_needed(section):
    whom = {"user_id": {}} if section == "relationship_users" else {}
    fields = {section: {"default": {"validation": {"presence": {"message": "is needed"}}, **whom}}}
    stored = {} if section == "profiles" else []
    for sent, present in (({}, None), ({section: {}}, None), ({section: {"default": None}}, {section: {}})):
        assert judge(fields, sent, present).errors == {f"{section}.default": ["is needed"]}
    for sent, present in (
        ({section: {"default": {}}}, None),
        ({}, {section: {"default": {"properties": {}} if section == "profiles" else [{"id": 1}]}}),
    ):
        assert judge(fields, sent, present).errors == {}
    assert bool(judge(fields, {}, {section: {"default": stored}}).errors) == (section != "profiles")


# Entries

BICYCLE = {
    "id": {},
    "name": NEEDED,
    "enabled": {},
    "creator_id": {},
    "properties": {"gears": {"validation": {"numericality": True}}},
}
SOUND = {"name": "Tandem", "enabled": "1", "creator_id": 5, "colour": "red", "properties": {"gears": 3, "x": 1}}
TANDEM = {"name": "Tandem", "enabled": True, "properties": {"gears": 3}}


@pytest.mark.parametrize(
    ("sent", "written", "errors"),
    [
        ((), None, {}),
        (None, None, {}),
        ([], None, {}),
        (SOUND, [TANDEM], {}),
        ([SOUND, SOUND], [TANDEM, TANDEM], {}),
        ({}, [{}], {".name": [BLANK], ".properties.gears": ["is not a number"]}),
        ([{}], [{}], {".0.name": [BLANK], ".0.properties.gears": ["is not a number"]}),
        ([SOUND, {"name": 5, "properties": 5}], [TANDEM, {}], {".1.name": [INVALID], ".1.properties": [INVALID]}),
        ([SOUND, 5, None, []], [TANDEM], {".1": [INVALID], ".2": [INVALID], ".3": [INVALID]}),
        (5, None, {"": [INVALID]}),
        ("x", None, {"": [INVALID]}),
        ([SOUND] * 100, [TANDEM] * 100, {}),
        ([SOUND] * 101, None, {"": ["is too long (maximum is 100 entries)"]}),
        ({**SOUND, "id": "x"}, [TANDEM], {".id": [INVALID]}),
    ],
)
def test_entries_are_judged_one_by_one(sent, written, errors):
    payload = {} if sent == () else {"transactables": {"bicycle": sent, "car": [{}]}}
    outcome = judge({"transactables": {"bicycle": BICYCLE}}, payload)
    assert outcome.written == ({"transactables": {"bicycle": written}} if written else {})
    assert outcome.errors == {f"transactables.bicycle{key}": messages for key, messages in errors.items()}


def test_the_database_is_asked_for_so_many_values_at_most():
    unique = {name: {"validation": {"unique": True}} for name in "abcdef"}
    fields = {"transactables": {"bicycle": {"properties": unique}}}
    entry = dict.fromkeys("abcde", 1)
    enough = judge(fields, {"transactables": {"bicycle": [{"properties": entry}] * 100}})
    assert (len(enough.uniques), enough.errors) == (500, {})
    one_more = judge(
        fields, {"transactables": {"bicycle": [{"properties": entry}] * 99 + [{"properties": entry | {"f": 1}}]}}
    )
    assert (len(one_more.uniques), one_more.errors) == (
        500,
        {"transactables.bicycle.99.properties.f": ["is one too many: a form may have 500 unique values"]},
    )


def test_a_section_of_the_wrong_shape_is_one_fault():
    fields = {"transactables": {"bicycle": BICYCLE}, "relationship_users": {"manager": {"user_id": {}}}}
    fields |= {"properties": {"a": NEEDED}}
    sent = {"transactables": [], "relationship_users": "x", "properties": 5}
    assert judge(fields, sent).errors == {
        key: [INVALID] for key in ("transactables", "relationship_users", "properties")
    }


def test_an_entry_with_an_id_is_judged_over_the_stored_one():
    stored = {"transactables": {"bicycle": [{"id": 3, "name": "Tandem", "properties": {"gears": 3}}]}}
    for sent, written, errors in (
        ({"id": 3, "enabled": False}, {"id": 3, "enabled": False}, {}),
        ({"id": "3", "name": None}, {"id": 3, "name": ""}, {"transactables.bicycle.name": [BLANK]}),
        (
            {"id": 4, "properties": {"gears": 1}},
            {"id": 4, "properties": {"gears": 1}},
            {"transactables.bicycle.name": [BLANK]},
        ),
    ):
        outcome = judge({"transactables": {"bicycle": BICYCLE}}, {"transactables": {"bicycle": sent}}, stored)
        assert (outcome.written["transactables"]["bicycle"], outcome.errors) == ([written], errors)
    without_id = {"transactables": {"bicycle": {"name": NEEDED}}}
    outcome = judge(without_id, {"transactables": {"bicycle": {"id": 3}}}, stored)
    assert (outcome.written, outcome.errors) == (
        {"transactables": {"bicycle": [{}]}}, {"transactables.bicycle.name": [BLANK]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(5, 5), ("5", 5), (2**63 - 1, 2**63 - 1), (None, ()), ("", ()), (0, "error"), (-1, "error"), (2**63, "error"),
     ("9" * 19, "error"), ("9" * 5000, "error"), ("\u0665", "error"), (True, "error"), (1.0, "error"), ([], "error")],
)  # fmt: skip
def test_the_other_user_of_a_relationship_is_named_by_an_id(sent, expected):
    fields = {"relationship_users": {"manager": {"user_id": {}, "relationship_name": {}, "id": {}}}}
    entry = {"user_id": sent, "relationship_name": 5, "id": "x"}
    outcome = judge(fields, {"relationship_users": {"manager": entry}})
    assert outcome.errors == ({"relationship_users.manager.user_id": [INVALID]} if expected == "error" else {})
    written = {} if expected in ((), "error") else {"user_id": expected}
    assert outcome.written == {"relationship_users": {"manager": [written]}}


# What only the database knows

ALONE = {"validation": {"unique": True}}


def test_what_is_to_be_unique_is_told_with_its_scope():
    fields = {
        "external_id": {"validation": {"unique": {"scope": ["last_name", "properties.a"], "message": "is known"}}},
        "last_name": ALONE,
        "properties": {"a": ALONE, "b": {"validation": {"unique": {"scope": "a"}}}},
        "profiles": {"default": {"properties": {"c": ALONE}}},
    }
    sent = {
        "external_id": "7",
        "last_name": "Ash",
        "properties": {"b": 5},
        "profiles": {"default": {"properties": {"c": 1}}},
    }
    outcome = judge(fields, sent, {"properties": {"a": "x"}})
    assert outcome.uniques == [
        Unique(("external_id",), "7", {("last_name",): "Ash", ("properties", "a"): "x"}, "is known", "external_id"),
        Unique(("last_name",), "Ash", {}, TAKEN, "last_name"),
        Unique(("properties", "a"), "x", {}, TAKEN, "properties.a"),
        Unique(("properties", "b"), 5, {("properties", "a"): "x"}, TAKEN, "properties.b"),
        Unique(("profiles", "default", "properties", "c"), 1, {}, TAKEN, "profiles.default.properties.c"),
    ]


def test_uniqueness_in_entries_is_asked_for_each():
    fields = {"last_name": {}, "transactables": {"bicycle": {
        "name": {"validation": {"unique": {"scope": ["currency", "last_name", "transactables.bicycle.properties.a"]}}},
        "currency": {}, "properties": {"a": ALONE},
    }}}  # fmt: skip
    entries = [{"name": "x", "currency": "EUR", "properties": {"a": 1}}, {"name": "y"}]
    outcome = judge(fields, {"last_name": "Ash", "transactables": {"bicycle": entries}})
    base = ("transactables", "bicycle")

    def scope(currency, a):
        return {(*base, "currency"): currency, ("last_name",): "Ash", (*base, "properties", "a"): a}

    assert outcome.uniques == [
        Unique((*base, "name"), "x", scope("EUR", 1), TAKEN, "transactables.bicycle.0.name"),
        Unique((*base, "properties", "a"), 1, {}, TAKEN, "transactables.bicycle.0.properties.a"),
        Unique((*base, "name"), "y", scope(None, None), TAKEN, "transactables.bicycle.1.name"),
    ]


@pytest.mark.parametrize(
    ("validation", "sent"),
    [
        ({"unique": True}, ""),
        ({"unique": True}, None),
        ({"unique": True}, 5),
        ({"unique": False}, "a"),
        ({"unique": {"if": "last_name"}}, "a"),
        ({"unique": True, "length": {"minimum": 3}}, "a"),
        ({"unique": True, "format": {"with": "b"}}, "a"),
    ],
)
def test_nobody_is_asked_of_a_value_that_is_blank_or_wrong_already(validation, sent):
    assert judge({"first_name": {"validation": validation}, "last_name": {}}, {"first_name": sent}).uniques == []


# What is told of the form


def test_a_form_tells_what_it_declares():
    fields = {
        "id": {}, "email": {}, "password": {}, "first_name": options(readonly=True), "terms": options(virtual=True),
        "properties": {"a": {}, "b": options(virtual=True)},
        "profiles": {"default": {"properties": {"c": {}}}, "empty": None},
        "relationship_users": {"manager": {"user_id": {}, "relationship_name": {}}},
        "transactables": {"bicycle": {"id": {}, "name": {}, "creator_id": {}, "properties": {"d": {}}}, "car": {}},
    }  # fmt: skip
    form = compiled("User", fields)
    assert form.declared == {
        "email": True,
        "first_name": True,
        "properties": {"a": True},
        "profiles": {"default": {"properties": {"c": True}}},
        "relationship_users": {"manager": {"user_id": True}},
        "transactables": {"bicycle": {"id": True, "name": True, "properties": {"d": True}}},
    }
    assert (form.profile_types, form.relationship_types, form.transactable_types) == (
        ("default", "empty"), ("manager",), ("bicycle", "car"),
    )  # fmt: skip
    session = compiled("Session", {"email": {}, "password": {}})
    assert (session.declared, session.profile_types, session.resource) == ({"email": True}, (), "Session")


def test_faults_stand_in_the_order_of_the_configuration():
    fields = {
        "last_name": NEEDED,
        "profiles": {"default": {"validation": {"presence": True}, "properties": {"a": NEEDED}}},
        "pin_confirmation": options(virtual=True),
        "first_name": NEEDED,
        "pin": {"validation": {"confirmation": True, "numericality": True}, **options(virtual=True)},
        "email": {},
    }
    assert list(judge(fields, {"pin": "x", "pin_confirmation": "y"}).errors) == [
        "last_name", "profiles.default", "profiles.default.properties.a", "pin_confirmation", "first_name", "pin", "email",
    ]  # fmt: skip


def test_today_is_the_day_of_utc():
    fields = {"properties": {"day": {"validation": {"date": {"at": "today"}}}}}
    late = datetime(2026, 11, 21, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    for day, sound in (("2026-11-21", False), ("2026-11-22", True)):
        assert (judge(fields, {"properties": {"day": day}}, now=late).errors == {}) is sound
