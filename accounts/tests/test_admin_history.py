"""The history of a user on the admin site is the audit trail's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Event
from accounts.services import users
from usermgmt import audit
from usermgmt.admin import model_admin
from usermgmt.origin import Origin, coming_from


def page(user):
    return f"/admin/accounts/user/{user.pk}/history/"


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


def test_the_history_tells_when_who_what_and_from_where(browser, cast):
    with coming_from(Origin(contract="forms", request_id="req-77", address="192.0.2.7")):
        users.update(actor=cast.spare, user_id=cast.owner.pk, name="Olga New", password="a quite different passphrase")
    answer = browser.get(page(cast.owner))
    text = answer.content.decode()
    for shown in ("user.updated", "sam@example.com", "forms", "192.0.2.7", "req-77", "password: changed"):
        assert shown in text
    assert "name: <del>Olga Owner</del> → Olga New" in text


def test_of_objects_only_what_differs_is_told(browser, cast):
    users.update(actor=None, user_id=cast.owner.pk, properties={"a": {"b": [1], "c": "<i>"}, "same": "thing", "x": 1})
    users.update(actor=None, user_id=cast.owner.pk, properties={"a": {"b": [2], "d": 3}, "same": "thing", "x": True})
    newest = browser.get(page(cast.owner)).context["records"][0][1]
    assert newest.replace('<div class="change">', "").split("</div>") == [
        "properties.a.b: <del>1</del> → 2",
        "properties.a.c: <del>&lt;i&gt;</del>",
        "properties.a.d: 3",
        "properties.x: <del>1</del> → yes",
        "",
    ]


def test_the_newest_comes_first_and_only_what_is_about_the_user(browser, cast):
    users.update(actor=cast.spare, user_id=cast.owner.pk, active=False)
    users.update(actor=cast.spare, user_id=cast.owner.pk, active=True)
    users.update(actor=cast.spare, user_id=cast.stranger.pk, name="Somebody Else")
    records = [record for record, _ in browser.get(page(cast.owner)).context["records"]]
    assert [record.changes["active"] for record in records] == [(False, True), (True, False)]


def test_actors_who_are_gone_are_numbers_and_strangers_are_nobody(browser, cast):
    users.update(actor=cast.spare, user_id=cast.owner.pk, name="X")
    audit.record(actor=None, action="sign_in.failed", target=("user", cast.owner.pk))
    users.delete(actor=cast.administrator, user_id=cast.spare.pk)
    text = browser.get(page(cast.owner)).content.decode()
    assert f"user {cast.spare.pk}" in text
    assert "nobody signed in" in text


def test_a_long_history_has_pages(browser, cast, monkeypatch):
    monkeypatch.setattr(model_admin, "HISTORY_PAGE", 2)
    for name in ("A", "B", "C"):
        users.update(actor=cast.spare, user_id=cast.owner.pk, name=name)
    first = browser.get(page(cast.owner))
    assert [record.changes["name"][1] for record, _ in first.context["records"]] == ["C", "B"]
    older = browser.get(page(cast.owner), {"before": first.context["older"]})
    assert [record.changes["name"][1] for record, _ in older.context["records"]] == ["A"]
    assert older.context["older"] is None
    assert b">Newest</a>" in older.content


@pytest.mark.parametrize("before", ["x", "-1", "99999999999999999999", "\0"])
def test_an_odd_page_of_the_history_is_the_newest(browser, cast, before):
    users.update(actor=cast.spare, user_id=cast.owner.pk, name="A")
    answer = browser.get(page(cast.owner), {"before": before})
    assert len(answer.context["records"]) == 1


def test_the_history_costs_the_same_for_one_event_and_for_forty(browser, cast):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            browser.get(page(cast.owner))
        return len(captured)

    users.update(actor=cast.spare, user_id=cast.owner.pk, name="A")
    one = queries()
    for number in range(40):
        users.update(actor=(cast.spare, cast.administrator)[number % 2], user_id=cast.owner.pk, name=f"B{number}")
    assert Event.objects.about("user", cast.owner.pk).count() == 41
    assert queries() == one <= 4
