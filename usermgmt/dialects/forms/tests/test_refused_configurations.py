"""Configurations that are refused: each fault with its path, all of them at once."""

import pytest

from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.errors import Invalid, fragment

OBJECT = "must be an object"
FLAG = "must be true or false"
NO_NAME = "is no name: it needs 1 to 64 letters, digits, _ and -"
TEMPLATE = "has a template: templates are not supported"
NO_FIELD = "is no field of users: declare it virtual, or below properties"
NOT_SUPPORTED = "is not supported"
CONDITION = "must be true, false or the path of a declared field"
SCOPE = "must be the paths of declared fields that are stored"
NUMBER = "must be a number"
LENGTH = "must be a whole number from 0 to 1000000000"
CHOICES = "must be a list of 1 to 1000 values"
MOMENT = 'must be a date, a moment, or a phrase such as "today" or "18 years ago"'
MESSAGE = "must be a text of at most 255 characters"
VALIDATIONS = (
    "is no validation: use presence, unique, email, confirmation, inclusion, exclusion, format, length, numericality, "
    "date, datetime"
)
COMMON = "message, allow_nil, allow_blank, if"


def faults(fields, resource="User"):
    with pytest.raises(Invalid) as refused:
        compiled(resource, fields)
    assert {(fault.field, fault.code) for fault in refused.value.faults} == {("fields", "bad_rule")}
    return {fault.data["path"]: fault.data["reason"] for fault in refused.value.faults}


def rule(**validation):
    return {"first_name": {"validation": validation}}


IN_RULES = [
    ({"lenght": {}}, "lenght", VALIDATIONS),
    ({"presence": "yes"}, "presence", "must be true, false or an object of options"),
    ({"presence": []}, "presence", "must be true, false or an object of options"),
    ({"presence": {"in": []}}, "presence.in", f"is not known: use {COMMON}"),
    ({"length": {"min": 3, "is": 4}}, "length.min", f"is not known: use minimum, maximum, is, {COMMON}"),
    ({"presence": {"message": 5}}, "presence.message", MESSAGE),
    ({"presence": {"message": ""}}, "presence.message", MESSAGE),
    ({"presence": {"message": "a" * 256}}, "presence.message", MESSAGE),
    ({"presence": {"allow_nil": "true"}}, "presence.allow_nil", FLAG),
    ({"presence": {"allow_blank": 1}}, "presence.allow_blank", FLAG),
    ({"presence": {"if": "nobody"}}, "presence.if", CONDITION),
    ({"presence": {"if": 1}}, "presence.if", CONDITION),
    ({"presence": {"if": []}}, "presence.if", CONDITION),
    ({"presence": {"if": ""}}, "presence.if", CONDITION),
    ({"presence": {"if": "properties"}}, "presence.if", CONDITION),
    ({"presence": {"message": "Dear {{ name }}"}}, "presence.message", TEMPLATE),
    ({"inclusion": True}, "inclusion.in", CHOICES),
    ({"inclusion": {"in": "a"}}, "inclusion.in", CHOICES),
    ({"inclusion": {"in": []}}, "inclusion.in", CHOICES),
    ({"inclusion": {"in": [0] * 1001}}, "inclusion.in", CHOICES),
    ({"exclusion": {"in": [{}]}}, "exclusion.in", "must be a list of texts, numbers, true, false and null"),
    ({"exclusion": {"in": {"a": 1}}}, "exclusion.in", CHOICES),
    ({"format": True}, "format.with", "must be a regular expression"),
    ({"format": {"with": ""}}, "format.with", "must be a regular expression"),
    ({"format": {"with": 5}}, "format.with", "must be a regular expression"),
    ({"format": {"with": "("}}, "format.with", "has a ( without a )"),
    ({"format": {"with": "(a+)+$"}}, "format.with",
     "may take exponentially long: a repeated part can take the same text in several ways"),
    ({"format": {"with": "a" * 1001}}, "format.with", "is too long (maximum is 1000 characters)"),
    ({"format": {"with": "{{ pattern }}"}}, "format.with", TEMPLATE),
    ({"format": {"with": "a{% if %}"}}, "format.with", TEMPLATE),
    ({"length": True}, "length", "needs minimum, maximum or is"),
    ({"length": {"message": "is odd"}}, "length", "needs minimum, maximum or is"),
    ({"length": {"minimum": -1}}, "length.minimum", LENGTH),
    ({"length": {"maximum": "5"}}, "length.maximum", LENGTH),
    ({"length": {"is": True}}, "length.is", LENGTH),
    ({"length": {"is": 5.0}}, "length.is", LENGTH),
    ({"length": {"is": 10**10}}, "length.is", LENGTH),
    ({"numericality": {"greater_than": "5"}}, "numericality.greater_than", NUMBER),
    ({"numericality": {"less_than": True}}, "numericality.less_than", NUMBER),
    ({"numericality": {"equal_to": []}}, "numericality.equal_to", NUMBER),
    ({"numericality": {"odd": 1}}, "numericality.odd", FLAG),
    ({"date": {"before": "soon"}}, "date.before", MOMENT),
    ({"date": {"before": 5}}, "date.before", MOMENT),
    ({"date": {"before": True}}, "date.before", MOMENT),
    ({"date": {"at": "2026-02-30"}}, "date.at", MOMENT),
    ({"date": {"at": "1234567890 days ago"}}, "date.at", MOMENT),
    ({"date": {"at": "18 fortnights ago"}}, "date.at", MOMENT),
    ({"date": {"at": " " * 99 + "today"}}, "date.at", MOMENT),
    ({"datetime": {"after": "2026-11-21T25:00:00Z"}}, "datetime.after", MOMENT),
    ({"datetime": {"until": "now"}}, "datetime.until",
     f"is not known: use is_at, at, before, after, on_or_before, at_or_before, on_or_after, at_or_after, {COMMON}"),
    ({"unique": {"scope": "nobody"}}, "unique.scope", SCOPE),
    ({"unique": {"scope": [5]}}, "unique.scope", SCOPE),
    ({"unique": {"scope": {"a": 1}}}, "unique.scope", SCOPE),
    ({"unique": {"scope": ["a"] * 11}}, "unique.scope", "has too many fields (maximum is 10)"),
    ({"confirmation": True}, "confirmation", "needs first_name_confirmation, declared virtual"),
]  # fmt: skip


