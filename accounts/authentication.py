"""Who is calling: access tokens on the native contract, e-mail and password on the admin site."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.models import User
from accounts.services import sign_ins
from accounts.tokens import AccessToken
from usermgmt.errors import InvalidCredentials, InvalidToken


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer {access}` (RFC 6750 2.1); the user comes with the client, in one query."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        scheme, _, value = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            token = AccessToken.read(value.strip().decode("latin-1"))
            return sign_ins.user_of(token), token
        except InvalidToken as error:
            raise exceptions.AuthenticationFailed from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class DirectoryBackend(ModelBackend):
    """Sessions of the admin site: the directory's own sign-in, with its rules and its audit trail."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        email = credentials.get(User.USERNAME_FIELD, username)
        if email is None or password is None:
            return None  # credentials for some other backend
        try:
            return sign_ins.verified_user(email=email, password=password)
        except InvalidCredentials:
            return None
