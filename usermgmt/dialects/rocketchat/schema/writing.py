"""What the OpenAPI document says of the calls that make, change and delete users."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from accounts import emails, passwords, profile, usernames
from usermgmt.dialects.rocketchat import serializers
from usermgmt.dialects.rocketchat.errors import failed, not_allowed, refused
from usermgmt.dialects.rocketchat.refusals import CHANGING, REGISTERING, REMOVING
from usermgmt.dialects.rocketchat.schema.bodies import described, json_body, sample
from usermgmt.dialects.rocketchat.schema.document import QUOTA_HEADERS, USERS
from usermgmt.dialects.rocketchat.schema.reading import FIELDS, INVALID_FIELDS
from usermgmt.dialects.rocketchat.schema.refused import told_by, unsaved
from usermgmt.dialects.rocketchat.schema.samples import NEW_USER, REGISTERED, USER
from usermgmt.dialects.rocketchat.schema.shapes import USER as USER_SHAPE
from usermgmt.dialects.rocketchat.schema.shapes import Schema, closed, success
from usermgmt.errors import BASE, Fault
from usermgmt.http.contracts import Problem
from usermgmt.http.schema import FORBIDDEN, Refusal, tells

_LAST = Fault(BASE, "last_administrator")


# What bodies have


_CUSTOM = (
    "Keys and values as staff define them; any, where nothing is defined."
    f" At most {profile.CUSTOM_MAX_KEYS} keys and {profile.CUSTOM_MAX_DEPTH} levels."
)
_PASSWORD = f"{settings.ROCKETCHAT_PASSWORD_MIN_LENGTH} to {passwords.MAX_LENGTH} characters"
_TOLD: Mapping[str, Schema] = {
    "name": {"description": "The display name of the user; not blank."},
    "email": {
        "description": f"The e-mail address, {emails.MIN_LENGTH} to {emails.MAX_LENGTH} characters; unique without"
        " regard to case.",
    },
    "password": {"description": f"{_PASSWORD}; not looked at with `setRandomPassword`.", "writeOnly": True},
    "pass": {"description": f"The password, {_PASSWORD}.", "writeOnly": True},
    "username": {
        "description": f"Letters and digits of ASCII, dots, hyphens and underscores, {usernames.MAX_LENGTH} at most;"
        f" unique without regard to case. These are reserved: {', '.join(sorted(usernames.RESERVED))}.",
    },
    "active": {"description": "Whether the user may log in. For whoever may activate and deactivate others."},
    "nickname": {"description": f"At most {profile.NICKNAME_MAX_LENGTH} characters; blank is none."},
    "bio": {"description": f"At most {profile.BIO_MAX_LENGTH} characters; blank is none."},
    "joinDefaultChannels": {
        "description": "On `users.create`, whether the user joins the teams that are joined by default."
    },
    "statusText": {"description": f"At most {profile.STATUS_TEXT_MAX_LENGTH} characters; blank is none."},
    "roles": {
        "description": "The ids of exactly the roles of the user; none is `user`. `admin` makes an administrator."
    },
    "requirePasswordChange": {"description": "Whether the user must choose a new password at the next login."},
    "setRandomPassword": {
        "description": "Whether the user gets a password made by chance, by mail, to be changed at the next login."
    },
    "sendWelcomeEmail": {"description": "Whether the user is greeted by mail."},
    "verified": {
        "description": "Whether the address counts as proven. On `users.create`, `false` sends a mail to prove it."
    },
    "customFields": {"description": _CUSTOM},
    "fields": {
        "description": FIELDS.description,
        "contentMediaType": "application/json",
    },
    "freeSwitchExtension": {"description": "Without effect."},
    "status": {"description": "Without effect: the directory knows no presence."},
    "userId": {"description": "The `_id` of the user."},
    "user": {"description": "As `username`."},
    "data": {"description": "What is to change; what is not there, or null, stays as it is."},
    "activeStatus": {"description": "Whether the user may log in."},
    "confirmRelinquish": {"description": "Without effect: there are no rooms to leave."},
    "secret": {"description": "Without effect."},
    "reason": {"description": "Without effect."},
}
"""What is said of each property, wherever it stands."""

_DEFAULTS = {
    "active": True,
    "joinDefaultChannels": True,
    "requirePasswordChange": False,
    "setRandomPassword": False,
    "sendWelcomeEmail": False,
}
_TOLD_OF_NEW = {
    name: {**told, "default": _DEFAULTS[name]} if name in _DEFAULTS else told for name, told in _TOLD.items()
}
"""Of a user who is made; a change leaves what is not sent as it is."""


# What is refused


def _judged(body: Mapping[str, Any], schema: Schema) -> Problem:
    """What is said of a body that is not as the contract describes it."""
    return told_by(partial(serializers.read, body, schema))


_SOUND = {name: NEW_USER[name] for name in ("email", "name", "password", "username")}
_FIELD = {"name": "clearance"}

INVALID_NEW_PARAMS = Refusal(
    "InvalidParams",
    "The body is not as it is described.",
    {
        "required": _judged({}, serializers.USERS_CREATE),
        "additional": _judged({**_SOUND, "role": "bot"}, serializers.USERS_CREATE),
        "boolean": _judged({**_SOUND, "active": "yes"}, serializers.USERS_CREATE),
        "array": _judged({**_SOUND, "roles": "user"}, serializers.USERS_CREATE),
        "object": _judged({**_SOUND, "customFields": "High"}, serializers.USERS_CREATE),
    },
)
INVALID_NEW_USER = Refusal(
    "InvalidNewUser",
    "The caller may not make this user, or a value can't be taken. Nothing is made.",
    {
        "permission": not_allowed("Adding user is not allowed", "Adding_user").problem,
        "custom_required": unsaved(Fault("custom_fields", "custom_required", _FIELD), {}),
        "custom_too_short": unsaved(Fault("custom_fields", "custom_too_short", {**_FIELD, "minimum": 2}), {}),
        "custom_too_long": unsaved(Fault("custom_fields", "custom_too_long", {**_FIELD, "maximum": 8}), {}),
        "custom_invalid": unsaved(Fault("custom_fields", "custom_invalid", _FIELD), {}),
        "custom_too_large": unsaved(Fault("custom_fields", "too_complex"), {}),
        "custom_unreadable": unsaved(Fault("custom_fields", "invalid"), {}),
        "role_unknown": unsaved(Fault("roles", "unknown_role"), {}),
        "role_not_yours": unsaved(Fault("roles", "not_yours_to_give", {"role": "clerk"}), {}),
        "administrator_not_yours": unsaved(Fault("administrator", "not_yours_to_give"), {}),
        "name_blank": unsaved(Fault("name", "blank"), {}),
        "username_blank": unsaved(Fault("username", "blank"), {}),
        "username_invalid": unsaved(Fault("username", "invalid"), {"username": "bad name"}),
        "password_blank": unsaved(Fault("password", "blank"), {}),
        "username_reserved": unsaved(Fault("username", "reserved"), {"username": "admin"}),
        "username_taken": unsaved(Fault("username", "taken"), _SOUND),
        "email_taken": unsaved(Fault("email", "taken"), _SOUND),
        "email_invalid": unsaved(Fault("email", "invalid"), {"email": "nowhere"}),
        "domain_not_allowed": unsaved(Fault("email_domain", "domain_not_allowed"), {}),
        "domain_blocked": unsaved(Fault("email_domain", "domain_blocked"), {}),
        "bio_too_long": unsaved(Fault("bio", "too_long", {"maximum": profile.BIO_MAX_LENGTH}), {}),
        "nickname_too_long": unsaved(Fault("nickname", "too_long", {"maximum": profile.NICKNAME_MAX_LENGTH}), {}),
        "active_not_yours": unsaved(Fault("active", "not_yours_to_set"), {}),
        "password_policy": unsaved(Fault("password", "too_short", {"minimum": 8}), {}),
        "other": unsaved(Fault("status_text", "too_long", {"maximum": profile.STATUS_TEXT_MAX_LENGTH}), {}),
    },
)
_CHANGE = {"userId": USER["_id"], "data": {"name": "Test User"}}
INVALID_CHANGE = Refusal(
    "InvalidChange",
    "There is no such user, the caller may not change it so, or a value can't be taken; and what `users.create` says of"
    " the same value. Nothing is changed.",
    {
        "required": _judged({}, serializers.USERS_UPDATE),
        "blank_id": _judged({**_CHANGE, "userId": ""}, serializers.USERS_UPDATE),
        "additional": _judged({**_CHANGE, "data": {"role": "bot"}}, serializers.USERS_UPDATE),
        "permission": not_allowed("Editing user is not allowed", "Editing_user").problem,
        "verification": not_allowed("Editing email verification is not allowed", "Editing_user").problem,
        "unknown": refused("error-user-not-found", "User not found").problem,
        "username_unavailable": unsaved(Fault("username", "taken"), _SOUND, CHANGING),
        "name_invalid": unsaved(Fault("name", "invalid"), {}, CHANGING),
        "email_taken": unsaved(Fault("email", "taken"), _SOUND, CHANGING),
        "active_not_yours": unsaved(Fault("active", "not_yours_to_set"), {}, CHANGING),
        "password_policy": unsaved(Fault("password", "password_without_symbol"), {}, CHANGING),
        "last_administrator": unsaved(_LAST, {}, CHANGING),
    },
)
INVALID_STATUS = Refusal(
    "InvalidActiveStatus",
    "There is no such user, or no administrator would be left.",
    {
        "required": _judged({"userId": USER["_id"]}, serializers.USERS_SET_ACTIVE_STATUS),
        "boolean": _judged({"userId": USER["_id"], "activeStatus": "no"}, serializers.USERS_SET_ACTIVE_STATUS),
        "unknown": failed("User not found").problem,
        "last_administrator": unsaved(_LAST, {}, CHANGING),
    },
)
UNDELETED = Refusal(
    "Undeleted",
    "There is no such user, or no administrator would be left.",
    {
        "no_name": refused(
            "error-user-param-not-provided", 'The required "userId" or "username" param was not provided'
        ).problem,
        "unknown": refused(
            "error-invalid-user", 'The required "userId" or "username" param provided does not match any users'
        ).problem,
        "last_administrator": unsaved(_LAST, {}, REMOVING),
    },
)
UNREGISTERED = Refusal(
    "Unregistered",
    "Nobody may register, or whoever calls is logged in; or a value can't be taken, as in `users.create`. Nothing is"
    " made.",
    {
        "required": _judged({}, serializers.USERS_REGISTER),
        "logged_in": failed("Logged in users can not register again.").problem,
        "disabled": refused(
            "error-user-registration-disabled", "User registration is disabled", {"method": "registerUser"}
        ).problem,
        "name_invalid": unsaved(Fault("name", "invalid"), {}, REGISTERING),
        "username_invalid": unsaved(Fault("username", "invalid"), {}, REGISTERING),
        "username_taken": unsaved(Fault("username", "taken"), {}, REGISTERING),
        "email_taken": unsaved(Fault("email", "taken"), {}, REGISTERING),
        "email_invalid": unsaved(Fault("email", "invalid"), {"email": "nowhere"}, REGISTERING),
        "password_policy": unsaved(Fault("password", "too_short", {"minimum": 8}), {}, REGISTERING),
    },
)


# What is answered


def _answer(description: str, payload: Schema, name: str, **example: Any) -> OpenApiResponse:
    return OpenApiResponse(
        success(**payload), description, [OpenApiExample(name, {**example, "success": True}, response_only=True)]
    )


_ACTIVITY = closed({"_id": {"type": "string"}, "active": {"type": "boolean"}})

CREATING_CALLS = {
    "create": [
        extend_schema(
            operation_id="post-api-v1-users.create",
            summary="Create User",
            description="Permissions required: `create-user`; with `active`, `edit-other-user-active-status`, too. All"
            " that the body asks for is done, or nothing.",
            tags=[USERS],
            request=json_body(described(serializers.USERS_CREATE, _TOLD_OF_NEW)),
            responses={
                200: _answer("The user that was made.", {"user": USER_SHAPE}, "Success Example", user=USER),
                400: [INVALID_NEW_PARAMS, INVALID_NEW_USER, INVALID_FIELDS],
            },
            examples=sample(NEW_USER, "Test User"),
        )
    ],
}
"""For `documented`: the call of `UserViewSet`."""

CHANGING_CALLS = {
    "update": [
        extend_schema(
            operation_id="post-api-v1-users.update",
            summary="Update User",
            description="Permissions required: `edit-other-user-info`, save for oneself. A new address is unproven"
            " unless `verified` says otherwise, which nobody says of the own one. A blank `email` or `password` is as"
            " if not sent.",
            tags=[USERS],
            parameters=[FIELDS],
            request=json_body(described(serializers.USERS_UPDATE, _TOLD)),
            responses={
                200: _answer("The user as it is now.", {"user": USER_SHAPE}, "A user", user=USER),
                400: [INVALID_CHANGE, INVALID_FIELDS],
            },
            examples=sample({"userId": USER["_id"], "data": {"name": "Test User", "bio": "All of it"}}, "A new name"),
        )
    ],
    "set_active": [
        extend_schema(
            operation_id="post-api-v1-users.setActiveStatus",
            summary="Set User's Active Status",
            description="Permissions required: `edit-other-user-active-status`. Deactivation ends every token of the"
            " user; the roles stay.",
            tags=[USERS],
            request=json_body(described(serializers.USERS_SET_ACTIVE_STATUS, _TOLD)),
            responses={
                200: _answer(
                    "How it is now.", {"user": _ACTIVITY}, "Deactivated", user={"_id": USER["_id"], "active": False}
                ),
                400: INVALID_STATUS,
            },
            examples=sample({"userId": USER["_id"], "activeStatus": False}, "Deactivated"),
        )
    ],
    "destroy": [
        extend_schema(
            operation_id="post-api-v1-users.delete",
            summary="Delete User",
            description="Permissions required: `delete-user`. Of the names of the user the first that is not blank"
            " counts; other keys are ignored.",
            tags=[USERS],
            request=json_body(described(serializers.USERS_DELETE, _TOLD)),
            responses={200: _answer("The user is gone.", {}, "Deleted"), 400: UNDELETED},
            examples=sample({"userId": USER["_id"]}, "By id"),
        )
    ],
}
"""For `documented`: each call of `ChangingViewSet`."""

_OPEN: Any = [{}]

REGISTRATION_CALLS = {
    "create": [
        extend_schema(
            operation_id="post-api-v1-users.register",
            summary="Register User",
            description="Open to anyone who is not logged in, where the operator lets people register. The address is"
            " to be proven by the link in a mail. Tries are limited in number.",
            tags=[USERS],
            auth=_OPEN,
            parameters=[FIELDS, *(tells(header, 200, among=QUOTA_HEADERS) for header in QUOTA_HEADERS)],
            request=json_body(described(serializers.USERS_REGISTER, _TOLD)),
            responses={
                200: _answer("The user that was made.", {"user": USER_SHAPE}, "A user", user=REGISTERED),
                400: [UNREGISTERED, INVALID_FIELDS],
                403: FORBIDDEN,  # whoever is logged in may be one who must change the password
            },
            examples=sample(
                {
                    "username": NEW_USER["username"],
                    "email": NEW_USER["email"],
                    "pass": NEW_USER["password"],
                    "name": NEW_USER["name"],
                },
                "Test User",
            ),
        )
    ],
}
"""For `documented`: the call of `RegistrationViewSet`."""
