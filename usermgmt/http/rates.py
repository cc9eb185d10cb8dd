"""How often one user or token may call: by whichever contract (API_RATE), or by one that has a rate of its own."""

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpResponseBase
from rest_framework.request import Request

from usermgmt.errors import Quota
from usermgmt.http import limits
from usermgmt.http.contracts import Contract
from usermgmt.http.limits import Limit, Standing
from usermgmt.origin import current


def take(request: Request, contract: Contract) -> Standing | None:
    """Count a call of whoever makes it; None where calls are not limited. Raises TooManyRequests."""
    token, user = getattr(request.auth, "pk", None), getattr(request.user, "pk", None)
    if token is not None:
        return _take(f"token:{token}", contract)
    return take_of_stranger(contract) if user is None else _take(f"user:{user}", contract)


def take_of_stranger(contract: Contract) -> Standing | None:
    """Count a call of nobody known, by the address; else as `take`."""
    return _take(_stranger(), contract)


def tell_stranger(answer: HttpResponseBase, contract: Contract) -> None:
    """Add to an answer that tells of no limit where strangers at the caller's address stand; counts nothing."""
    limit = _limit(contract)
    if limit is None or hasattr(answer, "quota"):
        return
    try:
        quota = limits.peek(limit, _stranger()).quota
    except (OperationalError, InterfaceError):  # the answer says that the database is away
        quota = Quota(limit.count, limit.count, limit.seconds)
    contract.tell(answer, quota)


def _stranger() -> str:
    return f"address:{current().network}"


def _limit(contract: Contract) -> Limit | None:
    if contract.rate is not None:
        return Limit(f"api {contract.name}", *contract.rate())
    return None if settings.API_RATE is None else Limit("api", *settings.API_RATE)


def _take(key: str, contract: Contract) -> Standing | None:
    limit = _limit(contract)
    return None if limit is None else limits.take(limit, key)
