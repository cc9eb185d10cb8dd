"""The OpenAPI document of the contract: complete, and true of what it answers (contract 1 to 5).

See also conftest.py, by which every test of this contract holds its answers against the document.
"""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from usermgmt.dialects.resource.tests.described import document, resolved, validator
from usermgmt.dialects.resource.tests.shapes import ERROR, JOHN, LIMITS, USER, refusal_of, user_of
from usermgmt.dialects.resource.urls import contract
from usermgmt.http.schema import ContractGenerator

ALWAYS = {400, 401, 403, 429, 500, 503}
A_BODY = {413, 415}
CALLS = {
    "listUsers": ("get", "/v1/users", ALWAYS | {200}),
    "createUser": ("post", "/v1/users", ALWAYS | A_BODY | {201}),
    "getUser": ("get", "/v1/users/{id}", ALWAYS | {200, 404}),
    "updateUser": ("patch", "/v1/users/{id}", ALWAYS | A_BODY | {200, 404}),
    "deleteUser": ("delete", "/v1/users/{id}", ALWAYS | {204, 404}),
}


def call_of(name):
    method, place, _ = CALLS[name]
    return document()["paths"][place][method]


def body_of(name):
    assert call_of(name)["requestBody"]["required"] is True
    return call_of(name)["requestBody"]["content"]["application/json"]


def test_it_is_valid_openapi_3_1():
    said = StringIO()
    call_command("check_documents", stdout=said)
    assert "resource: 2 paths, valid OpenAPI 3.1.0" in said.getvalue()


def test_it_is_the_same_in_every_process_and_within_a_call_of_the_contract():
    again = json.loads(json.dumps(ContractGenerator(contract).get_schema(public=True)))
    assert json.dumps(again) == json.dumps(document())


def test_it_is_served_to_anyone_and_shown_by_the_reader(db, client):
    assert client.get("/openapi/resource.json").json() == document()
    assert 'data-document="/openapi/resource.json"' in client.get("/docs?contract=resource").content.decode()


def test_it_has_the_five_calls_and_no_other():
    told = {(method, place) for place, methods in document()["paths"].items() for method in methods}
    assert told == {(method, place) for method, place, _ in CALLS.values()}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_tells_every_status_with_its_headers_and_true_examples(name):
    call = call_of(name)
    assert (call["operationId"], call["tags"], bool(call["summary"])) == (name, ["Users"], True)
    assert {int(status) for status in call["responses"]} == CALLS[name][2]
    for status, told in call["responses"].items():
        answer = resolved(told)
        assert {*LIMITS, "X-Request-ID"} <= set(answer["headers"]), status
        assert all(resolved(answer["headers"][header])["required"] for header in LIMITS), status
        if status == "204":
            assert "content" not in answer
            continue
        (content,) = answer["content"].values()
        assert content["examples"], status
        for example in content["examples"].values():
            validator(content["schema"]).validate(example["value"])


def test_its_shapes_are_those_of_the_contract():
    """Keyword by keyword, as the tables have them; an address as all of the directory has it, which is stricter."""
    schemas = document()["components"]["schemas"]

    def told(schema):
        kept = ("type", "minLength", "maxLength")
        return {
            name: {key: value for key, value in property_.items() if key in kept and name != "userId"}
            for name, property_ in schema["properties"].items()
        }

    assert told(schemas["User"]) == told(USER)
    assert schemas["User"]["required"] == USER["required"]
    assert schemas["User"]["additionalProperties"] is False
    assert {*schemas["Error"]["properties"]["code"]["enum"]} == {*ERROR["properties"]["code"]["enum"]}
    assert schemas["Error"]["required"] == ERROR["required"]


@pytest.mark.parametrize(
    ("name", "body", "sound"),
    [
        ("createUser", JOHN, True),
        ("createUser", JOHN | {"userId": 77}, True),
        ("createUser", {"firstName": "John", "contactEmail": "a@b.co"}, False),
        ("createUser", JOHN | {"firstName": ""}, False),
        ("createUser", JOHN | {"lastName": "x" * 101}, False),
        ("createUser", JOHN | {"lastName": " "}, False),
        ("createUser", JOHN | {"contactEmail": "nope"}, False),
        ("createUser", JOHN | {"firstName": None}, False),
        ("updateUser", {"contactEmail": "a@b.co"}, True),
        ("updateUser", {}, False),
        ("updateUser", {"foo": 1}, False),
    ],
    ids=str,
)
def test_a_body_is_as_it_is_told_exactly_if_it_is_taken(cast, call, name, body, sound):
    method, place, _ = CALLS[name]
    answer = getattr(call(cast.administrator), method)(place.format(id=cast.owner.pk), body)
    assert validator(body_of(name)["schema"]).is_valid(body) is sound
    if sound:
        assert user_of(answer, answer.status_code)["contactEmail"] == body["contactEmail"]
    else:
        assert refusal_of(answer)[0] == 400


def test_the_contract_s_own_examples_are_the_document_s():
    (shown,) = [told["value"] for told in body_of("createUser")["examples"].values()]
    assert shown == JOHN
    (missing,) = [
        example["value"]
        for example in resolved(call_of("createUser")["responses"]["400"])["content"]["application/json"][
            "examples"
        ].values()
        if example["value"]["code"] == "MISSING_REQUIRED_FIELD"
    ]
    assert missing == {
        "code": "MISSING_REQUIRED_FIELD",
        "message": "The `lastName` field is required.",
        "details": [{"field": "lastName", "reason": "Is required", "location": "body"}],
        "requestId": "req-f8d31a62-e789-4856-9452-5efa50223c7a",
    }
    throttled = resolved(call_of("getUser")["responses"]["429"])["content"]["application/json"]["examples"]
    assert [told["value"]["message"] for told in throttled.values()] == ["Rate limit exceeded. Try again in 30 seconds"]