def test_a_fault_in_a_rule_is_told_with_its_path():
    for validation, place, reason in IN_RULES:
        assert faults(rule(**validation)) == {f"fields.first_name.validation.{place}": reason}, validation


IN_FIELDS = [
    ({"first_name": 5}, {"first_name": OBJECT}),
    ({"first_name": []}, {"first_name": OBJECT}),
    ({"first_name": True}, {"first_name": OBJECT}),
    ({"first_name": {"validations": {}}}, {"first_name.validations": "is not known: use validation, property_options"}),
    ({"first_name": {"validation": [], "property_options": 5}},
     {"first_name.validation": OBJECT, "first_name.property_options": OBJECT}),
    ({"first_name": {"property_options": {"virtual": 1, "readonly": "no", "hidden": True}}},
     {"first_name.property_options.virtual": FLAG, "first_name.property_options.readonly": FLAG,
      "first_name.property_options.hidden": "is not known: use virtual, readonly, default"}),
    ({"first_name": {"property_options": {"default": 5}}}, {"first_name.property_options.default": "is no text"}),
    ({"featured": {"property_options": {"default": "yes"}}}, {"featured.property_options.default": "is no boolean"}),
    ({"password": {"property_options": {"default": "secret"}}},
     {"password.property_options.default": "can't be told for a password"}),
    ({"properties": {"a": {"property_options": {"default": ["{{ user }}"]}}}},
     {"properties.a.property_options.default.0": TEMPLATE}),
    ({"phone": None}, {"phone": NO_FIELD}),
    ({"phone": {"property_options": {"virtual": False}}}, {"phone": NO_FIELD}),
    ({"is_superuser": {}}, {"is_superuser": NO_FIELD}),
    ({"a b": {"property_options": {"virtual": True}}}, {"a b": NO_NAME}),
    ({"": None}, {"": NO_NAME}),
    ({"x" * 65: None}, {"x" * 64 + "…": NO_NAME}),
    ({"customizations": {}, "custom_images": None, "custom_attachments": {}, "custom_addresses": {}},
     dict.fromkeys(("customizations", "custom_images", "custom_attachments", "custom_addresses"), NOT_SUPPORTED)),
    ({"id": {"validation": {"presence": True}}},
     {"id.validation.presence": "is for a field that can't be sent"}),
    ({"password": {"validation": {"unique": True}}},
     {"password.validation.unique": "is only for stored fields that are not passwords"}),
    ({"x": {"validation": {"unique": True}, "property_options": {"virtual": True}}},
     {"x.validation.unique": "is only for stored fields that are not passwords"}),
    ({"password": {}, "x": {"property_options": {"virtual": True}},
      "name": {"validation": {"unique": {"scope": ["password", "x"]}}}}, {"name.validation.unique.scope": SCOPE}),
    ({"name": {"validation": {"confirmation": True}}, "name_confirmation": {"property_options": {"virtual": False}}},
     {"name.validation.confirmation": "needs name_confirmation, declared virtual", "name_confirmation": NO_FIELD}),
    ({"properties": 5}, {"properties": OBJECT}),
    ({"properties": {"a.b": {}, "é": {}, "a\n": {}}},
     {"properties.a.b": NO_NAME, "properties.é": NO_NAME, "properties.a\ufffd": NO_NAME}),
    ({"profiles": []}, {"profiles": OBJECT}),
    ({"profiles": {"default": []}}, {"profiles.default": OBJECT}),
    ({"profiles": {"a b": {}}}, {"profiles.a b": NO_NAME}),
    ({"profiles": {"default": {"first_name": {}, "customizations": {}}}},
     {"profiles.default.first_name": "is not known: use validation, properties",
      "profiles.default.customizations": NOT_SUPPORTED}),
    ({"profiles": {"default": {"validation": {"length": {"minimum": 1}}}}},
     {"profiles.default.validation.length": "is no validation: use presence"}),
    ({"profiles": {"default": {"properties": {"a": {"validation": {"lenght": {}}}}}}},
     {"profiles.default.properties.a.validation.lenght": VALIDATIONS}),
    ({"relationship_users": {"manager": {"name": {}}}},
     {"relationship_users.manager": "needs user_id: whom a relationship is to",
      "relationship_users.manager.name": "is not known: use validation, id, user_id, relationship_name, "
      "relationship_user_type_name, properties"}),
    ({"transactables": {"bicycle": {"custom_images": {}, "name": {"validation": {"presence": {"if": "email"}}}}}},
     {"transactables.bicycle.custom_images": NOT_SUPPORTED,
      "transactables.bicycle.name.validation.presence.if": CONDITION}),
    ({"name": {"validation": {"presence": {"if": "transactables.bicycle.name"}}}, "transactables": {"bicycle": {"name": {}}}},
     {"name.validation.presence.if": CONDITION}),
    ({"email": {"validation": {"lenght": {}, "format": {"with": "["}}}, "phone": {}},
     {"email.validation.lenght": VALIDATIONS, "email.validation.format.with": "has a [ without a ]", "phone": NO_FIELD}),
]  # fmt: skip


