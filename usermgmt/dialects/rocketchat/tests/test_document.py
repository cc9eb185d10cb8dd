"""The OpenAPI document of the contract: complete, and true of what it answers (contract 1 to 4)."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from jsonschema import ValidationError

from accounts.grants import Grant
from accounts.models import User
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD, UserFactory
from usermgmt.dialects.rocketchat import ajv, serializers
from usermgmt.dialects.rocketchat.errors import TABLE
from usermgmt.dialects.rocketchat.tests.callers import (
    LOGGED_OUT,
    MUST_CHANGE,
    NOT_PERMITTED,
    UNAUTHORIZED,
    allow,
    logged_in,
)
from usermgmt.dialects.rocketchat.tests.described import document, resolved, validator
from usermgmt.dialects.rocketchat.urls import contract
from usermgmt.http.schema import ContractGenerator

ALWAYS = {200, 400, 429, 500, 503}
CLOSED = ALWAYS | {401, 403}
A_BODY = {413}

# Each call of the contract, and every status that it answers with.
CALLS = {
    "get-api-info": ("GET", "/api/info", ALWAYS),
    "post-api-v1-login": ("POST", "/api/v1/login", ALWAYS | A_BODY | {401}),
    "get-api-v1-logout": ("GET", "/api/v1/logout", CLOSED),
    "post-api-v1-logout": ("POST", "/api/v1/logout", CLOSED),
    "get-api-v1-me": ("GET", "/api/v1/me", CLOSED),
    "post-api-v1-users.create": ("POST", "/api/v1/users.create", CLOSED | A_BODY),
    "get-api-v1-users.info": ("GET", "/api/v1/users.info", CLOSED),
    "get-api-v1-users.list": ("GET", "/api/v1/users.list", CLOSED),
    "post-api-v1-users.update": ("POST", "/api/v1/users.update", CLOSED | A_BODY),
    "post-api-v1-users.setActiveStatus": ("POST", "/api/v1/users.setActiveStatus", CLOSED | A_BODY),
    "post-api-v1-users.delete": ("POST", "/api/v1/users.delete", CLOSED | A_BODY),
    "post-api-v1-users.register": ("POST", "/api/v1/users.register", ALWAYS | A_BODY | {403}),
}
OPEN_CALLS = {"get-api-info", "post-api-v1-login", "post-api-v1-users.register"}
QUOTA_HEADERS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
BODIES = {
    "post-api-v1-users.create": serializers.USERS_CREATE,
    "post-api-v1-users.update": serializers.USERS_UPDATE,
    "post-api-v1-users.setActiveStatus": serializers.USERS_SET_ACTIVE_STATUS,
    "post-api-v1-users.delete": serializers.USERS_DELETE,
    "post-api-v1-users.register": serializers.USERS_REGISTER,
}

# The body that the product's page on users.create shows, its booleans real.
SEED = {
    "name": "Test User",
    "email": "email@user.tld1",
    "password": "anypassyouwant",
    "username": "uniqueusername1",
    "active": True,
    "nickname": "testusername",
    "bio": "All about the user",
    "joinDefaultChannels": True,
    "statusText": "On a vacation",
    "roles": ["bot"],
    "requirePasswordChange": False,
    "setRandomPassword": False,
    "sendWelcomeEmail": False,
    "verified": False,
    "customFields": {"clearance": "High", "team": "Queen"},
}


def calls():
    """Each operation by its id."""
    return {call["operationId"]: call for methods in document()["paths"].values() for call in methods.values()}


def examples(name, status):
    """The bodies that an answer shows, by their names."""
    (content,) = resolved(calls()[name]["responses"][str(status)])["content"].values()
    return {example: told["value"] for example, told in content["examples"].items()}


def body_of(name):
    return calls()[name]["requestBody"]["content"]["application/json"]


def sent(name):
    """The bodies that a call shows as sent."""
    return [example["value"] for example in body_of(name)["examples"].values()]


def component(name):
    return validator({"$ref": f"#/components/schemas/{name}"})


# The document


def test_it_is_valid_openapi_3_1_made_without_a_warning():
    said = StringIO()
    call_command("check_documents", stdout=said)
    assert f"rocketchat: {len({place for _, place, _ in CALLS.values()})} paths, valid OpenAPI 3.1.0" in said.getvalue()


def test_it_is_the_same_in_every_process():
    again = json.loads(json.dumps(ContractGenerator(contract).get_schema(public=True)))
    assert json.dumps(again) == json.dumps(document())


def test_it_is_served_to_anyone(db, client):
    answer = client.get("/openapi/rocketchat.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == document()


def test_the_reader_offers_and_shows_it(client):
    assert "/docs?contract=rocketchat" in client.get("/docs").content.decode()
    page = client.get("/docs?contract=rocketchat").content.decode()
    assert 'data-document="/openapi/rocketchat.json"' in page
    assert document()["info"]["title"] in page


def test_it_has_every_call_of_the_table_and_no_other():
    routed = {
        (method.upper(), f"/api/v1/{route.pattern}")
        for route in contract.urls
        for method in set(route.callback.actions) - {"head"}
    } | {("GET", f"/{place}") for place in contract.outside}
    told = {(method.upper(), place) for place, methods in document()["paths"].items() for method in methods}
    assert told == routed
    assert told == {(method, place) for method, place, _ in CALLS.values()}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_tells_every_status_that_it_answers_with(name):
    method, place, statuses = CALLS[name]
    assert document()["paths"][place][method.lower()]["operationId"] == name
    assert {int(status) for status in calls()[name]["responses"]} == statuses


@pytest.mark.parametrize("name", CALLS)
def test_every_answer_is_json_and_has_a_description_a_schema_and_true_examples(name):
    for status, told in calls()[name]["responses"].items():
        answer = resolved(told)
        assert answer["description"], status
        assert "X-Request-ID" in answer["headers"], status
        assert list(answer["content"]) == ["application/json"], status
        content = answer["content"]["application/json"]
        assert content["examples"], status
        for example in content["examples"].values():
            validator(content["schema"]).validate(example["value"])
            assert example["value"]["success"] is (status == "200"), status


def test_every_call_is_named_summed_up_and_grouped():
    tags = [tag["name"] for tag in document()["tags"]]
    assert tags == ["Sessions", "Users", "About"]
    for call in calls().values():
        assert call["summary"] and call["description"]
        assert len(call["tags"]) == 1 and call["tags"][0] in tags


def test_a_call_needs_both_headers_but_for_the_open_ones():
    for name, call in calls().items():
        assert call["security"] == ([{}] if name in OPEN_CALLS else [{"userId": [], "authToken": []}]), name
    schemes = document()["components"]["securitySchemes"]
    assert {(each["type"], each["in"], each["name"]) for each in schemes.values()} == {
        ("apiKey", "header", "X-User-Id"),
        ("apiKey", "header", "X-Auth-Token"),
    }


def test_limits_are_told_in_the_product_s_headers():
    for name in ("post-api-v1-login", "post-api-v1-users.register"):
        assert set(calls()[name]["responses"]["200"]["headers"]) == QUOTA_HEADERS | {"X-Request-ID"}
    refused = document()["components"]["responses"]["TooManyRequests"]["headers"]
    assert set(refused) == QUOTA_HEADERS | {"X-Request-ID", "Retry-After"}
    assert all(resolved(header)["required"] for header in refused.values())


# What is sent


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_told_as_it_is_checked(name):
    """The one description of each body, in the words of JSON Schema 2020-12."""

    def same(told, checked):
        kind = told.get("type")
        assert kind == ([checked["type"], "null"] if checked.get("nullable") else checked["type"])
        assert "nullable" not in told
        for keyword in ("required", "additionalProperties", "minLength"):
            assert told.get(keyword) == checked.get(keyword)
        assert set(told.get("properties", {})) == set(checked.get("properties", {}))
        for key, value in checked.get("properties", {}).items():
            assert told["properties"][key]["description"], key
            same(told["properties"][key], value)
        if "items" in checked:
            same(told["items"], checked["items"])

    same(body_of(name)["schema"], BODIES[name])


def test_what_is_not_sent_has_a_default_for_a_new_user_alone():
    defaults = {
        name: {key: told["default"] for key, told in body_of(name)["schema"]["properties"].items() if "default" in told}
        for name in BODIES
    }
    assert defaults.pop("post-api-v1-users.create") == {
        "active": True,
        "joinDefaultChannels": True,
        "requirePasswordChange": False,
        "setRandomPassword": False,
        "sendWelcomeEmail": False,
    }
    assert not any(defaults.values())
    changes = body_of("post-api-v1-users.update")["schema"]["properties"]["data"]["properties"]
    assert not any("default" in told for told in changes.values())


@pytest.mark.parametrize("name", ["post-api-v1-login", *BODIES])
def test_every_body_is_required_and_has_true_examples(name):
    assert calls()[name]["requestBody"]["required"] is True
    told = body_of(name)
    assert list(calls()[name]["requestBody"]["content"]) == ["application/json"]
    assert sent(name)
    for body in sent(name):
        validator(told["schema"]).validate(body)


def test_the_other_calls_read_no_body():
    assert {name for name, call in calls().items() if "requestBody" in call} == {"post-api-v1-login", *BODIES}


def test_the_product_s_own_example_is_as_the_body_is_told_and_the_example_here():
    """Save that the directory takes no digit in the last label of a domain."""
    told = body_of("post-api-v1-users.create")
    validator(told["schema"]).validate(SEED)
    assert sent("post-api-v1-users.create") == [{**SEED, "email": "email@user.tld"}]


@pytest.mark.parametrize(
    ("change", "coerced"),
    [
        ({"active": None, "bio": None}, {"active": None, "bio": None}),
        ({"active": "true", "name": 12, "roles": [1]}, {"active": True, "name": "12", "roles": ["1"]}),
        ({"active": 0, "email": None}, {"active": False, "email": ""}),
    ],
)
def test_what_is_coerced_is_then_as_the_body_is_told(change, coerced):
    told = validator(body_of("post-api-v1-users.create")["schema"])
    read = ajv.coerced(SEED | change, serializers.USERS_CREATE)
    assert read == SEED | coerced
    told.validate(read)
    assert told.is_valid(SEED | change) == (change == coerced)


@pytest.mark.parametrize("key", ["email", "name", "password", "username", None])
def test_what_is_refused_by_its_form_is_not_as_the_body_is_told(key):
    told = validator(body_of("post-api-v1-users.create")["schema"])
    body = {**SEED, "role": "bot"} if key is None else {name: value for name, value in SEED.items() if name != key}
    with pytest.raises(ajv.Mismatch):
        ajv.coerced(body, serializers.USERS_CREATE)
    assert not told.is_valid(body)


@pytest.mark.parametrize("form", range(5))
def test_each_form_of_a_login_that_is_told_logs_in(cast, form):
    *told, resuming = sent("post-api-v1-login")
    sample = told[form]
    assert sample.keys() == {"user" if form in (0, 3, 4) else ("username", "email")[form - 1], "password"}
    assert resuming.keys() == {"resume"}
    UserFactory(username=SEED["username"], email="email@user.tld")
    answer = caller().post("/api/v1/login", {**sample, "password": PASSWORD})
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    again = caller().post("/api/v1/login", {"resume": answer.json()["data"]["authToken"]})
    assert again.json()["data"] == answer.json()["data"]


# What is refused


def test_every_row_of_the_table_has_its_example():
    """By the message's first words, which are each row's own."""
    told = examples("post-api-v1-users.create", 400)
    codes = {body.get("errorType") for body in told.values()}
    assert {row.code for row in TABLE} | {"invalid-params", "error-password-policy-not-met"} <= codes
    assert [told[name]["error"].rpartition(" [")[0] for name in (
        "required", "additional", "boolean", "array", "object", "custom_required", "permission", "role_unknown",
        "administrator_not_yours", "name_blank", "username_blank", "username_invalid", "password_blank",
        "username_reserved", "username_taken", "email_taken", "email_invalid", "domain_not_allowed", "domain_blocked",
        "bio_too_long", "nickname_too_long", "active_not_yours",
    )] == [
        "must have required property 'email'",
        "must NOT have additional properties",
        "must be boolean",
        "must be array",
        "must be object",
        "Field clearance is required",
        "Adding user is not allowed",
        "The field Roles consist invalid role id",
        "Assigning admin is not allowed",
        "The field Name is required",
        "The field Username is required",
        "bad name is not a valid username",
        "The field Password is required",
        "admin is blocked and can't be used!",
        "uniqueusername1 is already in use :(",
        "email@user.tld is already in use :(",
        "Invalid email nowhere",
        "The email domain is not in whitelist",
        "The email domain is blacklisted",
        "Bio size exceeds 260 characters",
        "Nickname size exceeds 120 characters",
        "Not allowed",
    ]  # fmt: skip


def test_every_fault_of_custom_fields_has_its_example():
    (row,) = (row for row in TABLE if row.field == "custom_fields")
    told = [body for body in examples("post-api-v1-users.create", 400).values() if body.get("errorType") == row.code]
    assert len({body["error"] for body in told}) == len(told) == len(row.codes)


def test_the_refusals_are_those_of_the_contract_to_the_letter():
    assert examples("post-api-v1-users.create", 400)["permission"] == {
        "success": False,
        "error": "Adding user is not allowed [error-action-not-allowed]",
        "errorType": "error-action-not-allowed",
        "details": {"method": "insertOrUpdateUser", "action": "Adding_user"},
    }
    assert examples("get-api-v1-me", 401) == {"unauthenticated": LOGGED_OUT}
    assert examples("post-api-v1-login", 401)["unauthorized"] == UNAUTHORIZED
    assert examples("post-api-v1-login", 401)["not_activated"]["error"] == "error-user-is-not-activated"
    assert examples("post-api-v1-users.delete", 403) == {
        "forbidden": NOT_PERMITTED,
        "must_change_password": MUST_CHANGE,
    }
    assert examples("get-api-v1-users.info", 400)["not_found"] == {"success": False, "error": "User not found."}
    assert "You must wait 30 seconds" in examples("get-api-v1-me", 429)["throttled"]["error"]


# What is answered: see also conftest.py, by which every test of this contract holds its answers against the document


def test_a_tour_through_the_contract_is_as_told(cast, settings):
    """Exactly so: where there is no `fields`, all that belongs to a user is there."""
    settings.ROCKETCHAT_REGISTRATION = True
    (told,) = sent("post-api-v1-users.create")
    rocket = logged_in(cast.administrator)
    made = rocket.post("/api/v1/users.create", told).json()["user"]
    component("User").validate(made)
    assert {key for key in made if key not in component_keys("User", "required")} >= {"emails", "roles", "bio"}

    shown = rocket.get("/api/v1/users.info", {"userId": made["_id"]}).json()["user"]
    component("FoundUser").validate(shown)
    listed = rocket.get("/api/v1/users.list", {"sort": '{"_id": 1}'}).json()
    assert len(listed["users"]) == listed["total"] == User.objects.count()
    for user in listed["users"]:
        component("User").validate(user)

    changed = rocket.post("/api/v1/users.update", {"userId": made["_id"], "data": {"nickname": "New"}}).json()["user"]
    component("User").validate(changed)
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    restricted = clerk.get("/api/v1/users.info", {"userId": str(cast.stranger.pk)}).json()["user"]
    component("FoundUser").validate(restricted)
    assert "emails" not in restricted

    token = caller().post("/api/v1/login", {"user": told["username"], "password": told["password"]}).json()["data"]
    component("OwnUser").validate(token["me"])
    off = rocket.post("/api/v1/users.setActiveStatus", {"userId": made["_id"], "activeStatus": False}).json()
    assert off["user"] == {"_id": made["_id"], "active": False}
    assert rocket.post("/api/v1/users.delete", {"userId": made["_id"]}).json() == {"success": True}
    (registration,) = sent("post-api-v1-users.register")
    registered = caller().post("/api/v1/users.register", registration)
    component("User").validate(registered.json()["user"])
    assert rocket.get("/api/v1/me").json()["_id"] == str(cast.administrator.pk)
    assert rocket.post("/api/v1/logout").json()["status"] == "success"
    assert caller().get("/api/info").json() == {"version": "7.0", "success": True}


def component_keys(name, keyword):
    return document()["components"]["schemas"][name][keyword]


def test_a_user_whose_half_is_shown_is_not_as_told(cast):
    """Who sees an address sees the roles, too."""
    user = logged_in(cast.administrator).get("/api/v1/users.list").json()["users"][0]
    component("User").validate(user)
    del user["roles"]
    with pytest.raises(ValidationError, match="'roles' is a dependency"):
        component("User").validate(user)
    component("ProjectedUser").validate(user)


@pytest.mark.parametrize("key", ["services", "password", "inviteToken"])
def test_a_user_with_more_than_is_told_is_not_as_told(cast, key):
    user = logged_in(cast.administrator).get("/api/v1/users.list").json()["users"][0]
    assert not component("User").is_valid({**user, key: "x"})
    assert not component("ProjectedUser").is_valid({**user, key: "x"})


@pytest.mark.parametrize(
    ("method", "place", "status", "name"),
    [("get", "/api/v1/nope", 404, "NotFound"), ("put", "/api/v1/me", 405, "MethodNotAllowed")],
)
def test_what_is_no_call_is_answered_as_a_component_tells(cast, method, place, status, name):
    answer = getattr(logged_in(cast.administrator), method)(place)
    (content,) = document()["components"]["responses"][name]["content"].values()
    assert (answer.status_code, answer.json()) == (status, next(iter(content["examples"].values()))["value"])
