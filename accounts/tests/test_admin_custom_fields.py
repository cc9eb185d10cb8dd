"""The admin site's pages of custom field definitions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CustomField, Event
from accounts.services import custom_fields

LIST = "/admin/accounts/customfield/"
ADD = f"{LIST}add/"


def change(field):
    return f"{LIST}{field.pk}/change/"


def new(**values):
    return {"name": "badge", "kind": "text", "options": "", "min_length": "", "max_length": ""} | values


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def department(db):
    return custom_fields.create(actor=None, name="department", kind="select", options=["Sales", "Care", "IT", "HR"])


def test_a_field_is_defined_by_the_service(browser, cast):
    sent = new(kind="select", options="Sales\r\n\r\n  Support \r\n", required="on", public="on")
    assert browser.post(ADD, sent).status_code == 302
    field = CustomField.objects.get()
    assert (field.name, field.kind, field.options) == ("badge", "select", ["Sales", "Support"])
    assert (field.required, field.public) == (True, True)
    event = Event.objects.about("custom_field", field.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("custom_field.created", "admin", cast.administrator.pk)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "Can't be blank."),
        ({"name": "a b"}, "name", "Is invalid."),
        ({"name": "a\0"}, "name", "Is invalid."),
        ({"name": "department"}, "name", "Has already been taken."),
        ({"kind": "king"}, "kind", "Select a valid choice."),
        ({"kind": "select"}, "options", "Needs options to select from."),
        ({"kind": "select", "options": "x\ny\nx"}, "options", "Is invalid."),
        ({"kind": "select", "options": "\n".join(map(str, range(101)))}, "options", "Is too long (maximum is 100"),
        ({"min_length": "x"}, "min_length", "Enter a whole number."),
        ({"min_length": "-1"}, "min_length", "Is invalid."),
        ({"max_length": "9" * 30}, "max_length", "Is invalid."),
        ({"min_length": "3", "max_length": "2"}, "max_length", "Is invalid."),
    ],
)
def test_faults_stand_beside_their_fields(browser, department, values, field, words):
    found = errors(browser.post(ADD, new(**values)))
    assert list(found) == [field]
    assert found[field][0].startswith(words)
    assert list(CustomField.objects.all()) == [department]


def test_only_what_was_changed_is_written(browser, department):
    sent = new(name="department", kind="select", options="Sales\r\nCare\r\nIT\r\nHR", seen_version=1)
    assert browser.post(change(department), sent).status_code == 302
    assert Event.objects.about("custom_field", department.pk).count() == 1
    assert browser.post(change(department), sent | {"options": "Sales\r\nCare"}).status_code == 302
    event = Event.objects.about("custom_field", department.pk)[0]
    assert event.changes == {"options": [["Sales", "Care", "IT", "HR"], ["Sales", "Care"]]}


def test_what_changed_meanwhile_is_not_overwritten(browser, department):
    custom_fields.update(actor=None, field_id=department.pk, required=True)
    sent = new(name="mine", kind="select", options="x", seen_version=1)
    assert "Somebody changed this" in errors(browser.post(change(department), sent))["__all__"][0]
    department.refresh_from_db()
    assert (department.name, department.required) == ("department", True)


def test_a_field_is_deleted_after_asking(browser, department):
    page = browser.get(f"{LIST}{department.pk}/delete/").content.decode()
    assert "Delete the custom field <strong>department</strong> for good?" in page
    browser.post(f"{LIST}{department.pk}/delete/", {"post": "yes"})
    assert not CustomField.objects.exists()
    assert Event.objects.about("custom_field", department.pk)[0].action == "custom_field.deleted"


def test_a_deletion_meanwhile_is_told(browser, department, monkeypatch):
    there = custom_fields._locked

    def gone(field_id, versions):
        CustomField.objects.filter(pk=field_id).delete()
        return there(field_id, versions)

    monkeypatch.setattr(custom_fields, "_locked", gone)
    sent = new(name="mine", seen_version=1)
    assert errors(browser.post(change(department), sent)) == {
        "__all__": ["This custom field is gone: somebody deleted it since you opened it."]
    }


def test_the_list_says_what_a_field_takes(browser, department):
    for number, lengths in enumerate([{}, {"min_length": 2}, {"max_length": 9}, {"min_length": 2, "max_length": 9}]):
        custom_fields.create(actor=None, name=f"text{number}", **lengths)
    page = browser.get(LIST).content.decode()
    for words in (
        "Sales, Care, IT and 1 more",
        "any text",
        "at least 2 characters",
        "at most 9 characters",
        "2 to 9 characters",
    ):
        assert f">{words}<" in page
    assert [row.name for row in browser.get(f"{LIST}?kind=select").context["cl"].result_list] == ["department"]
    assert list(browser.get(f"{LIST}?q=DEPART").context["cl"].result_list) == [department]
    assert department in browser.get(f"{LIST}?q={department.pk}").context["cl"].result_list


def test_the_list_costs_the_same_for_one_row_and_for_fifty(browser, department):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LIST).status_code == 200
        return len(captured)

    few = queries()
    for number in range(50):
        custom_fields.create(actor=None, name=f"f{number}")
    assert queries() == few <= 6


def test_history_and_the_trail_name_the_field(browser, department):
    custom_fields.update(actor=None, field_id=department.pk, options=["<b>x</b>"])
    history = browser.get(f"{LIST}{department.pk}/history/").content.decode()
    assert "<del>Sales, Care, IT, HR</del> → &lt;b&gt;x&lt;/b&gt;" in history
    trail = browser.get("/admin/accounts/event/").content.decode()
    assert f'<a href="{change(department)}">department</a>' in trail
    custom_fields.delete(actor=None, field_id=department.pk)
    assert f"custom field {department.pk}" in browser.get("/admin/accounts/event/").content.decode()


def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, cast, staff, department):
    for path in (LIST, ADD, change(department)):
        assert staff(cast.owner).get(path).headers["Location"].startswith("/admin/login/")
        page = browser.get(path).content.decode()
        assert "<style" not in page and " style=" not in page and "<script>" not in page
    staff(cast.owner).post(ADD, new())
    assert list(CustomField.objects.all()) == [department]
