"""The services of form configurations: who may write them, every rule, the audit rows, what changes with a change."""

from functools import partial
from typing import Any

import pytest

from accounts.models import Event, RecordType
from accounts.services import record_types
from accounts.tests.rows import stored
from usermgmt.dialects.forms import compiled, configurations
from usermgmt.dialects.forms.compiled import NoConfiguration
from usermgmt.dialects.forms.configurations import Draft, Put
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import EXAMPLE, PERSON, PRESENT, asked, configured, errors_of, made, shown
from usermgmt.dialects.forms.vendor import make_present
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound, Stale, fragment

KIND = "form_configuration"
Resource = FormConfiguration.Resource


def faults(call, **values):
    """The faults, each as its field and its words."""
    with pytest.raises(Invalid) as refused:
        call(actor=None, **values)
    return [(fault.field, fragment(fault)) for fault in refused.value.faults]


def latest(row):
    return Event.objects.about(KIND, row.pk)[0]


@pytest.fixture
def row(db):
    return configurations.create(actor=None, name="mine", fields={"email": PRESENT})


def test_what_is_not_said_is_as_usual(cast):
    row = configurations.create(actor=cast.administrator, name=" Sign  Up/2 ")
    told = stored(row)
    del told["id"], told["created_at"], told["updated_at"], told["revision"]
    assert told == {
        "name": "sign__up/2",
        "resource": "User",
        "fields": {},
        "resource_owner": "self",
        "default_payload": {},
        "authorization_policies": [],
        "request_allowed": True,
        "email_notifications": [],
        "version": 1,
    }
    event = latest(row)
    assert (event.action, event.actor_id) == (f"{KIND}.created", cast.administrator.pk)
    assert (event.changes["name"], event.changes["request_allowed"]) == ([None, "sign__up/2"], [None, True])


