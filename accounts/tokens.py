"""JWTs: what is in them, who signed them, how long they live (native contract 1; RFC 7519).

The classes are simplejwt's, with what it leaves out: `kid`, key rotation, lifetimes read when a token
is made, and the claims that bind a token to a sign-in (`sid`) and to the user's token version (`ver`).
"""

import re
import time
from datetime import timedelta
from functools import lru_cache
from typing import Any, ClassVar, Self

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token
from rest_framework_simplejwt.utils import aware_utcnow

from accounts import keys
from usermgmt.errors import InvalidToken

REMEMBERED = 4096  # access tokens a process, some 2 KiB each
MAX_LENGTH = 4096  # characters; ours have some 400, nothing longer is worth parsing
_FORM = re.compile(
    r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII
)  # RFC 7515 3.1; base64 readers skip much
_INTEGERS = ("exp", "iat", "sid", "ver")
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti"]


class KeyringBackend(TokenBackend):
    """Signs with the present key, verifies with the key that `kid` names; the algorithm is the key's own."""

    def __init__(self) -> None:
        super().__init__(settings.JWT_ALGORITHM, audience=settings.JWT_AUDIENCE, issuer=settings.JWT_ISSUER)

    def encode(self, payload: dict[str, Any]) -> str:
        key = keys.keyring().signing
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        try:
            key = keys.named(jwt.get_unverified_header(token).get("kid"))
            return jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            raise TokenBackendError("Token is invalid") from error


class BoundToken(Token):
    """A token of one sign-in of one user."""

    @classmethod
    def read(cls, text: str) -> Self:
        """The verified token; raises InvalidToken for whatever is not one of this class, alive by its own claims."""
        if len(text) > MAX_LENGTH or _FORM.fullmatch(text) is None:
            raise InvalidToken
        try:
            token = cls(text)  # type: ignore[arg-type]  # simplejwt's annotation says Token, it takes the text
            bound = token.user_id > 0 and all(type(token[claim]) is int for claim in _INTEGERS)
        except (TokenError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            # An `exp` that is no number, or past every calendar.
            raise InvalidToken from error
        if not bound:
            raise InvalidToken
        return token

    @property
    def user_id(self) -> int:
        return int(self.payload["sub"])

    def bind(self, *, user_id: int, sign_in_id: int, version: int) -> None:
        """Say whose token it is; `sub` is a string (RFC 7519 4.1.2)."""
        self.payload.update(sub=str(user_id), sid=sign_in_id, ver=version)

    def get_token_backend(self) -> TokenBackend:
        return KeyringBackend()


class AccessToken(BoundToken):
    """Opens every call; nothing of it is stored."""

    token_type: ClassVar[str] = "access"  # type: ignore[misc]

    @classmethod
    def read(cls, text: str) -> Self:
        """As of every bound token. Of the same text it proves the signature and the form once, as they do not change:
        to prove them costs a fifth of a short request. Whether its key still verifies and whether it has expired is
        looked at each time; whether its user may still call is for the caller to ask."""
        proved = _proved(text, keys.keyring(), settings.JWT_AUDIENCE, settings.JWT_ISSUER)
        if proved.payload["exp"] <= time.time():
            raise InvalidToken
        token = cls.__new__(cls)
        token.__dict__.update(proved.__dict__, payload=proved.payload.copy(), current_time=aware_utcnow())
        return token

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]  # simplejwt binds it at import
        return settings.JWT_ACCESS_LIFETIME


@lru_cache(maxsize=REMEMBERED)
def _proved(text: str, ring: keys.Keyring, audience: str, issuer: str) -> AccessToken:
    """The token of that text, as these keys and settings prove it; what raises InvalidToken is not remembered."""
    return super(AccessToken, AccessToken).read(text)


class RefreshToken(BoundToken):
    """Exchanged once for the next pair."""

    token_type: ClassVar[str] = "refresh"  # type: ignore[misc]

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]  # simplejwt binds it at import
        return settings.JWT_REFRESH_LIFETIME
