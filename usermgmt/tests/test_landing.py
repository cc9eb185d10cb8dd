"""The landing page, and the admin site's pages for what fails."""

import logging
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client

from usermgmt import audit
from usermgmt.admin.site import SignInForm


def test_the_landing_page_says_what_this_is_and_leads_on(client, settings):
    settings.SITE_NAME = "Phone book <7>"
    answer = client.get("/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Phone book &lt;7&gt;</h1>" in page
    assert "One directory of users" in page
    for link in ("/docs", "/openapi.json", "/admin/"):
        assert f'href="{link}"' in page


def test_the_landing_page_is_whole_without_script_style_or_the_network(client):
    page = client.get("/").content.decode()
    assert "<script" not in page
    assert "<style" not in page
    assert " style=" not in page
    assert "//" not in page
    for path in re.findall(r'(?:href|src)="/static/([^"]+)"', page):
        assert finders.find(path) is not None
    assert 'name="viewport"' in page


def test_the_landing_page_sets_no_cookie_and_takes_no_post(client):
    assert not client.get("/").cookies
    assert client.post("/").status_code == 405


def test_its_style_sheet_serves_light_and_dark():
    sheet = Path(finders.find("usermgmt/pages.css") or "").read_text()
    assert "prefers-color-scheme: dark" in sheet
    assert "url(" not in sheet


def test_an_unknown_page_of_the_admin_site_is_html_in_the_products_style(cast, staff, settings):
    settings.SITE_NAME = "Phone book <7>"
    answer = staff(cast.administrator).get("/admin/nope/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "<h1>There is no such page</h1>" in page
    assert "Phone book &lt;7&gt;" in page


def test_a_refused_page_is_html(cast, staff):
    answer = staff(cast.administrator).get("/admin/accounts/event/add/")
    assert answer.status_code == 403
    assert "<h1>This was refused</h1>" in answer.content.decode()


def failing(error):
    def fail(*args, **options):
        raise error

    return fail


def test_an_error_is_html_without_a_trace_and_is_logged_with_one(cast, monkeypatch, caplog):
    monkeypatch.setattr(audit, "history", failing(RuntimeError("the secret cause")))
    browser = Client(raise_request_exception=False)
    browser.force_login(cast.administrator)
    with caplog.at_level(logging.ERROR, "usermgmt.problems"):
        answer = browser.get("/admin/")
    assert answer.status_code == 500
    assert "<h1>Something went wrong</h1>" in answer.content.decode()
    assert "secret cause" not in answer.content.decode()
    assert [record.exc_info[1].args for record in caplog.records] == [("the secret cause",)]


@pytest.mark.django_db(databases=[])
def test_a_database_away_is_told_without_asking_it(monkeypatch):
    monkeypatch.setattr(SignInForm, "__init__", failing(OperationalError("gone")))
    answer = Client(raise_request_exception=False).get("/admin/login/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "<h1>Not available just now</h1>" in answer.content.decode()


@pytest.mark.parametrize("path", ["/nope", "/static", "/adminx"])
def test_other_unknown_paths_stay_json(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not found"}
