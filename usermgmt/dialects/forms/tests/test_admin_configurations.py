"""The admin site's pages of form configurations."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Event
from usermgmt.dialects.forms import admin, configurations
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.notifications import NOTIFICATIONS
from usermgmt.dialects.forms.policies import POLICIES
from usermgmt.dialects.forms.tests.forms import CREATE, PRESENT

LIST = "/admin/forms/formconfiguration/"
ADD = f"{LIST}add/"
KIND = "form_configuration"


def change(row):
    return f"{LIST}{row.pk}/change/"


def new(**values):
    """What the page sends; `fields` and `default_payload` may be told as objects."""
    values = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in values.items()}
    form = {"name": "sign_up", "resource": "User", "fields": "", "resource_owner": "self", "default_payload": ""}
    return form | {"request_allowed": "on"} | values


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def row(db):
    return configurations.create(
        actor=None, name="mine", fields={"email": PRESENT}, authorization_policies=["same_client", "authenticated"]
    )


def test_a_configuration_is_written_by_the_service(browser, cast):
    sent = new(
        name="  Sign Up ",
        fields={"email": PRESENT, "first_name": None},
        resource_owner="anyone",
        default_payload={"first_name": "Ümit"},
        authorization_policies=["administrator", "same_client"],
        email_notifications=["welcome"],
    )
    del sent["request_allowed"]
    assert browser.post(ADD, sent).status_code == 302

    row = FormConfiguration.objects.get(name="sign_up")
    assert {column: getattr(row, column) for column in configurations.COLUMNS} == {
        "name": "sign_up",
        "resource": "User",
        "fields": {"email": PRESENT, "first_name": None},
        "resource_owner": "anyone",
        "default_payload": {"first_name": "Ümit"},
        "authorization_policies": ["administrator", "same_client"],
        "request_allowed": False,
        "email_notifications": ["welcome"],
    }
    event = Event.objects.about(KIND, row.pk).get()
    assert (event.action, event.contract, event.actor_id) == (f"{KIND}.created", "admin", cast.administrator.pk)


def test_every_fault_stands_beside_its_field_on_a_line_of_its_own(browser):
    fields = {
        "email": {"validation": {"lenght": {"minimum": 3}, "presence": "yes"}},
        "profiles": {"<b>": {}, "nobody_s": {}},
        "shoe": {},
    }
    found = errors(
        browser.post(ADD, new(name="a b?", fields=fields, default_payload={"a": ["{{ b }}"]}, resource_owner="self"))
    )
    assert set(found) == {"name", "fields", "default_payload"}
    assert found["name"] == ["Is invalid."]
    assert found["default_payload"] == ["default_payload.a.0 has a template: templates are not supported."]
    paths = [words.split(" ")[0] for words in found["fields"]]
    assert {"fields.email.validation.lenght", "fields.profiles.<b>", "fields.shoe"} <= set(paths)
    assert all(words.startswith("fields.") and words.endswith(".") for words in found["fields"])
    page = browser.post(ADD, new(fields=fields)).content.decode()
    assert "<li>fields.profiles.&lt;b&gt; is no name" in page
    assert page.count("<li>fields.") == len(found["fields"])
    assert not FormConfiguration.objects.filter(name="sign_up").exists()


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "Can't be blank."),
        ({"name": "a\0"}, "name", "Is invalid."),
        ({"fields": '{"name": "\\ud800"}'}, "fields", "Must be a JSON object"),
        ({"name": "x" * 256}, "name", "Is too long (maximum is 255 characters)."),
        ({"name": CREATE.upper()}, "name", "Has already been taken."),
        ({"resource": "King"}, "resource", "Select a valid choice."),
        ({"resource": ""}, "resource", "This field is required."),
        ({"resource_owner": "creator"}, "resource_owner", "Select a valid choice."),
        ({"fields": "[]"}, "fields", "Must be a JSON object"),
        ({"fields": "{"}, "fields", "Must be a JSON object"),
        ({"fields": '{"a": 1, "a": 2}'}, "fields", "Must be a JSON object"),
        ({"fields": '{"a":' * 1000 + "1" + "}" * 1000}, "fields", "Must be a JSON object"),
        ({"fields": {f"f{number}": {} for number in range(10_000)}}, "fields", "fields is too large"),
        ({"fields": {"email": {"validation": {"format": {"with": "(a+)+$"}}}}}, "fields", "fields.email.validation."),
        ({"fields": {"transactables": {"bike": {}}}}, "fields", "fields.transactables.bike is no type of"),
        ({"default_payload": "null"}, "default_payload", "Must be a JSON object"),
        ({"default_payload": {"a": "x" * 65536}}, "default_payload", "Is too large (maximum is 64 KiB)."),
        ({"authorization_policies": ["king"]}, "authorization_policies", "Select a valid choice."),
        ({"email_notifications": ["sms"]}, "email_notifications", "Select a valid choice."),
        ({"resource": "Session", "email_notifications": ["welcome"]}, "email_notifications", "Can't be sent for"),
    ],
)
def test_nothing_wrong_is_saved(browser, values, field, words):
    before = FormConfiguration.objects.count()
    found = errors(browser.post(ADD, new(**values)))
    assert list(found) == [field]
    assert found[field][0].startswith(words)
    assert FormConfiguration.objects.count() == before


def test_what_is_typed_stands_there_still_when_it_is_refused(browser):
    page = browser.post(ADD, new(fields='{"email": {"validation": 1}}', sample='{"a": 1}')).content.decode()
    assert "{&quot;email&quot;: {&quot;validation&quot;: 1}}</textarea>" in page
    assert "{&quot;a&quot;: 1}</textarea>" in page


def test_only_what_was_changed_is_written(browser, row):
    page = browser.get(change(row))
    form = page.context["adminform"].form
    sent = {name: form[name].value() for name in (*configurations.COLUMNS, "seen_version")}
    sent["request_allowed"] = "on"
    assert browser.post(change(row), sent).status_code == 302
    row.refresh_from_db()
    assert (row.version, row.authorization_policies) == (1, ["same_client", "authenticated"])

    assert browser.post(change(row), sent | {"resource_owner": "anyone"}).status_code == 302
    event = Event.objects.about(KIND, row.pk)[0]
    assert event.changes == {"resource_owner": ["self", "anyone"]}


def test_what_changed_meanwhile_is_not_overwritten(browser, row):
    configurations.update(actor=None, configuration_id=row.pk, request_allowed=False)
    found = errors(browser.post(change(row), new(name="other", seen_version=1)))
    assert "Somebody changed this" in found["__all__"][0]
    row.refresh_from_db()
    assert (row.name, row.request_allowed) == ("mine", False)


def test_a_configuration_is_deleted_after_asking(browser, row):
    page = browser.get(f"{LIST}{row.pk}/delete/").content.decode()
    assert "Delete the form configuration <strong>mine</strong> for good?" in page
    browser.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not FormConfiguration.objects.filter(name="mine").exists()
    assert Event.objects.about(KIND, row.pk)[0].action == f"{KIND}.deleted"


def test_the_list_tells_of_each_and_finds_by_name_resource_and_use(browser, row):
    configurations.update(actor=None, configuration_id=row.pk, request_allowed=False)
    vendors = {other.name for other in FormConfiguration.objects.exclude(pk=row.pk)}
    names = [found.name for found in browser.get(LIST).context["cl"].result_list]
    assert names == sorted({"mine", *vendors})

    def listed(query):
        return {found.name for found in browser.get(f"{LIST}?{query}").context["cl"].result_list}

    sessions = set(FormConfiguration.objects.filter(resource="Session").values_list("name", flat=True))
    assert listed("resource=Session") == sessions
    assert listed("resource=User") == {"mine", *vendors} - sessions
    assert listed("resource=King") == {"mine", *vendors}
    assert listed("request_allowed=no") == {"mine"} == listed("q=MIN") == listed(f"q={row.pk}")
    assert listed("request_allowed=yes") == vendors
    page = browser.get(f"{LIST}?q=mine").content.decode()
    assert '<td class="field-shown_fields">1</td>' in page


def test_the_list_costs_the_same_for_one_row_and_for_thirty(browser, row):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LIST).status_code == 200
        return len(captured)

    few = queries()
    for number in range(30):
        configurations.create(actor=None, name=f"n{number}")
    assert queries() == few <= 6


def test_history_tells_what_changed(browser, row):
    configurations.update(actor=None, configuration_id=row.pk, default_payload={"name": "<i>"})
    history = browser.get(f"{LIST}{row.pk}/history/").content.decode()
    assert "default_payload: <del>none</del> → {&quot;name&quot;: &quot;&lt;i&gt;&quot;}" in history


def test_every_policy_and_every_mail_can_be_chosen():
    assert list(admin._POLICIES) == list(POLICIES)
    assert tuple(admin._NOTIFICATIONS) == NOTIFICATIONS


def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, cast, staff, row):
    for path in (LIST, ADD, change(row)):
        assert staff(cast.owner).get(path).status_code == 302
        page = browser.get(path).content.decode()
        assert "<style" not in page and "style=" not in page and " onclick" not in page
        assert "<script>" not in page
