"""What every answer tells browsers, whoever makes it: a page, a call, a static file, a refusal (DESIGN 3 and 4)."""

import re
from pathlib import Path

import pytest
from django.conf import settings as present
from django.test import Client

from accounts.tests.factories import PASSWORD

ANSWERS = {
    "landing page": ("get", "/", 200),
    "docs": ("get", "/docs", 200),
    "OpenAPI document": ("get", "/openapi.json", 200),
    "probe": ("get", "/livez", 200),
    "admin site's sign-in": ("get", "/admin/login/", 200),
    "admin site's redirect": ("get", "/admin/", 302),
    "static file": ("get", "/static/usermgmt/pages.css", 200),
    "call without a token": ("get", "/users", 401),
    "unknown path": ("get", "/nope", 404),
    "wrong method": ("post", "/livez", 405),
    "OPTIONS": ("options", "/users", 401),
    "unreadable body": ("post", "/auth/token", 415),
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def policy_of(answer):
    """The directives of its Content-Security-Policy."""
    return dict(directive.split(" ", 1) for directive in answer["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_has_the_headers(db, client, method, path, status):
    answer = getattr(client, method)(path)

    assert answer.status_code == status
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert policy_of(answer) == POLICY


def test_an_answer_from_before_any_view_has_them(client, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]

    answer = client.get("/users")

    assert (answer.status_code, answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == (400, "nosniff", "DENY")
    assert policy_of(answer) == POLICY


def test_an_unexpected_error_has_them(db, monkeypatch):
    from usermgmt import pages

    monkeypatch.setattr(pages, "document", lambda contract: 1 / 0)

    answer = Client(raise_request_exception=False).get("/openapi.json")

    assert (answer.status_code, answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == (500, "nosniff", "DENY")
    assert policy_of(answer) == POLICY


# Strict Transport Security (RFC 6797)


@pytest.fixture
def in_service(settings):
    """The settings of the door as they are in service."""
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 365 * 24 * 3600, True
    settings.SECURE_HSTS_PRELOAD = True


@pytest.mark.parametrize("path", ["/", "/users", "/nope", "/admin/login/"])
def test_https_is_to_stay(db, client, in_service, path):
    answer = client.get(path, secure=True)

    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_http_leads_to_https(db, client, in_service):
    answer = client.get("/users?page=2")

    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/users?page=2")
    assert "Strict-Transport-Security" not in answer  # RFC 6797 7.2: not over http


@pytest.mark.parametrize("path", ["/", "/users", "/admin/login/", "/static/usermgmt/pages.css"])
@pytest.mark.parametrize(("host", "status"), [("testserver", 301), ("elsewhere.example.com", 400)])
def test_whoever_comes_by_http_has_the_headers(client, in_service, path, host, status):
    answer = client.get(path, headers={"Host": host})

    assert (answer.status_code, answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == (
        status,
        "nosniff",
        "DENY",
    )
    assert policy_of(answer) == POLICY
    assert answer["Content-Length"] == str(len(answer.content))


def test_probes_answer_without_https(client, in_service):
    assert client.get("/livez").status_code == 200


def test_a_run_without_https_says_nothing_of_it(db, client):
    assert "Strict-Transport-Security" not in client.get("/", secure=True)


# Cookies


def test_cookies_in_service_are_secure_and_for_this_site_alone(cast, client, in_service):
    page = client.get("/admin/login/", secure=True)
    client.post(
        "/admin/login/?next=/admin/",
        {"username": cast.administrator.email, "password": PASSWORD},
        secure=True,
        headers={"Referer": "https://testserver/admin/login/"},
    )

    assert page.status_code == 200
    assert set(client.cookies) == {"csrftoken", "sessionid"}
    for cookie in client.cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")


@pytest.mark.parametrize("path", ["/", "/docs", "/users/current", "/auth/token", "/livez", "/openapi.json"])
def test_no_other_path_sets_a_cookie(cast, call, path):
    browser = call(cast.owner)

    assert not browser.get(path).cookies
    assert not browser.post(path, {"email": cast.owner.email, "password": PASSWORD}).cookies


# No page of ours needs more than the policy allows


@pytest.mark.parametrize(
    "template", sorted((Path(present.BASE_DIR) / "templates").rglob("*.html")), ids=lambda path: path.name
)
def test_no_template_has_an_inline_script_or_style(template):
    if "mail" in template.parts:
        return  # what mail programs show has no policy, and no style sheet either
    text = template.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text, re.IGNORECASE))


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/docs", "/"])
def test_no_page_has_an_inline_script_or_style(cast, staff, path):
    text = staff(cast.administrator).get(path).content.decode()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
    scripts = re.findall(r"<script([^>]*)>", text, re.IGNORECASE)
    # What is data, not code, no policy concerns (HTML, "data block").
    assert all("src=" in script or 'type="application/json"' in script for script in scripts)
