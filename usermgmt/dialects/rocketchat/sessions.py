"""Logging in, who is logged in, the way out, and what this is (contract 2)."""

from typing import Any, cast

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import door
from accounts.models import ApiToken
from accounts.services import logins
from usermgmt.dialects.rocketchat.calls import RocketChatCalls, succeeded
from usermgmt.dialects.rocketchat.errors import login_blocked
from usermgmt.dialects.rocketchat.identity import named_by
from usermgmt.dialects.rocketchat.mapping import to_own_user
from usermgmt.dialects.rocketchat.schema.sessions import INFO_CALLS, LOGIN_CALLS, SESSION_CALLS
from usermgmt.errors import InvalidCredentials, InvalidToken, TooManyRequests
from usermgmt.http.schema import documented
from usermgmt.http.viewsets import actor_of

PRODUCT_VERSION = "7.0"  # whose behaviour this is
TOKEN_NAME = "Rocket.Chat login"


@documented(**INFO_CALLS)
class InfoViewSet(RocketChatCalls):
    """What this is. Open to anyone."""

    kind = "info"
    authentication_classes = []
    permission_classes = [AllowAny]

    def retrieve(self, request: Request) -> Response:
        return succeeded(version=PRODUCT_VERSION)


@documented(**LOGIN_CALLS)
class LoginViewSet(RocketChatCalls):
    """Log in. Open to anyone: what is sent is the credential."""

    kind = "token"
    authentication_classes = []
    permission_classes = [AllowAny]

    def create(self, request: Request) -> Response:
        if request.data.get("resume") is not None:
            return self.resume(request)
        named, password = named_by(request.data), request.data.get("password")
        # A digest of the password, which older clients send, verifies nothing here.
        if named is None or not isinstance(password, str):
            raise InvalidCredentials
        try:
            with door.attempt(named.email, typed=named.typed) as attempt:
                user, token = logins.log_in(email=named.email, password=password, name=TOKEN_NAME)
        except TooManyRequests as refusal:
            raise login_blocked(refusal) from refusal
        return self.telling(Response(_logged_in(user, token)), attempt.quota)

    def resume(self, request: Request) -> Response:
        token = request.data["resume"]
        try:
            user = logins.resume(token=token if isinstance(token, str) else "")
        except InvalidToken as error:
            raise InvalidCredentials from error
        return Response(_logged_in(user, token))


@documented(**SESSION_CALLS)
class SessionViewSet(RocketChatCalls):
    """Whoever is logged in, and the way out."""

    kind = "user"
    signs_out = ("log_out",)

    def log_out(self, request: Request) -> Response:
        if request.method != "HEAD":  # which changes nothing (RFC 9110 9.2.1), while GET does as the product has it
            logins.log_out(actor=actor_of(request), token=cast(ApiToken, request.auth))
        return Response({"status": "success", "data": {"message": "You've been logged out!"}, "success": True})

    def me(self, request: Request) -> Response:
        return succeeded(**to_own_user(actor_of(request)))


def _logged_in(user: Any, token: str) -> dict[str, Any]:
    data = {"userId": str(user.pk), "authToken": token, "me": to_own_user(user)}
    return {"status": "success", "data": data, "success": True}
