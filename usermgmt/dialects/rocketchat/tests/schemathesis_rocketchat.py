"""The Rocket.Chat contract, for Schemathesis (see `usermgmt.tests.schemathesis_hooks`)."""

import json
import re
from itertools import count

from jsonschema import Draft202012Validator
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

from accounts.models import ApiToken
from accounts.tests.callers import api_token_of
from accounts.tests.factories import PASSWORD, UserFactory
from usermgmt.dialects.rocketchat import ajv, serializers

BELOW = "/api/v1/"
BODIES = {
    f"{BELOW}users.create": serializers.USERS_CREATE,
    f"{BELOW}users.update": serializers.USERS_UPDATE,
    f"{BELOW}users.setActiveStatus": serializers.USERS_SET_ACTIVE_STATUS,
    f"{BELOW}users.delete": serializers.USERS_DELETE,
    f"{BELOW}users.register": serializers.USERS_REGISTER,
}
_numbers = count(1)

# What sound values are refused for that no schema tells: whose right it is, who there is, and other grammars.
_DEPENDS = re.compile(
    r"(Adding|Editing) user is not allowed \[.*|Editing email verification is not allowed \[.*"
    r"|User not found.*|.* does not match any users \[.*|.* param was not provided \[.*"
    r"|Leaving the app without an(y)? a.*|The field Roles consist invalid role id \[.*"
    r"|(Status text|Nickname|Bio) is invalid \[.*|Custom fields are (too large|invalid) \[.*"
    r"|Invalid (fields|sort|query) parameter provided: .*",
    re.DOTALL,
)


def sign(case, user):
    if case.path != f"{BELOW}users.register":
        case.headers.update({"X-User-Id": str(user.pk), "X-Auth-Token": _token_of(user)})


def _token_of(user):
    return api_token_of(user, kind=ApiToken.Kind.LOGIN)[1]


def ask(case):
    """By one name; JSON where JSON is asked for."""
    if case.path == f"{BELOW}users.info":
        case.query = {key: value for key, value in case.query.items() if key not in serializers.SELECTORS}
        case.query["userId"] = (case.headers or {}).get("X-User-Id", "1")
    for name in ("fields", "sort"):
        if name in (case.query or {}):
            case.query[name] = '{"username": 1}'
    if "query" in (case.query or {}):
        case.query["query"] = '{"username": {"$ne": "nobody"}}'


def true(path, body):
    """The body with real names and credentials, and with values that may be had."""
    match path.removeprefix(BELOW):
        case "login":
            return _login(body)
        case "users.create":
            return body | _free(body)
        case "users.register":
            return body | _free(body) | {"pass": PASSWORD}
        case "users.update":
            data = body.get("data", {})
            return {**body, "userId": _somebody(), "data": data | _free(data)}
        case "users.setActiveStatus" | "users.delete":
            return {**body, "userId": _somebody()}
        case _:
            return body


def _login(body):
    """Whatever else is beside a sound form stays as unsound as it is, or there were two forms."""
    user = UserFactory()
    real = {
        "user": user.username,
        "username": user.username,
        "email": user.email,
        "password": PASSWORD,
        "resume": _token_of(user),
    }

    def named(values):
        return values | {key: real[key] for key in real if values.get(key) and isinstance(values[key], str)}

    within = {"user": named(body["user"])} if isinstance(body.get("user"), dict) else {}
    return named(body) | within


def _somebody():
    return str(UserFactory().pk)


def _free(values):
    """For each value that is not everybody's to have, one that is."""
    number = next(_numbers)
    free = {
        "email": f"person.{number}@example.org",
        "username": f"somebody.{number}",
        "name": f"Somebody {number}",
        "password": PASSWORD,
        "roles": ["bot"],
        "fields": '{"username": 1}',
    }
    return {key: value for key, value in free.items() if values.get(key) is not None}


def is_beyond(failure, case, response):
    if isinstance(failure, RejectedPositiveData):
        return response.status_code == 400 and bool(_DEPENDS.fullmatch(response.json()["error"]))
    return isinstance(failure, AcceptedNegativeData) and (_is_coerced(case) or _is_as_if_absent(failure))


def _is_coerced(case):
    """Whether the body is another one once it is coerced, and then is as the document has it."""
    if case.path not in BODIES or not isinstance(case.body, dict):
        return False
    try:
        coerced = ajv.coerced(case.body, BODIES[case.path])
    except ajv.Mismatch:
        return False
    (content,) = case.operation.definition.raw["requestBody"]["content"].values()
    return json.dumps(coerced) != json.dumps(case.body) and Draft202012Validator(content["schema"]).is_valid(coerced)


def _is_as_if_absent(failure):
    """Whether it is a number of rows that is none, which counts for nothing."""
    return re.search(r"parameter `(offset|count)` in query", failure.message) is not None