def test_only_administrators_that_no_token_binds_write_them(cast, row):
    cast.spare.scope_id = cast.acme.pk
    for actor in (cast.owner, cast.spare):
        calls: list[partial[Any]] = [
            partial(configurations.create, name="x"),
            partial(configurations.update, configuration_id=row.pk, name="x"),
            partial(configurations.delete, configuration_id=row.pk),
            partial(configurations.put, draft=Draft(name="x")),
            partial(configurations.put, draft=Draft(name="mine")),
            partial(configurations.judged, draft=Draft(name="x")),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                call(actor=actor)
    assert stored(row)["name"] == "mine"
    assert not FormConfiguration.objects.filter(name="x").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": ""}, [("name", "can't be blank")]),
        ({"name": "  "}, [("name", "can't be blank")]),
        ({"name": "x" * 256}, [("name", "is too long (maximum is 255 characters)")]),
        ({"name": "x\n"}, None),
        ({"name": "a?"}, [("name", "is invalid")]),
        ({"name": "ä"}, [("name", "is invalid")]),
        ({"name": "a\0"}, [("name", "is invalid")]),
        ({"name": "\ud800"}, [("name", "is invalid")]),
        ({"name": "MINE"}, [("name", "has already been taken")]),
        ({"resource": "UserProfile"}, [("resource", "is not one of User, Session")]),
        ({"resource_owner": "creator"}, [("resource_owner", "is not one of self, anyone")]),
        (
            {"authorization_policies": ["nobody", "king"]},
            [("authorization_policies", "is not one of administrator, authenticated, same_client, nobody")],
        ),
        ({"authorization_policies": [None]}, [("authorization_policies", "is not one of administrator, auth")]),
        ({"email_notifications": ["sms"]}, [("email_notifications", "is not one of welcome, invitation, verification")]),
        (
            {"resource": "Session", "email_notifications": ["welcome"]},
            [("email_notifications", "can't be sent for sessions")],
        ),
        ({"default_payload": {"a": "\ud800"}}, [("default_payload", "is invalid")]),
        ({"default_payload": {"a": ["\0"]}}, [("default_payload", "is invalid")]),
        ({"default_payload": {"a": float("nan")}}, [("default_payload", "is invalid")]),
        ({"default_payload": {"a": object()}}, [("default_payload", "is invalid")]),
        ({"default_payload": {"a": "ü" * 32768}}, [("default_payload", "is too large (maximum is 64 KiB)")]),
        (
            {"default_payload": {"a": [{"b": "{{ c }}"}], "{% d %}": 1}},
            [
                ("default_payload", "default_payload.a.0.b has a template: templates are not supported"),
                ("default_payload", "default_payload.{% d %} has a template: templates are not supported"),
            ],
        ),
        (
            {"fields": {"email": {"validation": {"lenght": {}, "presence": 5}}, "nobody": {}}},
            [
                ("fields", "fields.nobody is no field of users"),
                ("fields", "fields.email.validation.lenght is no validation"),
                ("fields", "fields.email.validation.presence "),
            ],
        ),
        ({"resource": "Session", "fields": {"first_name": {}}}, [("fields", "fields.first_name is no field of sessions")]),
        (
            {
                "fields": {
                    "profiles": {"nil": {}},
                    "relationship_users": {"nil": {"user_id": {}}},
                    "transactables": {"nil": None},
                }
            },
            [("fields", f"fields.{kind}.nil is no type of ") for kind in ("profiles", "relationship_users", "transactables")],
        ),
        (
            {"fields": {"profiles": {"typed": {"properties": {"a": {}, "b": {}}}}}},
            [("fields", "fields.profiles.typed.properties.b is no property of the type typed")],
        ),
        (
            {"name": "?", "resource_owner": "x", "fields": {"x": {}}, "default_payload": {"a": "{{"}},
            [
                ("name", "is invalid"),
                ("resource_owner", "is not one of"),
                ("default_payload", "default_payload.a has"),
                ("fields", "fields.x is no field"),
            ],
        ),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_path_and_nothing_is_written(row, values, told):
    record_types.create(actor=None, kind="profile", name="typed", properties={"a": {"type": "text"}})
    if told is None:  # names are trimmed
        assert configurations.create(actor=None, **values).name == values["name"].strip()
        return
    before, count = stored(row), FormConfiguration.objects.count()
    found = faults(configurations.create, **{"name": "new", **values})
    _alike(found, told)
    if values.get("name") != "MINE":  # which it is itself
        _alike(faults(configurations.update, configuration_id=row.pk, **values), told)
    assert (stored(row), FormConfiguration.objects.count()) == (before, count)
    assert Event.objects.filter(action__startswith=KIND).count() == 1


def _alike(found, told):
    """Whether the faults are those, each with words that begin so."""
    assert len(found) == len(told)
    for (field, words), (expected, start) in zip(found, told, strict=True):
        assert field == expected and words.startswith(start), (field, words)


def test_faults_of_templates_are_as_many_as_anybody_reads(db):
    found = faults(configurations.create, name="x", default_payload={"a": ["{{"] * 1000})
    assert len(found) == 50


def test_what_was_found_while_reading_is_told_along(row):
    reported = [Fault("fields", "invalid")]
    for call in (
        partial(configurations.create, name="?"),
        partial(configurations.update, configuration_id=row.pk, name="?"),
        partial(configurations.put, draft=Draft(name="?", fields={"x": {}})),
        partial(configurations.judged, draft=Draft(name="?", fields={"x": {}})),
    ):
        assert faults(call, reported=reported) == [("fields", "is invalid"), ("name", "is invalid")]


def test_there_are_no_more_than_a_process_can_keep(row, monkeypatch):
    assert configurations.MAX_CONFIGURATIONS < compiled.KEPT
    monkeypatch.setattr(configurations, "MAX_CONFIGURATIONS", FormConfiguration.objects.count())
    monkeypatch.setattr(configurations, "_FULL", Fault("base", "too_many_configurations", {"maximum": 5}))
    full = [("base", "has as many form configurations as it can: 5")]
    assert faults(configurations.create, name="x") == full
    assert faults(configurations.judged, draft=Draft(name="x")) == full
    assert configurations.put(actor=None, draft=Draft(name="mine")) == Put.UPDATED
    configurations.update(actor=None, configuration_id=row.pk, name="x")


def test_only_what_is_sent_is_changed_and_each_change_is_another_revision(cast, row):
    before = stored(row)
    changed = configurations.update(
        actor=cast.administrator, configuration_id=row.pk, versions=[1], authorization_policies=("same_client",)
    )
    after = stored(row)
    assert {column for column in after if after[column] != before[column]} == {
        "authorization_policies",
        "version",
        "revision",
        "updated_at",
    }
    assert (changed.version, changed.revision) == (2, after["revision"])
    event = latest(row)
    assert (event.action, event.actor_id) == (f"{KIND}.updated", cast.administrator.pk)
    assert event.changes == {"authorization_policies": [[], ["same_client"]]}


def test_no_configuration_fixes_a_password_for_whoever_reads_it(row):
    for values in (
        {"fields": {"password": {"property_options": {"default": "very secret"}}}},
        {"default_payload": {"password": "very secret"}},
    ):
        ((field, words),) = faults(configurations.update, configuration_id=row.pk, **values)
        assert words.startswith(f"{field}.password") and "can't be told" in words
    assert "very secret" not in str(list(Event.objects.about(KIND, row.pk).values_list("changes")))


def test_the_order_of_fields_is_the_one_that_staff_gave_them(row):
    for order in (["email", "name"], ["name", "email"]):
        configurations.update(actor=None, configuration_id=row.pk, fields=dict.fromkeys(order))
        assert list(FormConfiguration.objects.get(pk=row.pk).fields) == order


def test_what_changes_nothing_leaves_no_trace(row):
    before = stored(row)
    for values in ({}, {"name": " Mine "}, {"fields": {"email": {"validation": {"presence": True}}}}):
        configurations.update(actor=None, configuration_id=row.pk, **values)
    assert stored(row) == before
    assert Event.objects.about(KIND, row.pk).count() == 1
    configurations.update(actor=None, configuration_id=row.pk, default_payload={"a": 1})
    configurations.update(actor=None, configuration_id=row.pk, default_payload={"a": True})  # which is another value
    assert latest(row).changes == {"default_payload": [{"a": 1}, {"a": True}]}


def test_who_knows_another_version_or_number_is_refused(row):
    configurations.update(actor=None, configuration_id=row.pk, request_allowed=False)
    for call in (partial(configurations.update, name="x"), configurations.delete):
        with pytest.raises(Stale) as refused:
            call(actor=None, configuration_id=row.pk, versions=[1])
        assert refused.value.version == 2
        with pytest.raises(NotFound):
            call(actor=None, configuration_id=row.pk + 1)
    with pytest.raises(NoConfiguration):
        compiled.named("mine", Resource.USER)  # programs may not use it


def test_a_configuration_is_deleted(cast, row):
    configurations.delete(actor=cast.administrator, configuration_id=row.pk, versions=[1])
    assert not FormConfiguration.objects.filter(pk=row.pk).exists()
    event = latest(row)
    assert (event.action, event.changes) == (f"{KIND}.deleted", {"name": ["mine", None]})


def test_what_is_put_is_made_changed_or_left(cast, row):
    put = partial(configurations.put, actor=cast.administrator)
    assert put(draft=Draft(name="Mine", fields={"email": PRESENT})) == Put.UNCHANGED
    assert Event.objects.about(KIND, row.pk).count() == 1
    assert put(draft=Draft(name="mine", resource="Session")) == Put.UPDATED
    assert latest(row).changes == {"resource": ["User", "Session"], "fields": [{"email": PRESENT}, {}]}
    assert put(draft=Draft(name="new", request_allowed=False)) == Put.CREATED
    assert latest(FormConfiguration.objects.get(name="new")).action == f"{KIND}.created"
    for name in ("", "a\0", "\ud800"):
        with pytest.raises(Invalid):
            put(draft=Draft(name=name))


def test_a_draft_is_judged_as_the_row_that_it_is_to_be(row):
    found = configurations.judged(actor=None, draft=Draft(name="mine", fields={"name": {}}), configuration_id=row.pk)
    assert (found.only_self, found.form.declared) == (True, {"name": True})
    assert faults(configurations.judged, draft=Draft(name="mine")) == [("name", "has already been taken")]
    assert stored(row)["fields"] == {"email": PRESENT}


def test_requests_go_by_a_change_from_the_next_one_on(administrator):
    name = configured()
    row = FormConfiguration.objects.get(name=name)
    form = asked(EXAMPLE | {"last_name": "Last"}, name)
    before = compiled.named(name, Resource.USER)
    assert compiled.named(name, Resource.USER) is before

    configurations.update(actor=None, configuration_id=row.pk, fields=PERSON | {"middle_name": PRESENT})
    assert errors_of(administrator.post("/api/users", form)) == {"middle_name": ["can't be blank"]}
    configurations.update(actor=None, configuration_id=row.pk, fields=PERSON | {"last_name": {}})
    assert made(administrator.post("/api/users", form)).family_name == "Last"

    configurations.update(actor=None, configuration_id=row.pk, name="renamed")
    refused = [
        "Wrong parameters passed: form_configuration_name must be the name of a form configuration for this call"
    ]
    assert errors_of(administrator.post("/api/users", form), 406) == {"base": refused}
    configurations.delete(actor=None, configuration_id=row.pk)
    assert errors_of(administrator.post("/api/users", asked({}, "renamed")), 406) == {"base": refused}


def test_a_row_whose_rules_are_not_known_any_more_is_none_and_the_log_says_so(cast, administrator, row, caplog):
    FormConfiguration.objects.filter(pk=row.pk).update(fields={"email": {"validation": {"former": True}}})
    assert errors_of(administrator.post("/api/users", asked(EXAMPLE, "mine")), 406)
    assert "form configuration mine can't be used: " in caplog.text
    assert shown(administrator, cast.owner)["email"] == "olga@example.com"  # which others declare


def test_the_vendor_s_configurations_are_faultless(administrator):
    assert RecordType.objects.filter(kind="profile", name="default").exists()
    for row in FormConfiguration.objects.all():
        assert configurations.faults_of({column: getattr(row, column) for column in configurations.COLUMNS}, row) == []


def test_where_no_type_of_records_is_left_the_one_of_profiles_is_made_again_beside_the_configurations(row):
    before = FormConfiguration.objects.count()
    RecordType.objects.update(name="mine")
    make_present()
    assert [found.name for found in RecordType.objects.all()] == ["mine"]
    RecordType.objects.all().delete()  # as does a migration back to before there were any
    make_present()
    assert [(found.kind, found.name) for found in RecordType.objects.all()] == [("profile", "default")]
    assert FormConfiguration.objects.count() == before
