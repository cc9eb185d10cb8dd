"""Hostile values cost bounded time, are 406 or 422, and leave nothing half written (contract 5 and 7)."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Event, Mail, RecordType, Relationship, Transactable, User, UserProfile
from accounts.services import record_types
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.rules import hazards
from usermgmt.dialects.forms.tests.forms import EXAMPLE, OPEN, asked, changing, configured, errors_of

SECONDS = 5.0  # of work for one hostile form; a sound one takes some milliseconds

RULES: dict[str, dict[str, Any]] = {
    "format": {"with": r"\A[a-z]+[0-9]*\z"},
    "length": {"minimum": 1, "maximum": 10},
    "inclusion": {"in": ["a", 1, True, None]},
    "numericality": {"greater_than": 0, "odd": True},
    "date": {"before": "18 years ago"},
    "datetime": {"on_or_after": "today"},
    "exclusion": {"in": ["x"]},
    "email": {},
    "unique": {"scope": ["first_name"]},
}
RULED = {"validation": {name: options | {"allow_blank": True} for name, options in RULES.items()}}
JUDGED = {"validation": {name: options for name, options in RULED["validation"].items() if name != "unique"}}
CONFIRMED = {"validation": {"confirmation": True}}
VIRTUAL = {"property_options": {"virtual": True}}

EVERYTHING: dict[str, Any] = {
    "email": {},
    "password": CONFIRMED,
    "password_confirmation": VIRTUAL,
    **{name: {} for name in ("first_name", "last_name", "middle_name", "name", "external_id")},
    **{name: {} for name in ("featured", "public_profile", "id")},
    "terms": {**VIRTUAL, **JUDGED},
    "properties": {"free": {}, "ruled": RULED, "0": {}},
    "profiles": {"default": {"properties": {"free": {}, "ruled": RULED}}},
    "relationship_users": {"manager": {"id": {}, "user_id": {}, "properties": {"free": {}, "ruled": RULED}}},
    "transactables": {
        "bicycle": {
            **{name: {} for name in ("id", "name", "description", "currency", "enabled")},
            "properties": {"free": {}, "ruled": RULED},
        }
    },
}


@pytest.fixture(autouse=True)
def _types(db):
    """A type of each kind that holds whatever is sent."""
    for kind, name in (("relationship", "manager"), ("transactable", "bicycle")):
        RecordType.objects.filter(kind=kind, name=name).delete()
        record_types.create(actor=None, kind=kind, name=name)


def rows():
    """How many rows there are of all that a form can write."""
    return [model.objects.count() for model in (User, UserProfile, Relationship, Transactable, Event, Mail)]


def deep(levels, inside="x"):
    """A value of so many lists within each other."""
    return json.loads("[" * levels + json.dumps(inside) + "]" * levels)


LONG, WIDE = "a" * 900_000, {f"p{n}": n for n in range(10_000)}

FORMS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "10,000 properties that are declared nowhere": ({"properties": WIDE}, {201}),
    "10,000 keys of one property": ({"properties": {"free": WIDE}}, {422}),
    "10,000 profiles": ({"profiles": {f"p{n}": {"properties": {"free": n}} for n in range(10_000)}}, {201}),
    "10,000 types of items": ({"transactables": {f"p{n}": [{}] for n in range(10_000)}}, {201}),
    "10,000 items": ({"transactables": {"bicycle": [{"name": "a"}] * 10_000}}, {422}),
    "100 items with faults": ({"transactables": {"bicycle": [{"id": "x", "properties": {"ruled": []}}] * 100}}, {422}),
    "100 items that are nothing like it": ({"transactables": {"bicycle": list(range(100))}}, {422}),
    "100 users": ({"relationship_users": {"manager": [{"user_id": 10**9 + n} for n in range(100)]}}, {422}),
    "deep": ({"properties": {"free": deep(20)}}, {422}),
    "32 deep": ({"properties": {"free": deep(28)}}, {422}),
    "50 deep": ({"properties": {"free": deep(50)}}, {406}),
    "50 deep where nothing is declared": ({"nothing": deep(50)}, {406}),
    "a long property": ({"properties": {"free": LONG}}, {422}),
    "a long ruled property": ({"properties": {"ruled": LONG}}, {422}),
    "a long key": ({"properties": {LONG: 1}}, {201}),
    "a long key at the top": ({LONG: 1}, {201}),
    "a long name": ({"first_name": LONG}, {422}),
    "a long address": ({"email": f"{LONG}@example.com"}, {422}),
    "a long password": ({"password": LONG[:400_000], "password_confirmation": LONG[:400_000]}, {422}),
    "a long external id": ({"external_id": LONG}, {422}),
    "a long description": ({"transactables": {"bicycle": {"description": LONG}}}, {422}),
    "a long currency": ({"transactables": {"bicycle": {"currency": LONG}}}, {422}),
    "a long number as text": ({"properties": {"ruled": "9" * 900_000}}, {422}),
    "a long user id": ({"relationship_users": {"manager": {"user_id": "9" * 900_000}}}, {422}),
    "a whole number of 4,000 digits": ({"properties": {"ruled": 10**4000}}, {422}),
    "a whole number of 4,000 digits that is kept": ({"properties": {"free": -(10**4000)}}, {201}),
    "a number as an id": ({"relationship_users": {"manager": {"user_id": 10**4000}}}, {422}),
    "a control character": ({"first_name": "a\x1b[31m", "external_id": "a\x07"}, {422}),
    "a right-to-left override": ({"email": "a\u202eb@example.com"}, {422}),
    "a list of lists": ({"properties": {"ruled": [[["a"]]] * 1000}}, {422}),
}


@pytest.mark.parametrize("what", FORMS)
def test_a_hostile_form_costs_bounded_time_and_leaves_nothing_half_written(cast, administrator, what):
    form, expected = FORMS[what]
    create, change = configured(EVERYTHING), changing({**EVERYTHING, "email": {}})
    before = rows()
    started = time.thread_time()
    answer = administrator.post("/api/users", asked(EXAMPLE | {"password_confirmation": "somepassword"} | form, create))
    changed = administrator.put(f"/api/users/{cast.owner.pk}", asked(form, change))
    assert time.thread_time() - started < SECONDS
    assert {answer.status_code} == expected, answer.content[:500]
    assert {changed.status_code} == ({204} if expected == {201} else expected), changed.content[:500]
    assert len(answer.content) < 50_000
    if answer.status_code == 201:
        assert administrator.get(f"/api/users/{answer.json()['id']}").status_code == 200
    else:
        assert rows() == before


BODIES = [
    b'{"form_configuration_name": "%s", "form": {"first_name": "a\\u0000"}}',
    b'{"form_configuration_name": "%s", "form": {"first_name": "\\ud800"}}',
    b'{"form_configuration_name": "%s", "form": {"\\udfff": 1}}',
    b'{"form_configuration_name": "%s", "form": {"properties": {"free": NaN}}}',
    b'{"form_configuration_name": "%s", "form": {"properties": {"free": -Infinity}}}',
    b'{"form_configuration_name": "%s", "form": {"properties": {"free": 1e999}}}',
    b'{"form_configuration_name": "%s", "form": {"properties": {"free": 1' + b"0" * 5000 + b"}}}",
    b'{"form_configuration_name": "%s", "form": {"a": 1, "a": 2}}',
    b'{"form_configuration_name": "%s", "form": {"first_name": "\xff"}}',
    b'{"form_configuration_name": "%s", "form": {"a": ' + b"[" * 100_000 + b"}}",
    b'{"form_configuration_name": "%s", "form": [{}]}',
    b'{"form_configuration_name": "%s", "form": "{}"}',
    b'{"form_configuration_name": ["%s"], "form": {}}',
    b'{"form_configuration_name": {"%s": 1}, "form": {}}',
    b'{"form_configuration_id": 1e3, "form": {}, "other": "%s"}',
    b'{"form_configuration_id": 99999999999999999999, "form": {}, "other": "%s"}',
    b'[{"form_configuration_name": "%s"}]',
    b'"%s"',
]


def test_a_body_that_no_database_could_hold_is_not_read(cast, administrator):
    name, change = configured(EVERYTHING), changing(EVERYTHING)
    before = rows()
    for body in BODIES:
        for method, path, used in (("post", "/api/users", name), ("put", f"/api/users/{cast.owner.pk}", change)):
            sent = body.replace(b"%s", used.encode())
            errors_of(getattr(administrator, method)(path, sent, content_type="application/json"), 406)
    for wrong in ("a" * 100_000, "é" * 1000, "../../etc/passwd", "' or 1=1 --", "\U0001f600", " ", ""):
        errors_of(administrator.post("/api/users", asked(EXAMPLE, wrong)), 406)
    assert rows() == before


def test_a_body_that_is_too_large_is_refused(administrator):
    body = json.dumps(asked(EXAMPLE | {"nothing": "a" * 1024 * 1024}))
    assert administrator.post("/api/users", body, content_type="application/json").status_code == 413


VALUES: list[Any] = [None, True, 2**63, 1.5, "", "1", "\U0001f600", [], [{}], {"a": {"id": 1}}]


def places(fields, path=()):
    """Every place at which something is declared, and the objects around them."""
    for name, inner in fields.items():
        if isinstance(inner, dict) and name not in ("validation", "property_options"):
            yield (*path, name)
            yield from places(inner, (*path, name))


def within(place, value):
    """A form with that value at that place."""
    for name in reversed(place):
        value = {name: value}
    return value


def test_every_type_of_value_at_every_place_is_an_answer(cast, administrator):
    change = changing(EVERYTHING)
    for place in places(EVERYTHING):
        for value in VALUES:
            answer = administrator.put(f"/api/users/{cast.owner.pk}", asked(within(place, value), change))
            assert answer.status_code in (204, 422), (place, value, answer.content)
        assert administrator.get(f"/api/users/{cast.owner.pk}").status_code == 200, place


SLOW = [r"\A(\w+\s?)*\z", r"(a|a)*b", r"(a+)+\z", r"\A([a-z]+)*[0-9]\z", r".*.*.*=.*", r"\A(?:a?){50}a{50}\z"]
TEXTS = ["a" * 16_000 + "!", "aa " * 5_000 + "\U0001f600", "a" * 40, "a" * 150_000]


def test_no_pattern_that_is_stored_takes_long_over_a_long_value(administrator, monkeypatch):
    """Neither one that is taken, nor one that got in unseen."""
    monkeypatch.setattr(hazards, "check", lambda tree: None)
    monkeypatch.setattr(hazards, "probe", lambda tree, pattern: None)
    rules = {f"p{n}": {"validation": {"format": {"with": pattern}}} for n, pattern in enumerate(SLOW)}
    name = configured({"properties": rules})
    before = User.objects.count()
    for text in TEXTS:
        started = time.thread_time()
        form = EXAMPLE | {"properties": dict.fromkeys(rules, text)}
        errors = errors_of(administrator.post("/api/users", asked(form, name)))
        assert time.thread_time() - started < SECONDS
        assert set(errors) <= {f"properties.{name}" for name in rules} | {"properties"}
    assert User.objects.count() == before


def test_hostile_credentials_are_wrong_ones(administrator):
    for value in (*VALUES, LONG, deep(20)):
        for form in ({"email": value, "password": "a"}, {"email": "olga@example.com", "password": value}):
            answer = administrator.post("/api/sessions", asked(form, OPEN))
            assert answer.status_code in (422, 429), (value, answer.content)


NAMES = st.sampled_from(
    [
        "free",
        "ruled",
        "0",
        "default",
        "manager",
        "bicycle",
        "id",
        "user_id",
        "name",
        "properties",
        "validation",
        *EVERYTHING,
    ]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=5), max_leaves=25
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    form=st.dictionaries(NAMES | TEXT, JSON, max_size=10)
    | st.fixed_dictionaries(
        {}, optional={name: st.dictionaries(NAMES, st.dictionaries(NAMES, JSON)) for name in EVERYTHING}
    )
)
def test_whatever_is_sent_is_made_or_refused(cast, administrator, form):
    for name, make in (("test", configured), ("change", changing)):
        if not FormConfiguration.objects.filter(name=name).exists():
            make(EVERYTHING)
    before = rows()
    whole = EXAMPLE | {"email": "new@example.com", "password_confirmation": "somepassword"}
    for sent in (whole | form, form | whole):
        answer = administrator.post("/api/users", asked(sent, "test"))
        assert answer.status_code in (201, 422), answer.content
        if answer.status_code == 201:
            assert administrator.get(f"/api/users/{answer.json()['id']}").status_code == 200
            User.objects.get(pk=answer.json()["id"]).delete()
        else:
            assert rows()[:4] == before[:4]
    assert administrator.put(f"/api/users/{cast.owner.pk}", asked(form, "change")).status_code in (204, 422)
    assert administrator.get(f"/api/users/{cast.owner.pk}").status_code == 200
