"""What mails say, and where their links lead."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.utils.html import escape

from accounts import letters
from accounts.models import Mail, Purpose, User
from accounts.services import mails, users
from accounts.tests.callers import caller
from accounts.tests.post import arrived, link_in, the_letter

KINDS = list(Mail.Kind)


def written(kind, user, token="a-token"):
    mail = Mail(kind=kind, user=user, address=user.email)
    password = "a-password" if kind == Mail.Kind.RANDOM_PASSWORD else None
    return letters.write(mail, user, token if kind in Purpose.values else None, password)


def parts_of(letter):
    """Text and HTML as a mail reader gets them."""
    message = message_from_bytes(letter.message().as_bytes(), policy=policy.default)
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_text_and_html_and_says_from_whom_it_is(cast, settings, kind):
    settings.SITE_NAME, settings.DEFAULT_FROM_EMAIL = "Phone book", "Phone book <no-reply@example.com>"
    letter = written(kind, cast.owner)
    message = letter.message()
    text, html = parts_of(letter)
    assert message.get_content_type() == "multipart/alternative"
    assert (message["From"], message["To"]) == ("Phone book <no-reply@example.com>", "olga@example.com")
    assert "Phone book" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    for content in (text, html):
        assert "Phone book" in content
        assert "{{" not in content and "{%" not in content and "None" not in content
    assert html.startswith("<!doctype html>")
    assert "<script" not in html and "<img" not in html  # nothing is fetched when it is opened


@pytest.mark.parametrize("kind", KINDS)
def test_only_those_that_ask_for_something_have_a_link(cast, kind):
    letter = written(kind, cast.owner)
    assert ("a-token" in letter.body) is (kind in Purpose.values)
    assert "a-token" not in letter.subject


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_one_that_tells_a_password_has_one(cast, kind):
    letter = written(kind, cast.owner)
    tells = kind == Mail.Kind.RANDOM_PASSWORD
    assert ["a-password" in content for content in (letter.subject, *parts_of(letter))] == [False, tells, tells]


def test_a_welcome_tells_of_the_account(cast, settings):
    settings.SITE_NAME, settings.PUBLIC_APP_URL = "Phone book", ""
    settings.PUBLIC_URL = "https://users.example.com"
    for content in parts_of(written("welcome", cast.owner)):
        for told in ("Olga Owner", "Phone book", "olga@example.com", "User name: olga", "https://users.example.com"):
            assert told in content
    assert link_in(written("welcome", cast.owner)) == "https://users.example.com"


@pytest.mark.parametrize("kind", ["welcome", "random_password"])
def test_those_who_are_to_sign_in_are_told_where(cast, settings, kind):
    settings.PUBLIC_URL, settings.PUBLIC_APP_URL = "https://users.example.com", "https://app.example.com/"
    assert link_in(written(kind, cast.owner)) == "https://app.example.com/"
    settings.PUBLIC_URL = settings.PUBLIC_APP_URL = ""
    assert not [
        content for content in parts_of(written(kind, cast.owner)) if "Sign in at" in content or "href" in content
    ]


@pytest.mark.parametrize("kind", ["welcome", "random_password"])
def test_names_are_no_markup_there_either(cast, kind):
    cast.owner.name = '<b>Bold</b> "><a href="https://evil.example">click</a>'
    text, html = parts_of(written(kind, cast.owner))
    assert f"Hello {cast.owner.name}," in text
    assert f"Hello {escape(cast.owner.name)}," in html
    assert "<b>" not in html and 'href="https://evil.example"' not in html


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("password_reset", "/password/reset"),
        ("invitation", "/invitation"),
        ("email_verification", "/email/verify"),
    ],
)
def test_links_lead_to_our_pages_or_to_the_applications_at_the_same_paths(cast, settings, kind, path):
    settings.PUBLIC_URL, settings.PUBLIC_APP_URL = "https://users.example.com", ""
    assert link_in(written(kind, cast.owner)) == f"https://users.example.com{path}?token=a-token"
    settings.PUBLIC_APP_URL = "https://app.example.com/accounts"
    assert link_in(written(kind, cast.owner)) == f"https://app.example.com/accounts{path}?token=a-token"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"},
    ],
)
def test_nobody_who_asks_decides_where_a_link_leads(cast, settings, headers):
    settings.ALLOWED_HOSTS = ["*"]  # even there
    settings.PUBLIC_URL = "https://users.example.com"
    answer = caller().post("/auth/password/reset", {"email": "olga@example.com"}, headers=headers)
    assert answer.status_code == 202
    letter = the_letter()
    assert link_in(letter).startswith("https://users.example.com/password/reset?token=")
    assert "evil" not in str(letter.message())


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=90), "1 minute"),
        (timedelta(hours=36), "36 hours"),
    ],
)
def test_they_say_how_long_a_link_is_good(cast, settings, lifetime, words):
    settings.RESET_LIFETIME = lifetime
    for content in parts_of(written("password_reset", cast.owner)):
        assert f"works once, for {words}." in content


# Hostile names

NAMES = [
    "Zoë Ñandú 王小明 🙂",
    "<b>Bold</b> & \"quoted\" 'name'",
    '"><a href="https://evil.example">click</a>',
    "{{ settings.SECRET_KEY }} {% debug %}",
    "x" * 255,
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are_and_are_never_markup(cast, name):
    cast.owner.name = name
    text, html = parts_of(written("password_reset", cast.owner))
    assert f"Hello {name}," in text
    assert f"Hello {escape(name)}," in html
    assert html.count("<a ") == 2
    assert "<b>" not in html


@pytest.mark.parametrize("name", ["Olga\r\nBcc: eve@example.com", "Olga\nSubject: win"])
def test_a_name_can_not_write_headers(cast, name):
    User.objects.filter(pk=cast.owner.pk).update(name=name)  # no door of ours takes it
    mails.request_reset(email="olga@example.com")
    message = the_letter().message()
    assert (message["To"], message["Bcc"], message.get_all("Subject")) == (
        "olga@example.com",
        None,
        ["Set a new password for User Directory"],
    )
    assert message.get_payload()[0].get_payload().startswith("Hello Olga")


def test_an_address_that_would_write_headers_is_not_sent_to(cast):
    mails.request_reset(email="olga@example.com")
    Mail.objects.update(kind=Mail.Kind.PASSWORD_CHANGED, address="olga@example.com\r\nBcc: eve@example.com")
    assert arrived() == []
    assert Mail.objects.get().error == "BadHeaderError"


def test_the_name_of_the_site_is_one_line_of_the_subject(cast, settings):
    settings.SITE_NAME = "Phone <book> & co"
    letter = written("password_reset", cast.owner)
    assert letter.subject == "Set a new password for Phone <book> & co"
    assert "Phone &lt;book&gt; &amp; co" in parts_of(letter)[1]


# Told of changes


def told():
    """To whom which news went."""
    return sorted((letter.to[0], letter.subject.split(" for ")[0]) for letter in arrived())


PASSWORD_NEWS, EMAIL_NEWS, PROOF = "Your password", "Your e-mail address", "Confirm your e-mail address"


def test_the_old_address_is_told_of_a_changed_one_and_not_which_the_new_one_is(cast):
    users.update(actor=cast.administrator, user_id=cast.owner.pk, email="new@example.com")
    by_address = {letter.to[0]: letter for letter in arrived()}
    assert set(by_address) == {"olga@example.com", "new@example.com"}
    assert by_address["olga@example.com"].subject == "Your e-mail address for User Directory was changed"
    assert "new@example.com" not in str(by_address["olga@example.com"].message())


def test_a_changed_password_is_told_to_its_owner(cast, call):
    body = {"password": "something else again", "password_confirmation": "something else again"}
    assert call(cast.owner).patch("/users/current", body).status_code == 200
    letter = the_letter()
    assert (letter.to, letter.subject) == (["olga@example.com"], "Your password for User Directory was changed")
    assert "something else again" not in str(letter.message())


def test_of_both_changed_at_once_the_old_address_is_told(cast):
    users.update(actor=None, user_id=cast.owner.pk, email="new@example.com", password="something else again")
    assert told() == [
        ("new@example.com", PROOF),
        ("olga@example.com", EMAIL_NEWS),
        ("olga@example.com", PASSWORD_NEWS),
    ]


def test_a_reset_is_told_too(cast):
    mails.request_reset(email="olga@example.com")
    token = link_in(the_letter()).partition("token=")[2]
    body = {"token": token, "password": "something else again", "password_confirmation": "something else again"}
    assert caller().post("/auth/password/reset/confirm", body).status_code == 200
    assert told() == [("olga@example.com", PASSWORD_NEWS)]


def test_a_password_set_on_the_admin_site_or_by_a_command_is_told(cast, staff, monkeypatch):
    from django.core.management import call_command

    page = f"/admin/accounts/user/{cast.owner.pk}/password/"
    new = "something else again"
    sent = {"usable_password": "true", "password": new, "password_confirmation": new}
    assert staff(cast.administrator).post(page, sent).status_code == 302
    assert told() == [("olga@example.com", PASSWORD_NEWS)]
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "yet another passphrase")
    call_command("changepassword", "stan@example.com")
    assert told() == [("stan@example.com", PASSWORD_NEWS)]


def test_a_password_taken_away_is_told_and_a_first_one_is_not(cast):
    users.update(actor=None, user_id=cast.owner.pk, password=None)
    assert told() == [("olga@example.com", PASSWORD_NEWS)]
    users.update(actor=None, user_id=cast.owner.pk, password="something else again")
    assert told() == []


def test_the_inactive_are_told_but_asked_for_nothing(cast):
    users.update(actor=None, user_id=cast.disabled.pk, email="new@example.com")
    assert told() == [("dora@example.com", EMAIL_NEWS)]


def test_what_is_refused_is_not_told(cast, call):
    body = {"email": "stan@example.com", "password": "short", "password_confirmation": "short"}
    assert call(cast.owner).patch("/users/current", body).status_code == 422
    assert call(cast.owner).patch("/users/current", {"email": "olga@example.com"}).status_code == 200
    assert told() == []


def test_a_sign_in_that_hashes_the_same_password_anew_is_not_told(cast, settings):
    from accounts.services import sign_ins
    from accounts.tests.factories import PASSWORD

    settings.ARGON2_PASSES = 2
    before = User.objects.get(pk=cast.owner.pk).password
    sign_ins.verified_user(email="olga@example.com", password=PASSWORD)
    assert User.objects.get(pk=cast.owner.pk).password != before
    assert told() == []
