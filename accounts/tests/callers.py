"""API clients signed in as somebody, as real ones are: by a token of a sign-in."""

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import SignIn, User
from accounts.services import sign_ins
from accounts.tokens import RefreshToken


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
