"""Staff's way in to the admin site, and out of it."""

import pytest
from django.test import Client

from accounts.models import Event
from accounts.services import users
from accounts.tests.factories import PASSWORD

LOGIN = "/admin/login/?next=/admin/"


def sign_in(email, password=PASSWORD):
    browser = Client()
    return browser, browser.post(LOGIN, {"username": email, "password": password, "next": "/admin/"})


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.com", " ada@example.com"])
def test_an_administrator_signs_in_by_e_mail(cast, email):
    browser, answer = sign_in(email)
    assert answer.headers["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200
    event = Event.objects.get(action="sign_in.succeeded")
    assert (event.contract, event.actor_id, event.target_id) == ("admin", cast.administrator.pk, cast.administrator.pk)
    cast.administrator.refresh_from_db()
    assert cast.administrator.last_login is not None


def test_the_page_asks_for_an_e_mail_under_the_products_name(db, settings):
    settings.SITE_NAME = "Phone book"
    page = Client().get(LOGIN).content.decode()
    assert "E-mail:" in page
    assert "Phone book" in page
    assert "Django" not in page
    assert "Username" not in page


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("ada@example.com", "x" * 5000),
        ("é" * 200, PASSWORD),
    ],
)
def test_wrong_credentials_leave_an_audit_record_and_no_session(cast, email, password):
    browser, answer = sign_in(email, password)
    assert answer.status_code == 200
    assert "No administrator signs in with this e-mail and password." in answer.content.decode()
    assert browser.get("/admin/").status_code == 302
    event = Event.objects.get(action="sign_in.failed")
    assert event.contract == "admin"
    assert event.target_id == (cast.administrator.pk if email == "ada@example.com" else None)


def test_regular_users_stay_outside_and_that_is_told(cast):
    browser, answer = sign_in("olga@example.com")
    assert "No administrator signs in" in answer.content.decode()
    assert browser.get("/admin/").status_code == 302
    event = Event.objects.get(action="sign_in.refused")
    assert (event.contract, event.target_id) == ("admin", cast.owner.pk)
    assert not Event.objects.filter(action="sign_in.succeeded").exists()


def test_the_inactive_stay_outside(cast):
    users.update(actor=cast.administrator, user_id=cast.spare.pk, active=False)
    _, answer = sign_in("sam@example.com")
    assert "No administrator signs in" in answer.content.decode()


@pytest.mark.parametrize(
    "done",
    [
        lambda cast: users.update(actor=cast.administrator, user_id=cast.spare.pk, active=False),
        lambda cast: users.update(actor=cast.administrator, user_id=cast.spare.pk, client_id=cast.acme.pk),
        lambda cast: users.update(actor=cast.administrator, user_id=cast.spare.pk, password="another good passphrase"),
        lambda cast: users.update(actor=cast.administrator, user_id=cast.spare.pk, email="sam2@example.com"),
        lambda cast: users.sign_out(actor=cast.administrator, user_id=cast.spare.pk),
        lambda cast: users.delete(actor=cast.administrator, user_id=cast.spare.pk),
    ],
    ids=["deactivated", "demoted", "new password", "new e-mail", "signed out", "deleted"],
)
def test_a_session_dies_at_once_with_what_it_stood_on(cast, done):
    browser, _ = sign_in("sam@example.com")
    assert browser.get("/admin/accounts/user/").status_code == 200
    done(cast)
    assert browser.get("/admin/accounts/user/").headers["Location"].startswith("/admin/login/")


def test_a_session_outlives_other_changes(cast):
    browser, _ = sign_in("sam@example.com")
    users.update(actor=cast.administrator, user_id=cast.spare.pk, name="Sam Changed")
    assert browser.get("/admin/accounts/user/").status_code == 200


def test_signing_out_ends_the_session(cast):
    browser, _ = sign_in("ada@example.com")
    assert browser.post("/admin/logout/").status_code == 200
    assert browser.get("/admin/").status_code == 302


def test_a_forged_form_is_refused_in_the_products_style(cast):
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post(LOGIN, {"username": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
