"""What the OpenAPI document says of the calls on clients."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers

from clients.api.serializers import ClientChangesReader, ClientSerializer, NewClientReader
from usermgmt.errors import BASE, Fault
from usermgmt.http.schema import IF_MATCH, SAMPLE_META, MetaField, identifier, invalid, invalid_list, tells

TAG = "Clients"

ACME = {"id": 1, "name": "Client Name"}
_NAMED = {"name": ACME["name"]}
_PAGE = {"clients": [ACME], "meta": SAMPLE_META}

INVALID = invalid("InvalidClient", "The name can't be taken.", taken=[Fault("name", "taken")])
HAS_USERS = invalid("ClientHasUsers", "A client that has users is not deleted.", has_users=[Fault(BASE, "has_users")])


@extend_schema_serializer(component_name="ClientPage", many=False)
class ClientPageSerializer(serializers.Serializer[None]):
    """A page of the list of clients."""

    clients = ClientSerializer(many=True)
    meta = MetaField()


def _client(description: str) -> OpenApiResponse:
    return OpenApiResponse(ClientSerializer, description, [OpenApiExample("A client", ACME)])


_BODY = [OpenApiExample("A client", _NAMED, request_only=True)]

CALLS = {
    "list": [
        extend_schema(
            operation_id="listClients",
            summary="List clients",
            description="For administrators. By page, or, with `cursor`, as a walk at constant cost a page.",
            tags=[TAG],
            parameters=[tells("Link", 200)],
            responses={
                200: OpenApiResponse(ClientPageSerializer, "A page of the list.", [OpenApiExample("A page", _PAGE)]),
                422: invalid_list(),
            },
        )
    ],
    "create": [
        extend_schema(
            operation_id="createClient",
            summary="Create a client",
            description="For administrators.",
            tags=[TAG],
            parameters=[tells("ETag", 201), tells("Location", 201)],
            request=NewClientReader,
            responses={201: _client("The client that was made."), 422: INVALID},
            examples=_BODY,
        )
    ],
    "retrieve": [
        extend_schema(
            operation_id="getClient",
            summary="Get a client",
            description="Administrators get any, other users their own.",
            tags=[TAG],
            parameters=[identifier("client"), tells("ETag", 200)],
            responses={200: _client("The client.")},
        )
    ],
    "update": [
        extend_schema(
            methods=[method],
            operation_id=operation,
            summary="Update a client",
            description="For administrators. PUT and PATCH do the same: what is not sent stays as it is.",
            tags=[TAG],
            parameters=[identifier("client"), IF_MATCH, tells("ETag", 200)],
            request=ClientChangesReader,
            responses={200: _client("The client as it is now."), 422: INVALID},
            examples=_BODY,
        )
        for method, operation in (("PUT", "replaceClient"), ("PATCH", "updateClient"))
    ],
    "destroy": [
        extend_schema(
            operation_id="deleteClient",
            summary="Delete a client",
            description="For administrators. A client that has users stays, and so do they.",
            tags=[TAG],
            parameters=[identifier("client"), IF_MATCH],
            responses={204: OpenApiResponse(None, "The client is gone."), 422: HAS_USERS},
        )
    ],
}
"""For `documented`: each call of `ClientViewSet`."""
