"""The services of custom field definitions: every rule, the audit rows, and who may write them."""

from functools import partial
from typing import Any

import pytest

from accounts.models import CustomField, Event
from accounts.services import custom_fields, users
from accounts.tests.rows import stored
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound, Stale

SELECT = CustomField.Kind.SELECT


def faults(call, **values):
    with pytest.raises(Invalid) as refused:
        call(**values)
    return [(fault.field, fault.code) for fault in refused.value.faults]


def latest(field):
    return Event.objects.about("custom_field", field.pk)[0]


@pytest.fixture
def badge(db):
    return custom_fields.create(actor=None, name="badge", min_length=2, max_length=8)


def test_a_field_of_text_is_defined_and_told(cast):
    field = custom_fields.create(actor=cast.administrator, name="badge-no.1", required=True, max_length=8, public=True)
    assert stored(field) | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "name": "badge-no.1",
        "kind": "text",
        "required": True,
        "min_length": None,
        "max_length": 8,
        "options": [],
        "public": True,
        "version": 1,
        "created_at": 0,
        "updated_at": 0,
    }
    event = latest(field)
    assert (event.action, event.actor_id) == ("custom_field.created", cast.administrator.pk)
    assert (event.changes["name"], event.changes["max_length"]) == ([None, "badge-no.1"], [None, 8])


def test_nothing_is_kept_that_has_no_meaning_for_the_kind(db):
    chosen = custom_fields.create(actor=None, name="a", kind=SELECT, options=[" x ", "y"], min_length=9, max_length=1)
    typed = custom_fields.create(actor=None, name="b", options=["x", "x"])
    assert (chosen.options, chosen.min_length, chosen.max_length) == (["x", "y"], None, None)
    assert typed.options == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "blank"),
        ("a b", "invalid"),
        ("ä", "invalid"),
        ("a\n", "invalid"),
        ("a\0", "invalid"),
        ("n" * 65, "too_long"),
        ("badge", "taken"),
    ],
)
def test_a_name_has_a_form_and_is_nobody_elses(badge, name, code):
    assert faults(custom_fields.create, actor=None, name=name) == [("name", code)]
    other = custom_fields.create(actor=None, name="Badge")  # keys of JSON regard case
    assert faults(custom_fields.update, actor=None, field_id=other.pk, name=name) == [("name", code)]


def test_a_race_for_a_name_ends_in_the_same_error(badge, monkeypatch):
    other = custom_fields.create(actor=None, name="other")
    monkeypatch.setattr(custom_fields, "_of_name", lambda *args: [])  # as if it was free when it was looked up
    assert faults(custom_fields.create, actor=None, name="badge") == [("name", "taken")]
    assert faults(custom_fields.update, actor=None, field_id=other.pk, name="badge") == [("name", "taken")]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "no_options"),
        (["x"] * 101, "too_many"),
        (["x" * 256], "too_long"),
        (["x", " "], "invalid"),
        (["x", " x"], "invalid"),
        (["x\0"], "invalid"),
        (["x\ny"], "invalid"),
    ],
)
def test_a_select_field_has_sound_options(db, options, code):
    assert faults(custom_fields.create, actor=None, name="a", kind=SELECT, options=options) == [("options", code)]
    assert not CustomField.objects.exists()


@pytest.mark.parametrize(
    ("lengths", "field"),
    [
        ({"min_length": -1}, "min_length"),
        ({"max_length": 16 * 1024 + 1}, "max_length"),
        ({"max_length": 2**62}, "max_length"),
        ({"min_length": 3, "max_length": 2}, "max_length"),
    ],
)
def test_lengths_are_sane(db, lengths, field):
    assert faults(custom_fields.create, actor=None, name="a", **lengths) == [(field, "invalid")]


def test_all_faults_are_told_at_once(db):
    reported = [Fault("required", "invalid")]
    told = faults(custom_fields.create, actor=None, name="", kind="king", min_length=-1, reported=reported)
    assert told == [("required", "invalid"), ("name", "blank"), ("kind", "unknown_choice"), ("min_length", "invalid")]


def test_there_are_no_more_fields_than_a_user_can_hold(db):
    CustomField.objects.bulk_create(CustomField(name=f"f{n}") for n in range(custom_fields.MAX_FIELDS))
    assert faults(custom_fields.create, actor=None, name="more") == [("base", "too_many_fields")]


def test_only_what_changed_is_written_and_told(cast, badge):
    custom_fields.update(actor=cast.spare, field_id=badge.pk, name="badge", max_length=None, versions=[1])
    badge.refresh_from_db()
    assert (badge.min_length, badge.max_length, badge.version) == (2, None, 2)
    assert latest(badge).changes == {"max_length": [8, None]}
    before = stored(badge)
    custom_fields.update(actor=cast.spare, field_id=badge.pk, max_length=None)
    assert stored(badge) == before
    assert Event.objects.about("custom_field", badge.pk).count() == 2


def test_bounds_that_are_there_already_are_judged_along(badge):
    assert faults(custom_fields.update, actor=None, field_id=badge.pk, min_length=9) == [("max_length", "invalid")]
    assert faults(custom_fields.update, actor=None, field_id=badge.pk, kind=SELECT) == [("options", "no_options")]
    changed = custom_fields.update(actor=None, field_id=badge.pk, kind=SELECT, options=["x"])
    assert (changed.min_length, changed.max_length) == (None, None)


def test_a_deleted_definition_leaves_what_users_hold_until_it_is_next_written(cast, badge):
    other = custom_fields.create(actor=None, name="other")
    users.update(actor=None, user_id=cast.owner.pk, custom_fields={"badge": "B-1", "other": "x"})
    custom_fields.delete(actor=cast.administrator, field_id=other.pk)
    assert latest(other).changes == {"name": ["other", None]}
    assert stored(cast.owner)["custom_fields"] == {"badge": "B-1", "other": "x"}
    users.update(actor=None, user_id=cast.owner.pk, custom_fields={"badge": "B-2", "other": "x"})
    assert stored(cast.owner)["custom_fields"] == {"badge": "B-2"}


def test_values_have_no_control_characters_but_line_ends(cast, badge):
    for value in ("a\0b", "a\x07b", "a\u2028b"):
        told = faults(users.update, actor=None, user_id=cast.owner.pk, custom_fields={"badge": value})
        assert told == [("custom_fields", "custom_invalid")]
    users.update(actor=None, user_id=cast.owner.pk, custom_fields={"badge": "a\nb"})
    assert stored(cast.owner)["custom_fields"] == {"badge": "a\nb"}


def test_another_version_is_stale_and_what_is_gone_is_not_found(badge):
    with pytest.raises(Stale):
        custom_fields.update(actor=None, field_id=badge.pk, name="x", versions=[7])
    with pytest.raises(Stale):
        custom_fields.delete(actor=None, field_id=badge.pk, versions=[])
    for call in (custom_fields.update, custom_fields.delete):
        with pytest.raises(NotFound):
            call(actor=None, field_id=2**62)
    assert stored(badge)["version"] == 1


def test_only_administrators_that_no_token_binds_define_them(cast, badge):
    cast.spare.scope_id = cast.acme.pk
    for actor in (cast.owner, cast.spare):
        calls: list[partial[Any]] = [
            partial(custom_fields.create, name="x"),
            partial(custom_fields.update, field_id=badge.pk, name="x"),
            partial(custom_fields.delete, field_id=badge.pk),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                call(actor=actor)
    assert list(CustomField.objects.values_list("name", flat=True)) == ["badge"]
