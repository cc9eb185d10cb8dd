"""The native contract's calls on clients (native contract 4)."""

from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clients.api.mapping import to_client
from clients.api.schema import CALLS
from clients.api.serializers import ClientChangesReader, NewClientReader
from clients.models import Client
from clients.permissions import MayUseClients
from clients.services import clients
from usermgmt.errors import NotFound
from usermgmt.http.ids import id_of
from usermgmt.http.preconditions import known_versions
from usermgmt.http.problems import etag
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of


@documented(**CALLS)
class ClientViewSet(Calls):
    """Clients: administrators all, others may get their own."""

    kind = "client"
    collection = "clients"
    orderings = {"id": "id", "name": "name_folded"}
    queryset = Client.objects.all()
    permission_classes = [IsAuthenticated, MayUseClients]

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(Client.objects.visible_to(actor_of(request)))
        return self.get_paginated_response([to_client(client) for client in page or ()])

    def create(self, request: Request) -> Response:
        values, faults = NewClientReader.read(request.data)
        client = clients.create(actor=actor_of(request), name=values.get("name", ""), reported=faults)
        return _shown(client, status.HTTP_201_CREATED, Location=f"/clients/{client.pk}")

    def retrieve(self, request: Request, id: str) -> Response:
        client = Client.objects.visible_to(actor_of(request)).filter(pk=id_of(id, "client")).first()
        if client is None:
            raise NotFound("client")
        return _shown(client)

    def update(self, request: Request, id: str) -> Response:
        client_id = id_of(id, "client")
        values, faults = ClientChangesReader.read(request.data)
        client = clients.update(
            actor=actor_of(request),
            client_id=client_id,
            name=values.get("name"),
            versions=known_versions(request),
            reported=faults,
        )
        return _shown(client)

    def destroy(self, request: Request, id: str) -> Response:
        clients.delete(actor=actor_of(request), client_id=id_of(id, "client"), versions=known_versions(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(client: Client, code: int = status.HTTP_200_OK, **headers: str) -> Response:
    return Response(to_client(client), status=code, headers={"ETag": etag(client.version), **headers})
