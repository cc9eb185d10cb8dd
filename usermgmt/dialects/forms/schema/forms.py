"""What requests that carry a form look like (contract 3)."""

from drf_spectacular.utils import OpenApiParameter

from usermgmt.dialects.forms.models import NAME_MAX_LENGTH
from usermgmt.dialects.forms.schema.document import Schema
from usermgmt.http.schema import ID, query

CREATE_USER = "reference_rest_api_create_user"
UPDATE_USER = "reference_rest_api_update_user"
CREATE_SESSION = "reference_rest_api_create_session"
DELETE_SESSION = "reference_rest_api_delete_session"

_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": NAME_MAX_LENGTH,
    "description": "Of a configuration; without regard to case, and spaces are as good as `_`.",
}
_NUMBER: Schema = {"type": "integer", **ID, "description": "Of a configuration."}
_KEYS: dict[str, Schema] = {
    "form_configuration_name": _NAME,
    "form_name": _NAME,
    "form_configuration_id": _NUMBER,
    "form_id": _NUMBER,
}


def asking(example: str) -> Schema:
    """The body of a call. example: the name of a configuration that every directory has."""
    return {
        "type": "object",
        "properties": {
            **_KEYS,
            "form_configuration_name": {**_NAME, "examples": [example]},
            "form": {"type": "object", "description": "The values, as the configuration declares them."},
        },
        "required": ["form"],
        "anyOf": [{"required": [key]} for key in _KEYS],
    }


def form_query() -> OpenApiParameter:
    """The name of a configuration, where a call has no body."""
    return query("form_configuration_name", {**_NAME, "examples": [DELETE_SESSION]}, "Of a configuration of sessions.")
