"""The admin site's pages of clients."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.models import Client
from clients.services import clients
from clients.tests.factories import ClientFactory
from usermgmt import audit
from usermgmt.errors import NotFound

CLIENTS = "/admin/clients/client/"
ADD = f"{CLIENTS}add/"


def change(client):
    return f"{CLIENTS}{client.pk}/change/"


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def latest(client):
    return audit.history(target=("client", client.pk), limit=1)[0]


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


def test_a_client_is_made_by_the_service(browser, cast):
    assert browser.post(ADD, {"name": "  Initech "}).status_code == 302
    client = Client.objects.named("initech").get()
    assert client.name == "Initech"
    record = latest(client)
    assert (record.action, record.origin.contract, record.actor) == ("client.created", "admin", "ada@example.com")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Can't be blank."),
        ("ACME", "Has already been taken."),
        ("n" * 256, "Is too long (maximum is 255 characters)."),
        ("a\0b", "Is invalid."),
    ],
)
def test_faults_stand_beside_the_name(browser, name, words):
    before = Client.objects.count()
    assert errors(browser.post(ADD, {"name": name})) == {"name": [words]}
    assert Client.objects.count() == before


def test_a_client_is_renamed_by_the_service(browser, cast):
    answer = browser.post(change(cast.acme), {"name": "Acme Ltd", "seen_version": cast.acme.version})
    assert answer.status_code == 302
    assert latest(cast.acme).changes == {"name": ("Acme", "Acme Ltd")}


def test_a_name_changed_meanwhile_is_not_overwritten(browser, cast):
    clients.update(actor=cast.spare, client_id=cast.acme.pk, name="Theirs")
    answer = browser.post(change(cast.acme), {"name": "Mine", "seen_version": cast.acme.version})
    assert "Somebody changed this" in errors(answer)["__all__"][0]
    cast.acme.refresh_from_db()
    assert cast.acme.name == "Theirs"


def test_a_client_deleted_meanwhile_is_told(browser, cast, monkeypatch):
    def gone(*args):
        raise NotFound("client")

    monkeypatch.setattr(clients, "_locked", gone)
    answer = browser.post(change(cast.acme), {"name": "Mine", "seen_version": cast.acme.version})
    assert errors(answer) == {"__all__": ["This client is gone: somebody deleted it since you opened it."]}


def test_a_client_with_users_is_not_deleted_and_its_users_are_not_loaded(browser, cast):
    with CaptureQueriesContext(connection) as captured:
        answer = browser.post(f"{CLIENTS}{cast.acme.pk}/delete/", {"post": "yes"})
    assert answer.headers["Location"] == change(cast.acme)
    assert told(answer) == ["Not deleted: can't be deleted while it has users."]
    assert Client.objects.filter(pk=cast.acme.pk).exists()
    of_the_client = [query["sql"] for query in captured if f'"client_id" = {cast.acme.pk}' in query["sql"]]
    assert not any('"accounts_user"."email"' in sql for sql in of_the_client)


def test_an_empty_client_is_deleted_by_the_service(browser, cast):
    empty = ClientFactory(name="Empty")
    page = browser.get(f"{CLIENTS}{empty.pk}/delete/").content.decode()
    assert "Delete the client <strong>Empty</strong> for good?" in page
    browser.post(f"{CLIENTS}{empty.pk}/delete/", {"post": "yes"})
    assert not Client.objects.filter(pk=empty.pk).exists()
    assert latest(empty).action == "client.deleted"


def test_deleting_many_is_told_row_by_row(browser, cast):
    hostile = ClientFactory(name="<script>alert(1)</script>")
    clients_with_users = Client.objects.filter(pk__in=[cast.acme.pk, cast.globex.pk])
    sent = {
        "action": "delete_selected",
        "post": "yes",
        "_selected_action": [hostile.pk, *clients_with_users.values_list("pk", flat=True)],
    }
    answer = browser.post(CLIENTS, sent)
    assert sorted(told(answer)) == [
        "1 client deleted.",
        "Skipped Acme: can't be deleted while it has users.",
        "Skipped Globex: can't be deleted while it has users.",
    ]


def test_markup_in_names_is_shown_as_text(browser, cast):
    client = ClientFactory(name="<script>alert(1)</script>")
    for page in (CLIENTS, change(client), f"{CLIENTS}{client.pk}/delete/", f"{CLIENTS}{client.pk}/history/"):
        text = browser.get(page).content.decode()
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
    after = browser.post(change(client), {"name": "<script>alert(2)</script>", "seen_version": 1}, follow=True)
    assert "was changed successfully" in after.content.decode()
    assert "<script>alert" not in after.content.decode()


def test_the_list_shows_how_many_users_a_client_has_and_leads_to_them(browser, cast):
    page = browser.get(CLIENTS).content.decode()
    assert f'<a href="/admin/accounts/user/?client={cast.acme.pk}">3</a>' in page
    assert f'<a href="/admin/accounts/user/?client={cast.globex.pk}">1</a>' in page


def test_the_search_is_without_regard_to_case(browser, cast):
    ClientFactory(name="STRAẞE")
    names = [client.name for client in browser.get(CLIENTS, {"q": "strasse"}).context["cl"].result_list]
    assert names == ["STRAẞE"]
    assert list(browser.get(CLIENTS, {"q": str(cast.acme.pk)}).context["cl"].result_list) == [cast.acme]


def test_the_list_is_by_name_without_regard_to_case(browser, cast):
    ClientFactory(name="aaa")
    names = [client.name for client in browser.get(CLIENTS).context["cl"].result_list]
    assert names == ["aaa", "Acme", "Globex"]


def test_the_history_is_the_audit_trails(browser, cast):
    clients.update(actor=cast.spare, client_id=cast.acme.pk, name="Acme Two")
    text = browser.get(f"{CLIENTS}{cast.acme.pk}/history/").content.decode()
    assert "client.updated" in text
    assert "<del>Acme</del> → Acme Two" in text
    assert "sam@example.com" in text
    assert "command" in text
