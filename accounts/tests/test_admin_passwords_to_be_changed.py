"""The admin site's part in passwords that must be changed: it sets the duty, and keeps to it."""

import re

import pytest
from django.contrib import admin

from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import stored
from accounts.tests.test_admin_sign_in import sign_in
from accounts.tests.test_admin_user_form import ADD, as_is, change, new

NEW = "a quite different passphrase"
TYPED = {"usable_password": "true", "password": NEW, "password_confirmation": NEW}


def page(user):
    return f"/admin/accounts/user/{user.pk}/password/"


def paths(patterns=None, before=""):
    """Every path of the admin site, its variables filled in."""
    for pattern in admin.site.urls[0] if patterns is None else patterns:
        path = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from paths(pattern.url_patterns, path)
        else:
            yield "/admin/" + re.sub(r"<[^>]+>|\(\?P<url>\.\*\)\$|\^|\$", "987654321", path)


def bind(user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)


@pytest.fixture
def bound(cast):
    bind(cast.administrator)
    return cast.administrator


# Staff who must change their own


def test_who_signs_in_is_led_to_the_own_password_and_then_on(bound):
    browser, answer = sign_in(bound.email)
    assert answer.headers["Location"] == "/admin/"
    led = browser.get("/admin/accounts/user/?q=olga", follow=True)
    ((address, _),) = led.redirect_chain
    assert address == f"{page(bound)}?next=%2Fadmin%2Faccounts%2Fuser%2F%3Fq%3Dolga"
    assert "You must change your password." in led.content.decode()
    assert list(led.context["form"].fields) == ["present_password", "password", "password_confirmation"]
    done = browser.post(address, {**TYPED, "present_password": PASSWORD})
    assert done.headers["Location"] == "/admin/accounts/user/?q=olga"
    assert browser.get("/admin/").status_code == 200  # the same session goes on
    assert stored(bound)["must_change_password"] is False


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_page_leads_there(bound, staff, method):
    closed = set(paths()) - {"/admin/login/", "/admin/logout/", page(bound)}
    assert len(closed) > 20
    browser = staff(bound)
    before = User.objects.count()
    for path in sorted(closed):
        answer = getattr(browser, method)(
            path, {"action": "delete_selected", "post": "yes"} if method == "post" else {}
        )
        assert answer.status_code == 302, path
        assert answer.headers["Location"].partition("?")[0] == page(bound), path
    assert User.objects.count() == before


def test_the_way_out_is_open(bound, staff):
    browser = staff(bound)
    assert browser.post("/admin/logout/").status_code == 200
    assert browser.get("/admin/").headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example", ""]
)
def test_nobody_is_led_off_the_site(bound, staff, elsewhere):
    answer = staff(bound).post(f"{page(bound)}?next={elsewhere}", {**TYPED, "present_password": PASSWORD})
    assert answer.headers["Location"] == change(bound)


def test_the_present_password_again_and_none_at_all_are_refused(bound, staff):
    browser = staff(bound)
    same = {"present_password": PASSWORD, "password": PASSWORD, "password_confirmation": PASSWORD}
    answer = browser.post(page(bound), same)
    assert answer.context["form"].errors == {"password": ["Must differ from the present one."]}
    answer = browser.post(page(bound), {"present_password": PASSWORD, "usable_password": "false"})
    assert answer.context["form"].errors == {"password": ["Can't be blank."]}
    assert stored(bound)["must_change_password"] is True


# Passwords that staff choose for others


@pytest.mark.parametrize(("setting", "ticked"), [("staff", True), ("always", True), ("never", False)])
def test_the_forms_propose_what_the_setting_says(cast, staff, settings, setting, ticked):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
    browser = staff(cast.administrator)
    assert browser.get(page(cast.owner)).context["form"]["must_change_password"].value() is ticked
    form = browser.get(ADD).context["adminform"].form
    assert form["must_change_password"].value() is ticked


@pytest.mark.parametrize("said", [True, False])
def test_the_forms_do_what_is_ticked(cast, staff, said):
    browser = staff(cast.administrator)
    box = {"must_change_password": "on"} if said else {}
    assert browser.post(page(cast.owner), TYPED | box).status_code == 302
    assert stored(cast.owner)["must_change_password"] is said
    assert browser.post(ADD, new() | box).status_code == 302
    assert User.objects.get(email="Nora@Example.com").must_change_password is said


def test_without_a_password_there_is_none_to_be_changed(cast, staff):
    box = {"must_change_password": "on", "usable_password": "false", "password": "", "password_confirmation": ""}
    assert staff(cast.administrator).post(ADD, new() | box).status_code == 302
    assert User.objects.get(email="Nora@Example.com").must_change_password is False


def test_ones_own_password_is_ones_own_choice(cast, staff):
    browser = staff(cast.administrator)
    assert "must_change_password" not in browser.get(page(cast.administrator)).context["form"].fields
    sent = {**TYPED, "present_password": PASSWORD, "must_change_password": "on"}
    assert browser.post(page(cast.administrator), sent).status_code == 302
    assert stored(cast.administrator)["must_change_password"] is False


def test_the_form_of_a_user_shows_the_duty_and_changes_it(cast, staff):
    bind(cast.owner)
    cast.owner.refresh_from_db()
    browser = staff(cast.administrator)
    assert browser.get(change(cast.owner)).context["adminform"].form["must_change_password"].value() is True
    browser.post(change(cast.owner), as_is(cast.owner))
    assert stored(cast.owner)["must_change_password"] is False
    cast.owner.refresh_from_db()
    browser.post(change(cast.owner), as_is(cast.owner, must_change_password="on"))
    assert stored(cast.owner)["must_change_password"] is True
