"""API clients signed in as somebody, as real ones are: by a token of a sign-in."""

from typing import Any

import jwt
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import opaque_tokens
from accounts.models import ApiToken, SignIn, User
from accounts.services import sign_ins
from accounts.tests.factories import PASSWORD
from accounts.tokens import RefreshToken
from clients.models import Client
from usermgmt.errors import InvalidCredentials

UNAUTHENTICATED = {"error": "You need to sign in or sign up before continuing."}
DEAD_TOKEN = {"error": "The token is invalid or has expired."}


def tokens_of(user: User) -> sign_ins.Tokens:
    """A live pair of tokens of `user`, without the cost of a password."""
    refresh = RefreshToken()
    opened = SignIn.objects.create(user=user, jti=refresh["jti"], expires_at=timezone.now() + refresh.lifetime)
    return sign_ins._tokens(opened, user, refresh)


def caller(user: User | None = None) -> APIClient:
    """A client that calls as `user`, or as nobody; it answers 500 as a server would."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_of(user).access}")
    return client


def sign_in_or_not(email: str) -> sign_ins.Tokens | None:
    """The tokens of a sign-in by the factories' password, which may be refused."""
    try:
        return sign_ins.sign_in(email=email, password=PASSWORD)[1]
    except InvalidCredentials:
        return None


def is_signed_in(client: APIClient, token: str) -> bool:
    """Whether an access token is taken; what is not is refused in the contract's words."""
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answer = client.get("/users/current")
    assert (answer.status_code == 200) or answer.json() == UNAUTHENTICATED
    return answer.status_code == 200


def api_token_of(user: User, *, client: Client | None = None, **columns: Any) -> tuple[ApiToken, str]:
    """A live API token of `user`, bound to `client`: its row and itself, without an audit record."""
    lookup, text = opaque_tokens.made()
    row = {"name": "Test", "version": user.token_version, **columns}
    digest = opaque_tokens.digest_of(text)
    return ApiToken.objects.create(user=user, client=client, lookup=lookup, digest=digest, **row), text


def bearing(text: str) -> APIClient:
    """A client that calls by that token."""
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, believed without a look at its signature."""
    return jwt.decode(token, options={"verify_signature": False})
