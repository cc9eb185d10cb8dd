"""Who is calling: access tokens and API tokens on the native contract, e-mail and password on the admin site."""

from abc import ABC, abstractmethod
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import door, opaque_tokens
from accounts.models import ApiToken, User
from accounts.services import api_tokens, sign_ins
from accounts.tokens import AccessToken
from usermgmt.errors import InvalidCredentials, InvalidToken

_BLANKS = " \t\r\n\f\v"  # of ASCII alone


class _BearerAuthentication(BaseAuthentication, ABC):
    """`Authorization: Bearer {token}` (RFC 6750 2.1); the user comes with the client, in one query."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        text = value.strip(_BLANKS)
        if scheme.lower() != "bearer" or not self.takes(text):
            return None
        try:
            return self.caller(text, request)
        except InvalidToken as error:
            raise exceptions.AuthenticationFailed from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @abstractmethod
    def takes(self, text: str) -> bool:
        """Whether the token is of the class that is looked at here."""

    @abstractmethod
    def caller(self, text: str, request: Request) -> tuple[User, Any]:
        """Whose token it is, and the token; raises InvalidToken."""


class AccessTokenAuthentication(_BearerAuthentication):
    """The access tokens of sign-ins."""

    def takes(self, text: str) -> bool:
        return not opaque_tokens.is_one(text)

    def caller(self, text: str, request: Request) -> tuple[User, AccessToken]:
        token = AccessToken.read(text)
        names = getattr(request.parser_context.get("view"), "named", None)
        return sign_ins.user_of(token, named=None if names is None else names()), token


class ApiTokenAuthentication(_BearerAuthentication):
    """API tokens, which programs have."""

    def takes(self, text: str) -> bool:
        return opaque_tokens.is_one(text)

    def caller(self, text: str, request: Request) -> tuple[User, ApiToken]:
        return api_tokens.user_of(text)


class DirectoryBackend(ModelBackend):
    """Sessions of the admin site: the directory's own sign-in, with its rules and its audit trail.

    Raises TooManyRequests, where Django knows only a user or none: the form that asks tells it.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        email = credentials.get(User.USERNAME_FIELD, username)
        if email is None or password is None:
            return None  # credentials for some other backend
        try:
            with door.attempt(email):
                return sign_ins.verified_user(email=email, password=password)
        except InvalidCredentials:
            return None