def test_a_fault_in_a_field_or_a_section_is_told_with_its_path_and_along_with_the_others():
    for fields, expected in IN_FIELDS:
        assert faults(fields) == {f"fields.{path}": reason for path, reason in expected.items()}, fields


def test_a_session_has_an_address_and_a_password_alone():
    no_field = "is no field of sessions: declare it virtual"
    assert faults({"first_name": {}, "properties": {}}, "Session") == {
        "fields.first_name": no_field, "fields.properties": no_field,
    }  # fmt: skip
    compiled("Session", {"email": {}, "password": {}, "remember": {"property_options": {"virtual": True}}})
    assert faults({"email": {"validation": {"unique": True}}}, "Session") == {
        "fields.email.validation.unique": "is only for stored fields that are not passwords"
    }


def nested(levels, value=None):
    for _ in range(levels):
        value = {"a": value}
    return value


def default(value):
    return {"properties": {"a": {"property_options": {"default": value}}}}


AT_DEFAULT = "fields.properties.a.property_options.default"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, {"fields": OBJECT}),
        ([], {"fields": OBJECT}),
        ("x", {"fields": OBJECT}),
        ({1: {}}, {"fields": "has a key that is no text or can't be stored"}),
        ({"properties": {None: {}}}, {"fields.properties": "has a key that is no text or can't be stored"}),
        ({"\ud800": {}}, {"fields": "has a key that is no text or can't be stored"}),
        (default("\0"), {AT_DEFAULT: "has characters that can't be stored"}),
        (default("\udfff"), {AT_DEFAULT: "has characters that can't be stored"}),
        (default(float("nan")), {AT_DEFAULT: "must be a finite number"}),
        (default(float("-inf")), {AT_DEFAULT: "must be a finite number"}),
        (default(10**400), {AT_DEFAULT: "is too large a number"}),
        (default({1, 2}), {AT_DEFAULT: "is no JSON"}),
        (default(b"x"), {AT_DEFAULT: "is no JSON"}),
        (default(nested(9)), {f"{AT_DEFAULT}{'.a' * 9}": "is too deep: at most 12 levels"}),
        (nested(50_000), {f"fields{'.a' * 13}": "is too deep: at most 12 levels"}),
        (default("a" * 65536), {"fields": "is too large: at most 64 KiB as JSON"}),
        (default([[0] * 1000] * 1_000_000), {"fields": "is too large: at most 64 KiB as JSON"}),
        ({"properties": {f"p{number}": None for number in range(500)}}, {"fields": "has too many fields (maximum is 500)"}),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_json_of_a_sensible_size_is_refused(fields, expected):
    assert faults(fields) == expected


