"""The OpenAPI document of the native contract, complete and true (native contract 1 to 7), and its reader."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.http import JsonResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from jsonschema import Draft202012Validator
from rest_framework.response import Response

from accounts import emails, passwords
from accounts.api.event_filters import EventFilterSet, UserEventFilterSet
from accounts.api.filters import UserFilterSet
from accounts.api.mapping import INCLUDABLE
from accounts.api.schema.document import DOCUMENT
from accounts.models import NAME_MAX_LENGTH
from usermgmt import VERSION, pages
from usermgmt.http.contracts import Contract, documented_contracts
from usermgmt.http.schema import RATE_HEADERS, ContractGenerator, documented
from usermgmt.http.viewsets import Calls
from usermgmt.urls import NATIVE

ALWAYS = {400, 406, 429, 500, 503}
OPEN = ALWAYS | {401, 409, 413, 415, 422}
CLOSED = ALWAYS | {401, 403}
A_KEY = {409, 422}
A_BODY = {413, 415, 422}

# Each call of the contract, and every status that it answers with.
CALLS = {
    "obtainToken": ("POST", "/auth/token", OPEN | {200}),
    "refreshToken": ("POST", "/auth/token/refresh", OPEN | {200}),
    "revokeToken": ("POST", "/auth/token/revoke", OPEN | {204}),
    "verifyToken": ("POST", "/auth/token/verify", OPEN | {200}),
    "requestReset": ("POST", "/auth/password/reset", ALWAYS | A_BODY | A_KEY | {202}),
    "confirmReset": ("POST", "/auth/password/reset/confirm", ALWAYS | A_BODY | A_KEY | {200}),
    "verifyEmail": ("POST", "/auth/email/verify", ALWAYS | A_BODY | A_KEY | {200}),
    "getKeys": ("GET", "/.well-known/jwks.json", ALWAYS | {200}),
    "listApiTokens": ("GET", "/tokens", CLOSED | {200, 422}),
    "createApiToken": ("POST", "/tokens", CLOSED | A_BODY | A_KEY | {201}),
    "revokeApiToken": ("DELETE", "/tokens/{id}", CLOSED | {204, 404}),
    "listUsers": ("GET", "/users", CLOSED | {200, 422}),
    "createUser": ("POST", "/users", CLOSED | A_BODY | A_KEY | {201}),
    "createUsers": ("POST", "/users/bulk", CLOSED | A_BODY | A_KEY | {200}),
    "getUser": ("GET", "/users/{id}", CLOSED | {200, 404, 422}),
    "replaceUser": ("PUT", "/users/{id}", CLOSED | A_BODY | {200, 404, 412}),
    "updateUser": ("PATCH", "/users/{id}", CLOSED | A_BODY | {200, 404, 412}),
    "deleteUser": ("DELETE", "/users/{id}", CLOSED | {204, 404, 412, 422}),
    "signOutUser": ("POST", "/users/{id}/sign_out", CLOSED | A_KEY | {204, 404}),
    "inviteUser": ("POST", "/users/{id}/invitation", CLOSED | A_KEY | {202, 404, 422}),
    "askForProof": ("POST", "/users/{id}/verification", CLOSED | A_KEY | {202, 404, 422}),
    "listUserEvents": ("GET", "/users/{id}/events", CLOSED | {200, 404, 422}),
    "listEvents": ("GET", "/events", CLOSED | {200, 422}),
    "getCurrentUser": ("GET", "/users/current", CLOSED | {200, 422}),
    "replaceCurrentUser": ("PUT", "/users/current", CLOSED | A_BODY | {200, 412}),
    "updateCurrentUser": ("PATCH", "/users/current", CLOSED | A_BODY | {200, 412}),
    "listClients": ("GET", "/clients", CLOSED | {200, 422}),
    "createClient": ("POST", "/clients", CLOSED | A_BODY | A_KEY | {201}),
    "getClient": ("GET", "/clients/{id}", CLOSED | {200, 404}),
    "replaceClient": ("PUT", "/clients/{id}", CLOSED | A_BODY | {200, 404, 412}),
    "updateClient": ("PATCH", "/clients/{id}", CLOSED | A_BODY | {200, 404, 412}),
    "deleteClient": ("DELETE", "/clients/{id}", CLOSED | {204, 404, 412, 422}),
}
OPEN_CALLS = {"obtainToken", "refreshToken", "revokeToken", "verifyToken", "getKeys"}
OPEN_CALLS |= {"requestReset", "confirmReset", "verifyEmail"}
BODILESS = {"signOutUser", "inviteUser", "askForProof"}
OF_SIGN_INS = {"listApiTokens", "createApiToken", "revokeApiToken"}  # a token breeds no tokens
SHOWS_USERS = {name for name, (method, place, _) in CALLS.items() if "/users" in place and method != "DELETE"}
SHOWS_USERS = SHOWS_USERS - BODILESS - {"listUserEvents"} | {"obtainToken"}


@pytest.fixture(scope="module")
def document():
    return json.loads(pages.document(NATIVE))


@pytest.fixture(scope="module")
def calls(document):
    """Each operation by its id."""
    return {call["operationId"]: call for methods in document["paths"].values() for call in methods.values()}


def resolved(document, node):
    """What a `$ref` points to; anything else is itself."""
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def walk(node):
    """Every object within."""
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(item)


def parameters(document, call, place):
    told = [resolved(document, parameter) for parameter in call["parameters"]]
    return {parameter["name"]: parameter for parameter in told if parameter["in"] == place}


def test_it_is_made_without_a_warning_and_is_valid(tmp_path, capsys):
    call_command(
        "spectacular", fail_on_warn=True, validate=True, file=str(tmp_path / "openapi.yaml"), stdout=StringIO()
    )
    assert (tmp_path / "openapi.yaml").read_text().startswith("openapi: 3.1")
    assert capsys.readouterr().err == ""


def test_it_is_the_same_in_every_process(document):
    again = json.loads(json.dumps(ContractGenerator(NATIVE).get_schema(public=True)))
    assert json.dumps(again) == json.dumps(document)  # the order included


def test_it_is_served_to_anyone_and_may_be_kept(client):
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer.json()["info"]["version"] == VERSION
    assert answer.json()["servers"] == [{"url": "/"}]


def test_it_has_every_call_of_the_url_conf_and_no_other(document):
    routed = {
        (method.upper(), "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(route.pattern)))
        for route in NATIVE.urls
        for method in set(route.callback.actions) - {"head"}  # which DRF adds once it was asked for
    }
    told = {(method.upper(), place) for place, methods in document["paths"].items() for method in methods}
    assert told == routed
    assert told == {(method, place) for method, place, _ in CALLS.values()}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_tells_every_status_that_it_answers_with(document, calls, name):
    method, place, statuses = CALLS[name]
    assert document["paths"][place][method.lower()]["operationId"] == name
    assert {int(status) for status in calls[name]["responses"]} == statuses


@pytest.mark.parametrize("name", CALLS)
def test_every_answer_has_a_description_a_schema_and_a_true_example(document, calls, name):
    for status, told in calls[name]["responses"].items():
        response = resolved(document, told)
        assert response["description"], status
        assert "X-Request-ID" in response["headers"], status
        if status == "204":
            assert "content" not in response
            continue
        (content,) = response["content"].values()
        assert content["schema"], status
        assert content["examples"], status
        for example in content["examples"].values():
            validator(document, content["schema"]).validate(example["value"])


@pytest.mark.parametrize("name", CALLS)
def test_every_body_that_is_read_has_a_true_example(document, calls, name):
    if calls[name].get("requestBody") is None:
        assert CALLS[name][0] in ("GET", "DELETE") or name in BODILESS
        return
    content = calls[name]["requestBody"]["content"]["application/json"]
    (example,) = content["examples"].values()
    validator(document, content["schema"]).validate(example["value"])


def validator(document, schema):
    return Draft202012Validator({**schema, "components": document["components"]})


def test_only_the_calls_on_tokens_and_the_keys_are_open(document, calls):
    assert {name for name, call in calls.items() if call["security"] == [{}]} == OPEN_CALLS
    either = [{"accessToken": []}, {"apiToken": []}]
    for name, call in calls.items():
        if name not in OPEN_CALLS:
            assert call["security"] == (either[:1] if name in OF_SIGN_INS else either)
    access, api = (document["components"]["securitySchemes"][name] for name in ("accessToken", "apiToken"))
    assert (access["type"], access["scheme"], access["bearerFormat"]) == ("http", "bearer", "JWT")
    assert (api["type"], api["scheme"]) == ("http", "bearer")


def test_every_call_is_named_summed_up_and_grouped(document, calls):
    tags = [tag["name"] for tag in document["tags"]]
    assert tags == ["Tokens", "Links", "API tokens", "Users", "Events", "Clients"]
    for call in calls.values():
        assert call["summary"] and call["description"]
        assert len(call["tags"]) == 1 and call["tags"][0] in tags


# Answers


def test_a_user_has_the_four_keys_and_those_of_include(document):
    user = document["components"]["schemas"]["User"]
    assert set(user["required"]) == {"id", "name", "email", "client"}
    assert set(user["properties"]) - set(user["required"]) == set(INCLUDABLE)
    assert user["additionalProperties"] is False
    assert user["properties"]["client"]["oneOf"] == [{"$ref": "#/components/schemas/Client"}, {"type": "null"}]


def test_no_answer_has_a_password_and_every_body_takes_it_in_only(document):
    for name, schema in document["components"]["schemas"].items():
        told = {key: value for node in walk(schema) for key, value in node.get("properties", {}).items()}
        duty = {"must_change_password"} if name == "Profile" else set()  # whether, not which
        secrets = {key: value for key, value in told.items() if "password" in key and key not in duty}
        if name.endswith("Request"):
            assert all(secret["writeOnly"] for secret in secrets.values()), name
        elif name != "Errors":
            assert secrets == {}, name


@pytest.mark.parametrize(
    ("component", "body"),
    [
        ("Unauthenticated", {"error": "You need to sign in or sign up before continuing."}),
        ("Forbidden", {"error": "You are not authorized to perform this action."}),
        ("UserNotFound", {"error": "User not found"}),
        ("ClientNotFound", {"error": "Client not found"}),
        ("NotFound", {"error": "Not found"}),
        ("InvalidCredentials", {"error": "Invalid email or password."}),
        (
            "InvalidUser",
            {
                "errors": {
                    "email": ["has already been taken"],
                    "password": ["is too short (minimum is 8 characters)"],
                    "password_confirmation": ["doesn't match Password"],
                }
            },
        ),
    ],
)
def test_the_errors_are_those_of_the_contract_to_the_letter(document, component, body):
    (content,) = document["components"]["responses"][component]["content"].values()
    assert next(iter(content["examples"].values()))["value"] == body


@pytest.mark.parametrize(
    ("component", "headers"),
    [
        ("Unauthenticated", {"WWW-Authenticate"}),
        ("InvalidCredentials", {"WWW-Authenticate", *RATE_HEADERS}),
        ("InvalidToken", {"WWW-Authenticate"}),
        ("MethodNotAllowed", {"Allow"}),
        ("Stale", {"ETag"}),
        ("TooManyRequests", {"Retry-After", *RATE_HEADERS}),
        ("InFlight", {"Retry-After"}),
        ("Unavailable", {"Retry-After"}),
    ],
)
def test_an_error_tells_its_headers(document, component, headers):
    told = document["components"]["responses"][component]["headers"]
    assert set(told) == {"X-Request-ID", *headers}
    assert all(resolved(document, told[header])["required"] is True for header in headers)


@pytest.mark.parametrize(
    ("name", "status", "headers"),
    [
        ("obtainToken", "200", {*RATE_HEADERS, "Idempotent-Replayed"}),
        ("createUser", "201", {"ETag", "Location", "Idempotent-Replayed"}),
        ("createClient", "201", {"ETag", "Location", "Idempotent-Replayed"}),
        ("createApiToken", "201", {"Location", "Idempotent-Replayed"}),
        ("listApiTokens", "200", {"Link"}),
        ("signOutUser", "204", {"Idempotent-Replayed"}),
        ("getUser", "200", {"ETag"}),
        ("updateCurrentUser", "200", {"ETag"}),
        ("listUsers", "200", {"Link"}),
        ("listClients", "200", {"Link"}),
        ("listEvents", "200", {"Link"}),
        ("listUserEvents", "200", {"Link"}),
    ],
)
def test_an_answer_tells_its_headers(calls, name, status, headers):
    assert set(calls[name]["responses"][status]["headers"]) == headers | {"X-Request-ID"}


# What is sent


def test_the_list_tells_its_parameters(document, calls):
    told = parameters(document, calls["listUsers"], "query")
    assert set(told) == {*UserFilterSet.base_filters, "page", "per_page", "cursor", "ordering", "include"}
    assert told["per_page"]["schema"] == {"type": "integer", "minimum": 1, "default": 25}
    assert set(told["ordering"]["schema"]["enum"]) == {
        sign + name for sign in ("", "-") for name in ("id", "name", "email", "created_at", "last_sign_in")
    }
    assert told["client_id"]["explode"] is True
    number, null = told["client_id"]["schema"]["items"]["anyOf"]
    assert (number["type"], null) == ("integer", {"const": "null"})
    assert set(parameters(document, calls["listClients"], "query")) == {"page", "per_page", "cursor", "ordering"}


def test_the_lists_of_events_tell_their_parameters_and_their_order(document, calls):
    paging = {"page", "per_page", "cursor", "ordering"}
    told = parameters(document, calls["listEvents"], "query")
    assert set(told) == {*EventFilterSet.base_filters, *paging}
    assert told["ordering"]["schema"] == {"enum": ["id", "-id"], "default": "-id"}
    assert told["action"]["explode"] is True
    narrowing = set(UserEventFilterSet.base_filters)
    assert set(parameters(document, calls["listUserEvents"], "query")) == paging | narrowing
    event = document["components"]["schemas"]["Event"]
    assert event["additionalProperties"] is False
    assert set(event["required"]) == set(event["properties"])
    assert list(event["properties"]) == [
        "id", "at", "contract", "action", "actor", "target", "changes", "request_id", "address",
    ]  # fmt: skip


def test_every_call_that_shows_users_takes_include(document, calls):
    taking = {name: parameters(document, call, "query").get("include") for name, call in calls.items()}
    assert {name for name, told in taking.items() if told} == SHOWS_USERS
    assert taking["getUser"]["schema"]["items"]["enum"] == list(INCLUDABLE)
    assert taking["getUser"]["explode"] is False  # comma-separated


def test_every_change_of_what_is_there_takes_if_match_and_every_call_a_request_id(document, calls):
    taking = {name for name, call in calls.items() if "If-Match" in parameters(document, call, "header")}
    assert taking == {name for name, (_, _, statuses) in CALLS.items() if 412 in statuses}
    assert all("X-Request-ID" in parameters(document, call, "header") for call in calls.values())


def test_every_post_takes_an_idempotency_key_and_nothing_else_does(document, calls):
    taking = {name for name, call in calls.items() if "Idempotency-Key" in parameters(document, call, "header")}
    assert taking == {name for name, (method, _, _) in CALLS.items() if method == "POST"}
    told = document["components"]["parameters"]["IdempotencyKey"]["schema"]
    taken = [
        key
        for key in ("a", "8e03978e", '"quoted key"', "", "a b", '"open', "é")
        if Draft202012Validator(told).is_valid(key)
    ]
    assert taken == ["a", "8e03978e", '"quoted key"']


def test_the_limits_are_those_of_the_code(document, settings):
    told = document["components"]["schemas"]["NewUserRequest"]["properties"]
    assert (told["name"]["minLength"], told["name"]["maxLength"]) == (1, NAME_MAX_LENGTH)
    assert (told["email"]["minLength"], told["email"]["maxLength"]) == (emails.MIN_LENGTH, emails.MAX_LENGTH)
    assert told["password"]["minLength"] == settings.PASSWORD_MIN_LENGTH
    assert told["password"]["maxLength"] == passwords.MAX_LENGTH
    assert set(document["components"]["schemas"]["NewUserRequest"]["required"]) == {
        "name",
        "email",
        "password",
        "password_confirmation",
    }
    assert "required" not in document["components"]["schemas"]["UserChangesRequest"]


@pytest.mark.parametrize(
    "email", ["a@b.co", "j.d+x@sub.example.com", ".a@b.co", "a..b@c.de", "a@-b.co", "a@b", "ä@b.co"]
)
def test_the_pattern_of_an_email_takes_what_the_directory_takes(document, email):
    told = document["components"]["schemas"]["NewUserRequest"]["properties"]["email"]
    assert Draft202012Validator(told).is_valid(email) == emails.has_form(email)


def test_an_update_takes_no_password_and_a_blank_one(document):
    told = document["components"]["schemas"]["UserChangesRequest"]["properties"]["password"]
    taken = [value for value in (None, "", "short", "long enough", 5) if Draft202012Validator(told).is_valid(value)]
    assert taken == [None, "", "long enough"]


def test_the_sample_is_the_seeds_john_doe_and_is_made_as_it_says(cast, call, calls):
    assert calls["createUser"]["requestBody"]["required"] is True
    (sent,) = calls["createUser"]["requestBody"]["content"]["application/json"]["examples"].values()
    (told,) = calls["createUser"]["responses"]["201"]["content"]["application/json"]["examples"].values()
    assert sent["value"] == {
        "name": "John Doe",
        "email": "john.doe@example.com",
        "password": "securepassword",
        "password_confirmation": "securepassword",
        "client_id": 1,
    }
    assert told["value"] == {
        "id": 123,
        "name": "John Doe",
        "email": "john.doe@example.com",
        "client": {"id": 1, "name": "Client Name"},
    }
    answer = call(cast.administrator).post("/users", {**sent["value"], "client_id": cast.acme.pk})
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == list(told["value"])
    assert made == {**told["value"], "id": made["id"], "client": {"id": cast.acme.pk, "name": "Acme"}}


# A document a contract


@documented(
    list=[extend_schema(operation_id="listMembers", summary="List members", responses={200: {"type": "array"}})]
)
class Members(Calls):
    pagination_class = None

    def list(self, request):
        return Response([])


def in_mini(problem):
    return JsonResponse({"ok": False, "code": problem.code}, status=410, content_type="application/mini+json")


MINI = Contract(
    name="mini",
    prefix="mini/",
    urls=[path("members", Members.as_view({"get": "list"}))],
    render=in_mini,
    document=replace(DOCUMENT, title="Mini", tags={}),
)


def test_a_dialect_has_a_document_of_its_own(document):
    mini = json.loads(pages.document(MINI))
    assert mini["info"]["title"] == "Mini"
    assert list(mini["paths"]) == ["/mini/members"]
    assert "/mini/members" not in document["paths"]
    call = mini["paths"]["/mini/members"]["get"]
    assert set(call["responses"]) == {"200", "410"}  # its own words say all else as 410
    content = resolved(mini, call["responses"]["410"])["content"]["application/mini+json"]
    assert content["examples"]["bad_request"]["value"] == {"ok": False, "code": "bad_request"}


# The reader


def test_the_reader_comes_from_this_host_alone(client):
    answer = client.get("/docs")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = answer.content.decode()
    assert not re.search(r"(?:https?:)?//", page)
    assert 'data-document="/openapi.json"' in page
    taken = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(taken) == 5
    assert all(finders.find(name) for name in taken)
    own = Path(finders.find("usermgmt/docs.js")).read_text()
    assert not re.search(r"https?://", own)
    assert "validatorUrl: null" in own  # or Swagger UI shows the document to a host of its own


def test_the_reader_has_nothing_that_a_strict_content_security_policy_refuses(client):
    page = client.get("/docs").content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    assert all("src=" in attributes and not body for attributes, body in scripts)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)


def test_the_reader_hides_the_column_of_links_and_no_document_has_one():
    """Empty, it would make the answers wider than a telephone."""
    assert ".swagger-ui .response-col_links { display: none; }" in Path(finders.find("usermgmt/docs.css")).read_text()
    for contract in documented_contracts().values():
        assert not [node for node in walk(json.loads(pages.document(contract))) if "links" in node]


def test_our_style_sheet_names_parts_that_swagger_ui_has():
    own = Path(finders.find("usermgmt/docs.css")).read_text()
    theirs = Path(finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")).read_text()
    parts = {
        name for selector in re.findall(r"\.swagger-ui (.*) {", own) for name in re.findall(r"\.([\w-]+)", selector)
    }
    assert {"response-col_links", "response-col_status", "parameter__name"} <= parts
    assert not {name for name in parts if name not in theirs}


@pytest.mark.parametrize("place", ["/docs", "/openapi.json"])
def test_the_pages_are_only_read(client, place):
    answer = client.post(place)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert client.head(place).status_code == 200


def test_documents_are_made_by_one_thread_at_a_time(monkeypatch):
    """The generator loads its extensions as it goes: a second thread would meet them half loaded."""
    running, together = [], []

    def made(contract):
        running.append(contract)
        time.sleep(0.05)
        together.append(len(running))
        running.remove(contract)
        return b"{}"

    monkeypatch.setattr(pages, "_made", made)
    contracts = list(documented_contracts().values())
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(pages.document, contracts * 2)) == [b"{}"] * len(contracts) * 2
    assert set(together) == {1}
