"""The canaries sing: a secret in an answer or in a log is found, wherever the suite meets it."""

import json
import logging
import re

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import JsonResponse
from django.test import RequestFactory

from usermgmt.http import contracts
from usermgmt.tests.canaries import Watch

API_TOKEN = "um_0123456789abcdef_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJlc2ln"


def posted(path, body) -> WSGIRequest:
    return RequestFactory().post(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def watch():
    return Watch()


def test_a_password_that_comes_back_is_found(watch):
    watch.answered(
        posted("/users", {"password": "canary in a coal mine"}), JsonResponse({"x": "canary in a coal mine"})
    )

    assert watch.findings == ["the secret 'canary in a coal min'... in the answer to POST /users"]


def test_it_is_found_in_a_later_answer_and_in_a_log(watch):
    watch.answered(posted("/users", {"users": [{"password": "canary in a coal mine"}]}), JsonResponse({}))
    watch.answered(posted("/clients", {}), JsonResponse({"name": "canary in a coal mine"}))
    watch.logged(logging.makeLogRecord({"name": "x", "msg": "sent %s", "args": ("canary in a coal mine",)}))

    assert watch.findings == [
        "the secret 'canary in a coal min'... in the answer to POST /clients",
        "the secret 'canary in a coal min'... in a line of x",
    ]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a hash of Argon2", "argon2$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA"),
        ("a hash of bcrypt", "$2b$12$abcdefghijklmnopqrstuv"),
        ("a digest", "0123456789abcdef" * 4),
        ("a JWT", JWT),
        ("an API token", "um_0123456789abcdef_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
    ],
)
def test_what_looks_like_a_secret_is_found(watch, what, text):
    watch.answered(RequestFactory().get("/users"), JsonResponse({"x": text}))

    assert watch.findings == [f"{what} in the answer to GET /users"]


def test_an_answer_that_hands_a_token_out_may(watch):
    watch.answered(posted("/auth/token", {}), JsonResponse({"access": JWT}))

    assert watch.findings == []


@pytest.mark.parametrize("key", ["authToken", "resume", "pass", "token", "new_password", "refresh"])
def test_whatever_a_contract_calls_its_secrets_is_watched(watch, key):
    watch.answered(posted("/api/v1/users.update", {key: "canary in a coal mine"}), JsonResponse({}))
    watch.answered(posted("/api/v1/users.create", {}), JsonResponse({"bio": "canary in a coal mine"}))

    assert watch.findings == ["the secret 'canary in a coal min'... in the answer to POST /api/v1/users.create"]


def test_what_stands_in_a_form_is_watched_and_a_session_is_told_in_its_cookie_alone(watch):
    sent = {"form_name": "x", "form": {"password": "canary in a coal mine"}}
    opened = JsonResponse({})
    opened.set_cookie("forms_session", API_TOKEN)
    watch.answered(posted("/api/sessions", sent), opened)
    assert watch.findings == []

    watch.answered(posted("/api/users", sent), JsonResponse({"errors": {"base": ["canary in a coal mine", API_TOKEN]}}))
    assert watch.findings == [
        "an API token in the answer to POST /api/users",
        "the secret 'canary in a coal min'... in the answer to POST /api/users",
    ]


def test_a_login_by_a_token_tells_that_token_and_no_password(watch):
    sent = {"resume": API_TOKEN, "password": "canary in a coal mine"}
    watch.answered(posted("/api/v1/login", sent), JsonResponse({"authToken": API_TOKEN}))
    assert watch.findings == []

    watch.answered(posted("/api/v1/login", sent), JsonResponse({"me": "canary in a coal mine"}))
    watch.answered(posted("/api/v1/users.create", {}), JsonResponse({"bio": API_TOKEN}))
    assert "the secret 'canary in a coal min'... in the answer to POST /api/v1/login" in watch.findings
    assert "an API token in the answer to POST /api/v1/users.create" in watch.findings


def test_what_was_sent_as_no_secret_may_come_back(watch):
    watch.answered(
        posted("/users", {"name": "Olga Owner", "password": "Olga Owner"}), JsonResponse({"name": "Olga Owner"})
    )

    assert watch.findings == []


def seen(canaries):
    """What the suite's own watch has found in this test; then it forgets, and the test may pass."""
    found, canaries.watch.findings = canaries.watch.findings, []
    return found


def test_the_suite_watches_every_answer_of_a_test_client(client, canaries, monkeypatch):
    monkeypatch.setattr(contracts, "_REQUEST_ID", re.compile(".*"))

    client.get("/livez", headers={"X-Request-ID": JWT})

    assert "a JWT in the answer to GET /livez" in seen(canaries)


def test_the_suite_watches_every_line_of_log(canaries):
    logging.getLogger("leak").error("token %s", JWT)

    assert seen(canaries) == ["a JWT in a line of leak"]


def test_the_suite_watches_the_access_log(client, canaries):
    client.get(f"/{JWT}?token={JWT}x")

    assert seen(canaries) == [
        "a JWT in a line of usermgmt.access"
    ]  # of the path, which may hold anything; not the query
