"""What the OpenAPI document says of the forms contract as a whole (contract 0, 2 and 5)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from usermgmt.dialects.forms.authentication import COOKIE
from usermgmt.dialects.forms.errors import CHALLENGE, NO_CONFIGURATION, NO_FORM, wrong_parameters
from usermgmt.http.contracts import Document, Problem
from usermgmt.http.schema import Nature, Refusal, refusals_of
from usermgmt.http.schema.headers import HEADERS

Schema = dict[str, Any]

USERS, SESSIONS = "Users", "Sessions"

_ERRORS: Schema = {
    "description": "What is wrong, by the dotted path to the field; `base` is about the whole.",
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    "minProperties": 1,
}

FAILURE: Schema = {
    "type": "object",
    "properties": {"errors": _ERRORS},
    "required": ["errors"],
    "additionalProperties": False,
}
INVALID_USER: Schema = {
    "type": "object",
    "properties": {"id": {"type": "null"}, "errors": _ERRORS},
    "required": ["id", "errors"],
    "additionalProperties": False,
}

WRONG_PARAMETERS = Refusal(
    "WrongParameters",
    "There is no such configuration for this call, or programs may not use it; or the form is missing or no object.",
    {"no_configuration": wrong_parameters(NO_CONFIGURATION).problem, "no_form": wrong_parameters(NO_FORM).problem},
)
_DESCRIPTIONS = {
    "Unauthenticated": "There is no `Authorization: Token token=...`, or the token, or the session of the cookie beside"
    " it, is no longer alive.",
    "Forbidden": "A policy of the configuration, or the directory, does not let the caller do this.",
}


def _error_of(problem: Problem) -> str:
    return "InvalidUser" if problem.faults and problem.data.get("numbered", True) else "Failure"


def _refusals(call: Nature) -> Sequence[Refusal]:
    """What is usual, in this contract's words; but whatever a caller says to accept, the answer is JSON."""
    return [
        replace(refusal, description=_DESCRIPTIONS.get(refusal.name, refusal.description))
        for refusal in refusals_of(call)
        if refusal.name != "NotAcceptable"
    ]


DOCUMENT = Document(
    title=f"{settings.SITE_NAME}: the forms contract",
    description=f"""Users by forms: what a program may send, and what is checked, is a configuration that staff store.

Every call carries an API token of the directory, as `Authorization: Token token=...`. A token that is bound to a client
makes users in that client, one that is bound to none in the default client. The cookie
`{COOKIE}`, which `POST /api/sessions` sets, makes the person who signed in the caller, beside the program's token.

A configuration is named by `form_configuration_name` (or `form_name`; or its number, as `form_configuration_id` or
`form_id`). Of a form only the fields count that the configuration declares; others are dropped without a word.

Answers are `application/vnd.api+json`, though no body is one of JSON:API. What can't be read and what names no
configuration is 406, values that break a rule are 422: `errors` tells of each field all that is wrong, by its dotted
path. Each path may end in `.json`.""",
    tags={
        USERS: "The users of the directory, as configurations let programs write them.",
        SESSIONS: "People who sign in to a program.",
    },
    errors={"Failure": FAILURE, "InvalidUser": INVALID_USER},
    error_of=_error_of,
    headers={"WWW-Authenticate": {**HEADERS["WWW-Authenticate"], "schema": {"const": CHALLENGE}}},
    refusals=_refusals,
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a program is authenticated, for the document; of the cookie that may come beside it the text tells."""

    target_class = "usermgmt.dialects.forms.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token token=` and an API token, bare or in quotation marks.",
        }
