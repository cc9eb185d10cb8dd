"""What the calls of this contract have in common (contract 1)."""

from collections.abc import Sequence
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.grants import Grant
from usermgmt.dialects.rocketchat import serializers
from usermgmt.dialects.rocketchat.authentication import TokenPairAuthentication
from usermgmt.http.negotiation import JSONAlways
from usermgmt.http.viewsets import Calls, actor_of


def succeeded(**payload: Any) -> Response:
    """The envelope of a success: the payload beside it (contract 1)."""
    return Response({**payload, "success": True})


class RocketChatCalls(Calls):
    """What the calls of this contract have in common."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [TokenPairAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [serializers.BodyParser]
    content_negotiation_class = JSONAlways

    def is_limited(self, request: Request) -> bool:
        return request.user is None or not grants.has(actor_of(request), Grant.UNLIMITED)