def test_what_is_just_within_the_bounds_is_taken():
    compiled("User", {"properties": {f"p{number}": None for number in range(499)}})
    compiled("User", default(nested(8)))
    compiled("User", default("a" * 65000))
    compiled("User", rule(inclusion={"in": list(range(1000))}, presence={"message": "a" * 255}))


def test_no_more_than_fifty_faults_are_told():
    assert len(faults({f"x{number}": {} for number in range(100)})) == 50


@pytest.mark.parametrize("resource", ["UserProfile", "user", "", None, 5, [], {}])
def test_there_are_two_resources(resource):
    assert faults({}, resource) == {"resource": "must be User or Session"}


def test_a_fault_reads_as_its_path_and_its_reason():
    with pytest.raises(Invalid) as refused:
        compiled("User", {"a{b}": {}})
    assert [fragment(fault) for fault in refused.value.faults] == [f"fields.a{{b}} {NO_NAME}"]


def test_a_pattern_may_have_braces_that_are_no_template():
    compiled("User", rule(format={"with": r"\A\{\{\d{2}\z"}))
    compiled("User", rule(format={"with": r"\A[{{]\z"}))


def test_a_pattern_of_a_known_configuration_is_not_tried_out_again_but_looked_at():
    tried, certain = (rule(format={"with": text}) for text in ("(ab|abab)+$", "(a+)+$"))
    for fields, known in ((tried, False), (certain, False), (certain, True)):
        with pytest.raises(Invalid):
            compiled("User", fields, known=known)
    compiled("User", tried, known=True)


def test_null_and_empty_objects_declare_fields_and_sections():
    compiled("User", {
        "email": None, "first_name": {}, "name": {"validation": None, "property_options": None}, "properties": None,
        "profiles": {"default": None, "other": {"properties": None, "validation": None}}, "transactables": {"car": {}},
    })  # fmt: skip
