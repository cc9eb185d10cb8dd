"""The admin site's pages of roles: lists, forms, deletion, history, cost."""

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.grants import PERMISSIONS
from accounts.models import Event
from accounts.services import roles, users
from accounts.tests.factories import UserFactory

LIST = "/admin/accounts/rolegroup/"
ADD = f"{LIST}add/"


def change(role):
    return f"{LIST}{role.pk}/change/"


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def queries(browser, path):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def manager(db):
    return roles.create(actor=None, name="manager", grants=["create-user"])


def test_a_role_is_made_by_the_service(browser, cast):
    assert browser.post(ADD, {"name": "lead", "grants": ["create-user", "delete-user"]}).status_code == 302
    role = Group.objects.get(name="lead")
    assert roles.granted_by(["lead"]) == {"create-user", "delete-user"}
    event = Event.objects.about("role", role.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("role.created", "admin", cast.administrator.pk)


def test_the_form_offers_every_grant_by_its_label(browser, manager):
    page = browser.get(change(manager)).content.decode()
    for codename, label in PERMISSIONS:
        assert f'value="{codename}"' in page
        assert label in page
    assert page.count(" checked") == 1


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"name": ""}, "name", "Can't be blank."),
        ({"name": "a b"}, "name", "Is invalid."),
        ({"name": "Admin"}, "name", "Has already been taken."),
        ({"name": "USER"}, "name", "Has already been taken."),
        ({"name": "a\0"}, "name", "Is invalid."),
        ({"name": "n" * 151}, "name", "Is too long (maximum is 150 characters)."),
        ({"name": "x", "grants": ["add_user"]}, "grants", "Select a valid choice."),
    ],
)
def test_faults_stand_beside_their_fields(browser, sent, field, words):
    found = errors(browser.post(ADD, sent))
    assert list(found) == [field]
    assert found[field][0].startswith(words)
    assert Group.objects.count() == 3


def test_only_what_was_changed_is_sent(browser, manager):
    assert browser.post(change(manager), {"name": "manager", "grants": ["create-user"]}).status_code == 302
    assert Event.objects.about("role", manager.pk).count() == 1
    browser.post(change(manager), {"name": "chief", "grants": ["create-user"]})
    assert Event.objects.about("role", manager.pk)[0].changes == {"name": ["manager", "chief"]}
    browser.post(change(manager), {"name": "chief"})
    assert Event.objects.about("role", manager.pk)[0].changes == {"grants": [["create-user"], []]}


def test_a_built_in_role_keeps_its_name_whatever_is_sent(browser):
    guest = Group.objects.get(name="guest")
    page = browser.get(change(guest)).content.decode()
    assert "Every directory has this role, by this name." in page
    assert browser.post(change(guest), {"name": "other", "grants": ["create-user"]}).status_code == 302
    guest.refresh_from_db()
    assert guest.name == "guest"
    assert roles.granted_by(["guest"]) == {"create-user"}


def test_a_built_in_role_is_not_deleted(browser, manager):
    guest = Group.objects.get(name="guest")
    answer = browser.post(f"{LIST}{guest.pk}/delete/", {"post": "yes"})
    assert told(answer) == ["Not deleted: can't be changed: every directory has this role."]
    browser.get(LIST)  # where that is told
    sent = {"action": "delete_selected", "post": "yes", "_selected_action": [guest.pk, manager.pk]}
    assert sorted(told(browser.post(LIST, sent))) == [
        "1 role deleted.",
        "Skipped guest: can't be changed: every directory has this role.",
    ]
    assert sorted(Group.objects.values_list("name", flat=True)) == ["bot", "guest", "user"]


def test_a_role_is_deleted_after_asking(browser, manager):
    page = browser.get(f"{LIST}{manager.pk}/delete/").content.decode()
    assert "Delete the role <strong>manager</strong> for good?" in page
    browser.post(f"{LIST}{manager.pk}/delete/", {"post": "yes"})
    assert Event.objects.about("role", manager.pk)[0].action == "role.deleted"


def test_a_role_that_is_gone_is_no_error(browser, manager):
    roles.delete(actor=None, role_id=manager.pk)
    for page in (change(manager), f"{LIST}{manager.pk}/delete/", f"{LIST}{manager.pk}/history/", f"{LIST}%00/change/"):
        assert b"Perhaps it was deleted?" in browser.get(page, follow=True).content


def test_the_list_tells_what_a_role_allows_and_leads_to_who_has_it(browser, cast, manager):
    users.update(actor=None, user_id=cast.owner.pk, roles=["manager"])
    page = browser.get(LIST).content.decode()
    assert "Create users of the own client" in page
    link = f"/admin/accounts/user/?given_role={manager.pk}"
    assert f'<a href="{link}">1</a>' in page
    assert [user.name for user in browser.get(link).context["cl"].result_list] == ["Olga Owner"]


def test_the_pages_cost_the_same_for_one_user_and_for_fifty(browser, cast, manager):
    paths = (LIST, change(manager), f"/admin/accounts/user/?given_role={manager.pk}")
    users.update(actor=None, user_id=cast.owner.pk, roles=["manager"])
    for path in paths:
        browser.get(path)  # content types are looked up once a process
    few = [queries(browser, path) for path in paths]
    crowd = UserFactory.create_batch(50, client=cast.acme)
    for number, user in enumerate(crowd):
        role = roles.create(actor=None, name=f"role{number}", grants=["create-user"])
        user.groups.set([role, manager])
    assert [queries(browser, path) for path in paths] == few
    assert max(few) <= 9


def test_the_search_and_autocompletion_find_roles_in_any_case(browser, manager):
    assert list(browser.get(LIST, {"q": "MANA"}).context["cl"].result_list) == [manager]
    assert list(browser.get(LIST, {"q": str(manager.pk)}).context["cl"].result_list) == [manager]
    wanted = {"app_label": "accounts", "model_name": "user", "field_name": "groups", "term": "MANA"}
    answer = browser.get(reverse("admin:autocomplete"), wanted)
    assert answer.json()["results"] == [{"id": str(manager.pk), "text": "manager"}]
    assert browser.get(reverse("admin:autocomplete"), wanted | {"term": "\0"}).json()["results"] == []


def test_history_and_the_trail_name_the_role(browser, manager):
    roles.update(actor=None, role_id=manager.pk, grants=["create-user", "delete-user"])
    history = browser.get(f"{LIST}{manager.pk}/history/").content.decode()
    assert "role.updated" in history
    assert "<del>create-user</del> → create-user, delete-user" in history
    trail = browser.get("/admin/accounts/event/").content.decode()
    assert f'<a href="{change(manager)}">manager</a>' in trail
    assert "manager" in browser.get("/admin/").content.decode()


def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, cast, staff, manager):
    stranger = staff(cast.owner)
    for path in (LIST, ADD, change(manager)):
        assert stranger.get(path).headers["Location"].startswith("/admin/login/")
        page = browser.get(path).content.decode()
        assert "<style" not in page and " style=" not in page and "<script>" not in page
    stranger.post(change(manager), {"name": "theirs"})
    manager.refresh_from_db()
    assert manager.name == "manager"
