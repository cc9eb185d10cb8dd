"""What the OpenAPI document says of logging in and out, of who is logged in, and of what this is."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from usermgmt.dialects.rocketchat.errors import login_blocked
from usermgmt.dialects.rocketchat.mapping import avatar
from usermgmt.dialects.rocketchat.schema.bodies import json_body
from usermgmt.dialects.rocketchat.schema.document import ABOUT, QUOTA_HEADERS, SESSIONS
from usermgmt.dialects.rocketchat.schema.samples import NEW_USER, USER
from usermgmt.dialects.rocketchat.schema.shapes import Schema, closed, own_user, referring, success
from usermgmt.errors import InvalidCredentials, TooManyRequests
from usermgmt.http.problems import problem_of
from usermgmt.http.schema import QUOTA, Refusal, tells

_TOKEN = "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f"  # the product's own sample (seed); ours are as opaque
_OWN_USER = {
    **USER,
    "settings": {"profile": {}, "preferences": {}},
    "statusConnection": "offline",
    "utcOffset": 0,
    "avatarUrl": avatar(USER["username"]),
    "services": {"password": {"exists": True}},
}

NO_LOGIN = Refusal(
    "NoLogin",
    "Unknown user, wrong password or a digest of one, dead token; a user who is not active; or too many tries: then"
    " `Retry-After` says when to try again.",
    {
        "unauthorized": problem_of(InvalidCredentials(QUOTA)),
        "not_activated": problem_of(InvalidCredentials(inactive=True)),
        "blocked": login_blocked(TooManyRequests(QUOTA.reset, QUOTA)).problem,
    },
)


def _form(title: str, **properties: Schema) -> Schema:
    return {"title": title, "type": "object", "properties": properties, "required": [*properties]}


_USERNAME: Schema = {"type": "string", "minLength": 1, "description": "Without regard to case; or an e-mail address."}
_EMAIL: Schema = {"type": "string", "minLength": 1, "description": "Without regard to case."}
_PASSWORD: Schema = {
    "type": "string",
    "description": "As it is. An object with a `digest` of it can't be verified, and is refused.",
    "writeOnly": True,
}
_NAMED = [_USERNAME, _form("User name", username=_USERNAME), _form("E-mail", email=_EMAIL)]
_FORMS = [
    _form("User", user={"oneOf": _NAMED}, password=_PASSWORD),
    _form("User name", username=_USERNAME, password=_PASSWORD),
    _form("E-mail", email=_EMAIL, password=_PASSWORD),
    _form("Token of a login", resume={"type": "string", "description": "An `authToken` that is alive."}),
]
_PASS = {"password": NEW_USER["password"]}
_LOGINS: dict[str, dict[str, Any]] = {
    "User name or e-mail": {"user": NEW_USER["username"], **_PASS},
    "User name": {"username": NEW_USER["username"], **_PASS},
    "E-mail": {"email": NEW_USER["email"], **_PASS},
    "User name within": {"user": {"username": NEW_USER["username"]}, **_PASS},
    "E-mail within": {"user": {"email": NEW_USER["email"]}, **_PASS},
    "Token of a login": {"resume": _TOKEN},
}

# Not where a token is resumed, of which there is no limit.
_QUOTA_HEADERS = {name: {**told, "required": False} for name, told in QUOTA_HEADERS.items()}

_OK: Schema = {"const": "success"}
_LOGGED_IN = success(
    status=_OK,
    data=closed({"userId": {"type": "string"}, "authToken": {"type": "string"}, "me": referring("OwnUser")}),
)
_LOGGED_OUT = success(status=_OK, data=closed({"message": {"const": "You've been logged out!"}}))
_LOGOUT = {"status": "success", "data": {"message": "You've been logged out!"}, "success": True}
_INFO = success(version={"type": "string", "pattern": r"^[0-9]+\.[0-9]+$"})

INFO_CALLS = {
    "retrieve": [
        extend_schema(
            operation_id="get-api-info",
            summary="Get Server Information",
            description="The version of the product, major and minor, whose behaviour this is. Open to anyone.",
            tags=[ABOUT],
            responses={
                200: OpenApiResponse(
                    _INFO, "What this is.", [OpenApiExample("A version", {"version": "7.0", "success": True})]
                )
            },
        )
    ],
}
"""For `documented`: the call of `InfoViewSet`."""

LOGIN_CALLS = {
    "create": [
        extend_schema(
            operation_id="post-api-v1-login",
            summary="Login",
            description="Open to anyone. Gives a token that lives 90 days; a user may have several. Of the forms the"
            " first that is there counts, of a token before all others; other keys, such as `code`, are ignored. Tries"
            " are limited in number. Whoever must change the password may log in.",
            tags=[SESSIONS],
            parameters=[tells(name, 200, among={name: told}) for name, told in _QUOTA_HEADERS.items()],
            request=json_body({"oneOf": _FORMS}),
            responses={
                200: OpenApiResponse(
                    _LOGGED_IN,
                    "The token, and whose it is.",
                    [
                        OpenApiExample(
                            "Logged in",
                            {
                                "status": "success",
                                "data": {"userId": USER["_id"], "authToken": _TOKEN, "me": _OWN_USER},
                                "success": True,
                            },
                        )
                    ],
                ),
                401: NO_LOGIN,
            },
            examples=[OpenApiExample(name, value, request_only=True) for name, value in _LOGINS.items()],
        )
    ],
}
"""For `documented`: the call of `LoginViewSet`."""

SESSION_CALLS = {
    "log_out": [
        extend_schema(
            methods=[method],
            operation_id=f"{method.lower()}-api-v1-logout",
            summary="Logout",
            description="The token at hand dies, others of the same user go on. A body is not read.",
            tags=[SESSIONS],
            request=None,
            responses={200: OpenApiResponse(_LOGGED_OUT, "Logged out.", [OpenApiExample("Logged out", _LOGOUT)])},
        )
        for method in ("GET", "POST")
    ],
    "me": [
        extend_schema(
            operation_id="get-api-v1-me",
            summary="Get Profile Information",
            description="The user whose token it is, with every key at the top level.",
            tags=[SESSIONS],
            responses={
                200: OpenApiResponse(
                    own_user(success={"const": True}),
                    "Oneself.",
                    [OpenApiExample("Oneself", {**_OWN_USER, "success": True})],
                )
            },
        )
    ],
}
"""For `documented`: each call of `SessionViewSet`."""
