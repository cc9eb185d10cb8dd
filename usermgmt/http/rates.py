"""API_RATE: how often one user or token may call, by whichever contract (DESIGN 3)."""

from django.conf import settings
from rest_framework.request import Request

from usermgmt.http import limits
from usermgmt.http.limits import Limit, Standing
from usermgmt.origin import current


def take(request: Request) -> Standing | None:
    """Count a call of whoever makes it; None where calls are not limited. Raises TooManyRequests."""
    token, user = getattr(request.auth, "pk", None), getattr(request.user, "pk", None)
    if token is not None:
        return _take(f"token:{token}")
    return take_of_stranger() if user is None else _take(f"user:{user}")


def take_of_stranger() -> Standing | None:
    """Count a call of nobody known, by the address; else as `take`."""
    return _take(f"address:{current().network}")


def _take(key: str) -> Standing | None:
    if settings.API_RATE is None:
        return None
    count, seconds = settings.API_RATE
    return limits.take(Limit("api", count, seconds), key)
