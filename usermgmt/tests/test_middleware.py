"""Around every request: its id, its origin, caching, one line of log, and no session but the admin site's."""

import json
import logging
import re
import uuid
from ipaddress import ip_network
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver

from accounts.models import Event
from accounts.tests.factories import PASSWORD, AdministratorFactory
from usermgmt.http.contracts import is_page
from usermgmt.http.logs import JSONFormatter
from usermgmt.http.middleware import OriginMiddleware, address_of


@pytest.fixture
def lines(caplog):
    """The lines of the access log so far, as objects."""
    caplog.set_level(logging.INFO, logger="usermgmt.access")
    return lambda: [
        json.loads(JSONFormatter().format(record)) for record in caplog.records if record.name == "usermgmt.access"
    ]


# The request's id


@pytest.mark.parametrize("sent", ["a", "0af7651916cd43dd8448eb211c80319c", "A.b_c-9", "x" * 64])
def test_an_id_that_was_sent_comes_back(client, sent):
    assert client.get("/livez", headers={"X-Request-ID": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\nb", "ä", "<script>", "a;b", "a\n", "../x", '{"a":1}'])
def test_an_id_that_could_not_stand_in_a_log_is_replaced(client, sent):
    made = client.get("/livez", headers={"X-Request-ID": sent})["X-Request-ID"]
    assert str(uuid.UUID(made)) == made


def test_requests_without_one_get_one_each(client):
    made = [client.get("/livez")["X-Request-ID"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(str(uuid.UUID(one)) == one for one in made)


def test_an_answer_from_before_any_view_has_it_too(client, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    answer = client.get("/users", headers={"X-Request-ID": "abc"})
    assert (answer.status_code, answer["X-Request-ID"]) == (400, "abc")


# Where it came from


@pytest.fixture
def came_from(settings):
    """The address of a request by its connection and its X-Forwarded-For, behind two kinds of proxies."""
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:aa::/48")]

    def address(connected, forwarded=None):
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        return address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=connected))

    return address


@pytest.mark.parametrize("forwarded", [None, "", "198.51.100.1", "10.0.0.1", "198.51.100.1, 10.0.0.1", "garbage"])
@pytest.mark.parametrize("connected", ["203.0.113.9", "2001:db8:bb::1"])
def test_a_caller_who_is_no_proxy_is_who_is_connected_whatever_is_forwarded(came_from, connected, forwarded):
    assert came_from(connected, forwarded) == connected


def test_no_proxy_is_trusted_unless_it_is_named(came_from, settings):
    settings.TRUSTED_PROXIES = []
    assert came_from("10.0.0.1", "198.51.100.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("connected", "forwarded", "address"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        # What the caller itself sent stands to the left of what our proxy saw.
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.7, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "garbage, 198.51.100.1", "198.51.100.1"),
        # Several proxies of ours
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("2001:db8:aa::1", "2001:DB8:BB:0::7", "2001:db8:bb::7"),
        ("2001:db8:aa::1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        # IPv4 within IPv6, as a socket for both families says it
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        # A zone is no part of an address, and databases refuse it
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("10.0.0.1", "fe80::1%" + "x" * 500, "fe80::1"),
        # What is no address
        ("10.0.0.1", "garbage", None),
        ("10.0.0.1", "unknown", None),
        ("10.0.0.1", "198.51.100.1:4711", None),
        ("10.0.0.1", "198.51.100.256", None),
        ("10.0.0.1", "198.51.100.1; DROP TABLE", None),
        ("", None, None),  # a unix socket
        ("", "198.51.100.1", None),
    ],
)
def test_behind_our_proxies_the_caller_is_the_last_one_who_is_none(came_from, connected, forwarded, address):
    assert came_from(connected, forwarded) == address


@pytest.mark.parametrize("forwarded", ["fe80::1%eth0", "fe80::1%" + "x" * 500, "garbage", "::ffff:198.51.100.1"])
def test_whatever_is_forwarded_the_audit_trail_can_hold(db, client, settings, forwarded):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    body = {"email": "nobody@example.com", "password": "wrong password"}
    answer = client.post(
        "/auth/token", body, "application/json", headers={"X-Forwarded-For": forwarded, "X-Request-ID": "abc"}
    )
    assert answer.status_code == 401
    event = Event.objects.get()
    assert (event.contract, event.request_id, event.action) == ("native", "abc", "sign_in.failed")
    assert event.address in ("fe80::1", None, "198.51.100.1")


# Caching


def test_nothing_is_kept_by_caches_unless_a_page_says_so(cast, call, client):
    for path in ("/users/current", "/users/99", "/nope", "/livez"):
        assert call(cast.owner).get(path)["Cache-Control"] == "no-store"
    assert client.get("/users")["Cache-Control"] == "no-store"
    assert client.get("/.well-known/jwks.json")["Cache-Control"] == "public, max-age=300"


# The line of log


def test_every_request_has_one_line(cast, call, lines):
    caller = call(cast.owner)
    caller.get("/users/current?secret=1", HTTP_X_REQUEST_ID="abc", REMOTE_ADDR="203.0.113.9")
    (line,) = lines()
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "usermgmt.access",
        "message": "GET /users/current 200",
        "method": "GET",
        "path": "/users/current",
        "status": 200,
        "request_id": "abc",
        "contract": "native",
        "address": "203.0.113.9",
        "user": cast.owner.pk,
    }


def test_no_line_has_a_query_a_body_a_token_or_a_password(cast, call, lines, client):
    client.post("/auth/token?token=SECRET", {"email": "olga@example.com", "password": PASSWORD}, "application/json")
    client.get("/users?search=SECRET", headers={"Authorization": "Bearer SECRET", "Cookie": "sessionid=SECRET"})
    call(cast.administrator).get("/users?email=SECRET@example.com")
    text = json.dumps(lines())
    assert [line["status"] for line in lines()] == [200, 401, 200]
    assert "SECRET" not in text
    assert PASSWORD not in text
    assert "olga" not in text


def test_a_line_break_in_a_path_breaks_no_line(client, lines):
    client.get("/users/%0aINFO%20forged")
    (line,) = lines()
    assert line["path"] == "/users/\nINFO forged"
    assert "\n" not in json.dumps(line)


def test_failures_have_their_line_too(db, call, lines, monkeypatch):
    monkeypatch.setattr("usermgmt.http.health.connections", None)
    assert call().get("/readyz").status_code == 500
    assert [(line["status"], line["path"], line["user"]) for line in lines()] == [(500, "/readyz", None)]


@pytest.mark.parametrize("path", ["/password/reset", "/admin/login/"])
def test_what_is_no_form_of_ours_leaves_no_trace(client, db, caplog, settings, path):
    fields = {f"field{number}": "" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert client.post(path, urlencode(fields), content_type="application/x-www-form-urlencoded").status_code == 400
    assert not [record.name for record in caplog.records if record.exc_info]


def test_an_error_is_one_line_with_its_trace_in_it(client, caplog, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("usermgmt.http.health.connections", None)
    client.get("/readyz")
    (record,) = [record for record in caplog.records if record.name == "usermgmt.problems"]
    text = JSONFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("error", "unexpected error")
    assert "TypeError" in line["trace"]


def test_a_line_of_the_admin_site_names_the_member_of_staff(db, client, lines):
    administrator = AdministratorFactory()
    client.force_login(administrator)
    assert client.get("/admin/").status_code == 200
    (line,) = lines()
    assert (line["contract"], line["user"]) == ("admin", administrator.pk)


def test_with_the_database_away_the_admin_site_answers_and_has_its_line(db, client, lines):
    def away(*arguments):
        raise OperationalError("gone")

    client.force_login(AdministratorFactory())
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = client.get("/admin/", headers={"X-Request-ID": "abc"})
    assert (answer.status_code, answer["Retry-After"], answer["X-Request-ID"]) == (503, "1", "abc")
    assert [(line["status"], line["user"]) for line in lines()] == [(503, None)]


def test_the_origin_ends_with_the_request(rf):
    from django.http import HttpResponse

    from usermgmt.origin import Origin, current

    seen = []

    def view(request):
        seen.append(current())
        return HttpResponse()

    OriginMiddleware(view)(rf.get("/users", headers={"X-Request-ID": "abc"}))
    OriginMiddleware(view)(rf.get("/admin/", headers={"X-Request-ID": "def"}))
    assert seen == [Origin("native", "abc", "127.0.0.1"), Origin("admin", "def", "127.0.0.1")]
    assert current() == Origin("command", "", None)


# Sessions


def test_a_session_of_the_admin_site_opens_no_api(db, client):
    client.force_login(AdministratorFactory())
    assert client.get("/admin/").status_code == 200
    answer = client.get("/users/current")
    assert (answer.status_code, answer.cookies) == (401, {})


def test_the_apis_set_no_cookie_and_ask_for_no_forgery_token(cast):
    program = Client(enforce_csrf_checks=True)
    answer = program.post("/auth/token", {"email": "olga@example.com", "password": PASSWORD}, "application/json")
    assert (answer.status_code, answer.cookies) == (200, {})
    answer = program.post("/nope", {}, "application/json")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_forms_of_the_admin_site_ask_for_a_forgery_token(cast):
    person = Client(enforce_csrf_checks=True)
    answer = person.post("/admin/login/", {"username": "ada@example.com", "password": PASSWORD})
    assert (answer.status_code, "sessionid" in answer.cookies) == (403, False)


@pytest.mark.parametrize(("caller", "believed"), [("10.0.0.1", True), ("192.0.2.7", False)])
def test_the_forwarded_scheme_is_believed_from_our_proxies_only(client, settings, caller, believed):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/nope", REMOTE_ADDR=caller, HTTP_X_FORWARDED_PROTO="https")
    assert (answer.status_code == 404) is believed
    assert (answer.status_code == 301) is not believed


# The short way of calls

APP = "https://app.example.com"
ASKED = [
    ("get", "/users", {}),
    ("get", "/users/current", {"Authorization": "Bearer x"}),
    ("head", "/users/7", {}),
    ("post", "/auth/token", {"Content-Type": "text/plain"}),
    ("options", "/users", {}),
    ("options", "/users", {"Access-Control-Request-Method": "GET"}),
    ("options", "/v1/users", {"Origin": APP, "Access-Control-Request-Method": "GET"}),
    ("get", "/v1/users", {"Origin": APP}),
    ("get", "/api/v1/users.list", {"Origin": "https://evil.example.com"}),
    ("get", "/nope", {}),
    ("get", "/livez", {}),
    ("get", "/openapi.json", {}),
    ("get", "/users", {"Host": "elsewhere.example.com"}),
    ("get", "/users", {"Host": "bad host", "Origin": APP}),
    ("options", "/users", {"Host": "elsewhere.example.com", "Origin": APP, "Access-Control-Request-Method": "GET"}),
]


CHANGING = ("X-Request-ID", "X-RateLimit-Remaining", "X-RateLimit-Reset")
USUAL = {"content-length", "content-security-policy", "cross-origin-opener-policy", "referrer-policy", "vary"}
USUAL |= {"x-content-type-options", "x-frame-options"}
HTTPS = {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 60}


@pytest.mark.parametrize("https", [{}, HTTPS], ids=["any", "HTTPS alone"])
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("asked", ASKED)
def test_a_call_is_answered_as_by_all_middleware(db, settings, asked, secure, https):
    method, path, headers = asked
    settings.CORS_ALLOWED_ORIGINS = [APP]
    for name, value in https.items():
        setattr(settings, name, value)

    def answered():
        answer = getattr(Client(), method)(path, headers={"X-Request-ID": "req-same", **headers}, secure=secure)
        content = re.sub(rb"req-[0-9a-f-]{36}", b"", answer.content)
        told = {name.lower(): value for name, value in answer.items() if name not in CHANGING}
        return answer.status_code, content, told

    short = answered()
    with mock.patch("usermgmt.http.middleware.is_page", lambda request: True):
        whole = answered()
    assert short[:2] == whole[:2]
    assert whole[2].items() <= short[2].items()
    # Django tells less where one of its middlewares answers in front of others: of another host, to go to HTTPS.
    assert short[2].keys() - whole[2].keys() <= (USUAL if short[0] in (301, 400) else set())


def test_calls_pass_nothing_that_is_for_pages(db, client, monkeypatch):
    passed = []
    for name in (
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.middleware.common.CommonMiddleware",
        "usermgmt.http.middleware.AdminSessionMiddleware",
    ):
        monkeypatch.setattr(f"{name}.__call__", lambda self, request: passed.append(1) or self.get_response(request))
    assert client.get("/users").status_code == 401
    assert passed == []
    assert client.get("/").status_code == 200
    assert passed == [1, 1, 1]


def pages():
    """The paths that the root table has beside the contracts and the calls of health and documents."""
    calls = {"livez", "readyz", "openapi", "openapi-of"}
    table = [found for found in get_resolver().url_patterns if isinstance(found, URLPattern) and found.name]
    return [str(found.pattern) for found in table if found.name not in calls] + ["admin/login/", "static/x.css"]


@pytest.mark.parametrize("path", pages())
def test_all_that_is_for_people_is_known_as_a_page(path):
    assert is_page(RequestFactory().get(f"/{path}"))


@pytest.mark.parametrize("path", ["/users", "/auth/email/verify", "/v1/users", "/api/users", "/emails", "/x/admin/"])
def test_a_call_is_no_page(path):
    assert not is_page(RequestFactory().get(path))
