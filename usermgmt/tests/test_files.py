"""Pages outside of development whose files nobody has collected say so; calls are answered as ever."""

import logging
import re

import pytest
from django.conf import settings as present
from django.core.management import call_command
from django.test import Client

from usermgmt.http.files import WHAT_TO_DO, warn_if_missing

PAGES = ["/", "/docs", "/admin/login/", "/password/reset", "/invitation", "/email/verify"]


@pytest.fixture
def served(settings, tmp_path):
    """The files as they are in service, gathered in an empty folder."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = present.STORAGES | {"staticfiles": {"BACKEND": "usermgmt.http.files.CollectedFiles"}}


@pytest.fixture
def collected(served, settings):
    """Those of our own pages are there."""
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [present.BASE_DIR / "usermgmt" / "static"]
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_is_missing_and_what_to_do(db, served, caplog, path):
    answer = Client(raise_request_exception=False).get(path)

    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert "run manage.py collectstatic" in page
    told = [record for record in caplog.records if record.name == "usermgmt.problems"]
    assert [(record.getMessage(), record.exc_info) for record in told] == [(WHAT_TO_DO, None)]


def test_other_refusals_of_pages_are_shown(cast, served, staff):
    answer = staff(cast.administrator).get("/admin/nope/")

    assert answer.status_code == 404
    assert "<h1>There is no such page</h1>" in answer.content.decode()


def test_calls_need_no_files(db, client, served):
    assert client.get("/users").status_code == 401
    assert client.get("/openapi.json").status_code == 200


def test_the_start_tells_of_it(served, caplog):
    warn_if_missing()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.WARNING, WHAT_TO_DO)]


def test_the_start_of_what_is_whole_tells_nothing(collected, caplog):
    warn_if_missing()
    assert caplog.records == []


def test_pages_name_collected_files_by_their_content(collected, client):
    page = client.get("/").content.decode()
    assert re.search(r'href="/static/usermgmt/pages\.[0-9a-f]{12}\.css"', page)
