"""The admin site's page that sets a password or takes it away."""

import pytest

from accounts import passwords
from accounts.models import Event
from accounts.services import users
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD
from usermgmt.errors import NotFound

NEW = "a quite different passphrase"


def page(user):
    return f"/admin/accounts/user/{user.pk}/password/"


def sent(**values):
    return {"usable_password": "true", "password": NEW, "password_confirmation": NEW} | values


def errors(answer):
    assert answer.status_code == 200
    return answer.context["form"].errors


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


def test_a_password_is_set_and_ends_what_was_signed_in(browser, cast):
    api = caller(cast.owner)
    assert api.get("/users/current").status_code == 200
    answer = browser.post(page(cast.owner), sent())
    assert answer.headers["Location"] == f"/admin/accounts/user/{cast.owner.pk}/change/"
    cast.owner.refresh_from_db()
    assert passwords.verified(NEW, cast.owner.password)
    assert api.get("/users/current").status_code == 401
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert (event.contract, event.actor_id) == ("admin", cast.administrator.pk)
    assert event.changes == {"password": [None, None]}


def test_a_password_is_taken_away(browser, cast):
    answer = browser.post(
        page(cast.owner), sent(usable_password="false", password="", password_confirmation=""), follow=True
    )
    assert "The password of olga@example.com was taken away." in answer.content.decode()
    assert "None: no sign-in" in answer.content.decode()
    cast.owner.refresh_from_db()
    assert not cast.owner.has_usable_password()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"password": "short", "password_confirmation": "short"},
            {"password": ["Is too short (minimum is 8 characters)."]},
        ),
        ({"password": "password", "password_confirmation": "password"}, {"password": ["Is too common."]}),
        (
            {"password": "Olga Owner", "password_confirmation": "Olga Owner"},
            {"password": ["Is too similar to the name."]},
        ),
        ({"password_confirmation": ""}, {"password_confirmation": ["Can't be blank."]}),
        ({"password_confirmation": "other"}, {"password_confirmation": ["Doesn't match Password."]}),
        ({"password": "", "password_confirmation": ""}, {"password": ["Can't be blank."]}),
        (
            {"password": "x" * 129, "password_confirmation": "x" * 129},
            {"password": ["Is too long (maximum is 128 characters)."]},
        ),
    ],
)
def test_the_policy_is_told_beside_the_field(browser, cast, values, told):
    answer = browser.post(page(cast.owner), sent(**values))
    assert errors(answer) == told
    before = cast.owner.password
    cast.owner.refresh_from_db()
    assert cast.owner.password == before


def test_blanks_around_a_password_belong_to_it(browser, cast):
    spaced = f"  {NEW} "
    assert browser.post(page(cast.owner), sent(password=spaced, password_confirmation=spaced)).status_code == 302
    cast.owner.refresh_from_db()
    assert passwords.verified(spaced, cast.owner.password)
    assert not passwords.verified(NEW, cast.owner.password)


def test_ones_own_asks_for_the_present_one_and_keeps_this_session_alone(browser, cast, staff):
    elsewhere = staff(cast.administrator)
    told = errors(browser.post(page(cast.administrator), sent(present_password="wrong")))
    assert told == {"present_password": ["Is wrong."]}
    assert Event.objects.filter(action="sign_in.failed", contract="admin", target_id=cast.administrator.pk).count() == 1
    assert browser.post(page(cast.administrator), sent(present_password=PASSWORD)).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_the_change_password_link_leads_to_ones_own_page(browser, cast):
    answer = browser.get("/admin/password_change/", follow=True)
    assert answer.redirect_chain == [(page(cast.administrator), 302)]
    assert "Your present password" in answer.content.decode()


def test_djangos_own_password_form_is_closed(browser, cast):
    browser.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    cast.administrator.refresh_from_db()
    assert passwords.verified(PASSWORD, cast.administrator.password)


def test_a_user_deleted_meanwhile_is_told(browser, cast, monkeypatch):
    def gone(**values):
        raise NotFound("user")

    monkeypatch.setattr(users, "update", gone)
    assert "This user is gone" in errors(browser.post(page(cast.owner), sent()))["__all__"][0]


def test_passwords_are_not_shown_again(browser, cast):
    answer = browser.post(page(cast.owner), sent(password_confirmation="other"))
    assert NEW not in answer.content.decode()
