"""EMAIL_URL, MAIL_FROM, PUBLIC_URL: where mails go out, and where their links lead (DESIGN 4)."""

import pytest
from django.core.checks import run_checks

from usermgmt.tests.test_settings import KEY, read, refusal  # noqa: F401  # fixtures

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def server(values):
    return [values[f"EMAIL_{name}"] for name in ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")]


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtp://mail.example.com", ["mail.example.com", 25, None, None, False, False]),
        ("smtp://mail.example.com:2525/", ["mail.example.com", 2525, None, None, False, False]),
        ("smtp+tls://u:p%40ss@mail.example.com", ["mail.example.com", 587, "u", "p@ss", True, False]),
        (
            "smtp+tls://u%40d.example:p@mail.example.com:2587",
            ["mail.example.com", 2587, "u@d.example", "p", True, False],
        ),
        ("smtp+ssl://u:p@mail.example.com", ["mail.example.com", 465, "u", "p", False, True]),
        ("smtp+ssl://u:p@[::1]:4465", ["::1", 4465, "u", "p", False, True]),
    ],
)
def test_a_mail_server_is_named_by_an_address(read, url, meant):  # noqa: F811
    values = read(SECRET_KEY=KEY, EMAIL_URL=url)
    assert values["EMAIL_BACKEND"] == SMTP
    assert server(values) == meant
    assert values["EMAIL_TIMEOUT"] == 10


def test_mails_may_be_files_in_a_folder(read):  # noqa: F811
    values = read(SECRET_KEY=KEY, EMAIL_URL="file:///srv/a%20folder/mail")
    assert values["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"
    assert values["EMAIL_FILE_PATH"] == "/srv/a folder/mail"


def test_in_a_development_run_they_are_files_in_var(read, tmp_path):  # noqa: F811
    values = read(DEVELOPMENT="on")
    assert values["EMAIL_FILE_PATH"] == f"{tmp_path}/var/mail"
    assert values["PUBLIC_URL"] == "http://127.0.0.1:8000"


def test_in_service_there_is_no_mail_server_that_nobody_named(read):  # noqa: F811
    values = read(SECRET_KEY=KEY)
    assert (values["EMAIL_URL"], values["PUBLIC_URL"]) == ("", "")


@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        "mail.example.com:25",
        "smtp://",
        "smtp://:25",
        "smtp://mail:port",
        "smtp://mail:99999",
        "smtp://mail:0",
        "smtp://mail/path",
        "smtp+tsl://mail",
        "https://mail.example.com",
        "console://",
        "memory://",
        "dummy://",
        "file://var/mail",
        "file:",
        "smtp://mail?tls=maybe",
        "smtp://[::1",
    ],
)
def test_a_mail_server_that_is_none_is_refused_by_name(refusal, value):  # noqa: F811
    assert refusal(EMAIL_URL=value).startswith("EMAIL_URL: ")


def test_the_mail_servers_password_is_not_in_the_refusal(refusal):  # noqa: F811
    assert "hunter2" not in refusal(EMAIL_URL="smtps://u:hunter2@mail")
    assert "hunter2" not in refusal(EMAIL_URL="smtp://u:hunter2@mail:port")


@pytest.mark.parametrize("name", ["PUBLIC_URL", "PUBLIC_APP_URL"])
@pytest.mark.parametrize(
    "value", ["users.example.com", "ftp://x", "//x", "javascript:alert(1)", "https://x?y", "https://u@x", "https://x y"]
)
def test_an_address_that_links_could_not_begin_with_is_refused_by_name(refusal, name, value):  # noqa: F811
    assert refusal(**{name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["PUBLIC_URL", "PUBLIC_APP_URL"])
def test_such_an_address_may_have_a_path_and_loses_its_last_slash(read, name):  # noqa: F811
    assert read(SECRET_KEY=KEY, **{name: "https://x.example:8443/a/b/"})[name] == "https://x.example:8443/a/b"


@pytest.mark.parametrize("value", ["nobody", "a@b, c@d", "X <nobody>", "X\r\nBcc: e@v.il <a@b.example>"])
def test_a_sender_that_is_none_is_refused_by_name(refusal, value):  # noqa: F811
    assert refusal(MAIL_FROM=value).startswith("MAIL_FROM: ")


@pytest.mark.parametrize("name", ["Phone book <7>", 'The "Phone", book', "Öffentlich", "Users, Inc."])
def test_the_name_of_the_site_makes_a_sound_sender(read, name):  # noqa: F811
    assert read(SECRET_KEY=KEY, SITE_NAME=name)["DEFAULT_FROM_EMAIL"].endswith(" <no-reply@localhost>")


def test_the_default_sender_is_the_site(read):  # noqa: F811
    assert read(SECRET_KEY=KEY)["DEFAULT_FROM_EMAIL"] == "User Directory <no-reply@localhost>"


def ids():
    return [message.id for message in run_checks(tags=["security"]) if message.id == "usermgmt.E010"]


def test_a_mail_server_without_an_address_for_links_stops_the_start(settings):
    settings.EMAIL_URL, settings.PUBLIC_URL, settings.PUBLIC_APP_URL = "smtp://mail", "", ""
    assert ids() == ["usermgmt.E010"]
    settings.PUBLIC_APP_URL = "https://app.example.com"
    assert ids() == []
    settings.PUBLIC_APP_URL, settings.PUBLIC_URL = "", "https://users.example.com"
    assert ids() == []
    settings.EMAIL_URL, settings.PUBLIC_URL = "", ""
    assert ids() == []
