"""Who is calling: `X-User-Id` and `X-Auth-Token`, of the same user (contract 2)."""

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import api_tokens
from accounts.services.roles import grants_of
from usermgmt.errors import InvalidToken

KINDS = (ApiToken.Kind.LOGIN, ApiToken.Kind.API)
"""The token of a login; and those made for programs, which the product calls personal access tokens."""


class TokenPairAuthentication(BaseAuthentication):
    """Both headers, or nobody. The user acts with what the own roles allow."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        user_id, text = (request.META.get(name, "") for name in ("HTTP_X_USER_ID", "HTTP_X_AUTH_TOKEN"))
        try:
            user, token = api_tokens.user_of(text, kinds=KINDS)
        except InvalidToken as error:
            raise exceptions.AuthenticationFailed from error
        if user_id != str(user.pk):
            raise exceptions.AuthenticationFailed
        user.grants = grants_of(user)
        return user, token
