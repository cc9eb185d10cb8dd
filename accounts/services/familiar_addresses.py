"""Where users signed in from before; there, nobody else's guesses lock them out (DESIGN 3)."""

from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import emails
from accounts.models import SignInAddress

KEPT = timedelta(days=90)  # since the last sign-in from there
WRITTEN_EVERY = timedelta(hours=1)  # at the most


def is_familiar(*, email: str, network: str) -> bool:
    """Whether the user of that e-mail address signed in from there; no for nobody's."""
    since = timezone.now() - KEPT
    known = SignInAddress.objects.filter(
        user__email_canonical=emails.canonical(email), address=network, last_used_at__gt=since
    )
    return known.exists()


def remember(*, user_id: int, network: str) -> None:
    """Keep that the user signed in from there just now."""
    now = timezone.now()
    there = SignInAddress.objects.filter(user_id=user_id, address=network)
    last_used_at = there.values_list("last_used_at", flat=True).first()
    if last_used_at is None:
        with suppress(IntegrityError), transaction.atomic():  # another sign-in, at the same moment, did
            SignInAddress.objects.create(user_id=user_id, address=network, last_used_at=now)
    elif now - last_used_at >= WRITTEN_EVERY:
        there.update(last_used_at=now)


def forget_expired() -> int:
    """Delete the addresses that nobody signed in from for long; gives how many."""
    return SignInAddress.objects.filter(last_used_at__lte=timezone.now() - KEPT).delete()[0]
