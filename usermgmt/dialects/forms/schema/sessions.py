"""What the OpenAPI document says of sessions (contract 0 and 1)."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from usermgmt.dialects.forms.errors import invalid_session
from usermgmt.dialects.forms.schema.document import SESSIONS, WRONG_PARAMETERS, Schema
from usermgmt.dialects.forms.schema.forms import CREATE_SESSION, asking, form_query
from usermgmt.errors import Fault, InvalidCredentials
from usermgmt.http.problems import problem_of
from usermgmt.http.schema import QUOTA, RATE_HEADERS, Refusal, tells

_EMPTY: Schema = {"type": "object", "additionalProperties": False}
_CREDENTIALS = {"email": "example1@example.com", "password": "somepassword"}

NO_SESSION = Refusal(
    "NoSession",
    "There is no such user, the password is wrong, or a value breaks a rule of the configuration.",
    {
        "credentials": problem_of(InvalidCredentials(QUOTA)),
        "blank": invalid_session([Fault("email", "blank")]).problem,
    },
)

CALLS = {
    "create": [
        extend_schema(
            operation_id="createSession",
            summary="Open a session",
            description="For the person of these credentials, in the browser that gets the cookie; of a token that is"
            " bound to a client, nobody else's users can. Tries are limited in number.",
            tags=[SESSIONS],
            parameters=[tells(name, 201) for name in RATE_HEADERS],
            request={"application/json": asking(CREATE_SESSION)},
            responses={
                201: OpenApiResponse(_EMPTY, "The session is open.", [OpenApiExample("Open", {})]),
                406: WRONG_PARAMETERS,
                422: NO_SESSION,
            },
            examples=[
                OpenApiExample(
                    "Sent", {"form_configuration_name": CREATE_SESSION, "form": _CREDENTIALS}, request_only=True
                )
            ],
        )
    ],
    "destroy": [
        extend_schema(
            operation_id="deleteSession",
            summary="Close the session",
            description="The one of the cookie; where none is open, none is closed.",
            tags=[SESSIONS],
            parameters=[form_query()],
            request=None,
            responses={204: OpenApiResponse(None, "The session is closed."), 406: WRONG_PARAMETERS},
        )
    ],
}
"""For `documented`: each call of `SessionViewSet`."""
