"""One-time tokens: made for a mail, good once, for one purpose, user, address and password (native contract 7)."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from accounts.models import OneTimeToken, Purpose, User
from accounts.models.one_time_token import OneTimeTokenQuerySet
from usermgmt.errors import Fault, Invalid

TOKEN_BYTES = 32

DEAD = Fault("token", "token_dead")
"""Unknown, used, past, or made worthless by a new address or password: nobody learns which."""


def lifetime(purpose: Purpose) -> timedelta:
    """How long a token is good for, counted from when its mail is sent."""
    lifetimes: dict[Purpose, timedelta] = {
        Purpose.PASSWORD_RESET: settings.RESET_LIFETIME,
        Purpose.EMAIL_VERIFICATION: settings.VERIFICATION_LIFETIME,
        Purpose.INVITATION: settings.INVITATION_LIFETIME,
    }
    return lifetimes[purpose]


def issue(*, user: User, purpose: Purpose) -> str:
    """A new token of `user`, as it goes into a mail; only its digest is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    OneTimeToken.objects.create(
        user=user,
        purpose=purpose,
        digest=_digest(token),
        address=user.email_canonical,
        password_version=user.password_version,
        expires_at=timezone.now() + lifetime(purpose),
    )
    return token


def find(*, token: str, purposes: Collection[Purpose]) -> OneTimeToken | None:
    """The row of a token that would be taken now, its user along; None for a dead one. Consumes nothing."""
    found: OneTimeToken | None = _good(token).filter(purpose__in=purposes).select_related("user").first()
    return found


def redeem(*, user: User, token: str, purpose: Purpose) -> None:
    """Use up a token, and with it all of the user's for this purpose; raises Invalid for a dead one.

    user: their row, locked. One DELETE decides: of many who come with the same token, one finds it.
    """
    taken, _ = _good(token).filter(user=user, purpose=purpose).delete()
    if not taken:
        raise Invalid([DEAD])
    OneTimeToken.objects.filter(user=user, purpose=purpose).delete()


def kill(user: User) -> None:
    """Make every token of a user worthless for good, whatever their address and password will be."""
    OneTimeToken.objects.filter(user=user).delete()


def forget_expired() -> int:
    """Delete the rows of tokens that are past; gives how many."""
    return OneTimeToken.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _good(token: str) -> OneTimeTokenQuerySet:
    """The row of a token that is not past, of an active user whose address and password are those of its time."""
    return OneTimeToken.objects.alive().filter(
        digest=_digest(token),
        user__is_active=True,
        address=F("user__email_canonical"),
        password_version=F("user__password_version"),
    )


def _digest(token: str) -> str:
    # A plain digest serves: nobody guesses 256 random bits.
    return hashlib.sha256(token.encode()).hexdigest()
