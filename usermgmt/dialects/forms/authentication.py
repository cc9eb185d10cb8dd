"""Who is calling: `Authorization: Token token=...` of a program, and the person whose session its cookie names
(contract 2)."""

import re
from dataclasses import dataclass

from django.conf import settings
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.services import api_tokens
from usermgmt.dialects.forms.policies import client_of
from usermgmt.errors import InvalidToken

COOKIE = "forms_session"
COOKIE_PATH = "/api/"

_PAIR = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]*))\s*\Z')


@dataclass(frozen=True, slots=True)
class Credentials:
    """token: the program's. session: the token behind the cookie of a person's session; None: there is none."""

    token: ApiToken
    session: ApiToken | None = None

    @property
    def pk(self) -> int:
        """By what calls are counted."""
        return self.token.pk

    @property
    def read_only(self) -> bool:
        return self.token.read_only


class TokenAuthentication(BaseAuthentication):
    """The program's token: its owner calls. Where the cookie of a session comes along, the person who opened it does.

    A cookie alone opens nothing: no page of somebody else's can have a browser send the header (CSRF).
    of_sessions: whether the cookie is looked at.
    """

    def __init__(self, *, of_sessions: bool = True) -> None:
        self.of_sessions = of_sessions

    def authenticate(self, request: Request) -> tuple[User, Credentials] | None:
        text = token_in(get_authorization_header(request).decode("latin-1"))
        if text is None:
            return None
        owner, token = _user_of(text, ApiToken.Kind.API)
        cookie = request.COOKIES.get(COOKIE) if self.of_sessions else None
        if not cookie:  # some clients keep one that was taken out, and send it empty
            return owner, Credentials(token)
        person, session = _user_of(cookie, ApiToken.Kind.LOGIN)
        place = client_of(owner)
        if place is not None and person.client_id != place:
            raise exceptions.AuthenticationFailed
        person.scope_id = owner.scope_id
        return person, Credentials(token, session)


def token_in(header: str) -> str | None:
    """The token in an Authorization header, bare or quoted, whatever pairs stand beside it; None: there is none.

    The grammar is that of Rails, whose clients send it (HTTP token authentication).
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "token":
        return None
    for part in re.split("[,;]", rest):
        pair = _PAIR.match(part)
        if pair is not None and pair[1] == "token":
            return pair[2] if pair[2] is not None else pair[3]
    return None


def set_cookie(answer: Response, token: str) -> Response:
    """`answer`, which opens a session in the browser that gets it."""
    answer.set_cookie(
        COOKIE,
        token,
        path=COOKIE_PATH,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return answer


def delete_cookie(answer: Response) -> Response:
    """`answer`, which takes the session out of the browser again."""
    answer.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Strict")
    return answer


def _user_of(text: str, kind: ApiToken.Kind) -> tuple[User, ApiToken]:
    try:
        return api_tokens.user_of(text, kinds=[kind])
    except InvalidToken as error:
        raise exceptions.AuthenticationFailed from error
