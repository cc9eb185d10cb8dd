"""The resource contract, for Schemathesis (see `usermgmt.tests.schemathesis_hooks`)."""

from itertools import count

from schemathesis.openapi.checks import RejectedPositiveData

from accounts.tests.callers import api_token_of
from usermgmt.text import is_blank

_numbers = count(1)


def sign(case, user):
    case.headers["Authorization"] = f"Bearer {api_token_of(user)[1]}"


def ask(case):
    """Users are named in paths."""


def true(path, body):
    """The body with an address that nobody has."""
    return body | ({"contactEmail": f"john.doe.{next(_numbers)}@example.com"} if "contactEmail" in body else {})


def is_beyond(failure, case, response):
    """It depends on who there is; and no pattern knows all of Unicode that can't be seen."""
    if not isinstance(failure, RejectedPositiveData):
        return False
    if response.status_code == 403:  # no API token changes its owner's address
        return "contactEmail" in (case.body or {})
    told = response.json()
    names = [detail["field"] for detail in told.get("details", [])]
    unseen = [name for name in names if name != "userId" and is_blank(case.body[name])]
    return response.status_code == 400 and bool(names) and names == (unseen or ["userId"])
