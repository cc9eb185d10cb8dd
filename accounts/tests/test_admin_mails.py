"""The queue of mails on the admin site, and inviting from there."""

import pytest
from django.contrib.messages import get_messages

from accounts.models import Event, Mail, User
from accounts.services import mails
from accounts.tests.factories import UserFactory
from accounts.tests.post import the_letter

MAILS = "/admin/accounts/mail/"
USERS = "/admin/accounts/user/"
State = Mail.State


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def queued(cast):
    mails.request_reset(email="olga@example.com")
    return Mail.objects.get()


def act(browser, place, action, *chosen):
    sent = {"action": action, "index": 0, "select_across": 0, "_selected_action": [row.pk for row in chosen]}
    return browser.post(place, sent)


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_the_list_tells_kind_user_state_attempts_and_error(browser, queued):
    Mail.objects.update(state=State.FAILED, attempts=20, error="SMTPRecipientsRefused 550")
    page = browser.get(MAILS).content.decode()
    for shown in ("password reset", "olga@example.com", "given up", "20", "SMTPRecipientsRefused 550"):
        assert shown in page


def test_a_mail_is_read_only(browser, queued):
    page = browser.get(f"{MAILS}{queued.pk}/change/")
    assert page.status_code == 200
    assert f"{USERS}{queued.user_id}/history/" in page.content.decode()  # its own page of history there is not
    assert ">None<" not in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert browser.post(f"{MAILS}{queued.pk}/change/", {"address": "x"}).status_code == 403
    for place in ("add/", f"{queued.pk}/delete/"):
        assert browser.get(MAILS + place).status_code == 403
    assert browser.get(f"{MAILS}{queued.pk}/history/").status_code == 404
    assert Mail.objects.get().address == "olga@example.com"


def test_a_mail_can_not_be_deleted_in_bulk(browser, queued):
    act(browser, MAILS, "delete_selected", queued)
    assert Mail.objects.exists()


def test_what_was_given_up_is_sent_again_and_the_rest_is_told(browser, cast, queued):
    mails.request_reset(email="stan@example.com")
    failed, waiting = Mail.objects.order_by("id")
    Mail.objects.filter(pk=failed.pk).update(state=State.FAILED, attempts=20)
    answer = act(browser, MAILS, "send_again", failed, waiting)
    assert sorted(told(answer)) == [
        "1 mail queued.",
        f"Skipped password reset {waiting.pk}: was not given up.",
    ]
    assert set(Mail.objects.values_list("state", "attempts")) == {(State.QUEUED, 0)}
    event = Event.objects.get(action="mail.requeued")
    assert (event.actor_id, event.contract) == (cast.administrator.pk, "admin")


def test_filters_and_search_narrow_the_list(browser, cast, queued):
    mails.request_verification(actor=None, user_id=cast.stranger.pk)

    def found(query):
        answer = browser.get(MAILS, query)
        assert answer.status_code == 200
        return [mail.user_id for mail in answer.context["cl"].result_list]

    assert found({}) == [cast.stranger.pk, cast.owner.pk]
    assert found({"kind": "password_reset"}) == [cast.owner.pk]
    assert found({"state": "failed"}) == []
    assert found({"q": str(cast.stranger.pk)}) == [cast.stranger.pk]
    assert found({"q": "olga"}) == []
    assert found({"state": "nonsense\0"}) == [cast.stranger.pk, cast.owner.pk]


def test_what_is_nobodys_is_not_shown(browser, cast):
    mails.request_reset(email="nobody@example.com")
    assert list(browser.get(MAILS).context["cl"].result_list) == []
    assert browser.get(f"{MAILS}{Mail.objects.get().pk}/change/").status_code == 302  # there is no such page


def test_the_list_takes_as_many_queries_for_one_row_as_for_fifty(browser, cast, django_assert_num_queries):
    for count in (1, 50):
        Mail.objects.bulk_create(
            Mail(kind=Mail.Kind.INVITATION, user=UserFactory(client=cast.acme), address="x") for _ in range(count)
        )
        with django_assert_num_queries(4):
            assert len(browser.get(MAILS).context["cl"].result_list) >= min(count, 50)


def test_regular_users_see_none_of_it(cast, staff, queued):
    assert staff(cast.owner).get(MAILS).status_code == 302


# Inviting


def test_chosen_users_without_a_password_are_invited(browser, cast):
    invited = UserFactory(email="ingo@example.com", password="!none")
    answer = act(browser, USERS, "invite", invited, cast.owner)
    assert sorted(told(answer)) == ["1 user invited.", "Skipped olga@example.com: has a password already."]
    assert the_letter().to == ["ingo@example.com"]
    assert Event.objects.get(action="invitation.requested").actor_id == cast.administrator.pk


def new(cast, **values):
    return {
        "name": "Nina New",
        "email": "nina@example.com",
        "role": "user",
        "client": cast.acme.pk,
        "active": "on",
        "usable_password": "invite",
    } | values


def test_a_new_user_may_be_invited_instead_of_given_a_password(browser, cast):
    assert "By invitation" in browser.get(f"{USERS}add/").content.decode()
    assert browser.post(f"{USERS}add/", new(cast)).status_code == 302
    assert not User.objects.get(email="nina@example.com").has_usable_password()
    assert the_letter().to == ["nina@example.com"]


def test_an_inactive_one_is_not(browser, cast):
    answer = browser.post(f"{USERS}add/", new(cast, active=""))
    assert answer.status_code == 200
    assert "Needs an active user." in answer.content.decode()
    assert not User.objects.filter(email="nina@example.com").exists()


def test_the_page_of_a_password_knows_no_invitation(browser, cast):
    assert "By invitation" not in browser.get(f"{USERS}{cast.owner.pk}/password/").content.decode()
    answer = browser.post(f"{USERS}{cast.owner.pk}/password/", {"usable_password": "invite"})
    assert answer.status_code == 200
    cast.owner.refresh_from_db()
    assert cast.owner.has_usable_password()
