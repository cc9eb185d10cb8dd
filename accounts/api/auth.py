"""The native contract's calls on tokens (native contract 1)."""

from typing import Any

from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import door, keys
from accounts.api.including import shown
from accounts.api.mapping import from_include
from accounts.api.schema.tokens import KEY_CALLS, TOKEN_CALLS
from accounts.api.serializers import CredentialsReader, RefreshReader, TokenReader
from accounts.services import sign_ins
from usermgmt.errors import Fault, raise_all
from usermgmt.http.schema import documented
from usermgmt.http.serializers import Reader
from usermgmt.http.viewsets import Calls


@documented(**TOKEN_CALLS)
class TokenViewSet(Calls):
    """Sign in, stay signed in, sign out. Open to anyone: what is sent is the credential."""

    kind = "token"
    authentication_classes = []
    permission_classes = [AllowAny]

    def obtain(self, request: Request) -> Response:
        include, faults = from_include(request.query_params.get("include", ""))
        sent = _read(CredentialsReader, request, faults)
        with door.attempt(sent["email"]) as attempt:
            user, tokens = sign_ins.sign_in(email=sent["email"], password=sent["password"], familiar=attempt.familiar)
        body = {"access": tokens.access, "refresh": tokens.refresh, "user": shown(user, include)}
        return self.telling(Response(body), attempt.quota)

    def refresh(self, request: Request) -> Response:
        tokens = sign_ins.refresh(refresh=_read(RefreshReader, request)["refresh"])
        return Response({"access": tokens.access, "refresh": tokens.refresh})

    def revoke(self, request: Request) -> Response:
        sign_ins.revoke(refresh=_read(RefreshReader, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    def verify(self, request: Request) -> Response:
        sign_ins.verify(token=_read(TokenReader, request)["token"])
        return Response({})


@documented(**KEY_CALLS)
class KeyViewSet(Calls):
    """The public keys that verify our tokens (RFC 7517 5). Open to anyone: they are public."""

    kind = "key"
    authentication_classes = []
    permission_classes = [AllowAny]

    def retrieve(self, request: Request) -> Response:
        return Response({"keys": keys.keyring().jwks()}, headers={"Cache-Control": "public, max-age=300"})


def _read(reader: type[Reader], request: Request, reported: list[Fault] | None = None) -> dict[str, Any]:
    """The body, in which every field is required; raises Invalid."""
    values, unreadable = reader.read(request.data)
    missing = [Fault(str(name), "blank") for name in reader().fields if not values.get(str(name))]
    raise_all([*(reported or ()), *unreadable], missing)
    return values
