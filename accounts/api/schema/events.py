"""What the OpenAPI document says of the calls on the audit trail."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_field
from drf_spectacular.utils import extend_schema_serializer as component
from rest_framework import serializers

from accounts.api.event_filters import ACTION, NOBODY, TARGET
from accounts.api.schema.document import EVENTS
from accounts.models import Event
from usermgmt.http.moments import MOMENT_TEXT
from usermgmt.http.schema import ID, SAMPLE_META, MetaField, ecma, identifier, invalid_list, query, tells

_UPDATE = {
    "id": 4711,
    "at": "2026-11-21T11:30:00.123456Z",
    "contract": "native",
    "action": "user.updated",
    "actor": {"id": 1, "email": "admin@example.com"},
    "target": {"kind": "user", "id": 123, "name": "john.doe@example.com"},
    "changes": {"name": ["John Doe", "John Q. Doe"]},
    "request_id": "7b0c5a7e-6f0e-4a53-9c3a-9a4a6f0c2a1e",
    "address": "192.0.2.7",
}


@component(component_name="EventActor")
class EventActorSerializer(serializers.Serializer[Event]):
    """Who did it."""

    id = serializers.IntegerField(min_value=1)
    email = serializers.CharField(
        allow_null=True, help_text="As it is today; null if there is no such user any more, or not for the reader."
    )


@component(component_name="EventTarget")
class EventTargetSerializer(serializers.Serializer[Event]):
    """What it happened to."""

    kind = serializers.CharField(help_text="`user`, `client`, or a thing of another kind.")
    id = serializers.IntegerField(allow_null=True, help_text="null where nobody is meant or known.")
    name = serializers.CharField(
        allow_null=True, help_text="The user's e-mail or the client's name, as it is today; null if it is gone."
    )


@extend_schema_field(
    {
        "type": "object",
        "description": "Field to [before, after]; never a secret: of a password only that it changed.",
        "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2},
    }
)
class ChangesField(serializers.Field):  # type: ignore[type-arg]
    """`changes` of an event; only described, never used."""


@component(component_name="Event")
class EventSerializer(serializers.Serializer[Event]):
    """One thing that happened."""

    id = serializers.IntegerField(min_value=1, help_text="Grows with time.")
    at = serializers.DateTimeField()
    contract = serializers.CharField(help_text="By which door: a contract, the admin site, a command.")
    action = serializers.CharField(help_text="What, as `user.updated`.")
    actor = EventActorSerializer(
        allow_null=True, help_text="null: the operator at a command, or somebody who was not signed in."
    )
    target = EventTargetSerializer()
    changes = ChangesField()
    request_id = serializers.CharField(help_text="The `X-Request-ID`; empty outside of requests.")
    address = serializers.CharField(
        allow_null=True,
        help_text="The caller's IP address. Who is no administrator sees it of the own acts only.",
    )


@component(component_name="EventPage", many=False)
class EventPageSerializer(serializers.Serializer[None]):
    """A page of the audit trail."""

    events = EventSerializer(many=True)
    meta = MetaField()


FILTERS = [
    query(
        "actor",
        {"anyOf": [{"type": "integer", **ID}, {"const": NOBODY}]},
        f"What this user did; `{NOBODY}`: operators, and callers who were not signed in.",
    ),
    query(
        "target",
        {"type": "string", "pattern": ecma(f"^{TARGET.pattern}").replace("?P", "?")},
        "What happened to users (`user`), to one of them (`user:12`), to a client (`client:3`).",
    ),
    query(
        "action",
        {"type": "array", "items": {"type": "string", "maxLength": 64, "pattern": ecma(f"^{ACTION.pattern}")}},
        "These actions, as `user.created`. To be repeated for more than one.",
        style="form",
        explode=True,
    ),
    query(
        "contract",
        {"type": "string", "pattern": "^[a-z]+$"},
        "What came through this door: a contract, as `native`, or `admin`, or `command`. Others are refused.",
    ),
    query("since", MOMENT_TEXT, "What happened at this moment (RFC 3339) or later, or since this date began in UTC."),
    query("until", MOMENT_TEXT, "What happened before this moment, or before this date began in UTC."),
]
"""The parameters of `EventFilterSet`."""


def _page(description: str) -> dict[int, Any]:
    return {
        200: OpenApiResponse(
            EventPageSerializer,
            description,
            [OpenApiExample("A page", {"events": [_UPDATE], "meta": SAMPLE_META})],
        ),
        422: invalid_list(),
    }


EVENT_CALLS = {
    "list": [
        extend_schema(
            operation_id="listEvents",
            summary="List what happened",
            description="The whole audit trail, newest first. For administrators; a token that is bound to a client"
            " reads what is about that client and its users.",
            tags=[EVENTS],
            parameters=[*FILTERS, tells("Link", 200)],
            responses=_page("A page of the trail."),
        )
    ],
}
"""For `documented`: the call of `EventViewSet`."""

USER_EVENT_CALLS = {
    "list": [
        extend_schema(
            operation_id="listUserEvents",
            summary="List what happened to a user",
            description="The user's audit trail, newest first. Administrators read anybody's, also that of a user who"
            " was deleted; others their own, without the addresses of those who did it.",
            tags=[EVENTS],
            parameters=[identifier("user"), *(one for one in FILTERS if one.name != "target"), tells("Link", 200)],
            responses=_page("A page of the user's trail."),
        )
    ],
}
"""For `documented`: the call of `UserEventViewSet`."""
