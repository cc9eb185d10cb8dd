"""Query and path: the page, the order, the number of a user (contract 3; trap "400 for a non-integer id")."""

import re
from dataclasses import dataclass

from django.http import QueryDict

from usermgmt.errors import Fault, Invalid, NotFound
from usermgmt.http.ids import MAX_ID, is_id
from usermgmt.windows import Key

PER_PAGE, MAX_PER_PAGE = 20, 100
MAX_PAGE = MAX_ID // MAX_PER_PAGE - 1  # as far as a database counts rows; there are none behind

ORDERS = {"userId": "id", "firstName": "first_name_shown", "lastName": "last_name_shown", "contactEmail": "email"}
"""What `_sort` may name, to the column; each compares byte by byte."""

_WHOLE = re.compile(r"(-?)([0-9]+)\Z", re.ASCII)
_QUERY, _PATH = {"location": "query"}, {"location": "path"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which users of the list: in which order, and from which on how many."""

    keys: tuple[Key, Key]
    offset: int
    size: int


def page_of(query: QueryDict) -> Page:
    """What the parameters ask for. Raises Invalid, with every fault."""
    page, size = 0, PER_PAGE
    faults: list[Fault] = []
    try:
        page = _integer(query, "_page", 0, 0, None)
    except Invalid as error:
        faults += error.faults
    try:
        size = _integer(query, "_perPage", PER_PAGE, 1, MAX_PER_PAGE)
    except Invalid as error:
        faults += error.faults
    order = query.get("_sort", "userId")
    column = ORDERS.get(order.removeprefix("-"))
    if column is None:
        faults.append(Fault("_sort", "unknown_choice", {**_QUERY, "value": order, "choices": ", ".join(ORDERS)}))
    if faults or column is None:
        raise Invalid(faults)
    descending = order.startswith("-")
    return Page((Key(column, descending), Key("id", descending)), min(page, MAX_PAGE) * size, size)


def user_id_of(text: str) -> int:
    """The number in a path. Raises Invalid for what is no number, NotFound for one that nobody can have."""
    if not _WHOLE.match(text):
        raise Invalid([Fault("userId", "not_number", _PATH)])
    if not is_id(text):
        raise NotFound("user")
    return int(text)


def _integer(query: QueryDict, name: str, default: int, minimum: int, maximum: int | None) -> int:
    bounds = {**_QUERY, "minimum": minimum, "maximum": maximum}
    text = query.get(name)
    if text is None:
        return default
    whole = _WHOLE.match(text)
    if whole is None:
        raise Invalid([Fault(name, "not_integer", bounds)])
    sign, digits = whole.groups()
    # Of thousands of digits Python reads none; that many are too many in any case.
    value = int(sign + (digits.lstrip("0")[:20] or "0"))
    if value < minimum:
        raise Invalid([Fault(name, "too_small", bounds)])
    if maximum is not None and value > maximum:
        raise Invalid([Fault(name, "too_large", bounds)])
    return value
