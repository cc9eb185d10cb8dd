"""Whatever a configuration or a form is made of: Invalid or an outcome, in bounded time, never another exception."""

import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.validations import OPTIONS
from usermgmt.errors import Invalid

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
EXTREMES = [datetime.min.replace(tzinfo=UTC), NOW, datetime.max.replace(tzinfo=UTC)]

NAMES = [
    "email", "first_name", "featured", "password", "password_confirmation", "properties", "profiles", "default",
    "relationship_users", "manager", "user_id", "transactables", "bicycle", "id", "name", "enabled", "validation",
    "property_options", "virtual", "readonly", "message", "allow_nil", "allow_blank", "if", "in", "with", "scope",
    *OPTIONS, *(option for options in OPTIONS.values() for option in options),
]  # fmt: skip
WORDS = ["", " ", "a", "5", "1e999999999", "true", "2026-11-21", "9999-12-31T23:59:59-23:59", "18 years ago", "(a+)+$",
         r"\A[a-z]+\z", "{{ x }}", "\0", "\ud800", "properties.a", "999999999 months from now", "a" * 300]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=20),
    st.sampled_from([2**63, 10**4000, -1, b"x", NOW]),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=5), st.integers(), st.none())
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)

TEXTS_OR_NAMES = st.one_of(st.sampled_from(NAMES), st.text(max_size=5))
JSON_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(WORDS),
    st.sampled_from([10**4299]),
)
JSON = st.recursive(
    JSON_SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS_OR_NAMES, inner, max_size=4)),
    max_leaves=20,
)

ALL_RULES = {
    "presence": True, "unique": {"scope": ["name"]}, "email": True, "inclusion": {"in": ["a", 1, None]},
    "exclusion": {"in": ["b"]}, "format": {"with": r"\A[a-z]+\z"}, "length": {"minimum": 1, "maximum": 5, "is": 2},
    "numericality": {"greater_than": 1, "odd": True, "even": True, "other_than": 5.5},
    "date": {"before": "999999999 years ago", "after": "in 9999 years", "at": "tomorrow"},
    "datetime": {"before": "yesterday", "after": "2026-11-21T00:00:00Z", "on_or_after": "a second ago"},
}  # fmt: skip
FIELD = {"validation": ALL_RULES}
WHOLE = compiled("User", {
    "email": FIELD, "name": FIELD, "featured": FIELD, "first_name": {**FIELD, "property_options": {"default": "a"}},
    "password": {"validation": {"confirmation": True, "length": {"minimum": 6}}},
    "password_confirmation": {"property_options": {"virtual": True}},
    "properties": {"default": FIELD, "name": FIELD},
    "profiles": {"default": {"validation": {"presence": True}, "properties": {"name": FIELD}}},
    "relationship_users": {"manager": {"validation": {"presence": True}, "user_id": FIELD, "properties": {"name": FIELD}}},
    "transactables": {"bicycle": {"id": {}, "name": FIELD, "enabled": FIELD, "properties": {"default": FIELD}}},
})  # fmt: skip


@given(st.sampled_from(["User", "Session"]), ANYTHING)
def test_any_configuration_is_a_form_or_refused(resource, fields):
    try:
        form = compiled(resource, fields)
    except Invalid as refused:
        assert str(refused)
    else:
        form.judge({}, None, now=NOW)


@given(st.fixed_dictionaries({"first_name": st.fixed_dictionaries({"validation": st.dictionaries(
    st.sampled_from([*OPTIONS]), st.one_of(ANYTHING, st.dictionaries(TEXTS_OR_NAMES, ANYTHING, max_size=3)), max_size=3
)})}))  # fmt: skip
def test_any_rule_is_compiled_or_refused(fields):
    try:
        form = compiled("User", fields)
    except Invalid:
        return
    form.judge({"first_name": "a"}, None, now=NOW)


@given(
    st.dictionaries(TEXTS_OR_NAMES, JSON, max_size=8),
    st.one_of(st.none(), st.dictionaries(TEXTS_OR_NAMES, JSON, max_size=5)),
    st.sampled_from(EXTREMES),
)
def test_any_form_is_judged(sent, stored, now):
    outcome = WHOLE.judge(sent, stored, now=now)
    assert all(isinstance(key, str) and messages for key, messages in outcome.errors.items())
    assert {unique.key for unique in outcome.uniques}.isdisjoint(outcome.errors)


def deep(levels):
    value = []
    for _ in range(levels):
        value = {"a": [value]}
    return value


def test_large_forms_cost_little():
    long = "a" * (1 << 20)
    for sent in (
        {"properties": {f"p{number}": deep(15) for number in range(10_000)}},
        {"properties": {"default": deep(500), "name": deep(500)}},
        {
            "email": long,
            "name": " " * (1 << 20),
            "first_name": "1" * (1 << 20),
            "password": long,
            "password_confirmation": long,
        },
        {"email": "a@" + "a." * (1 << 19), "name": "1e" + "9" * (1 << 20), "properties": {"default": [long] * 2}},
        {"properties": {"default": list(range(200_000)), "name": dict.fromkeys(map(str, range(10_000)))}},
        {"transactables": {"bicycle": [{}] * 1_000_000}},
        {"transactables": {"bicycle": [{"name": 5}] * 100}},
    ):
        start = time.thread_time()
        WHOLE.judge(sent, None, now=NOW)
        assert time.thread_time() - start < 1, str(sent)[:50]
