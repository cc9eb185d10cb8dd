"""Scripts of other origins: none is let in, save those of CORS_ORIGINS, exactly (Fetch, "CORS protocol")."""

import pytest

APP = "https://app.example.com"
STRANGERS = [
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://evil.example/app.example.com",
    "https://xapp.example.com",
    "https://sub.app.example.com",
    "https://app.example.com@evil.example",
    "null",
    "",
    "*",
    "https://[",
]
ASKED = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}


@pytest.fixture
def open_to_app(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]


def told(answer):
    """What an answer tells of CORS."""
    return {name: value for name, value in answer.items() if name.lower().startswith("access-control-")}


def test_nobody_is_let_in_by_default(cast, call):
    browser = call(cast.owner)

    answer = browser.get("/users/current", headers={"Origin": APP})
    preflight = browser.options("/users/current", headers={"Origin": APP, **ASKED})

    assert answer.status_code == 200
    assert told(answer) == told(preflight) == {}


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_that_is_not_named_is_not_let_in(cast, call, open_to_app, origin):
    browser = call(cast.owner)

    answer = browser.get("/users/current", headers={"Origin": origin})
    preflight = browser.options("/users/current", headers={"Origin": origin, **ASKED})

    assert told(answer) == told(preflight) == {}


def test_a_named_origin_reads_answers_and_their_headers(cast, call, open_to_app):
    answer = call(cast.owner).get("/users/current", headers={"Origin": APP})

    assert answer.status_code == 200
    assert told(answer)["access-control-allow-origin"] == APP
    exposed = told(answer)["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "Location", "Retry-After", "RateLimit-Remaining", "X-Request-ID"} <= set(exposed)
    assert "origin" in answer["Vary"].lower()


def test_a_named_origin_reads_refusals(db, call, open_to_app):
    answer = call().get("/users/current", headers={"Origin": APP})

    assert (answer.status_code, told(answer)["access-control-allow-origin"]) == (401, APP)


def test_a_preflight_of_a_named_origin_tells_what_may_be_sent(db, call, open_to_app):
    answer = call().options("/users/7", headers={"Origin": APP, **ASKED})

    assert answer.status_code == 200
    assert told(answer)["access-control-allow-origin"] == APP
    assert told(answer)["access-control-allow-methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert told(answer)["access-control-allow-headers"] == (
        "authorization, content-type, if-match, idempotency-key, x-request-id, x-auth-token, x-user-id, x-2fa-code"
    )


@pytest.mark.parametrize("path", ["/users", "/v1/users", "/api/v1/users.list", "/api/users", "/nope", "/docs", "/"])
@pytest.mark.parametrize("origin", [APP, STRANGERS[0]])
def test_a_preflight_for_another_host_is_refused_as_every_request_for_it(db, call, open_to_app, path, origin):
    sent = {"Origin": origin, "Host": "elsewhere.example.com"}

    preflight = call().options(path, headers={**sent, **ASKED})
    usual = call().get(path, headers=sent)

    assert preflight.status_code == usual.status_code
    assert preflight.status_code in (400, 406)  # as the contract of the path has it
    assert told(preflight).get("access-control-allow-origin") == told(usual).get("access-control-allow-origin")


def test_cookies_never_go_along(cast, call, open_to_app):
    answer = call(cast.owner).get("/users/current", headers={"Origin": APP})

    assert "access-control-allow-credentials" not in told(answer)


def test_the_admin_site_is_for_no_other_origin(cast, staff, open_to_app):
    browser = staff(cast.administrator)

    answer = browser.get("/admin/", headers={"Origin": APP})
    preflight = browser.options("/admin/", headers={"Origin": APP, **ASKED})

    assert told(answer) == told(preflight) == {}
