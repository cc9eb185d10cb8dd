"""What stands in the query of an address: JSON, and numbers (contract 4)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import APIException

from usermgmt.dialects.rocketchat.errors import refused
from usermgmt.http import parsers
from usermgmt.http.contracts import Refused

DEFAULT_COUNT = 50
MAX_COUNT = 100
MAX_DIGITS = 40  # of a number; there is no row of that number, but it is one


def invalid(name: str, text: str) -> Refused:
    """What the product says of a parameter that it can't read."""
    told = f'Invalid {name} parameter provided: "{text}"'
    return refused(f"error-invalid-{name}", told, {"helperMethod": "parseJsonQuery"})


def read(name: str, text: str) -> dict[str, Any]:
    """The object that a parameter holds as JSON, through the gate that bodies pass, too. Raises Refused."""
    try:
        return parsers.loads(text.encode())
    except APIException as error:
        raise invalid(name, text) from error


def window(query: Mapping[str, str]) -> tuple[int, int]:
    """`offset` and `count`: how many rows to leave out, and how many to give. What is no such number is as if absent,
    and `count=0`, which means all where the product allows it, too."""
    offset, count = (_number(query.get(name, "")) for name in ("offset", "count"))
    return offset, min(count or DEFAULT_COUNT, MAX_COUNT)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0
