"""Where users signed in from before; there, nobody else's guesses lock them out (DESIGN 3)."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts import emails
from accounts.models import SignInAddress
from usermgmt import statements
from usermgmt.statements import Statement

KEPT = timedelta(days=90)  # since the last sign-in from there
WRITTEN_EVERY = timedelta(hours=1)  # at the most


_KNOWN: Statement[SignInAddress] = Statement(
    lambda email, address, since: SignInAddress.objects.filter(
        user__email_canonical=email, address=address, last_used_at__gt=since
    ),
    email=str,
    address=str,
    since=datetime,
)
_THERE: Statement[SignInAddress] = Statement(
    lambda user_id, address: SignInAddress.objects.filter(user_id=user_id, address=address), user_id=int, address=str
)


def known(*, email: str, network: str) -> SignInAddress | None:
    """The address, if the user of that e-mail address signed in from there; None for nobody's."""
    since = timezone.now() - KEPT
    return _KNOWN.one(email=emails.canonical(email), address=network, since=since)


def due(*, user_id: int, network: str, read: SignInAddress | None = None) -> SignInAddress | None:
    """What `remember` is to write of a sign-in from there, just now; None: that was written of late.

    read: what `known` gave for the same sign-in.
    """
    now = timezone.now()
    there = read if read is not None and read.user_id == user_id else _THERE.one(user_id=user_id, address=network)
    if there is None:
        return SignInAddress(user_id=user_id, address=network, last_used_at=now)
    if now - there.last_used_at < WRITTEN_EVERY:
        return None
    there.last_used_at = now
    return there


def remember(there: SignInAddress) -> None:
    """Keep that somebody signed in from there, in the transaction of the caller, which has locked the user."""
    if there.pk is not None and statements.update(there, ["last_used_at"]):
        return
    there.pk = None  # or it was forgotten since it was read
    # Not an error where another sign-in, at the same moment, did.
    SignInAddress.objects.bulk_create([there], ignore_conflicts=True)


def forget_expired() -> int:
    """Delete the addresses that nobody signed in from for long; gives how many."""
    return SignInAddress.objects.filter(last_used_at__lte=timezone.now() - KEPT).delete()[0]
