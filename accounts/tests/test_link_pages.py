"""The pages that links in mails lead to: forms without script, that a GET does not use up (native contract 7)."""

import re
from html import unescape

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client

from accounts.models import Event, OneTimeToken, Purpose, User
from accounts.services import mails, one_time_tokens, sign_ins, users
from accounts.tests.factories import PASSWORD
from accounts.tests.post import link_in, the_letter

NEW = "a quite different passphrase"
PAGES = {
    "/password/reset": Purpose.PASSWORD_RESET,
    "/invitation": Purpose.INVITATION,
    "/email/verify": Purpose.EMAIL_VERIFICATION,
}
CHOOSING = ["/password/reset", "/invitation"]


@pytest.fixture
def browser():
    """One that insists on CSRF tokens, as servers do; these pages have none."""
    return Client(enforce_csrf_checks=True)


def a_token(user, path):
    return one_time_tokens.issue(user=user, purpose=PAGES[path])


def text(answer):
    return unescape(answer.content.decode())


def form_of(answer):
    """The names and values of a page's one form, as a browser would send them."""
    (form,) = re.findall(r"<form[^>]*>(.*?)</form>", answer.content.decode(), re.DOTALL)
    fields = [dict(re.findall(r'(\w[\w-]*)="([^"]*)"', field)) for field in re.findall(r"<input([^>]*)>", form)]
    return {field["name"]: unescape(field.get("value", "")) for field in fields}


@pytest.mark.parametrize("path", CHOOSING)
def test_the_link_opens_a_form_and_the_form_sets_the_password(cast, browser, path):
    token = a_token(cast.owner, path)
    answer = browser.get(path, {"token": token})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    sent = form_of(answer)
    assert sent == {"token": token, "username": "olga@example.com", "password": "", "password_confirmation": ""}

    answer = browser.post(path, sent | {"password": NEW, "password_confirmation": NEW})

    assert (answer.status_code, answer["Location"]) == (303, f"{path}?done")
    assert sign_ins.verified_user(email="olga@example.com", password=NEW) == cast.owner
    done = browser.get(answer["Location"])
    assert done.status_code == 200
    assert "<h1>Your password is set</h1>" in text(done)
    assert "<form" not in text(done)


def test_the_link_of_a_proof_asks_and_the_button_proves(cast, browser):
    token = a_token(cast.owner, "/email/verify")
    answer = browser.get("/email/verify", {"token": token})
    assert "Is <strong>olga@example.com</strong> your e-mail address?" in text(answer)
    assert form_of(answer) == {"token": token}

    answer = browser.post("/email/verify", form_of(answer))

    assert (answer.status_code, answer["Location"]) == (303, "/email/verify?done")
    assert "<h1>Your address is confirmed</h1>" in text(browser.get("/email/verify?done"))
    assert User.objects.get(pk=cast.owner.pk).email_verified


def test_the_link_in_the_mail_opens_the_page(cast, browser, settings):
    settings.PUBLIC_URL = "https://users.example.com"
    mails.request_reset(email="olga@example.com")
    link = link_in(the_letter()).removeprefix("https://users.example.com")
    assert "<h1>Set a new password</h1>" in text(browser.get(link))


@pytest.mark.parametrize("path", PAGES)
def test_scanners_that_follow_links_use_nothing_up(cast, browser, path):
    token = a_token(cast.owner, path)
    before = list(OneTimeToken.objects.values()), list(User.objects.values()), Event.objects.count()
    for ask in (browser.get, browser.head):
        for _ in range(3):
            assert ask(path, {"token": token}).status_code == 200
    assert (list(OneTimeToken.objects.values()), list(User.objects.values()), Event.objects.count()) == before
    assert "<form" in text(browser.get(path, {"token": token}))


DEAD = ["", "x", "x" * 43, "\0", "é", "x" * 5000, '"><script>alert(1)</script>']


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", DEAD)
def test_a_dead_link_says_so(db, browser, path, token):
    for answer in (browser.get(path, {"token": token}), browser.post(path, {"token": token}), browser.get(path)):
        assert (answer.status_code, answer["Content-Type"]) == (410, "text/html; charset=utf-8")
        assert "<h1>This link is no longer good</h1>" in text(answer)
        assert "<form" not in text(answer)
        assert "<script" not in answer.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_a_used_link_is_a_dead_one(cast, browser, path):
    token = a_token(cast.owner, path)
    sent = {"token": token, "password": NEW, "password_confirmation": NEW}
    assert browser.post(path, sent).status_code == 303
    assert browser.post(path, sent).status_code == 410
    assert browser.get(path, {"token": token}).status_code == 410


@pytest.mark.parametrize("path", PAGES)
def test_each_page_takes_only_links_of_its_own(cast, browser, path):
    for other in set(PAGES) - {path}:
        token = a_token(cast.owner, other)
        assert browser.get(path, {"token": token}).status_code == 410
        sent = {"token": token, "password": NEW, "password_confirmation": NEW}
        assert browser.post(path, sent).status_code == 410
    assert OneTimeToken.objects.count() == 2
    assert sign_ins.verified_user(email="olga@example.com", password=PASSWORD)


@pytest.mark.parametrize("path", PAGES)
def test_the_token_of_an_account_that_changed_is_dead(cast, browser, path):
    token = a_token(cast.owner, path)
    users.update(actor=None, user_id=cast.owner.pk, email="new@example.com")
    assert browser.get(path, {"token": token}).status_code == 410


# What the form refuses


