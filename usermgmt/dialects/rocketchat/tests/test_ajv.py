"""Bodies against their schemas: Ajv's coercion, its order and its words (contract 3; ajv.js.org/coercion.html)."""

import json
import math

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermgmt.dialects.rocketchat import ajv, serializers

REFUSED = object()
STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}
MAYBE_STRING, MAYBE_BOOLEAN = {**STRING, "nullable": True}, {**BOOLEAN, "nullable": True}

# Value, and what it becomes as a string, a nullable string, a boolean and a nullable boolean.
COERCION = [
    ("", "", "", REFUSED, None),
    ("a", "a", "a", REFUSED, REFUSED),
    ("true", "true", "true", True, True),
    ("false", "false", "false", False, False),
    ("True", "True", "True", REFUSED, REFUSED),
    (" true", " true", " true", REFUSED, REFUSED),
    ("yes", "yes", "yes", REFUSED, REFUSED),
    ("1", "1", "1", REFUSED, REFUSED),
    ("0", "0", "0", REFUSED, REFUSED),
    ("null", "null", "null", REFUSED, REFUSED),
    (True, "true", "true", True, True),
    (False, "false", "false", False, False),
    (None, "", None, False, None),
    (1, "1", "1", True, True),
    (0, "0", "0", False, False),
    (1.0, "1", "1", True, True),
    (-0.0, "0", "0", False, False),
    (2, "2", "2", REFUSED, REFUSED),
    (-1, "-1", "-1", REFUSED, REFUSED),
    (0.5, "0.5", "0.5", REFUSED, REFUSED),
    ([], REFUSED, REFUSED, REFUSED, REFUSED),
    (["a"], REFUSED, REFUSED, REFUSED, REFUSED),
    ([True], REFUSED, REFUSED, REFUSED, REFUSED),
    ({}, REFUSED, REFUSED, REFUSED, REFUSED),
    ({"a": 1}, REFUSED, REFUSED, REFUSED, REFUSED),
]


def outcome(value, schema):
    try:
        return ajv.coerced(value, schema)
    except ajv.Mismatch as mismatch:
        assert str(mismatch) == f"must be {schema['type']}"
        return REFUSED


@pytest.mark.parametrize("row", COERCION, ids=lambda row: json.dumps(row[0]))
def test_a_value_is_coerced_as_the_products_validator_does_it(row):
    value, *expected = row
    for schema, wanted in zip((STRING, MAYBE_STRING, BOOLEAN, MAYBE_BOOLEAN), expected, strict=True):
        made = outcome(value, schema)
        assert (made, type(made)) == (wanted, type(wanted)), schema


# As `String(...)` of a JavaScript engine tells them.
NUMBERS = {
    "12": "12",
    "12.50": "12.5",
    "1.0": "1",
    "-0": "0",
    "-0.0": "0",
    "0.0": "0",
    "100.0": "100",
    "1e2": "100",
    "-1.5e3": "-1500",
    "1e20": "100000000000000000000",
    "1.5e20": "150000000000000000000",
    "1e21": "1e+21",
    "1.25e+21": "1.25e+21",
    "123456.789": "123456.789",
    "0.1": "0.1",
    "0.0001": "0.0001",
    "0.000001": "0.000001",
    "0.0000001": "1e-7",
    "-1.5e-7": "-1.5e-7",
    "5e-324": "5e-324",
    "1.7976931348623157e308": "1.7976931348623157e+308",
    "0.30000000000000004": "0.30000000000000004",
    "9007199254740993": "9007199254740993",  # all the digits, where JavaScript has no such number
}


@pytest.mark.parametrize(("number", "text"), NUMBERS.items())
def test_a_number_becomes_the_text_that_javascript_makes_of_it(number, text):
    assert ajv.coerced(json.loads(number), STRING) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_that_number(number):
    text = ajv.coerced(number, STRING)
    assert float(text) == number
    assert "e" not in text or not 1e-6 <= abs(number) < 1e21
    assert not text.startswith("-") or math.copysign(1, number) < 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "must NOT have fewer than 1 characters"),
        (None, "must NOT have fewer than 1 characters"),
        ([], "must be string"),
    ],
)
def test_a_length_is_that_of_what_was_coerced(value, message):
    with pytest.raises(ajv.Mismatch, match=rf"^{message}$"):
        ajv.coerced(value, serializers.IDENTIFIER)
    assert ajv.coerced(0, serializers.IDENTIFIER) == "0"


def test_the_items_of_an_array_are_coerced():
    roles = {"type": "array", "items": STRING}
    assert ajv.coerced([1, True, None, "a"], roles) == ["1", "true", "", "a"]
    with pytest.raises(ajv.Mismatch, match=r"^must be string$"):
        ajv.coerced(["a", ["b"]], roles)


def test_what_was_given_is_not_changed():
    body = {"email": 1, "roles": [1]}
    schema = {"type": "object", "properties": {"email": STRING, "roles": {"type": "array", "items": STRING}}}
    assert ajv.coerced(body, schema) == {"email": "1", "roles": ["1"]}
    assert body == {"email": 1, "roles": [1]}


# Against another validator

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.sampled_from(["", "a", "true", "false", "1", "0", "null"]) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _flagged(draw, base):
    schema = dict(draw(base))
    if draw(st.booleans()):
        schema["nullable"] = True
    return schema


@st.composite
def _objects(draw, inner):
    properties = draw(st.dictionaries(st.sampled_from("abc"), inner, max_size=3))
    schema = {"type": "object", "properties": properties}
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=3))
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    return schema


LEAVES = st.just({}) | _flagged(
    st.sampled_from([STRING, BOOLEAN, {"type": "object"}, {"type": "array"}, {"type": "string", "minLength": 1}])
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: _flagged(_objects(inner)) | _flagged(inner.map(lambda item: {"type": "array", "items": item})),
    max_leaves=6,
)


def plain(schema):
    """The schema without OpenAPI's `nullable`, which JSON Schema does not know."""
    made = {key: value for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") and "type" in schema:
        made["type"] = [schema["type"], "null"]
    if "items" in made:
        made["items"] = plain(made["items"])
    if "properties" in made:
        made["properties"] = {name: plain(inner) for name, inner in made["properties"].items()}
    return made


def agree(value, schema):
    """Whether another validator agrees: with what passed, and with that nothing which is refused was sound."""
    validator = jsonschema.Draft7Validator(plain(schema))
    try:
        made = ajv.coerced(value, schema)
    except ajv.Mismatch:
        return not validator.is_valid(value)
    unchanged = json.dumps(made, sort_keys=True) == json.dumps(value, sort_keys=True)
    return validator.is_valid(made) and (unchanged or not validator.is_valid(value))


@given(VALUES, SCHEMAS)
def test_what_passes_is_sound_to_another_validator_and_what_is_sound_passes_unchanged(value, schema):
    assert agree(value, schema)


KEYS = st.sampled_from([*serializers.USERS_CREATE["properties"], "foo", "_id"])
GOOD = {"email": "e@x.tld", "name": "N", "password": "p", "username": "u"}


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_so_it_is_for_the_body_of_a_new_user(extra, whole):
    assert agree({**(GOOD if whole else {}), **extra}, serializers.USERS_CREATE)


@given(VALUES, SCHEMAS)
def test_what_was_coerced_once_stays_as_it_is(value, schema):
    try:
        made = ajv.coerced(value, schema)
    except ajv.Mismatch:
        return
    assert json.dumps(ajv.coerced(made, schema)) == json.dumps(made)
