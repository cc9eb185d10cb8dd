"""Sign-ins of contracts whose sign-in gives a long-lived token: API tokens of kind login (DESIGN 2, "Tokens")."""

from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import api_tokens, sign_ins
from usermgmt import audit
from usermgmt.errors import Invalid, InvalidCredentials, InvalidToken

LIFETIME = timedelta(days=90)
MAX_ALIVE = 100  # of one user: whoever signs in once more loses the oldest


def log_in(*, email: str, password: str, name: str, client_id: int | None = None) -> tuple[User, str]:
    """Open a sign-in of the active user of these credentials; gives the user and the token.

    name: what staff see of the token. client_id: whose users alone are let in; None: everybody. How often it may be
    asked is for `accounts.door`. Raises InvalidCredentials.
    """
    user = sign_ins.verified_user(email=email, password=password, client_id=client_id)
    try:
        with transaction.atomic():
            sign_ins.note_sign_in(user)  # first: it locks the user's row, so no two sign-ins pass the maximum together
            _make_room(user)
            expires_at = timezone.now() + LIFETIME
            kind = ApiToken.Kind.LOGIN
            _, text = api_tokens.create(actor=user, user_id=user.pk, name=name, kind=kind, expires_at=expires_at)
    except (Invalid, InvalidToken) as error:  # deactivated, or signed out, since the password was verified
        raise InvalidCredentials from error
    return user, text


def resume(*, token: str) -> User:
    """The user of a live token of a sign-in. Raises InvalidToken."""
    return api_tokens.user_of(token, kinds=[ApiToken.Kind.LOGIN])[0]


def log_out(*, actor: User, token: ApiToken) -> None:
    """End the token at hand, of whichever kind; others of the same user go on. Raises InvalidToken (it is over)."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            raise InvalidToken
        action = "sign_in.revoked" if token.kind == ApiToken.Kind.LOGIN else "api_token.revoked"
        audit.record(actor=actor, action=action, target=("user", actor.pk), changes={"token": (token.pk, None)})


def close(*, token: str) -> None:
    """End the sign-in of a token, if it is still open."""
    with suppress(InvalidToken):
        user, found = api_tokens.user_of(token, kinds=[ApiToken.Kind.LOGIN])
        log_out(actor=user, token=found)


def _make_room(user: User) -> None:
    """End the oldest sign-ins, so that there is room for one more."""
    alive = ApiToken.objects.alive().filter(user=user, kind=ApiToken.Kind.LOGIN).order_by("-id")
    oldest = list(alive.values_list("pk", flat=True)[MAX_ALIVE - 1 :])
    ApiToken.objects.filter(pk__in=oldest).update(revoked_at=timezone.now())