@pytest.mark.parametrize(
    ("password", "confirmation", "told"),
    [
        ("short", "short", ["Password is too short (minimum is 8 characters)."]),
        ("password123", "password123", ["Password is too common."]),
        ("Olga Owner", "Olga Owner", ["Password is too similar to the name."]),
        ("", "", ["Password can't be blank.", "Password confirmation can't be blank."]),
        (NEW, "another one", ["Password confirmation doesn't match Password."]),
        ("short", "", ["Password is too short (minimum is 8 characters).", "Password confirmation can't be blank."]),
        ("x" * 129, "x" * 129, ["Password is too long (maximum is 128 characters)."]),
        ("nul\0 in a password", "nul\0 in a password", ["Password is invalid."]),
    ],
)
def test_what_is_wrong_is_told_beside_the_field_and_the_link_stays_good(cast, browser, password, confirmation, told):
    path = "/password/reset"
    token = a_token(cast.owner, path)
    sent = {"token": token, "password": password, "password_confirmation": confirmation}

    answer = browser.post(path, sent)

    assert answer.status_code == 422
    assert [unescape(fault) for fault in re.findall("<li>(.*?)</li>", answer.content.decode())] == told
    assert form_of(answer)["password"] == ""  # nothing that was typed comes back
    assert sign_ins.verified_user(email="olga@example.com", password=PASSWORD)
    assert browser.post(path, form_of(answer) | {"password": NEW, "password_confirmation": NEW}).status_code == 303


def test_fields_that_are_not_sent_are_blank(cast, browser):
    answer = browser.post("/password/reset", {"token": a_token(cast.owner, "/password/reset")})
    assert answer.status_code == 422
    assert "Password can't be blank." in text(answer)


# How the pages are made


def page_of(browser, user, path, **sent):
    token = a_token(user, path)
    return browser.post(path, {"token": token, **sent}) if sent else browser.get(path, {"token": token})


def test_the_title_tells_the_state_first_as_readers_of_screens_do(cast, browser):
    path = "/password/reset"
    token = a_token(cast.owner, path)
    wrong = {"token": token, "password": "short", "password_confirmation": "short"}
    right = {"token": token, "password": NEW, "password_confirmation": NEW}
    answers = [browser.get(path, {"token": token}), browser.post(path, wrong), browser.post(path, right)]
    answers[2] = browser.get(answers[2]["Location"])
    answers.append(browser.get(path, {"token": token}))
    titles = [re.search(r"<title>(.*?) \|", text(answer))[1] for answer in answers]
    assert titles == ["New password", "Error: New password", "Done: New password", "Not good any more: New password"]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_else_learns_the_address_or_keeps_the_page(cast, browser, path):
    for answer in (
        page_of(browser, cast.owner, path),
        page_of(browser, cast.owner, path, password="x"),
        browser.get(path),
        browser.get(f"{path}?done"),
    ):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert not answer.cookies


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_whole_without_script_style_or_the_network(cast, browser, path):
    for answer in (page_of(browser, cast.owner, path), browser.get(path), browser.get(f"{path}?done")):
        page = answer.content.decode()
        assert "<script" not in page and "<style" not in page
        assert not re.search(r"\s(style|on\w+)=", page)
        assert "//" not in page
        assert 'lang="en"' in page and 'name="viewport"' in page and 'content="noindex"' in page
        for name in re.findall(r'(?:href|src)="/static/([^"]+)"', page):
            assert finders.find(name) is not None


@pytest.mark.parametrize("path", CHOOSING)
def test_every_field_has_a_label_and_password_managers_know_what_it_is(cast, browser, path):
    page = page_of(browser, cast.owner, path, password="short", password_confirmation="x").content.decode()
    labelled = set(re.findall(r'<label for="([^"]+)"', page))
    fields = [dict(re.findall(r'(\w[\w-]*)="([^"]*)"', field)) for field in re.findall(r"<input([^>]*)>", page)]
    assert {field["id"] for field in fields if field["type"] != "hidden"} == labelled
    by_name = {field["name"]: field for field in fields}
    assert by_name["username"]["autocomplete"] == "username"
    for name in ("password", "password_confirmation"):
        assert (by_name[name]["type"], by_name[name]["autocomplete"]) == ("password", "new-password")
        assert by_name[name]["aria-invalid"] == "true"
        for told in by_name[name]["aria-describedby"].split():
            assert f'id="{told}"' in page


def test_the_pages_carry_the_name_of_the_site_and_lead_on_to_the_application(cast, browser, settings):
    settings.SITE_NAME, settings.PUBLIC_APP_URL = "Phone book <7>", "https://app.example.com"
    page = browser.get("/password/reset?done").content.decode()
    assert "Phone book &lt;7&gt;" in page
    assert 'href="https://app.example.com"' in page


def test_the_page_says_how_long_a_password_must_be(cast, browser, settings):
    settings.PASSWORD_MIN_LENGTH = 12
    assert "At least 12 characters" in text(page_of(browser, cast.owner, "/password/reset"))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_not_theirs(db, browser, path, method):
    answer = browser.generic(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("path", PAGES)
def test_a_slash_more_is_another_path(db, browser, path):
    assert browser.get(f"{path}/").status_code == 404


def test_a_body_that_is_no_form_has_no_token(cast, browser):
    token = a_token(cast.owner, "/password/reset")
    answer = browser.post("/password/reset", {"token": token}, content_type="application/json")
    assert answer.status_code == 410
    assert OneTimeToken.objects.count() == 1


# Troubles


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_outage_is_told_to_people_as_a_page(db, monkeypatch, path, method):
    def away(**asked):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(one_time_tokens, "find", away)

    answer = getattr(Client(raise_request_exception=False), method)(f"{path}?token=abc")

    assert (answer.status_code, answer["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert answer["Retry-After"] == "1"
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
    assert "Not available just now" in text(answer)
    assert "Administration" not in text(answer)
