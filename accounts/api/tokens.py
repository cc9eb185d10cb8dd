"""The native contract's calls on one's own API tokens (DESIGN 2, "Tokens")."""

from django.utils import timezone
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.mapping import from_api_token, to_api_token
from accounts.api.schema.api_tokens import API_TOKEN_CALLS
from accounts.api.serializers import NewApiTokenReader
from accounts.models import ApiToken
from accounts.permissions import ManagesTokens
from accounts.services import api_tokens
from usermgmt.http.ids import id_of
from usermgmt.http.pagination import NativePagination
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import Calls, actor_of


@documented(**API_TOKEN_CALLS)
class ApiTokenViewSet(Calls):
    """API tokens: everybody's own, those that are alive."""

    kind = "token"
    collection = "tokens"
    orderings = {"id": "id", "created_at": "created_at", "last_used_at": "last_used_at"}
    queryset = ApiToken.objects.of_programs()
    pagination_class = NativePagination
    permission_classes = [IsAuthenticated, ManagesTokens]

    def list(self, request: Request) -> Response:
        own = ApiToken.objects.alive().of_programs().filter(user=actor_of(request))
        page = self.paginate_queryset(own.select_related("client"))
        return self.get_paginated_response([to_api_token(token) for token in page or ()])

    def create(self, request: Request) -> Response:
        values, unreadable = NewApiTokenReader.read(request.data)
        sent, faults = from_api_token(values, unreadable, now=timezone.now())
        actor = actor_of(request)
        token, text = api_tokens.create(actor=actor, user_id=actor.pk, reported=faults, **{"name": "", **sent})
        return Response(
            {**to_api_token(token), "token": text},
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/tokens/{token.pk}", "Cache-Control": "no-store"},
        )

    def destroy(self, request: Request, id: str) -> Response:
        actor = actor_of(request)
        api_tokens.revoke(actor=actor, token_id=id_of(id, "token"), user_id=actor.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)
