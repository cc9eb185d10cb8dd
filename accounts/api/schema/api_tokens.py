"""What the OpenAPI document says of the calls on API tokens."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers

from accounts.api.schema.document import API_TOKENS, AccessTokenScheme
from accounts.api.schema.users import sample
from accounts.api.serializers import ApiTokenSerializer, MadeApiTokenSerializer, NewApiTokenReader
from accounts.services.api_tokens import MAX_ALIVE
from clients.api.schema import ACME
from usermgmt.errors import Fault
from usermgmt.http.schema import SAMPLE_META, MetaField, identifier, invalid, invalid_list, tells

_NIGHTLY = {
    "id": 7,
    "name": "Nightly import",
    "client": ACME,
    "read_only": False,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-04-01T00:00:00Z",
    "last_used_at": None,
}
_TOKEN = "um_2k7d0vq4xw9m1c8z_" + 43 * "x"
_NEW = {"name": _NIGHTLY["name"], "client_id": ACME["id"], "expires_in": 90 * 24 * 3600}

INVALID = invalid(
    "InvalidApiToken",
    "Values that can't be taken, every fault at once.",
    fields=[Fault("name", "blank"), Fault("client", "must_exist"), Fault("expires_at", "not_future")],
    too_many=[Fault("tokens", "too_many_alive", {"maximum": MAX_ALIVE})],
)


@extend_schema_serializer(component_name="ApiTokenPage", many=False)
class ApiTokenPageSerializer(serializers.Serializer[None]):
    """A page of the list of tokens."""

    tokens = ApiTokenSerializer(many=True)
    meta = MetaField()


# An API token answers 403 here: only whoever signed in manages tokens.
_SIGNED_IN: Any = [{AccessTokenScheme.name: []}]

API_TOKEN_CALLS = {
    "list": [
        extend_schema(
            operation_id="listApiTokens",
            summary="List one's API tokens",
            description="Those that open calls now. By page, or, with `cursor`, as a walk at constant cost a page.",
            tags=[API_TOKENS],
            auth=_SIGNED_IN,
            parameters=[tells("Link", 200)],
            responses={
                200: OpenApiResponse(
                    ApiTokenPageSerializer,
                    "A page of the list.",
                    [OpenApiExample("A page", {"tokens": [_NIGHTLY], "meta": SAMPLE_META})],
                ),
                422: invalid_list(),
            },
        )
    ],
    "create": [
        extend_schema(
            operation_id="createApiToken",
            summary="Make an API token",
            description="It may do what its owner may, save to make tokens and to change the owner's password or"
            " e-mail. Nothing outside of the client that it is bound to is there for it. It dies with every other"
            " token of its owner: by a new password, e-mail, client or role, deactivation, sign-out everywhere.",
            tags=[API_TOKENS],
            auth=_SIGNED_IN,
            parameters=[tells("Location", 201)],
            request=NewApiTokenReader,
            responses={
                201: OpenApiResponse(
                    MadeApiTokenSerializer,
                    "The token, shown this once.",
                    [OpenApiExample("A token", {**_NIGHTLY, "token": _TOKEN})],
                ),
                422: INVALID,
            },
            examples=sample(_NEW, "A token"),
        )
    ],
    "destroy": [
        extend_schema(
            operation_id="revokeApiToken",
            summary="Revoke an API token",
            description="One's own; it opens no call from then on.",
            tags=[API_TOKENS],
            auth=_SIGNED_IN,
            parameters=[identifier("token")],
            responses={204: OpenApiResponse(None, "The token is dead.")},
        )
    ],
}
"""For `documented`: each call of `ApiTokenViewSet`."""
